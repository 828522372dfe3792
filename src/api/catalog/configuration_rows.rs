//! One row for each configuration of an association.

/// What is peculiar about a configuration of an association. Members are JSON pointers below the configuration's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConfigurationRow {
    /// Its key in the union `ServiceConfiguration`.
    pub key: &'static str,
    /// The service that it is for.
    pub service: ServiceOf,
    /// The members that identify an association among those of its service and space. None: there can be only one.
    pub identity: &'static [&'static str],
    /// The webhook that comes with the association.
    pub webhook: Option<WebhookRow>,
    /// Whether `ValidateAwsAssociations` has AWS check it again.
    pub is_validated: bool,
    /// Members whose values aren't shown, although the spec has them in clear text.
    pub sensitive: &'static [&'static str],
    /// Members that only AWS sets: not in the CRD, never compared, never sent. `*` is any item of a list.
    pub output_only: &'static [&'static str],
    /// References to other objects, which the API doesn't know.
    pub references: &'static [Reference],
    /// The page of the documentation, in `docs/src/connect/`.
    pub page: &'static str,
}

/// The service that a configuration is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceOf {
    /// A registered service of one of these types: `serviceRef` is required.
    Registered(&'static [&'static str]),
    /// None that could be registered: AWS calls it by this word, and `serviceRef` must be omitted.
    Word(&'static str),
    /// As [`ServiceOf::Word`], but what AWS calls it isn't documented: the word is sent, and whatever comes back counts as
    /// the same service.
    Assumed(&'static str),
    /// This word, or a registered service of one of these types: `serviceRef` can be omitted.
    Either(&'static str, &'static [&'static str]),
}

impl ServiceOf {
    /// The service id to send if `serviceRef` is omitted.
    pub const fn word(self) -> Option<&'static str> {
        match self {
            Self::Registered(_) => None,
            Self::Word(word) | Self::Assumed(word) | Self::Either(word, _) => Some(word),
        }
    }

    /// The types of registered services that it can be for.
    pub const fn types(self) -> &'static [&'static str] {
        match self {
            Self::Registered(types) | Self::Either(_, types) => types,
            Self::Word(_) | Self::Assumed(_) => &[],
        }
    }
}

/// The webhook that comes with an association.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WebhookRow {
    /// The types that AWS's user guide names; the operator goes by what AWS returns.
    pub types: &'static [&'static str],
    /// Where a person enters its address, and as what its secret; none where that depends on whatever posts incidents.
    pub entered: Option<(&'static str, &'static str)>,
}

impl WebhookRow {
    /// The type, where the service has one of its own.
    pub fn own_type(&self) -> Option<&'static str> {
        self.types.iter().copied().find(|kind| !matches!(*kind, "hmac" | "apikey"))
    }
}

/// A reference to another object, and the member of the API that it fills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The object that both are in.
    pub at: &'static str,
    /// The field of the CRD.
    pub field: &'static str,
    /// The member of the API.
    pub fills: &'static str,
    /// What is referred to.
    pub to: Referred,
}

impl Reference {
    /// The path of its field, or of the member that it fills, in the spec of an association with the configuration `key`.
    pub fn path(&self, key: &str, member: &str) -> String {
        format!("spec.configuration.{key}{}.{member}", self.at.replace('/', "."))
    }
}

/// What a reference in a configuration is to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Referred {
    /// Another association: its ID.
    Association,
    /// A private connection: its name, once it is ready.
    PrivateConnection,
}

/// The row of the configuration `key`; a plain one for a key that AWS uses and this version doesn't know.
pub fn configuration(key: &str) -> &'static ConfigurationRow {
    CONFIGURATIONS.iter().find(|row| row.key == key).unwrap_or(&PLAIN)
}

/// A configuration without peculiarities, whose service is still to be said.
const PLAIN: ConfigurationRow = ConfigurationRow {
    key: "",
    service: ServiceOf::Registered(&[]),
    identity: &[],
    webhook: None,
    is_validated: false,
    sensitive: &[],
    output_only: &[],
    references: &[],
    page: "",
};

/// The release management association that release reviews of a repository use.
const RELEASE_MANAGEMENT: Reference = Reference {
    at: "",
    field: "releaseManagementAssociationRef",
    fills: "releaseManagementAssociationId",
    to: Referred::Association,
};

/// The webhook of a service that the user guide says to be of this type.
const fn webhook(types: &'static [&'static str]) -> WebhookRow {
    WebhookRow { types, entered: None }
}

/// A webhook that a person enters in a service.
const fn entered(
    types: &'static [&'static str],
    place: &'static str,
    credential: &'static str,
) -> WebhookRow {
    WebhookRow { types, entered: Some((place, credential)) }
}

