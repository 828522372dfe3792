//! Configurations for AWS accounts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::scalars::{AwsAccountId, OrganizationalUnitId, RoleArn};
use crate::api::schema;

/// The AWS account that a space is for (`AWSConfiguration`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    schema::role_of("assumableRoleArn", "accountId"),
    schema::role_of("agentElevatedRoleArn", "accountId"),
]))]
pub struct Aws {
    /// Number of the account, in quotes, for example `"123456789012"`.
    pub account_id: AwsAccountId,

    /// What the account is to the space: always `monitor` here, and filled in when left out.
    #[serde(default)]
    pub account_type: MonitorAccountType,

    /// Role that the agent assumes to look into the account, for example
    /// `arn:aws:iam::123456789012:role/DevOpsAgentSpace`.
    pub assumable_role_arn: RoleArn,

    /// Role that the agent assumes to change things. It only counts where the space's preference
    /// `elevatedActionsEnabled` is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_elevated_role_arn: Option<RoleArn>,

    /// Role with which AWS deploys to the accounts of an AWS Organization, for `sourceAwsOrg`. It is the
    /// service-managed role of AWS Organizations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_management_role_arn: Option<RoleArn>,
}

/// What the monitored account is to the space (`MonitorAccountType`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MonitorAccountType {
    #[default]
    Monitor,
}

/// A further AWS account (`SourceAwsConfiguration`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    schema::role_of("assumableRoleArn", "accountId"),
    schema::role_of("agentElevatedRoleArn", "accountId"),
]))]
pub struct SourceAws {
    /// Number of the account, in quotes, for example `"123456789012"`.
    pub account_id: AwsAccountId,

    /// What the account is to the space: always `source` here, and filled in when left out.
    #[serde(default)]
    pub account_type: SourceAccountType,

    /// Role that the agent assumes to look into the account.
    pub assumable_role_arn: RoleArn,

    /// External id that the role's trust policy asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,

    /// Role that the agent assumes to change things. It only counts where the space's preference
    /// `elevatedActionsEnabled` is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_elevated_role_arn: Option<RoleArn>,
}

/// What a further account is to the space (`SourceAccountType`).
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
    /// What the accounts are to the space: always `source` here, and filled in when left out.
    #[serde(default)]
    pub account_type: SourceAccountType,

    /// Which accounts of the organization.
    pub organizational_unit: OrganizationalUnit,
}

/// Accounts of an AWS Organization (`SourceAwsOrgUnit`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrganizationalUnit {
    /// Id of the organizational unit, for example `ou-ab12-c3d4e5f6`, or of the organization's root, for
    /// example `r-ab12`, for the whole organization.
    pub organizational_unit_id: OrganizationalUnitId,

    /// Numbers of the accounts in it that the agent may look into, in quotes. Without the list it is all of
    /// them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1000), transform = schema::set)]
    pub account_ids: Option<Vec<AwsAccountId>>,
}
