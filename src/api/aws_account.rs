//! AWSAccount: which account and region, and how to get there.

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use super::common::{AllowedNamespaces, CommonStatus, Object, Policies, Status, Tags};
use super::scalars::{EndpointUrl, Region, RoleArn};
use super::schema;

/// An AWS account and region that agent spaces, registrations and private connections are created in.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "devopsagent.dev",
    version = "v1alpha1",
    kind = "AWSAccount",
    plural = "awsaccounts",
    shortname = "awsacct",
    category = "devopsagent",
    doc = "An AWS account and region that agent spaces, registrations and private connections are created in.",
    status = "AWSAccountStatus",
    derive = "PartialEq",
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Reason","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].reason"}"#,
    printcolumn = r#"{"name":"Region","type":"string","jsonPath":".spec.region"}"#,
    printcolumn = r#"{"name":"Role","type":"string","jsonPath":".spec.assumeRole.roleArn","priority":1}"#,
    printcolumn = r#"{"name":"Message","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].message","priority":1}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    schema::immutable("region", "create another AWSAccount"),
]))]
pub struct AWSAccountSpec {
    /// Region of the AWS DevOps Agent API, for example `us-east-1`. Without it the operator's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,

    /// Role to assume in the account. Without it the operator's own credentials are used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assume_role: Option<AssumeRole>,

    /// Addresses to use instead of AWS's public ones, for example those of a VPC endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoints: Option<Endpoints>,

    /// Which namespaces may use this account: All (the default), those listed, or those whose labels
    /// match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-kubernetes-validations" = [
        schema::rule(".from", "self.from != 'Same'", "an AWSAccount has no namespace: use All, Names or Selector"),
    ]))]
    pub allowed_namespaces: Option<AllowedNamespaces>,

    /// Most API requests that the operator makes each second in this account and region. It slows
    /// down by itself when AWS throttles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    pub requests_per_second: Option<i32>,

    /// Tags for everything that is created in this account, on top of each object's own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "schema::tags")]
    pub tags: Tags,
}

/// A role to assume (`AssumeRole` of AWS STS).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AssumeRole {
    /// ARN of the role, for example `arn:aws:iam::123456789012:role/devops-agent-operator`.
    pub role_arn: RoleArn,

    /// External id that the role's trust policy asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 2, max = 1224), regex(pattern = r"^(?:[\w+=,.@:/-]*)$"))]
    pub external_id: Option<String>,

    /// Name of the session in CloudTrail. Defaults to `devops-agent-operator`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 2, max = 64), regex(pattern = r"^(?:[\w+=,.@-]*)$"))]
    pub session_name: Option<String>,
}

/// Addresses of the API's two halves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Endpoints {
    /// Of the control plane: spaces, services, associations, private connections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control_plane: Option<EndpointUrl>,

    /// Of the data plane: assets and triggers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_plane: Option<EndpointUrl>,
}

/// What the operator knows of the account.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AWSAccountStatus {
    #[serde(flatten)]
    pub common: CommonStatus,
}

impl Status for AWSAccountStatus {
    fn common(&self) -> &CommonStatus {
        &self.common
    }

    fn common_mut(&mut self) -> &mut CommonStatus {
        &mut self.common
    }
}

impl Object for AWSAccount {
    type Status = AWSAccountStatus;

    const NAMESPACED: bool = false;

    /// An account has no remote that could be created, adopted or deleted.
    fn policies(&self) -> Policies {
        Policies::default()
    }

    fn status(&self) -> AWSAccountStatus {
        self.status.clone().unwrap_or_default()
    }
}
