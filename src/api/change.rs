//! Changes that wait for approval: the policy in the spec, and the plan in status.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which changes of the AWS resource wait until they are approved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ChangePolicy {
    #[default]
    Automatic,
    OnApproval,
    OnApprovalIfDisruptive,
}

impl ChangePolicy {
    /// Whether `action` waits for approval.
    pub fn holds(self, action: ChangeAction) -> bool {
        match self {
            Self::Automatic => false,
            Self::OnApproval => true,
            Self::OnApprovalIfDisruptive => action.is_disruptive(),
        }
    }
}

/// What a change does to the AWS resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum ChangeAction {
    Create,
    Update,
    Replace,
    Delete,
}

impl ChangeAction {
    /// Whether it takes away something that may be in use.
    pub fn is_disruptive(self) -> bool {
        matches!(self, Self::Replace | Self::Delete)
    }

    /// The word for it in a sentence.
    pub fn verb(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Replace => "replace",
            Self::Delete => "delete",
        }
    }
}

/// A change that waits for approval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PendingChange {
    /// Identifies the change, for example `sha256:0d4f0d4f0d4f0d4f`. The same change keeps it over commits
    /// that don't touch it. To approve the change, set the annotation `devopsagent.dev/approve` to this value.
    pub hash: String,

    /// What the change does to the AWS resource: Create, Update, Replace or Delete.
    pub action: ChangeAction,

    /// What stops working, or gets another address or ID.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub disrupts: Vec<String>,

    /// The fields that differ.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub changes: Vec<FieldChange>,

    /// How many more fields differ than `changes` has room for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truncated: Option<i32>,
}

/// A field that a change would set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FieldChange {
    /// The field, as a JSON pointer relative to `spec`, for example `/configuration/pagerduty/services`.
    pub path: String,

    /// What AWS has, as JSON; at most 256 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old: Option<String>,

    /// What the spec asks for, as JSON; at most 256 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new: Option<String>,

    /// Whether the values are hidden.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sensitive: bool,
}

/// A change that was approved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApprovedChange {
    /// Hash of the change that was approved.
    pub hash: String,

    /// What it does to the AWS resource: Create, Update, Replace or Delete.
    pub action: ChangeAction,

    /// Hash of everything that the spec asks for: after a create or replace, further steps towards it are part
    /// of the change.
    pub desired: String,

    /// Hashes of the fields that the change sets: it may take more than one request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 128))]
    pub parts: Vec<String>,

    /// Whether it has been made. The same change needs another approval.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub done: bool,
}
