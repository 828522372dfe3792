//! Association: a service connected to an agent space, and its webhook.

mod aws;
mod capabilities;
mod chat;
mod code;
mod configuration;
mod deployment;
mod tools;
mod webhook;

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use aws::{Aws, MonitorAccountType, OrganizationalUnit, SourceAccountType, SourceAws, SourceAwsOrg};
pub use capabilities::{Capabilities, Capability, PatternFilter, TriggerEvent, TriggerFilterGroup};
pub use chat::{
    ChatRole, MsTeams, MsTeamsChannel, MsTeamsTransmissionTarget, Slack, SlackChannel,
    SlackTransmissionTarget,
};
pub use code::{
    AzureDevOps, GitHub, GitHubOwnerType, GitLabProject, NetworkAccess, PrivateAccess, ReleaseManagement,
};
pub use configuration::{
    AWS_ACCOUNTS, Azure, Configuration, DynatraceEnvironment, NewRelicAccount, NoSettings, PagerDutyServices,
    ServiceNowInstance,
};
pub use deployment::{Deployment, DeploymentIssue};
pub use tools::{ElevatedTools, GrafanaTools, McpTools, ToolClassification, ToolDetail};
pub use webhook::{DefaultKeys, KEYS, OnLoss, SecretTemplate, Webhook, WebhookPolicy, WebhookStatus};

use super::common::{CommonStatus, ObjectRef, Policies, object};
use super::{schema, union};

/// A service connected to an agent space: what of it the agent sees, what it may do with it, and the
/// webhook that the service reports incidents to.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "devopsagent.dev",
    version = "v1alpha1",
    kind = "Association",
    plural = "associations",
    shortname = "assoc",
    category = "devopsagent",
    doc = "A service connected to an agent space: what of it the agent sees, what it may do with it, and the webhook that the service reports incidents to.",
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
    schema::immutable("agentSpaceRef", "delete the object and create it anew"),
    schema::rule(
        ".serviceRef",
        &format!("!has(self.serviceRef) || !({})", schema::any_of("self.configuration", AWS_ACCOUNTS)),
        "an AWS account is not a registered service: leave serviceRef out",
    ),
    schema::rule(
        ".serviceRef",
        &format!(
            "has(self.serviceRef) || has(self.configuration.releaseManagement) || {}",
            schema::any_of("self.configuration", AWS_ACCOUNTS)
        ),
        "serviceRef must name the ServiceRegistration that the configuration is for",
    ),
]))]
pub struct AssociationSpec {
    #[serde(flatten)]
    pub policies: Policies,

    /// The AgentSpace to connect the service to.
    pub agent_space_ref: ObjectRef,

    /// The ServiceRegistration to connect. The configurations aws, sourceAws and sourceAwsOrg take none, and
    /// releaseManagement may do without. A change recreates the association, with a new webhook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_ref: Option<ObjectRef>,

    /// What of the service the agent sees: exactly one configuration, of the service's type.
    #[schemars(transform = union::fixed)]
    pub configuration: Configuration,

    /// What the agent does by itself with a code host. A capability that is removed here is disabled; one that was never set
    /// here is left alone, and is disabled in a new association.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<Capabilities>,

    /// How the webhook is handed out, for the services that have one. Its address and its secret are
    /// written to a Secret that an incident tool can use at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<Webhook>,
}

/// What the operator knows of the association.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AssociationStatus {
    #[serde(flatten)]
    pub common: CommonStatus,

    /// Id of the agent space.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_space_id: Option<String>,

    /// Id of the service; `aws` for an AWS account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_id: Option<String>,

    /// Which configuration the association has, for example `pagerduty`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configuration_type: Option<String>,

    /// How far AWS has deployed to the accounts of an AWS Organization, for `sourceAwsOrg`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<Deployment>,

    /// The webhook that was last written to the Secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<WebhookStatus>,

    /// Names of the Secrets that the operator wrote, or was about to write, for the webhook. All but the present one are
    /// deleted as soon as that is written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = schema::set)]
    pub webhook_secrets: Vec<String>,

    /// Set while the webhook's secret is in no Secret that the operator knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook_lost: Option<bool>,

    /// Set when the answer that showed the webhook's secret was lost: a new webhook is issued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer_lost: Option<bool>,

    /// Id of the association that is being replaced, until it is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_id: Option<String>,

    /// Id of the service of the association that is being replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_service_id: Option<String>,
}

object!(Association, AssociationStatus);
