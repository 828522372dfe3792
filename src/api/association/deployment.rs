//! What AWS says of its deployment to the accounts of an organization.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How far AWS has deployed to the accounts of an organization (`OrgSourceDeploymentState`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Deployment {
    /// Number of accounts that AWS has deployed to.
    #[serde(default)]
    pub deployed_account_count: i64,

    /// Why AWS could not deploy to the others, at most 20 reasons.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub issues: Vec<DeploymentIssue>,
}

/// Accounts that AWS could not deploy to for the same reason (`OrgSourceIssue`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentIssue {
    /// AWS's reason code, for example `accessDenied`.
    #[serde(default)]
    pub reason_code: String,

    /// Number of accounts.
    #[serde(default)]
    pub account_count: i64,

    /// IDs of the accounts, at most 20 of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub account_ids: Vec<String>,
}
