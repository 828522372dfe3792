//! What the agent does on its own with a code host (`AssociationCapabilities`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::scalars::FilterPattern;

/// Capabilities by name, as on the wire.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub struct Capabilities {
    /// Review whether a change is ready to be released.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release_readiness_review: Option<Capability>,

    /// Run tests as part of the release readiness review.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release_readiness_review_automated_testing: Option<Capability>,

    /// Assess how risky a code change is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_change_risk_analysis: Option<Capability>,

    /// Run tests as part of the risk analysis.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_change_risk_analysis_automated_testing: Option<Capability>,
}

/// Whether and when a capability is used (`CapabilityConfiguration`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Capability {
    /// Whether the capability is enabled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,

    /// When the agent uses the capability: when any of these groups matches. They only apply while `enabled`
    /// is true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 5))]
    pub trigger_filter_groups: Option<Vec<TriggerFilterGroup>>,
}

/// Conditions that must all hold (`TriggerFilterGroup`); at least one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TriggerFilterGroup {
    /// Pull request events, one of which must have occurred.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 10))]
    pub events: Option<Vec<TriggerEvent>>,

    /// Target branches that the pull request must have. Only used by `RELEASE_READINESS_REVIEW`.
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

/// Regular expressions, one of which must match (`PatternFilter`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PatternFilter {
    /// Regular expressions, one of which must match the whole name, for example `main` or `release/.*`.
    #[schemars(length(min = 1, max = 20))]
    pub patterns: Vec<FilterPattern>,
}
