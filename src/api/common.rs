//! What every kind has in common: policies, references, consent, and the shared part of status.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, LabelSelector};
use kube::Resource;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::change::{ApprovedChange, ChangePolicy, PendingChange};
use super::scalars::{DataKey, NamespaceName, ObjectName, TagKey, TagValue};
use super::schema;

/// Tags on a remote, by key.
pub type Tags = BTreeMap<TagKey, TagValue>;

/// What the operator may do to the AWS resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ManagementPolicy {
    #[default]
    Manage,
    Observe,
}

/// What happens to the AWS resource when the object is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DeletionPolicy {
    #[default]
    Delete,
    Retain,
}

/// What to do with a matching AWS resource that this object did not create.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AdoptionPolicy {
    #[default]
    Refuse,
    Adopt,
}

/// How an object relates to its remote; part of the spec of every kind that has one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Policies {
    /// Manage (the default) makes AWS match this object. Observe never writes to AWS: it finds the resource
    /// and reports its state in status.
    #[serde(default)]
    pub management_policy: ManagementPolicy,

    /// Delete (the default) deletes the AWS resource when this object is deleted. Retain keeps it.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,

    /// What to do if AWS already has a matching resource that this object did not create. Refuse (the
    /// default) stops and reports it; Adopt adopts the resource.
    #[serde(default)]
    pub adoption_policy: AdoptionPolicy,

    /// ID of an existing AWS resource for this object to adopt, for example the agent space ID shown in the
    /// console. If omitted, the operator creates a new resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255), regex(pattern = r"^(?:[a-zA-Z0-9_.-]+)$"))]
    pub external_id: Option<String>,

    /// Automatic (the default) makes every change at once. `OnApproval`: every change of the AWS resource waits
    /// until it is approved; `status.pendingChange` says what would change. `OnApprovalIfDisruptive`: only what
    /// replaces or deletes the resource waits.
    #[serde(default)]
    pub change_policy: ChangePolicy,
}

/// The AWSAccount whose region and credentials are used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccountRef {
    /// Name of the AWSAccount, for example `production`.
    pub name: ObjectName,
}

/// Another object of this API group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ObjectRef {
    /// Name of the object.
    pub name: ObjectName,

    /// Namespace of the object. Defaults to the namespace of the referring object. An object in another
    /// namespace must allow the reference with its `allowedNamespaces`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<NamespaceName>,
}

/// A key of a Secret or ConfigMap in the object's own namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct KeyRef {
    /// Name of the Secret or ConfigMap.
    pub name: ObjectName,

    /// Key in its data, for example `token`.
    pub key: DataKey,
}

/// A value kept in a Secret, never in the object itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretValue {
    /// Key of a Secret in the object's own namespace that holds the value.
    pub secret_key_ref: KeyRef,
}

/// Which namespaces may refer to an object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ConsentFrom {
    #[default]
    Same,
    All,
    Names,
    Selector,
}

/// Which namespaces may refer to this object.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("x-kubernetes-validations" = [
    schema::rule(".names", "has(self.names) == (self.from == 'Names')", "names must be set with from: Names, and only then"),
    schema::rule(".selector", "has(self.selector) == (self.from == 'Selector')", "selector must be set with from: Selector, and only then"),
]))]
pub struct AllowedNamespaces {
    /// Same (the default, except for an AWSAccount, which has no namespace and needs one of the others): only
    /// objects in this namespace. All: objects in any namespace. Names: objects in the listed namespaces.
    /// Selector: objects in namespaces whose labels match.
    #[serde(default)]
    pub from: ConsentFrom,

    /// The namespaces that may refer to this object, with `from: Names`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 100))]
    pub names: Option<Vec<NamespaceName>>,

    /// Labels of the namespaces that may refer to this object, with `from: Selector`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<LabelSelector>,
}

