//! The types of services that can be registered through the API (`ServiceDetails`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::authorization::{
    DatadogAuthorization, McpAuthorization, NewRelicAuthorization, OAuthClientAuthorization,
    RemoteAgentAuthorization, SigV4Authorization, SigV4RoleAuthorization,
};
use crate::api::common::SecretValue;
use crate::api::scalars::{
    DynatraceAccountUrn, GitLabUrl, Guid, RoleArn, ServerDescription, ServerEndpoint, ServerName,
    ServiceNowInstanceUrl,
};
use crate::api::schema;
use crate::api::union::union;

union! {
    /// A service to register (`ServiceDetails`): exactly one type.
    pub enum Service {
        /// Dynatrace, observed through an OAuth client of the account.
        "dynatrace" => Dynatrace(Dynatrace),
        /// A ServiceNow instance.
        "servicenow" => ServiceNow(ServiceNow),
        /// PagerDuty.
        "pagerduty" => PagerDuty(PagerDuty),
        /// GitLab, on gitlab.com or self-managed.
        "gitlab" => GitLab(GitLab),
        /// A webhook for incidents from any tool. An account has one; each space's association with it
        /// has a webhook of its own.
        "eventChannel" => EventChannel(EventChannel),
        /// New Relic's MCP server.
        "mcpservernewrelic" => NewRelic(NewRelic),
        /// A Grafana MCP server.
        "mcpservergrafana" => Grafana(Server<McpAuthorization>),
        /// Datadog's MCP server. A person must authorise it: see `status.authorizationUrl`.
        "mcpserverdatadog" => Datadog(Server<DatadogAuthorization>),
        /// An MCP server of your own.
        "mcpserver" => McpServer(Server<McpAuthorization>),
        /// Splunk's MCP server.
        "mcpserversplunk" => Splunk(Server<McpAuthorization>),
        /// An MCP server that takes requests signed with AWS Signature Version 4, for example behind
        /// API Gateway or on Bedrock AgentCore.
        "mcpserversigv4" => McpServerSigV4(Server<SigV4Authorization>),
        /// An identity in Microsoft Entra, for Azure and Azure DevOps.
        "azureidentity" => AzureIdentity(AzureIdentity),
        /// A remote agent that speaks A2A.
        "remoteagent" => RemoteAgent(Server<RemoteAgentAuthorization>),
        /// A remote agent that speaks A2A and takes requests signed with AWS Signature Version 4.
        "remoteagentsigv4" => RemoteAgentSigV4(Server<SigV4RoleAuthorization>),
    }
}

impl Service {
    /// The type as the API names it, for example `pagerduty`.
    pub const fn service_type(&self) -> &'static str {
        self.key()
    }
}

/// An account of Dynatrace (`DynatraceServiceDetails`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Dynatrace {
    /// URN of the account, for example `urn:dtaccount:01234567-89ab-cdef-0123-456789abcdef`.
    pub account_urn: DynatraceAccountUrn,

    /// How AWS signs in to Dynatrace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_config: Option<OAuthClientAuthorization>,
}

/// A ServiceNow instance (`ServiceNowServiceDetails`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceNow {
    /// URL of the instance, for example `https://example.service-now.com`.
    pub instance_url: ServiceNowInstanceUrl,

    /// How AWS signs in to ServiceNow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_config: Option<OAuthClientAuthorization>,
}

/// PagerDuty (`PagerDutyDetails`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PagerDuty {
    /// OAuth scopes to ask for, for example `incidents.read` and `services.read`.
    pub scopes: Vec<String>,

    /// How AWS signs in to PagerDuty.
    pub authorization_config: OAuthClientAuthorization,
}

/// A GitLab instance (`GitLabDetails`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    schema::rule(".groupId", "self.tokenType != 'group' || (has(self.groupId) && self.groupId != '')", "a group's token needs groupId"),
]))]
pub struct GitLab {
    /// URL of the instance without a path, for example `https://gitlab.com`.
    pub target_url: GitLabUrl,

    /// Whose access token it is: personal or group.
    pub token_type: GitLabTokenType,

    /// The access token: letters, digits, `.`, `_` and `-`.
    pub token_value: SecretValue,

    /// Id of the group, in quotes; needed for a group's token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_id: Option<String>,
}

/// Whose access token it is (`GitLabTokenType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum GitLabTokenType {
    Personal,
    Group,
}

/// The account's event channel (`EventChannelDetails`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EventChannel {
    /// How events arrive. AWS knows `webhook`.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub channel_type: Option<EventChannelType>,
}

/// How events arrive (`EventChannelType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EventChannelType {
    Webhook,
}

/// New Relic's MCP server (`NewRelicServiceDetails`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewRelic {
    /// How AWS signs in to New Relic, and what of it the agent looks at.
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

    /// HTTPS address of its endpoint, for example `https://mcp.example.com/mcp`.
    pub endpoint: ServerEndpoint,

    /// What the agent finds there, in one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<ServerDescription>,

    /// How AWS signs in: exactly one way.
    pub authorization_config: A,
}

/// An identity in Microsoft Entra that trusts AWS (`RegisteredAzureIdentityDetails`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AzureIdentity {
    /// Id of the tenant.
    pub tenant_id: Guid,

    /// Id of the application in the tenant.
    pub client_id: Guid,

    /// Role in AWS whose web identity tokens the application accepts.
    pub web_identity_role_arn: RoleArn,

    /// Audiences of those tokens, for example `api://AzureADTokenExchange`.
    pub web_identity_token_audiences: Vec<String>,
}
