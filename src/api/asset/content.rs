//! What an asset consists of.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::api::common::KeyRef;
use crate::api::scalars::{AssetFileBase64, AssetFilePath, AssetFileText, AssetSourceUrl, ObjectName};
use crate::api::union::{self, union};

/// Maximum files that an asset can have here: a CEL rule on each needs a bound.
const MOST_FILES: usize = 500;

/// Files, in a list of their own so that each path is there once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Files(pub Vec<File>);

impl JsonSchema for Files {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Files".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "array",
            "minItems": 1,
            "maxItems": MOST_FILES,
            "items": generator.subschema_for::<File>(),
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["path"],
        })
    }
}

union! {
    /// Content of an asset: exactly one source.
    pub enum Content {
        /// Files listed individually. A skill has a `SKILL.md`.
        "files" => Files(Files),
        /// A ConfigMap in the object's own namespace: each of its keys becomes a file of that name.
        "configMapRef" => ConfigMapRef(ConfigMapName),
        /// A zip archive in a ConfigMap or Secret: exactly one source. AWS unpacks it.
        "zip" => Zip(Zip),
        /// HTTPS URL on GitHub that AWS fetches the files from. The space needs an association with the
        /// repository.
        "sourceUrl" => SourceUrl(AssetSourceUrl),
    }
}

/// A file of an asset (`AssetFileContent`): exactly one of text, base64, configMapKeyRef or secretKeyRef.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = union::as_object)]
pub struct File {
    /// Path within the asset, for example `references/escalation.md`.
    pub path: AssetFilePath,

    /// Where its content comes from.
    #[serde(flatten)]
    pub source: FileSource,
}

/// Where the content of a file comes from (`AssetFileBody`, and its sources in the cluster).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum FileSource {
    /// Text content of the file, for example with `text: |`.
    Text(AssetFileText),
    /// Content of the file, base64-encoded.
    Base64(AssetFileBase64),
    /// Key of a ConfigMap in the object's own namespace that holds the file.
    ConfigMapKeyRef(KeyRef),
    /// Key of a Secret in the object's own namespace that holds the file.
    SecretKeyRef(KeyRef),
}

/// A ConfigMap in the object's own namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConfigMapName {
    /// Name of the ConfigMap.
    pub name: ObjectName,
}

union! {
    /// Source of a zip archive: exactly one.
    pub enum Zip {
        /// Key of a ConfigMap in the object's own namespace, in its `binaryData`.
        "configMapKeyRef" => ConfigMapKeyRef(KeyRef),
        /// Key of a Secret in the object's own namespace.
        "secretKeyRef" => SecretKeyRef(KeyRef),
    }
}
