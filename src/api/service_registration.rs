//! ServiceRegistration: a service that the agent works with, registered in an AWS account.

mod authorization;
mod existing;
mod service_types;

use std::collections::BTreeMap;

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use authorization::{
    ApiKey, AuthorizationDiscovery, BearerToken, CustomHeaders, DatadogAuthorization, McpAuthorization,
    NewRelicApiKey, NewRelicAuthorization, OAuth3Lo, OAuthClient, OAuthClientAuthorization,
    OAuthClientCredentials, RemoteAgentAuthorization, SigV4Authorization, SigV4RoleAuthorization,
};
pub use existing::{Existing, ServiceMatch, ServiceType};
pub use service_types::{
    AzureIdentity, Dynatrace, EventChannel, EventChannelType, GitLab, GitLabTokenType, NewRelic,
    NewRelicRegion, PagerDuty, Server, Service, ServiceNow,
};

use super::common::{AccountRef, AllowedNamespaces, CommonStatus, ObjectRef, Policies, Tags, object};
use super::scalars::{KmsKeyArn, PrivateConnectionName, RegistrationName};
use super::{schema, union};

/// A service that the agent works with, registered in an AWS account: an observability tool, an MCP server, a
/// remote agent, a code host or a ticketing system.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "devopsagent.dev",
    version = "v1alpha1",
    kind = "ServiceRegistration",
    plural = "serviceregistrations",
    shortname = "svcreg",
    category = "devopsagent",
    doc = "A service that the agent works with, registered in an AWS account: an observability tool, an MCP server, a remote agent, a code host or a ticketing system.",
    namespaced,
    status = "ServiceRegistrationStatus",
    derive = "PartialEq",
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Synced","type":"string","jsonPath":".status.conditions[?(@.type==\"Synced\")].status"}"#,
    printcolumn = r#"{"name":"Reason","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].reason"}"#,
    printcolumn = r#"{"name":"Summary","type":"string","jsonPath":".status.summary"}"#,
    printcolumn = r#"{"name":"Type","type":"string","jsonPath":".status.serviceType"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#,
    printcolumn = r#"{"name":"ID","type":"string","jsonPath":".status.id","priority":1}"#,
    printcolumn = r#"{"name":"Account","type":"string","jsonPath":".spec.accountRef.name","priority":1}"#,
    printcolumn = r#"{"name":"Authorize","type":"string","jsonPath":".status.authorizationUrl","priority":1}"#
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    schema::exactly_one(&["service", "existing"]),
    schema::rule_here("has(self.service) == has(oldSelf.service)", "can't switch between service and existing; delete and recreate the object"),
    schema::immutable("accountRef", "delete and recreate the object"),
    schema::excludes("existing", "name", "an existing registration keeps its name"),
    schema::excludes("existing", "kmsKeyArn", "an existing registration keeps its key"),
    schema::excludes("existing", "tags", "an existing registration is never changed"),
    schema::excludes("existing", "privateConnectionRef", "an existing registration keeps its connection"),
    schema::excludes("existing", "privateConnectionName", "an existing registration keeps its connection"),
    schema::excludes("existing", "targetUrlPrivateConnectionRef", "an existing registration keeps its connection"),
    schema::excludes("existing", "targetUrlPrivateConnectionName", "an existing registration keeps its connection"),
    schema::excludes("existing", "exchangeUrlPrivateConnectionRef", "an existing registration keeps its connection"),
    schema::excludes("existing", "exchangeUrlPrivateConnectionName", "an existing registration keeps its connection"),
    schema::rule(
        ".externalId",
        "!has(self.externalId) || !has(self.existing) || !has(self.existing.serviceId) || self.externalId == self.existing.serviceId",
        "existing.serviceId is already the ID: externalId must match it or be omitted",
    ),
    schema::at_most_one(&["privateConnectionRef", "privateConnectionName"]),
    schema::at_most_one(&["targetUrlPrivateConnectionRef", "targetUrlPrivateConnectionName"]),
    schema::at_most_one(&["exchangeUrlPrivateConnectionRef", "exchangeUrlPrivateConnectionName"]),
    schema::rule(
        ".privateConnectionRef",
        "!has(self.privateConnectionRef) || !(has(self.targetUrlPrivateConnectionRef) || has(self.targetUrlPrivateConnectionName) || has(self.exchangeUrlPrivateConnectionRef) || has(self.exchangeUrlPrivateConnectionName))",
        "privateConnectionRef applies to both URLs: it can't be combined with a connection for the target URL or the exchange URL",
    ),
    schema::rule(
        ".privateConnectionName",
        "!has(self.privateConnectionName) || !(has(self.targetUrlPrivateConnectionRef) || has(self.targetUrlPrivateConnectionName) || has(self.exchangeUrlPrivateConnectionRef) || has(self.exchangeUrlPrivateConnectionName))",
        "privateConnectionName applies to both URLs: it can't be combined with a connection for the target URL or the exchange URL",
    ),
]))]
pub struct ServiceRegistrationSpec {
    #[serde(flatten)]
    pub policies: Policies,

