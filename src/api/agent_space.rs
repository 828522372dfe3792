//! AgentSpace: an agent space and its operator app.

use std::collections::BTreeMap;

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::common::{AccountRef, AllowedNamespaces, CommonStatus, KeyRef, Policies, Tags, object};
use super::scalars::{AgentSpaceName, Description, KmsKeyArn, Locale, RoleArn};
use super::schema;

/// An agent space: what AWS DevOps Agent can see and do for a team, and its web app.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "devopsagent.dev",
    version = "v1alpha1",
    kind = "AgentSpace",
    plural = "agentspaces",
    shortname = "space",
    category = "devopsagent",
    doc = "An agent space: what AWS DevOps Agent can see and do for a team, and its web app.",
    namespaced,
    status = "AgentSpaceStatus",
    derive = "PartialEq",
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Synced","type":"string","jsonPath":".status.conditions[?(@.type==\"Synced\")].status"}"#,
    printcolumn = r#"{"name":"Reason","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].reason"}"#,
    printcolumn = r#"{"name":"Summary","type":"string","jsonPath":".status.summary"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#,
    printcolumn = r#"{"name":"ID","type":"string","jsonPath":".status.id","priority":1}"#,
    printcolumn = r#"{"name":"Account","type":"string","jsonPath":".spec.accountRef.name","priority":1}"#,
    printcolumn = r#"{"name":"App","type":"string","jsonPath":".status.operatorAppUrl","priority":1}"#
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    schema::immutable("accountRef", "delete and recreate the object"),
    schema::immutable("kmsKeyArn", "AWS sets a space's key once; delete and recreate the object"),
]))]
pub struct AgentSpaceSpec {
    #[serde(flatten)]
    pub policies: Policies,

    /// The AWSAccount to create the space in. If omitted, the AWSAccount named `default` is used if it
    /// exists, otherwise the operator's own credentials and region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_ref: Option<AccountRef>,

    /// Name of the space in AWS, for example `Payments`. Defaults to the name of this object; a space adopted
    /// by `externalId` keeps its existing name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<AgentSpaceName>,

    /// One-line description of the space. AWS can't clear a description once it is set: if this field is
    /// removed, the `Synced` condition says so until it is set again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Description>,

    /// Language that the agent responds in, for example `en-US`. AWS can't go back to its default once a
    /// locale is set: if this field is removed, the `Synced` condition says so until it is set again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<Locale>,

    /// ARN of the KMS key that encrypts the space's data. It can only be set when the space is created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kms_key_arn: Option<KmsKeyArn>,

    /// Preferences of the space. One that is removed here is reset to its default; one that was never set
    /// here is left alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preferences: Option<Preferences>,

    /// How the space gets its source AWS accounts: `standalone` for accounts that are listed individually
    /// (Associations with `sourceAws`), or `organization` for the accounts of an AWS Organization
    /// (`sourceAwsOrg`). AWS defaults to `standalone`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aws_source_mode: Option<AwsSourceMode>,

    /// Tags of the space in AWS. The operator adds its own owner tags (`devopsagent.dev/…`) and leaves tags
    /// set by others alone.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "schema::tags")]
    pub tags: Tags,

    /// The space's web app for people. If set, exactly the listed sign-in methods are enabled, and an empty
    /// object disables them all. If omitted, the app is left alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator_app: Option<OperatorApp>,

    /// Which namespaces may refer to this space.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_namespaces: Option<AllowedNamespaces>,
}

/// Preferences of an agent space (`AgentSpacePreferences`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Preferences {
    /// Whether the agent may take actions that change things, using the roles and tools that associations
    /// allow for this. AWS defaults to false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elevated_actions_enabled: Option<bool>,
}

/// How a space gets its AWS accounts (`AwsSourceMode`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AwsSourceMode {
    #[default]
    Standalone,
    Organization,
}

impl AwsSourceMode {
    /// The word of the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Standalone => "standalone",
            Self::Organization => "organization",
        }
    }
}

/// Sign-in methods of the operator app; several can be enabled (`EnableOperatorApp`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OperatorApp {
    /// Sign in with IAM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iam: Option<IamAuth>,

    /// Sign in with IAM Identity Center.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idc: Option<IdcAuth>,

    /// Sign in with an OpenID Connect identity provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idp: Option<IdpAuth>,
}

/// Sign in with IAM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IamAuth {
    /// IAM role that the app assumes, for example `arn:aws:iam::123456789012:role/DevOpsAgentApp`.
    pub role_arn: RoleArn,
}

/// Sign in with IAM Identity Center.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IdcAuth {
    /// IAM role that the app assumes.
    pub role_arn: RoleArn,

    /// ARN of the Identity Center instance, for example `arn:aws:sso:::instance/ssoins-1234567890abcdef`.
    #[schemars(extend("x-standard" = "arn"))]
    pub instance_arn: String,
}

/// Sign in with an OpenID Connect identity provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IdpAuth {
    /// IAM role that the app assumes.
    pub role_arn: RoleArn,

    /// Issuer URL, for example `https://login.example.com/realms/ops`.
    pub issuer_url: String,

    /// Client ID at the provider.
    #[schemars(length(min = 1, max = 512))]
    pub client_id: String,

    /// Key of a Secret that holds the client secret. When the Secret is rotated, the new value is sent to AWS
    /// at once.
    pub client_secret_ref: KeyRef,

    /// Name of the provider, for example `okta`.
    pub provider: String,
}

/// Observed state of the space.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentSpaceStatus {
    #[serde(flatten)]
    pub common: CommonStatus,

    /// URL of the operator app, once it is enabled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator_app_url: Option<String>,

    /// Sign-in methods that the operator enabled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub operator_app_flows: Vec<String>,
}

object!(AgentSpace, AgentSpaceStatus, account: account_ref);