/// Every configuration of an association.
pub const CONFIGURATIONS: &[ConfigurationRow] = &[
    ConfigurationRow {
        key: "aws",
        service: ServiceOf::Word("aws"),
        identity: &["/accountId", "/accountType"],
        is_validated: true,
        output_only: &["/agentElevatedRoleArnStatus"],
        page: "aws.md",
        ..PLAIN
    },
    ConfigurationRow {
        key: "sourceAws",
        service: ServiceOf::Word("aws"),
        identity: &["/accountId", "/accountType"],
        is_validated: true,
        output_only: &["/agentElevatedRoleArnStatus"],
        page: "aws.md",
        ..PLAIN
    },
    ConfigurationRow {
        key: "sourceAwsOrg",
        service: ServiceOf::Assumed("aws"),
        identity: &["/organizationalUnit/organizationalUnitId"],
        is_validated: true,
        output_only: &["/deploymentState"],
        page: "organizations.md",
        ..PLAIN
    },
    ConfigurationRow {
        key: "github",
        service: ServiceOf::Registered(&["github"]),
        identity: &["/repoId", "/instanceIdentifier"],
        references: &[RELEASE_MANAGEMENT],
        page: "github.md",
        ..PLAIN
    },
    ConfigurationRow {
        key: "gitlab",
        service: ServiceOf::Registered(&["gitlab"]),
        identity: &["/projectId", "/instanceIdentifier"],
        webhook: Some(entered(
            &["gitlab"],
            "in the GitLab project, under Settings, Webhooks",
            "as the secret token",
        )),
        references: &[RELEASE_MANAGEMENT],
        page: "gitlab.md",
        ..PLAIN
    },
    ConfigurationRow {
        key: "azure",
        service: ServiceOf::Registered(&["azure", "azureidentity"]),
        identity: &["/subscriptionId"],
        page: "azure.md",
        ..PLAIN
    },
    ConfigurationRow {
        key: "azuredevops",
        service: ServiceOf::Registered(&["azuredevops", "azureidentity"]),
        identity: &["/organizationName", "/projectId"],
        page: "azure.md",
        ..PLAIN
    },
    ConfigurationRow {
        key: "slack",
        service: ServiceOf::Registered(&["slack"]),
        identity: &["/workspaceId"],
        webhook: Some(webhook(&["apikey"])),
        page: "slack.md",
        ..PLAIN
    },
    ConfigurationRow {
        key: "msteams",
        service: ServiceOf::Registered(&["msteams"]),
        identity: &["/teamId"],
        page: "slack.md",
        ..PLAIN
    },
    ConfigurationRow {
        key: "pagerduty",
        service: ServiceOf::Registered(&["pagerduty"]),
        webhook: Some(entered(
            &["pagerduty"],
            "in PagerDuty, in the webhook subscription of the services",
            "as its signing secret",
        )),
        sensitive: &["/customerEmail"],
        page: "pagerduty.md",
        ..PLAIN
    },
    ConfigurationRow {
        key: "servicenow",
        service: ServiceOf::Registered(&["servicenow"]),
        webhook: Some(entered(
            &["apikey"],
            "in ServiceNow, where it calls the webhook",
            "as the bearer token",
        )),
        page: "servicenow.md",
        ..PLAIN
    },
    ConfigurationRow {
        key: "dynatrace",
        service: ServiceOf::Registered(&["dynatrace"]),
        webhook: Some(entered(&["hmac"], "in Dynatrace, where it calls the webhook", "as the secret")),
        page: "dynatrace.md",
        ..PLAIN
    },
    ConfigurationRow {
        key: "eventChannel",
        service: ServiceOf::Registered(&["eventChannel"]),
        webhook: Some(webhook(&["hmac", "apikey"])),
        page: "webhooks.md",
        ..PLAIN
    },
    ConfigurationRow {
        key: "mcpserver",
        service: ServiceOf::Registered(&["mcpserver"]),
        webhook: Some(webhook(&["hmac", "apikey"])),
        page: "mcp.md",
        ..PLAIN
    },
    ConfigurationRow {
        key: "mcpserversigv4",
        service: ServiceOf::Registered(&["mcpserversigv4"]),
        webhook: Some(webhook(&["hmac", "apikey"])),
        page: "mcp.md",
        ..PLAIN
    },
    ConfigurationRow {
        key: "mcpserverdatadog",
        service: ServiceOf::Registered(&["mcpserverdatadog"]),
        webhook: Some(webhook(&["apikey"])),
        page: "observability.md",
        ..PLAIN
    },
    ConfigurationRow {
        key: "mcpservergrafana",
        service: ServiceOf::Registered(&["mcpservergrafana"]),
        webhook: Some(webhook(&["apikey"])),
        page: "observability.md",
        ..PLAIN
    },
    ConfigurationRow {
        key: "mcpservernewrelic",
        service: ServiceOf::Registered(&["mcpservernewrelic"]),
        webhook: Some(webhook(&["apikey"])),
        page: "observability.md",
        ..PLAIN
    },
    ConfigurationRow {
        key: "mcpserversplunk",
        service: ServiceOf::Registered(&["mcpserversplunk"]),
        webhook: Some(webhook(&["apikey"])),
        page: "observability.md",
        ..PLAIN
    },
    ConfigurationRow {
        key: "remoteagent",
        service: ServiceOf::Registered(&["remoteagent"]),
        page: "remote-agents.md",
        ..PLAIN
    },
    ConfigurationRow {
        key: "remoteagentsigv4",
        service: ServiceOf::Registered(&["remoteagentsigv4"]),
        page: "remote-agents.md",
        ..PLAIN
    },
    ConfigurationRow {
        key: "releaseManagement",
        service: ServiceOf::Either("releaseManagement", &["github", "gitlab"]),
        identity: &["/name"],
        references: &[Reference {
            at: "/networkAccess/privateAccess",
            field: "privateConnectionRef",
            fills: "privateConnectionName",
            to: Referred::PrivateConnection,
        }],
        page: "github.md",
        ..PLAIN
    },
];
