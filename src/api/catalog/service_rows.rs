//! One row for each type of service.

/// What is peculiar about a type of service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceRow {
    /// The type, as in the enum `Service`.
    pub service_type: &'static str,
    /// How a registration comes about.
    pub registered_by: RegisteredBy,
    /// Whether an account can have only one: it has to go before another one can be registered.
    pub is_one_an_account: bool,
    /// What AWS returns of the details that were registered: the part in which drift can be seen.
    pub shown: &'static [Shown],
    /// Names of shown members by which a registration without a name is recognized.
    pub identity: &'static [&'static str],
    /// Fields of `existing.match` that are only for this type, and the members that AWS returns for them.
    pub matched_by: &'static [(&'static str, &'static str)],
}

/// How a registration comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegisteredBy {
    /// By the API, and therefore by YAML.
    Yaml,
    /// Only in the console: it is found with `existing`.
    Console,
}

/// A member that AWS returns of the details, and where in the request it is. Its name is the last step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// At this JSON pointer, below the type.
    At(&'static str),
    /// There, but its value is sensitive.
    Hidden(&'static str),
    /// `authorizationMethod`: a word for the form of authorization.
    Method,
    /// `customHeaderNames`: the names of the custom headers.
    HeaderNames,
}

impl Shown {
    /// The member's name in the answer.
    pub fn name(self) -> &'static str {
        match self {
            Self::At(pointer) | Self::Hidden(pointer) => {
                pointer.rsplit_once('/').map_or(pointer, |(_, name)| name)
            }
            Self::Method => "authorizationMethod",
            Self::HeaderNames => "customHeaderNames",
        }
    }
}

/// The row of a type; a plain one for a type that AWS uses and this version doesn't know.
pub fn service(service_type: &str) -> &'static ServiceRow {
    SERVICES.iter().find(|row| row.service_type == service_type).unwrap_or(&PLAIN)
}

/// A service that is registered by YAML and of which AWS returns nothing.
const PLAIN: ServiceRow = ServiceRow {
    service_type: "",
    registered_by: RegisteredBy::Yaml,
    is_one_an_account: false,
    shown: &[],
    identity: &[],
    matched_by: &[],
};

/// A service that is only registered in the console.
const CONSOLE: ServiceRow = ServiceRow { registered_by: RegisteredBy::Console, ..PLAIN };

/// An MCP server.
const MCP: ServiceRow = ServiceRow {
    shown: &[
        Shown::At("/name"),
        Shown::At("/endpoint"),
        Shown::Hidden("/description"),
        Shown::Method,
        Shown::At("/authorizationConfig/apiKey/apiKeyHeader"),
        Shown::HeaderNames,
    ],
    identity: &["name", "endpoint"],
    ..PLAIN
};

/// Every type of service.
pub const SERVICES: &[ServiceRow] = &[
    ServiceRow { service_type: "github", matched_by: &[("owner", "owner")], ..CONSOLE },
    ServiceRow { service_type: "slack", matched_by: &[("workspaceId", "teamId")], ..CONSOLE },
    ServiceRow { service_type: "azure", ..CONSOLE },
    ServiceRow {
        service_type: "azuredevops",
        matched_by: &[("organizationName", "organizationName")],
        ..CONSOLE
    },
    ServiceRow { service_type: "msteams", ..CONSOLE },
    ServiceRow { service_type: "dynatrace", ..PLAIN },
    ServiceRow {
        service_type: "servicenow",
        shown: &[Shown::At("/instanceUrl")],
        identity: &["instanceUrl"],
        ..PLAIN
    },
    ServiceRow { service_type: "pagerduty", shown: &[Shown::At("/scopes")], ..PLAIN },
    ServiceRow {
        service_type: "gitlab",
        shown: &[Shown::At("/targetUrl"), Shown::At("/tokenType"), Shown::At("/groupId")],
        identity: &["targetUrl", "groupId"],
        ..PLAIN
    },
    ServiceRow { service_type: "eventChannel", is_one_an_account: true, ..PLAIN },
    ServiceRow {
        service_type: "mcpservernewrelic",
        shown: &[
            Shown::At("/authorizationConfig/apiKey/accountId"),
            Shown::At("/authorizationConfig/apiKey/region"),
        ],
        identity: &["accountId"],
        ..PLAIN
    },
    ServiceRow {
        service_type: "mcpservergrafana",
        shown: &[Shown::At("/endpoint"), Shown::Method],
        identity: &["endpoint"],
        ..PLAIN
    },
    ServiceRow {
        service_type: "mcpserverdatadog",
        // Only a person can sign in, so there is neither a key nor headers.
        shown: &[Shown::At("/name"), Shown::At("/endpoint"), Shown::Hidden("/description"), Shown::Method],
        ..MCP
    },
    ServiceRow { service_type: "mcpserver", ..MCP },
    ServiceRow { service_type: "mcpserversplunk", ..MCP },
    ServiceRow {
        service_type: "azureidentity",
        shown: &[
            Shown::At("/tenantId"),
            Shown::At("/clientId"),
            Shown::At("/webIdentityRoleArn"),
            Shown::At("/webIdentityTokenAudiences"),
        ],
        identity: &["tenantId", "clientId"],
        matched_by: &[("tenantId", "tenantId")],
        ..PLAIN
    },
    ServiceRow {
        service_type: "mcpserversigv4",
        shown: &[
            Shown::At("/name"),
            Shown::At("/endpoint"),
            Shown::Hidden("/description"),
            Shown::At("/authorizationConfig/region"),
            Shown::At("/authorizationConfig/service"),
            Shown::At("/authorizationConfig/roleArn"),
            Shown::At("/authorizationConfig/mcpRoleArn"),
        ],
        identity: &["name", "endpoint"],
        ..PLAIN
    },
    ServiceRow {
        service_type: "remoteagent",
        shown: &[
            Shown::At("/name"),
            Shown::At("/endpoint"),
            Shown::Hidden("/description"),
            Shown::Method,
            Shown::At("/authorizationConfig/apiKey/apiKeyHeader"),
        ],
        identity: &["name", "endpoint"],
        ..PLAIN
    },
    ServiceRow {
        service_type: "remoteagentsigv4",
        shown: &[
            Shown::At("/name"),
            Shown::At("/endpoint"),
            Shown::Hidden("/description"),
            Shown::At("/authorizationConfig/region"),
            Shown::At("/authorizationConfig/service"),
            Shown::At("/authorizationConfig/roleArn"),
        ],
        identity: &["name", "endpoint"],
        ..PLAIN
    },
];
