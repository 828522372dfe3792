//! Asset: something that the agent knows or works with.

mod content;
mod metadata;

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use content::{ConfigMapName, Content, File, FileSource, Zip};
pub use metadata::Metadata;

use super::common::{CommonStatus, ObjectRef, Policies, object};
use super::scalars::AssetType;
use super::schema;

/// Something the agent knows or works with: a skill, instructions, an attachment, a custom agent, a memory or
/// a test profile.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "devopsagent.dev",
    version = "v1alpha1",
    kind = "Asset",
    plural = "assets",
    shortname = "asset",
    category = "devopsagent",
    doc = "Something the agent knows or works with: a skill, instructions, an attachment, a custom agent, a memory or a test profile.",
    namespaced,
    status = "AssetStatus",
    derive = "PartialEq",
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Synced","type":"string","jsonPath":".status.conditions[?(@.type==\"Synced\")].status"}"#,
    printcolumn = r#"{"name":"Reason","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].reason"}"#,
    printcolumn = r#"{"name":"Summary","type":"string","jsonPath":".status.summary"}"#,
    printcolumn = r#"{"name":"Type","type":"string","jsonPath":".spec.assetType"}"#,
    printcolumn = r#"{"name":"Space","type":"string","jsonPath":".spec.agentSpaceRef.name"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#,
    printcolumn = r#"{"name":"ID","type":"string","jsonPath":".status.id","priority":1}"#,
    printcolumn = r#"{"name":"Version","type":"integer","jsonPath":".status.version","priority":1}"#,
    printcolumn = r#"{"name":"Files","type":"integer","jsonPath":".status.files","priority":1}"#
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = metadata::rules()))]
pub struct AssetSpec {
    #[serde(flatten)]
    pub policies: Policies,

    /// The AgentSpace that the asset belongs to.
    pub agent_space_ref: ObjectRef,

    /// Type of the asset: `skill`, `agents_md`, `attachment`, `custom_agent`, `memory_store`, `memory`,
    /// `test_profile`, or any other type that AWS supports.
    pub asset_type: AssetType,

    /// Metadata of the asset; which fields are required depends on its type. A field removed here is removed
    /// in AWS; if AWS keeps it, the `Synced` condition says so. Fields that were never set here are left
    /// alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,

    /// The Asset of type `memory_store` that holds a memory; sets `metadata.memory_store_id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_store_ref: Option<ObjectRef>,

    /// Content of the asset: exactly one source.
    pub content: Content,
}

/// Observed state of the asset.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AssetStatus {
    #[serde(flatten)]
    pub common: CommonStatus,

    /// ID of the agent space.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_space_id: Option<String>,

    /// Version of the asset in AWS, incremented by every change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,

    /// Number of files in the asset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<i32>,

    /// Metadata fields that the spec no longer sets and that AWS kept although it was asked to remove them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept_metadata: Vec<String>,
}

object!(Asset, AssetStatus);

/// The rules on an asset that are not about its metadata.
fn own_rules() -> Vec<serde_json::Value> {
    vec![
        schema::immutable("agentSpaceRef", "delete and recreate the object"),
        schema::immutable("assetType", "delete and recreate the object"),
    ]
}
