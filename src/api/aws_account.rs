//! AWSAccount: which account and region, and how to get there.

use kube::CustomResource;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use super::common::{AllowedNamespaces, CommonStatus, Object, Policies, Status, Tags};
use super::scalars::{ArnPattern, EndpointUrl, NamespaceName, Region, RoleArn};
use super::schema;

/// An AWS account and region that agent spaces, registrations and private connections are created in.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "devopsagent.dev",
    version = "v1alpha1",
    kind = "AWSAccount",
    plural = "awsaccounts",
    shortname = "awsacct",
    doc = "An AWS account and region that agent spaces, registrations and private connections are created in.",
    status = "AWSAccountStatus",
    derive = "PartialEq",
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Synced","type":"string","jsonPath":".status.conditions[?(@.type==\"Synced\")].status"}"#,
    printcolumn = r#"{"name":"Reason","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].reason"}"#,
    printcolumn = r#"{"name":"Summary","type":"string","jsonPath":".status.summary"}"#,
    printcolumn = r#"{"name":"Region","type":"string","jsonPath":".spec.region"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#,
    printcolumn = r#"{"name":"Role","type":"string","jsonPath":".spec.assumeRole.roleArn","priority":1}"#
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    schema::immutable("region", "create another AWSAccount"),
]))]
pub struct AWSAccountSpec {
    /// Region of the AWS DevOps Agent API, for example `us-east-1`. Defaults to the operator's own region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,

    /// IAM role to assume in the account. If omitted, the operator's own credentials are used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assume_role: Option<AssumeRole>,

    /// Endpoints to use instead of AWS's public ones, for example those of a VPC endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoints: Option<Endpoints>,

    /// Which namespaces may use this account: All (the default), those listed, or those whose labels
    /// match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-kubernetes-validations" = [
        schema::rule(".from", "self.from != 'Same'", "an AWSAccount has no namespace: use All, Names or Selector"),
    ]))]
    pub allowed_namespaces: Option<AllowedNamespaces>,

    /// Which namespaces may adopt, observe or use existing AWS resources that no object of this cluster owns.
    /// If omitted, every namespace that may use the account may adopt resources without owner tags.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adoption: Option<Adoption>,

    /// What a single namespace may request in this account: which roles and KMS keys its objects may name,
    /// how many resources it may own, and how many API requests per second it may cause. A namespace that no
    /// policy selects is not limited. If several policies select a namespace, their lists are combined and
    /// the lowest limit applies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "policies_by_name")]
    pub namespace_policies: Option<Vec<NamespacePolicy>>,

    /// Maximum API requests per second that the operator makes in this account and region. It slows down
    /// automatically when AWS throttles. AWSAccounts of the same account and region share one limit, the
    /// lowest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    pub requests_per_second: Option<i32>,

    /// Tags for everything that is created in this account, in addition to each object's own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "schema::tags")]
    pub tags: Tags,
}

/// Which namespaces may adopt, observe or use resources that no object of this cluster owns.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Adoption {
    /// Resources without owner tags, created manually or by other tools. All (the default): every namespace
    /// that may use this account may adopt them. Listed: only the namespaces listed in `rules`.
    #[serde(default)]
    pub unowned: Unowned,

    /// Resources whose owner tags name an object of this cluster that no longer exists because it was deleted
    /// with `deletionPolicy: Retain`. `SameNamespace` (the default): objects in the namespace that it was in.
    /// Listed: only the namespaces listed in `rules`. An object with the same namespace and name is always
    /// their owner.
    #[serde(default)]
    pub retained: Retained,

    /// Resources with the owner tags of another cluster. Observe (the default): they may be observed and
    /// used, but never changed. None: they may be neither observed nor used. Listed: they may be observed by the
    /// namespaces listed in `rules`.
    #[serde(default)]
    pub other_clusters: OtherClusters,

    /// The namespaces that Listed refers to. Without rules, it refers to none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "rules_by_name")]
    pub rules: Option<Vec<AdoptionRule>>,
}

