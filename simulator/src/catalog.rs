//! What the user guide and the API reference say of each configuration of an association, and the model doesn't.
//!
//! This is the simulator's own reading of the API. It knows nothing of the operator, whose tests hold its table against
//! this one: so a mistake in either is noticed.

/// What is known of a configuration. Members are JSON pointers below the configuration's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Configuration {
    /// Its key in `ServiceConfiguration`.
    pub key: &'static str,
    /// The `serviceId` that it takes.
    pub service: Service,
    /// What tells two associations of a service apart.
    pub natural_key: &'static [&'static str],
    /// The webhook that comes with the association.
    pub webhook: Webhook,
    /// Whether `ValidateAwsAssociations` looks at it.
    pub is_validated: bool,
    /// Members that answers have, and requests don't.
    pub set_by_the_service: &'static [&'static str],
    /// Members whose value makes the association `invalid` if it has the word `invalid` in it.
    pub checked: &'static [&'static str],
}

/// The `serviceId` that a configuration takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// The id of a service of one of these types.
    Registered(&'static [&'static str]),
    /// This word.
    Word(&'static str),
    /// This word, as the switch `organizationService` has it.
    Organization(&'static str),
    /// This word, or the id of a service of one of these types, as the switch `releaseManagementService` has it.
    ReleaseManagement(&'static str, &'static [&'static str]),
}

impl Service {
    /// The types of services whose id it takes.
    pub fn types(self) -> &'static [&'static str] {
        match self {
            Self::Registered(types) | Self::ReleaseManagement(_, types) => types,
            Self::Word(_) | Self::Organization(_) => &[],
        }
    }
}

/// The webhook that comes with an association.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Webhook {
    /// None.
    None,
    /// One of this type.
    Of(&'static str),
    /// One of the type that the switch `genericWebhook` names.
    Generic,
}

/// What is known of a configuration; of one that isn't in the table, what most have in common.
pub fn configuration(key: &str) -> &'static Configuration {
    CONFIGURATIONS.iter().find(|row| row.key == key).unwrap_or(&PLAIN)
}

const PLAIN: Configuration = Configuration {
    key: "",
    service: Service::Registered(&[]),
    natural_key: &[],
    webhook: Webhook::None,
    is_validated: false,
    set_by_the_service: &[],
    checked: &[],
};

const ACCOUNT: Configuration = Configuration {
    service: Service::Word("aws"),
    natural_key: &["/accountId", "/accountType"],
    is_validated: true,
    set_by_the_service: &["/agentElevatedRoleArnStatus"],
    checked: &["/assumableRoleArn", "/serviceManagementRoleArn"],
    ..PLAIN
};

/// Every configuration.
pub const CONFIGURATIONS: &[Configuration] = &[
    Configuration { key: "aws", ..ACCOUNT },
    Configuration { key: "sourceAws", ..ACCOUNT },
    Configuration {
        key: "sourceAwsOrg",
        service: Service::Organization("aws"),
        natural_key: &["/organizationalUnit/organizationalUnitId"],
        is_validated: true,
        set_by_the_service: &["/deploymentState"],
        checked: &["/organizationalUnit/organizationalUnitId"],
        ..PLAIN
    },
    Configuration {
        key: "github",
        service: Service::Registered(&["github"]),
        natural_key: &["/repoId", "/instanceIdentifier"],
        ..PLAIN
    },
    Configuration {
        key: "gitlab",
        service: Service::Registered(&["gitlab"]),
        natural_key: &["/projectId", "/instanceIdentifier"],
        webhook: Webhook::Of("gitlab"),
        ..PLAIN
    },
    Configuration {
        key: "azure",
        service: Service::Registered(&["azure", "azureidentity"]),
        natural_key: &["/subscriptionId"],
        ..PLAIN
    },
    Configuration {
        key: "azuredevops",
        service: Service::Registered(&["azuredevops", "azureidentity"]),
        natural_key: &["/organizationName", "/projectId"],
        ..PLAIN
    },
    Configuration {
        key: "slack",
        service: Service::Registered(&["slack"]),
        natural_key: &["/workspaceId"],
        webhook: Webhook::Of("apikey"),
        ..PLAIN
    },
    Configuration {
        key: "msteams",
        service: Service::Registered(&["msteams"]),
        natural_key: &["/teamId"],
        ..PLAIN
    },
    Configuration {
        key: "pagerduty",
        service: Service::Registered(&["pagerduty"]),
        webhook: Webhook::Of("pagerduty"),
        ..PLAIN
    },
    Configuration {
        key: "servicenow",
        service: Service::Registered(&["servicenow"]),
        webhook: Webhook::Of("apikey"),
        ..PLAIN
    },
    Configuration {
        key: "dynatrace",
        service: Service::Registered(&["dynatrace"]),
        webhook: Webhook::Of("hmac"),
        checked: &["/envId"],
        ..PLAIN
    },
    Configuration {
        key: "eventChannel",
        service: Service::Registered(&["eventChannel"]),
        webhook: Webhook::Generic,
        ..PLAIN
    },
    Configuration {
        key: "mcpserver",
        service: Service::Registered(&["mcpserver"]),
        webhook: Webhook::Generic,
        ..PLAIN
    },
    Configuration {
        key: "mcpserversigv4",
        service: Service::Registered(&["mcpserversigv4"]),
        webhook: Webhook::Generic,
        ..PLAIN
    },
    Configuration {
        key: "mcpserverdatadog",
        service: Service::Registered(&["mcpserverdatadog"]),
        webhook: Webhook::Of("apikey"),
        ..PLAIN
    },
    Configuration {
        key: "mcpservergrafana",
        service: Service::Registered(&["mcpservergrafana"]),
        webhook: Webhook::Of("apikey"),
        ..PLAIN
    },
    Configuration {
        key: "mcpservernewrelic",
        service: Service::Registered(&["mcpservernewrelic"]),
        webhook: Webhook::Of("apikey"),
        ..PLAIN
    },
    Configuration {
        key: "mcpserversplunk",
        service: Service::Registered(&["mcpserversplunk"]),
        webhook: Webhook::Of("apikey"),
        ..PLAIN
    },
    Configuration { key: "remoteagent", service: Service::Registered(&["remoteagent"]), ..PLAIN },
    Configuration { key: "remoteagentsigv4", service: Service::Registered(&["remoteagentsigv4"]), ..PLAIN },
    Configuration {
        key: "releaseManagement",
        service: Service::ReleaseManagement("releaseManagement", &["github", "gitlab"]),
        natural_key: &["/name"],
        ..PLAIN
    },
];

/// The types of services of which an account has at most one.
pub const ONE_AN_ACCOUNT: &[&str] = &["eventChannel"];
