//! What the agent does by itself with a code host (`AssociationCapabilities`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::scalars::FilterPattern;

/// Capabilities by name, as on the wire.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub struct Capabilities {
    /// Reviewing whether a change is ready to be released.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release_readiness_review: Option<Capability>,

    /// Running tests as part of the release readiness review.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release_readiness_review_automated_testing: Option<Capability>,

    /// Judging how risky a code change is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_change_risk_analysis: Option<Capability>,

    /// Running tests as part of the risk analysis.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_change_risk_analysis_automated_testing: Option<Capability>,
}

/// Whether and when the agent does it (`CapabilityConfiguration`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Capability {
    /// Whether the agent does it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,

    /// When the agent does it: when any of these groups matches. They count only while `enabled` is
    /// true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 5))]
    pub trigger_filter_groups: Option<Vec<TriggerFilterGroup>>,
}

/// Conditions that must hold together (`TriggerFilterGroup`); at least one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TriggerFilterGroup {
    /// Events of a pull request, of which one must have happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 10))]
    pub events: Option<Vec<TriggerEvent>>,

    /// Branches that the pull request must aim at. Only `RELEASE_READINESS_REVIEW` heeds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_branches: Option<PatternFilter>,
}

/// An event of a pull request (`TriggerEvent`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TriggerEvent {
    PullRequestReadyForReview,
    PullRequestDraft,
}

/// Regular expressions of which one must match (`PatternFilter`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PatternFilter {
    /// Regular expressions that match a whole name, for example `main` or `release/.*`.
    #[schemars(length(min = 1, max = 20))]
    pub patterns: Vec<FilterPattern>,
}