/// Who may adopt resources without owner tags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Unowned {
    #[default]
    All,
    Listed,
}

/// Who may adopt resources of objects that no longer exist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Retained {
    #[default]
    SameNamespace,
    Listed,
}

/// Who may observe resources of other clusters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum OtherClusters {
    None,
    #[default]
    Observe,
    Listed,
}

/// Namespaces that may adopt resources with certain tags.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AdoptionRule {
    /// Name of the rule, for example `payments`.
    pub name: NamespaceName,

    /// The namespaces that the rule lists.
    #[schemars(extend("x-kubernetes-validations" = [
        schema::rule(".from", "self.from != 'Same'", "an AWSAccount has no namespace: use All, Names or Selector"),
    ]))]
    pub namespaces: AllowedNamespaces,

    /// Tags that the AWS resource must have, all of them, for example `{team: payments}`. Associations,
    /// assets and triggers have no tags of their own: the tags of their agent space are checked instead.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "schema::tags")]
    pub resource_tags: Tags,
}

/// What a single namespace may request in an account.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NamespacePolicy {
    /// Name of the policy, for example `teams`.
    pub name: NamespaceName,

    /// The namespaces that the policy limits.
    #[schemars(extend("x-kubernetes-validations" = [
        schema::rule(".from", "self.from != 'Same'", "an AWSAccount has no namespace: use All, Names or Selector"),
    ]))]
    pub namespaces: AllowedNamespaces,

    /// ARN patterns of the IAM roles that specs may name, for example
    /// `arn:aws:iam::123456789012:role/team-*`. `*` matches any characters and `?` a single one, as in IAM
    /// policies. If omitted, any role is allowed; if empty, none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64), transform = schema::set)]
    pub role_arns: Option<Vec<ArnPattern>>,

    /// ARN patterns of the KMS keys that specs may name, for example
    /// `arn:aws:kms:us-east-1:123456789012:key/*`. `*` matches any characters and `?` a single one, as in IAM
    /// policies. If omitted, any key is allowed; if empty, none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64), transform = schema::set)]
    pub kms_key_arns: Option<Vec<ArnPattern>>,

    /// Maximum number of resources in this account that the objects of one namespace may own. Lowering it
    /// leaves existing resources in place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub max_resources: Option<i32>,

    /// Maximum API requests per second that the objects of one namespace may cause: a ceiling, not a
    /// reservation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    pub requests_per_second: Option<i32>,
}

fn policies_by_name(generator: &mut SchemaGenerator) -> Schema {
    schema::map_by_name::<NamespacePolicy>(generator, 64)
}

fn rules_by_name(generator: &mut SchemaGenerator) -> Schema {
    schema::map_by_name::<AdoptionRule>(generator, 64)
}

/// A role to assume (`AssumeRole` of AWS STS).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AssumeRole {
    /// ARN of the role, for example `arn:aws:iam::123456789012:role/devops-agent-operator`.
    pub role_arn: RoleArn,

    /// External ID that the role's trust policy requires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 2, max = 1224), regex(pattern = r"^(?:[\w+=,.@:/-]*)$"))]
    pub external_id: Option<String>,

    /// Session name shown in CloudTrail. Defaults to `devops-agent-operator`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 2, max = 64), regex(pattern = r"^(?:[\w+=,.@-]*)$"))]
    pub session_name: Option<String>,
}

/// Endpoints of the API's control plane and data plane.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Endpoints {
    /// Control plane endpoint: spaces, services, associations, private connections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control_plane: Option<EndpointUrl>,

    /// Data plane endpoint: assets and triggers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_plane: Option<EndpointUrl>,
}

/// Observed state of the account.
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

    fn set_status(&mut self, status: AWSAccountStatus) {
        self.status = Some(status);
    }
}