/// The part of status that every kind has.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CommonStatus {
    /// Generation of the spec that this status reflects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// Ready: the resource exists in AWS, matches the spec and works. Synced: the last comparison or write
    /// succeeded. Reconciling and Stalled are present only while they are True.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Vec<Condition>,

    /// What matters most right now, in at most 80 characters; absent if all is well. The conditions have the
    /// details.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,

    /// ID of the resource in AWS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,

    /// ID of the resource that this one replaced after it had disappeared from AWS. It prevents a create
    /// request from returning the resource that is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost_id: Option<String>,

    /// Name of the AWSAccount that the resource is in; empty for the operator's own credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,

    /// ID of the AWS account that the resource is in, for example `123456789012`. The resource stays there:
    /// nothing is changed with credentials of another account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,

    /// Region that the resource is in, for example `us-east-1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,

    /// Value of `spec.externalId` through which the resource, or the one that it replaced, was adopted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adopted_from: Option<String>,

    /// Value of the annotation `devopsagent.dev/reconcile-requested-at` that was last handled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,

    /// A create request that was started and whose response has not been recorded yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent: Option<Intent>,

    /// Fingerprint of the input last sent to AWS that AWS never returns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<Fingerprint>,

    /// The operator's keyed hash of this status. If it doesn't match, because someone else wrote to the
    /// status, the resource is looked up in AWS before anything is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Fingerprint>,

    /// Keys of the tags that the operator set from the spec, so that it can remove those that the spec no
    /// longer has and leave other tools' tags alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tag_keys: Vec<String>,

    /// Fields that the spec set at the last write, as JSON pointers relative to `spec`, for example
    /// `/preferences/elevatedActionsEnabled`. A field that the spec no longer sets is reset to AWS's default.
    /// Tags and sign-in methods are recorded separately.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 128))]
    pub owned_fields: Vec<String>,

    /// The change that waits for approval because of `spec.changePolicy`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending_change: Option<PendingChange>,

    /// The change that was last approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_change: Option<ApprovedChange>,
}

/// A create request that was started: until its response is recorded, its outcome is unknown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Intent {
    /// The API operation, for example `RegisterService`.
    pub operation: String,

    /// Fingerprint of the input sent to AWS that AWS never returns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<Fingerprint>,

    /// Hash of what the resource is found by if the response is lost: a later edit may change what the spec
    /// describes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sought: Option<String>,
}

/// A keyed hash, comparable only under the same key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Fingerprint {
    /// ID of the key that the hash was made with.
    pub key_id: String,
    /// HMAC-SHA256, in hexadecimal.
    pub hash: String,
}

/// What the engine needs to know of an object of any kind.
pub trait Object:
    Resource<DynamicType = ()> + Clone + std::fmt::Debug + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// The kind's status; its shared part is within reach of the engine.
    type Status: Status;

    /// Whether objects of the kind lie in namespaces.
    const NAMESPACED: bool = true;

    /// The name of the kind, as it is written in YAML.
    fn kind_name() -> &'static str {
        match Self::kind(&()) {
            std::borrow::Cow::Borrowed(kind) => kind,
            std::borrow::Cow::Owned(_) => "",
        }
    }

    /// How the object relates to its remote.
    fn policies(&self) -> Policies;

    /// The status as it was last seen, or an empty one.
    fn status(&self) -> Self::Status;

    /// Puts another status in its place; nothing is written by that.
    fn set_status(&mut self, status: Self::Status);

    /// The AWSAccount that the object names, for the kinds that name one.
    fn account_ref(&self) -> Option<&AccountRef> {
        None
    }
}

/// A kind's status: the shared part and what the kind adds.
pub trait Status:
    Clone + Default + PartialEq + std::fmt::Debug + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// The shared part.
    fn common(&self) -> &CommonStatus;
    /// The shared part, to be changed.
    fn common_mut(&mut self) -> &mut CommonStatus;
}

/// Implements [`Status`] for a struct that holds a flattened `common` field, and [`Object`] for its kind.
macro_rules! object {
    ($kind:ty, $status:ty $(, account: $account:ident)?) => {
        impl $crate::api::common::Status for $status {
            fn common(&self) -> &$crate::api::common::CommonStatus {
                &self.common
            }

            fn common_mut(&mut self) -> &mut $crate::api::common::CommonStatus {
                &mut self.common
            }
        }

        impl $crate::api::common::Object for $kind {
            type Status = $status;

            fn policies(&self) -> $crate::api::common::Policies {
                self.spec.policies.clone()
            }

            fn status(&self) -> $status {
                self.status.clone().unwrap_or_default()
            }

            fn set_status(&mut self, status: $status) {
                self.status = Some(status);
            }

            $(fn account_ref(&self) -> Option<&$crate::api::common::AccountRef> {
                self.spec.$account.as_ref()
            })?
        }
    };
}
pub(crate) use object;
