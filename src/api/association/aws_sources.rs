//! Configurations for AWS accounts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::scalars::{AwsAccountId, OrganizationalUnitId, RoleArn};
use crate::api::schema;

/// The AWS account that a space monitors (`AWSConfiguration`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    schema::role_of("assumableRoleArn", "accountId"),
    schema::role_of("agentElevatedRoleArn", "accountId"),
]))]
pub struct Aws {
    /// ID of the account, in quotes, for example `"123456789012"`.
    pub account_id: AwsAccountId,

    /// Type of the account: always `monitor` here, and set automatically if omitted.
    #[serde(default)]
    pub account_type: MonitorAccountType,

    /// IAM role that the agent assumes to inspect the account, for example
    /// `arn:aws:iam::123456789012:role/DevOpsAgentSpace`.
    pub assumable_role_arn: RoleArn,

    /// IAM role that the agent assumes to make changes. It is only used if the space's preference
    /// `elevatedActionsEnabled` is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_elevated_role_arn: Option<RoleArn>,

    /// IAM role that AWS uses to deploy to the accounts of an AWS Organization, for `sourceAwsOrg`. It is the
    /// service-managed role of AWS Organizations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_management_role_arn: Option<RoleArn>,
}

/// Type of the monitored account (`MonitorAccountType`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MonitorAccountType {
    #[default]
    Monitor,
}

/// An additional AWS account (`SourceAwsConfiguration`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    schema::role_of("assumableRoleArn", "accountId"),
    schema::role_of("agentElevatedRoleArn", "accountId"),
]))]
pub struct SourceAws {
    /// ID of the account, in quotes, for example `"123456789012"`.
    pub account_id: AwsAccountId,

    /// Type of the account: always `source` here, and set automatically if omitted.
    #[serde(default)]
    pub account_type: SourceAccountType,

    /// IAM role that the agent assumes to inspect the account.
    pub assumable_role_arn: RoleArn,

    /// External ID that the role's trust policy requires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,

    /// IAM role that the agent assumes to make changes. It is only used if the space's preference
    /// `elevatedActionsEnabled` is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_elevated_role_arn: Option<RoleArn>,
}

/// Type of an additional account (`SourceAccountType`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SourceAccountType {
    #[default]
    Source,
}

/// The accounts of an AWS Organization or of an organizational unit (`SourceAwsOrgConfiguration`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SourceAwsOrg {
    /// Type of the accounts: always `source` here, and set automatically if omitted.
    #[serde(default)]
    pub account_type: SourceAccountType,

    /// Which accounts of the organization to include.
    pub organizational_unit: OrganizationalUnit,
}

/// Accounts of an AWS Organization (`SourceAwsOrgUnit`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrganizationalUnit {
    /// ID of the organizational unit, for example `ou-ab12-c3d4e5f6`. For the whole organization, the ID of
    /// its root, for example `r-ab12`.
    pub organizational_unit_id: OrganizationalUnitId,

    /// IDs of the accounts in it that the agent may inspect, in quotes. If omitted, all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1000), transform = schema::set)]
    pub account_ids: Option<Vec<AwsAccountId>>,
}
