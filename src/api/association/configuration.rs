//! The configurations of an association (`ServiceConfiguration`), and those of few members.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::aws::{Aws, SourceAws, SourceAwsOrg};
use super::chat::{MsTeams, Slack};
use super::code::{AzureDevOps, GitHub, GitLabProject, ReleaseManagement};
use super::tools::{ElevatedTools, GrafanaTools, McpTools};
use crate::api::scalars::{EmailAddress, HttpsUrl, NewRelicAccountId};
use crate::api::union::union;

union! {
    /// What of a service the agent sees (`ServiceConfiguration`): exactly one.
    pub enum Configuration {
        /// The AWS account that the space is for: the one that the agent monitors.
        "aws" => Aws(Aws),
        /// A further AWS account that the agent may look into.
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
        /// A Slack workspace, and the channels that the agent writes to.
        "slack" => Slack(Slack),
        /// A Microsoft Teams team, and the channels that the agent writes to.
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
        /// Tools of an MCP server that takes requests signed with AWS Signature Version 4.
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
        /// A remote agent that takes requests signed with AWS Signature Version 4. Write
        /// `remoteagentsigv4: {}`.
        "remoteagentsigv4" => RemoteAgentSigV4(NoSettings),
        /// How release reviews reach what they test. GitHub and GitLab associations refer to it.
        "releaseManagement" => ReleaseManagement(ReleaseManagement),
    }
}

/// The configurations for AWS accounts, which are not registered services: AWS calls their service `aws`.
pub const AWS_ACCOUNTS: &[&str] = &["aws", "sourceAws", "sourceAwsOrg"];

/// A configuration without settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NoSettings {}

/// An Azure subscription (`AzureConfiguration`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Azure {
    /// Id of the subscription.
    #[schemars(extend("x-standard" = "no-case"))]
    pub subscription_id: String,
}

/// PagerDuty services (`PagerDutyConfiguration`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PagerDutyServices {
    /// Ids of the services, for example `P0ABCDE`.
    pub services: Vec<String>,

    /// Address of the PagerDuty user in whose name the agent acts.
    pub customer_email: EmailAddress,
}

/// A ServiceNow instance (`ServiceNowConfiguration`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceNowInstance {
    /// Short name of the instance, not its URL: `example` for `https://example.service-now.com`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_id: Option<String>,

    /// Scopes that the agent was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_scopes: Option<Vec<String>>,
}

/// A Dynatrace environment (`DynatraceConfiguration`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DynatraceEnvironment {
    /// Id of the environment, for example `abc12345`.
    pub env_id: String,

    /// Resources of the environment that the agent looks at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Vec<String>>,
}

/// An account of New Relic (`MCPServerNewRelicConfiguration`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewRelicAccount {
    /// Number of the account, for example `"1234567"`.
    pub account_id: NewRelicAccountId,

    /// Address of the MCP server, for example `https://mcp.newrelic.com/mcp/`.
    pub endpoint: HttpsUrl,
}
