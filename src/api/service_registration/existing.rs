//! A service that is registered already.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::scalars::{Guid, ServiceId};
use crate::api::schema;
use crate::api::union::union;

union! {
    /// How to find a service that is already registered: by its ID, or by its properties.
    pub enum Existing {
        /// ID of the service, as shown in the console or by `ListServices`.
        "serviceId" => ServiceId(ServiceId),
        /// Properties that the service must have. Exactly one service in the account must match.
        "match" => Match(ServiceMatch),
    }
}

/// Properties that a registered service must have; all that are set must match.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    schema::rule(".owner", "!has(self.owner) || self.serviceType == 'github'", "owner is only valid with serviceType github"),
    schema::rule(".workspaceId", "!has(self.workspaceId) || self.serviceType == 'slack'", "workspaceId is only valid with serviceType slack"),
    schema::rule(".organizationName", "!has(self.organizationName) || self.serviceType == 'azuredevops'", "organizationName is only valid with serviceType azuredevops"),
    schema::rule(".tenantId", "!has(self.tenantId) || self.serviceType == 'azureidentity'", "tenantId is only valid with serviceType azureidentity"),
]))]
pub struct ServiceMatch {
    /// Type of the service, for example `github`.
    pub service_type: ServiceType,

    /// Name of the registration, as shown in the console.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub name: Option<String>,

    /// GitHub: the organization or user whose repositories the registration gives access to, for example
    /// `example-org`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    #[schemars(extend("x-standard" = "no-case"))]
    pub owner: Option<String>,

    /// Slack: ID of the workspace, for example `T0123ABCD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub workspace_id: Option<String>,

    /// Azure DevOps: name of the organization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    #[schemars(extend("x-standard" = "no-case"))]
    pub organization_name: Option<String>,

    /// Azure identity: ID of the Entra tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<Guid>,
}

/// Declares the enum and its names in one place.
macro_rules! service_types {
    ($($key:literal => $variant:ident,)+) => {
        /// The types that a registered service can have (`Service`).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        pub enum ServiceType {
            $(#[serde(rename = $key)] $variant,)+
        }

        impl ServiceType {
            /// The type as the API names it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $key,)+
                }
            }
        }
    };
}

service_types! {
    "github" => GitHub,
    "slack" => Slack,
    "azure" => Azure,
    "azuredevops" => AzureDevOps,
    "msteams" => MsTeams,
    "dynatrace" => Dynatrace,
    "servicenow" => ServiceNow,
    "pagerduty" => PagerDuty,
    "gitlab" => GitLab,
    "eventChannel" => EventChannel,
    "mcpservernewrelic" => NewRelic,
    "mcpservergrafana" => Grafana,
    "mcpserverdatadog" => Datadog,
    "mcpserver" => McpServer,
    "mcpserversplunk" => Splunk,
    "azureidentity" => AzureIdentity,
    "mcpserversigv4" => McpServerSigV4,
    "remoteagent" => RemoteAgent,
    "remoteagentsigv4" => RemoteAgentSigV4,
}
