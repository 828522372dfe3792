//! Association: a service connected to an agent space, and its webhook.

mod aws_sources;
mod capabilities;
mod chat;
mod code;
mod configuration;
mod deployment;
mod service_ref;
mod tools;
mod webhook;

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use aws_sources::{
    Aws, MonitorAccountType, OrganizationalUnit, SourceAccountType, SourceAws, SourceAwsOrg,
};
pub use capabilities::{Capabilities, Capability, PatternFilter, TriggerEvent, TriggerFilterGroup};
pub use chat::{
    ChatRole, MsTeams, MsTeamsChannel, MsTeamsTransmissionTarget, Slack, SlackChannel,
    SlackTransmissionTarget,
};
pub use code::{
    AzureDevOps, GitHub, GitHubOwnerType, GitLabProject, NetworkAccess, PrivateAccess, ReleaseManagement,
};
pub use configuration::{
    Azure, Configuration, DynatraceEnvironment, NewRelicAccount, NoSettings, PagerDutyServices,
    ServiceNowInstance,
};
pub use deployment::{Deployment, DeploymentIssue};
pub use tools::{ElevatedTools, GrafanaTools, McpTools, ToolClassification, ToolDetail};
pub use webhook::{DefaultKeys, KEYS, OnLoss, SecretTemplate, Webhook, WebhookPolicy, WebhookStatus};

use super::common::{CommonStatus, ObjectRef, Policies, object};
use super::{schema, union};

/// A service connected to an agent space: which parts of it the agent can see, what the agent may do with it,
/// and the webhook that the service reports incidents to.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "devopsagent.dev",
    version = "v1alpha1",
    kind = "Association",
    plural = "associations",
    shortname = "assoc",
    category = "devopsagent",
    doc = "A service connected to an agent space: which parts of it the agent can see, what the agent may do with it, and the webhook that the service reports incidents to.",
    namespaced,
    status = "AssociationStatus",
    derive = "PartialEq",
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Synced","type":"string","jsonPath":".status.conditions[?(@.type==\"Synced\")].status"}"#,
    printcolumn = r#"{"name":"Reason","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].reason"}"#,
    printcolumn = r#"{"name":"Summary","type":"string","jsonPath":".status.summary"}"#,
    printcolumn = r#"{"name":"Type","type":"string","jsonPath":".status.configurationType"}"#,
    printcolumn = r#"{"name":"Space","type":"string","jsonPath":".spec.agentSpaceRef.name"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#,
    printcolumn = r#"{"name":"ID","type":"string","jsonPath":".status.id","priority":1}"#,
    printcolumn = r#"{"name":"Service","type":"string","jsonPath":".spec.serviceRef.name","priority":1}"#,
    printcolumn = r#"{"name":"Webhook","type":"string","jsonPath":".status.webhook.secretName","priority":1}"#
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    schema::immutable("agentSpaceRef", "delete and recreate the object"),
    service_ref::forbidden(),
    service_ref::required(),
]))]
pub struct AssociationSpec {
    #[serde(flatten)]
    pub policies: Policies,

    /// The AgentSpace to connect the service to.
    pub agent_space_ref: ObjectRef,

    /// The ServiceRegistration to connect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = service_ref::describe)]
    pub service_ref: Option<ObjectRef>,

    /// Which parts of the service the agent can see: exactly one configuration, of the service's type.
    #[schemars(transform = union::fixed)]
    pub configuration: Configuration,

    /// What the agent does on its own with a code host. A capability that is removed here is disabled; one
    /// that was never set here is left alone, and is disabled in a new association.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<Capabilities>,

    /// How the webhook is delivered, for services that have one. Its URL and secret are written to a Secret
    /// that an incident tool can use right away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<Webhook>,
}

/// Observed state of the association.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AssociationStatus {
    #[serde(flatten)]
    pub common: CommonStatus,

    /// ID of the agent space.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_space_id: Option<String>,

    /// ID of the service; `aws` for an AWS account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_id: Option<String>,

    /// Type of the association's configuration, for example `pagerduty`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configuration_type: Option<String>,

    /// How far AWS has deployed to the accounts of an AWS Organization, for `sourceAwsOrg`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<Deployment>,

    /// The webhook that was last written to the Secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<WebhookStatus>,

    /// Names of the Secrets that the operator wrote, or was about to write, for the webhook. All except the
    /// current one are deleted as soon as the current one is written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = schema::set)]
    pub webhook_secrets: Vec<String>,

    /// Set while no Secret that the operator knows holds the webhook's secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook_lost: Option<bool>,

    /// Set when the response with the webhook's secret was lost: a new webhook is issued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer_lost: Option<bool>,

    /// ID of the association being replaced, until it is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_id: Option<String>,

    /// ID of the service of the association being replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_service_id: Option<String>,
}

object!(Association, AssociationStatus);
