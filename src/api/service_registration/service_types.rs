//! The types of services that can be registered through the API (`ServiceDetails`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::catalog::{self, ServiceRow};
use crate::api::common::SecretValue;
use crate::api::scalars::{
    DynatraceAccountUrn, GitLabUrl, Guid, RoleArn, ServerDescription, ServerEndpoint, ServerName,
    ServiceNowInstanceUrl,
};
use crate::api::schema;
use crate::api::union::union;

use super::authorization::{
    DatadogAuthorization, McpAuthorization, NewRelicAuthorization, OAuthClientAuthorization,
    RemoteAgentAuthorization, SigV4Authorization, SigV4RoleAuthorization,
};

union! {
    /// A service to register (`ServiceDetails`): exactly one type.
    pub enum Service {
        /// Dynatrace, accessed through an OAuth client of the account.
        "dynatrace" => Dynatrace(Dynatrace),
        /// A ServiceNow instance.
        "servicenow" => ServiceNow(ServiceNow),
        /// PagerDuty.
        "pagerduty" => PagerDuty(PagerDuty),
        /// GitLab, on gitlab.com or self-managed.
        "gitlab" => GitLab(GitLab),
        /// A webhook for incidents from any tool. An account has only one event channel; each space's
        /// association with it has its own webhook.
        "eventChannel" => EventChannel(EventChannel),
        /// New Relic's MCP server.
        "mcpservernewrelic" => NewRelic(NewRelic),
        /// A Grafana MCP server.
        "mcpservergrafana" => Grafana(Server<McpAuthorization>),
        /// Datadog's MCP server. A person must authorize it: see `status.authorizationUrl`.
        "mcpserverdatadog" => Datadog(Server<DatadogAuthorization>),
        /// Your own MCP server.
        "mcpserver" => McpServer(Server<McpAuthorization>),
        /// Splunk's MCP server.
        "mcpserversplunk" => Splunk(Server<McpAuthorization>),
        /// An MCP server that accepts requests signed with AWS Signature Version 4, for example behind API
        /// Gateway or on Bedrock AgentCore.
        "mcpserversigv4" => McpServerSigV4(Server<SigV4Authorization>),
        /// An identity in Microsoft Entra, for Azure and Azure DevOps.
        "azureidentity" => AzureIdentity(AzureIdentity),
        /// A remote agent that speaks A2A.
        "remoteagent" => RemoteAgent(Server<RemoteAgentAuthorization>),
        /// A remote agent that speaks A2A and accepts requests signed with AWS Signature Version 4.
        "remoteagentsigv4" => RemoteAgentSigV4(Server<SigV4RoleAuthorization>),
    }
}

impl Service {
    /// The type as the API names it, for example `pagerduty`.
    pub const fn service_type(&self) -> &'static str {
        self.key()
    }

    /// What is peculiar about the type.
    pub fn row(&self) -> &'static ServiceRow {
        catalog::service(self.key())
    }
}

/// An account of Dynatrace (`DynatraceServiceDetails`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Dynatrace {
    /// URN of the account, for example `urn:dtaccount:01234567-89ab-cdef-0123-456789abcdef`.
    pub account_urn: DynatraceAccountUrn,

    /// How AWS authenticates to Dynatrace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_config: Option<OAuthClientAuthorization>,
}

/// A ServiceNow instance (`ServiceNowServiceDetails`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceNow {
    /// URL of the instance, for example `https://example.service-now.com`.
    pub instance_url: ServiceNowInstanceUrl,

    /// How AWS authenticates to ServiceNow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_config: Option<OAuthClientAuthorization>,
}

/// PagerDuty (`PagerDutyDetails`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PagerDuty {
    /// OAuth scopes to request, for example `incidents.read` and `services.read`.
    pub scopes: Vec<String>,

    /// How AWS authenticates to PagerDuty.
    pub authorization_config: OAuthClientAuthorization,
}

/// A GitLab instance (`GitLabDetails`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    schema::rule(".groupId", "self.tokenType != 'group' || (has(self.groupId) && self.groupId != '')", "a group token needs groupId"),
]))]
pub struct GitLab {
    /// URL of the instance without a path, for example `https://gitlab.com`.
    pub target_url: GitLabUrl,

    /// Type of the access token: personal or group.
    pub token_type: GitLabTokenType,

    /// The access token: letters, digits, `.`, `_` and `-`.
    pub token_value: SecretValue,

    /// ID of the group, in quotes; required for a group token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_id: Option<String>,
}

/// Type of an access token (`GitLabTokenType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum GitLabTokenType {
    Personal,
    Group,
}

/// The account's event channel (`EventChannelDetails`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EventChannel {
    /// How events are delivered. AWS supports `webhook`.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub channel_type: Option<EventChannelType>,
}

/// How events are delivered (`EventChannelType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EventChannelType {
    Webhook,
}

/// New Relic's MCP server (`NewRelicServiceDetails`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewRelic {
    /// How AWS authenticates to New Relic, and which parts of it the agent looks at.
    pub authorization_config: NewRelicAuthorization,
}

/// Region of a New Relic account (`NewRelicRegion`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum NewRelicRegion {
    Us,
    Eu,
    Jp,
}

/// An MCP server or remote agent with the authorization `A` (`MCPServerDetails` and its like).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Server<A> {
    /// Name by which the agent knows it, for example `runbooks`.
    pub name: ServerName,

    /// HTTPS URL of its endpoint, for example `https://mcp.example.com/mcp`.
    pub endpoint: ServerEndpoint,

    /// One-line description of what the agent finds there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<ServerDescription>,

    /// How AWS authenticates: exactly one method.
    pub authorization_config: A,
}

/// An identity in Microsoft Entra that trusts AWS (`RegisteredAzureIdentityDetails`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AzureIdentity {
    /// ID of the Entra tenant.
    pub tenant_id: Guid,

    /// ID of the application in the tenant.
    pub client_id: Guid,

    /// IAM role whose web identity tokens the application accepts.
    pub web_identity_role_arn: RoleArn,

    /// Audiences of those tokens, for example `api://AzureADTokenExchange`.
    pub web_identity_token_audiences: Vec<String>,
}
