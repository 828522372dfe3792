//! AgentSpace: an agent space and its operator app.

use std::collections::BTreeMap;

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::common::{AccountRef, AllowedNamespaces, CommonStatus, KeyRef, Policies, Tags, object};
use super::scalars::{AgentSpaceName, Description, KmsKeyArn, Locale, RoleArn};
use super::schema;

/// An agent space: the boundary of what AWS DevOps Agent may see and do for a team, and its web app.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "devopsagent.dev",
    version = "v1alpha1",
    kind = "AgentSpace",
    plural = "agentspaces",
    shortname = "space",
    category = "devopsagent",
    doc = "An agent space: the boundary of what AWS DevOps Agent may see and do for a team, and its web app.",
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
    schema::immutable("accountRef", "delete the object and create it anew"),
    schema::immutable("kmsKeyArn", "AWS sets a space's key once; delete the object and create it anew"),
]))]
pub struct AgentSpaceSpec {
    #[serde(flatten)]
    pub policies: Policies,

    /// The AWSAccount to create the space in. Without it the AWSAccount named `default` is used if
    /// there is one, else the operator's own credentials and region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_ref: Option<AccountRef>,

    /// Name of the space in AWS, for example `Payments`. Defaults to the name of this object; a space
    /// that is taken over by `externalId` keeps the name that it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<AgentSpaceName>,

    /// What the space is for, in one line. AWS can't clear a description once it is set: if this field is removed, `Synced`
    /// says so until it is set again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Description>,

    /// Language in which the agent answers, for example `en-US`. AWS can't go back to its own choice once it is set: if this
    /// field is removed, `Synced` says so until it is set again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<Locale>,

    /// ARN of the KMS key that encrypts the space's data. It is set once, when the space is created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kms_key_arn: Option<KmsKeyArn>,

    /// Switches of the space. One that is removed here goes back to its default; one that was never set here is left alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preferences: Option<Preferences>,

    /// Whether the AWS accounts that the agent looks into are named one by one (`standalone`: Associations with
    /// `sourceAws`) or are those of an AWS Organization (`organization`: `sourceAwsOrg`). AWS defaults to
    /// `standalone`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aws_source_mode: Option<AwsSourceMode>,

    /// Tags of the space in AWS. The operator adds its own owner tags (`devopsagent.dev/…`) and leaves
    /// tags alone that others have set.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "schema::tags")]
    pub tags: Tags,

    /// The space's web app for people. When the field is set, exactly the listed ways of signing in are
    /// enabled, and an empty object disables them all; without it the app is left alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator_app: Option<OperatorApp>,

    /// Who may refer to this space from another namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_namespaces: Option<AllowedNamespaces>,
}

/// Switches of an agent space (`AgentSpacePreferences`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Preferences {
    /// Whether the agent may take actions that change things, with the roles and tools that
    /// associations allow for it. AWS defaults to false.
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

/// Ways to sign in to the operator app; several may be enabled (`EnableOperatorApp`).
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
    /// Role that the app assumes, for example `arn:aws:iam::123456789012:role/DevOpsAgentApp`.
    pub role_arn: RoleArn,
}

/// Sign in with IAM Identity Center.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IdcAuth {
    /// Role that the app assumes.
    pub role_arn: RoleArn,

    /// ARN of the Identity Center instance, for example `arn:aws:sso:::instance/ssoins-1234567890abcdef`.
    #[schemars(extend("x-standard" = "arn"))]
    pub instance_arn: String,
}

/// Sign in with an OpenID Connect identity provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IdpAuth {
    /// Role that the app assumes.
    pub role_arn: RoleArn,

    /// URL of the issuer, for example `https://login.example.com/realms/ops`.
    pub issuer_url: String,

    /// Client id at the provider.
    #[schemars(length(min = 1, max = 512))]
    pub client_id: String,

    /// The key of a Secret that holds the client secret. A rotated Secret is sent to AWS at once.
    pub client_secret_ref: KeyRef,

    /// Name of the provider, for example `okta`.
    pub provider: String,
}

/// What the operator knows of the space.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentSpaceStatus {
    #[serde(flatten)]
    pub common: CommonStatus,

    /// Address of the operator app, once it is enabled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator_app_url: Option<String>,

    /// Ways of signing in that the operator enabled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub operator_app_flows: Vec<String>,
}

object!(AgentSpace, AgentSpaceStatus, account: account_ref);
