//! Configurations for chat: where the agent posts, and whether people may talk to it there.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::scalars::{Guid, RoleArn, SlackChannelId, SlackWorkspaceId, TeamsChannelId};

/// A Slack workspace (`SlackConfiguration`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Slack {
    /// ID of the workspace, for example `T0123ABCD`.
    pub workspace_id: SlackWorkspaceId,

    /// Name of the workspace.
    pub workspace_name: String,

    /// The channels that the agent posts to.
    pub transmission_target: SlackTransmissionTarget,

    /// Whether people may talk to the agent in the workspace, and which IAM role it then uses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bidirectional: Option<ChatRole>,
}

/// Channels of Slack that the agent posts to (`SlackTransmissionTarget`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SlackTransmissionTarget {
    /// Channel for the on-call team: incidents and their investigation.
    #[serde(rename = "opsOncallTarget")]
    pub ops_oncall_target: SlackChannel,

    /// Channel for site reliability engineers: recommendations.
    #[serde(default, rename = "opsSRETarget", skip_serializing_if = "Option::is_none")]
    pub ops_sre_target: Option<SlackChannel>,
}

/// A channel of Slack (`SlackChannel`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SlackChannel {
    /// ID of the channel, for example `C0123ABCDEF`.
    pub channel_id: SlackChannelId,

    /// Name of the channel, for example `incidents`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel_name: Option<String>,
}

/// Talking to the agent in a chat (`SlackBidirectionalConfiguration`, `MSTeamsBidirectionalConfiguration`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChatRole {
    /// IAM role that the agent uses when someone talks to it in the chat.
    pub role_arn: RoleArn,

    /// Whether people may talk to the agent in the chat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

/// A Microsoft Teams team (`MSTeamsConfiguration`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MsTeams {
    /// ID of the team, a GUID.
    pub team_id: Guid,

    /// Name of the team.
    pub team_name: String,

    /// The channels that the agent posts to. Write `{}` for none.
    pub transmission_target: MsTeamsTransmissionTarget,

    /// Whether people may talk to the agent in the team, and which IAM role it then uses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bidirectional: Option<ChatRole>,
}

/// Channels of Microsoft Teams that the agent posts to (`MSTeamsTransmissionTarget`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MsTeamsTransmissionTarget {
    /// Channel for the on-call team: incidents and their investigation.
    #[serde(default, rename = "opsOncallTarget", skip_serializing_if = "Option::is_none")]
    pub ops_oncall_target: Option<MsTeamsChannel>,

    /// Channel for site reliability engineers: recommendations.
    #[serde(default, rename = "opsSRETarget", skip_serializing_if = "Option::is_none")]
    pub ops_sre_target: Option<MsTeamsChannel>,
}

/// A channel of Microsoft Teams (`MSTeamsChannel`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MsTeamsChannel {
    /// ID of the channel, for example `19:0123456789abcdef@thread.tacv2`.
    pub channel_id: TeamsChannelId,

    /// Name of the channel.
    pub channel_name: String,
}
