//! The configurations of an association (`ServiceConfiguration`), and those of few members.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::catalog::{self, ConfigurationRow};
use crate::api::scalars::{EmailAddress, HttpsUrl, NewRelicAccountId};
use crate::api::union::union;

use super::aws_sources::{Aws, SourceAws, SourceAwsOrg};
use super::chat::{MsTeams, Slack};
use super::code::{AzureDevOps, GitHub, GitLabProject, ReleaseManagement};
use super::tools::{ElevatedTools, GrafanaTools, McpTools};

union! {
    /// Which parts of a service the agent can see (`ServiceConfiguration`): exactly one.
    pub enum Configuration {
        /// The AWS account that the agent monitors for the space.
        "aws" => Aws(Aws),
        /// An additional AWS account that the agent may inspect.
        "sourceAws" => SourceAws(SourceAws),
        /// The accounts of an AWS Organization, or of one of its organizational units. The space needs
        /// `awsSourceMode: organization`.
        "sourceAwsOrg" => SourceAwsOrg(SourceAwsOrg),
        /// A GitHub repository.
        "github" => GitHub(GitHub),
        /// A GitLab project.
        "gitlab" => GitLab(GitLabProject),
        /// An Azure subscription.
        "azure" => Azure(Azure),
        /// An Azure DevOps project.
        "azuredevops" => AzureDevOps(AzureDevOps),
        /// A Slack workspace, and the channels that the agent posts to.
        "slack" => Slack(Slack),
        /// A Microsoft Teams team, and the channels that the agent posts to.
        "msteams" => MsTeams(MsTeams),
        /// PagerDuty services.
        "pagerduty" => PagerDuty(PagerDutyServices),
        /// A ServiceNow instance.
        "servicenow" => ServiceNow(ServiceNowInstance),
        /// A Dynatrace environment.
        "dynatrace" => Dynatrace(DynatraceEnvironment),
        /// The account's event channel: a webhook for incidents from any tool. Write `eventChannel: {}`.
        "eventChannel" => EventChannel(NoSettings),
        /// Tools of an MCP server.
        "mcpserver" => McpServer(McpTools),
        /// Tools of an MCP server that accepts requests signed with AWS Signature Version 4.
        "mcpserversigv4" => McpServerSigV4(McpTools),
        /// Datadog's MCP server.
        "mcpserverdatadog" => Datadog(ElevatedTools),
        /// A Grafana MCP server.
        "mcpservergrafana" => Grafana(GrafanaTools),
        /// New Relic's MCP server.
        "mcpservernewrelic" => NewRelic(NewRelicAccount),
        /// Splunk's MCP server. Write `mcpserversplunk: {}`.
        "mcpserversplunk" => Splunk(NoSettings),
        /// A remote agent. Write `remoteagent: {}`.
        "remoteagent" => RemoteAgent(NoSettings),
        /// A remote agent that accepts requests signed with AWS Signature Version 4. Write `remoteagentsigv4:
        /// {}`.
        "remoteagentsigv4" => RemoteAgentSigV4(NoSettings),
        /// How release reviews reach what they test. GitHub and GitLab associations refer to it.
        "releaseManagement" => ReleaseManagement(ReleaseManagement),
    }
}

impl Configuration {
    /// What is peculiar about the configuration that is set.
    pub fn row(&self) -> &'static ConfigurationRow {
        catalog::configuration(self.key())
    }
}

/// A configuration without settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NoSettings {}

/// An Azure subscription (`AzureConfiguration`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Azure {
    /// ID of the subscription.
    #[schemars(extend("x-standard" = "no-case"))]
    pub subscription_id: String,
}

/// PagerDuty services (`PagerDutyConfiguration`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PagerDutyServices {
    /// IDs of the services, for example `P0ABCDE`.
    pub services: Vec<String>,

    /// Email address of the PagerDuty user on whose behalf the agent acts.
    pub customer_email: EmailAddress,
}

/// A ServiceNow instance (`ServiceNowConfiguration`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceNowInstance {
    /// Short name of the instance, not its URL: `example` for `https://example.service-now.com`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_id: Option<String>,

    /// Scopes granted to the agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_scopes: Option<Vec<String>>,
}

/// A Dynatrace environment (`DynatraceConfiguration`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DynatraceEnvironment {
    /// ID of the environment, for example `abc12345`.
    pub env_id: String,

    /// Resources of the environment that the agent looks at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Vec<String>>,
}

/// An account of New Relic (`MCPServerNewRelicConfiguration`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewRelicAccount {
    /// New Relic account ID, for example `"1234567"`.
    pub account_id: NewRelicAccountId,

    /// URL of the MCP server, for example `https://mcp.newrelic.com/mcp/`.
    pub endpoint: HttpsUrl,
}