    /// The AWSAccount to register the service in. If omitted, the AWSAccount named `default` is used if it
    /// exists, otherwise the operator's own credentials and region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_ref: Option<AccountRef>,

    /// Name of the registration shown in the console, for example `PagerDuty EU`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<RegistrationName>,

    /// The service to register: exactly one type. AWS can't change a registration, so when this changes the
    /// operator replaces it: it registers the new one, moves the associations over, and deregisters the old
    /// one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = union::fixed)]
    pub service: Option<Service>,

    /// A service that is already registered, in the console or by someone else. The operator finds it and
    /// never changes it. GitHub, Slack, Azure, Azure DevOps and Microsoft Teams can only be registered in the
    /// console, and an account has only one event channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub existing: Option<Existing>,

    /// ARN of the KMS key that encrypts the registration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kms_key_arn: Option<KmsKeyArn>,

    /// The PrivateConnection for reaching the service, for both its target URL and its OAuth token exchange
    /// URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private_connection_ref: Option<ObjectRef>,

    /// AWS name of a private connection that has no PrivateConnection object, instead of
    /// `privateConnectionRef`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private_connection_name: Option<PrivateConnectionName>,

    /// The PrivateConnection for the target URL only. The other URL is then reached over the internet, unless
    /// it has a connection of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_url_private_connection_ref: Option<ObjectRef>,

    /// AWS name of the private connection for the target URL, instead of `targetUrlPrivateConnectionRef`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_url_private_connection_name: Option<PrivateConnectionName>,

    /// The PrivateConnection for the OAuth token exchange URL only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange_url_private_connection_ref: Option<ObjectRef>,

    /// AWS name of the private connection for the OAuth token exchange URL, instead of
    /// `exchangeUrlPrivateConnectionRef`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange_url_private_connection_name: Option<PrivateConnectionName>,

    /// Tags of the registration in AWS. The operator adds its own owner tags (`devopsagent.dev/…`) and leaves
    /// tags set by others alone.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "schema::tags")]
    pub tags: Tags,

    /// Which namespaces may refer to this registration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_namespaces: Option<AllowedNamespaces>,
}

impl ServiceRegistrationSpec {
    /// The type of the service where the spec says it: always, but for an existing one by its id.
    pub fn service_type(&self) -> Option<&'static str> {
        match (&self.service, &self.existing) {
            (Some(service), _) => Some(service.service_type()),
            (None, Some(Existing::Match(service))) => Some(service.service_type.as_str()),
            (None, _) => None,
        }
    }
}

/// Observed state of the registration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceRegistrationStatus {
    #[serde(flatten)]
    pub common: CommonStatus,

    /// Type of the service, for example `pagerduty`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_type: Option<String>,

    /// URL that a person must open to authorize the registration, while authorization is pending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_url: Option<String>,

    /// ID of the registration being replaced, until it is deregistered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_id: Option<String>,

    /// IDs of older registrations that still have to be deregistered because associations have not moved over
    /// yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leftover_ids: Vec<String>,

    /// Set while the associations have to release the registration before it can be replaced: an account can
    /// have only one event channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub released: Option<bool>,
}

object!(ServiceRegistration, ServiceRegistrationStatus, account: account_ref);
