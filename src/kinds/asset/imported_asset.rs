//! An asset as a spec: the inverse of what the kind compares.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::api::Asset as Object;
use crate::api::asset::Metadata;
use crate::api::common::Object as _;
use crate::aws::Client;
use crate::aws::operations::{Asset, GetAssetContent};
use crate::document;
use crate::kinds::imported::{Described, Names};

use super::archive;
use super::metadata::FRONT_MATTER;

/// Files by path.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Most bytes of files that an object of Kubernetes can hold next to its metadata and managed fields, encoded.
const MOST_BYTES: usize = 900 << 10;

/// What people call it.
pub fn title(asset: &Asset) -> String {
    let known = ["name", "filename", "agent_type", "target_url"];
    let found = known.iter().find_map(|member| asset.metadata.get(member)?.as_str());
    found.unwrap_or(&asset.asset_type).to_owned()
}

/// Address that AWS fetched the content from, if it did.
pub fn source(asset: &Asset) -> Option<&str> {
    asset.metadata.pointer("/source/url")?.as_str()
}

/// The memory store that it is in.
pub fn store(asset: &Asset) -> Option<&str> {
    asset.metadata.get("memory_store_id")?.as_str()
}

/// Reads the files of an asset.
pub async fn read(aws: &Client, space: &str, id: &str) -> Result<Files, String> {
    let request = GetAssetContent {
        agent_space_id: space.to_owned(),
        asset_id: id.to_owned(),
        ..GetAssetContent::default()
    };
    let answer = aws.call(&request).await.map_err(|error| error.to_string())?;
    files(&answer.content.zip_file)
}

/// The files in an archive that AWS returned.
fn files(zip_file: &str) -> Result<Files, String> {
    let bytes = STANDARD.decode(zip_file).map_err(|error| error.to_string())?;
    // This refuses what is too large, or is no archive of documents.
    archive::read(&bytes).map_err(|error| error.to_string())?;
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|error| error.to_string())?;
    let mut files = Files::new();
    for index in 0..archive.len() {
        let mut file = archive.by_index(index).map_err(|error| error.to_string())?;
        if file.is_dir() {
            continue;
        }
        let path = file.name().map_err(|error| error.to_string())?.into_owned();
        let mut content = Vec::new();
        file.read_to_end(&mut content).map_err(|error| format!("{path}: {error}"))?;
        files.insert(path, content);
    }
    Ok(files)
}

/// The spec of an object for it, with its files unless AWS fetched them.
pub fn describe(asset: &Asset, files: &Files, space: &Value, names: &Names) -> Result<Described, String> {
    let (mut metadata, others) = metadata(asset);
    let content = match source(asset) {
        Some(url) => {
            if asset.asset_type == "skill" {
                for member in FRONT_MATTER {
                    document::take(&mut metadata, member);
                }
            }
            json!({ "sourceUrl": url })
        }
        None => json!({ "files": listed(files)? }),
    };
    let store = store(asset).and_then(|id| names.reference(Object::kind_name(), id));
    if store.is_some() {
        document::take(&mut metadata, "memory_store_id");
    }
    let spec = json!({
        "agentSpaceRef": space,
        "assetType": asset.asset_type,
        "metadata": metadata,
        "memoryStoreRef": store,
        "content": content,
    });
    let others = (!others.is_empty())
        .then(|| format!("AWS also has the metadata {}, which stays as it is.", others.join(", ")));
    Ok(Described::new(spec, &["metadata"]).noting_if(others))
}

/// The members of the metadata that AWS documents, and the names of the others, which it may have added by itself.
fn metadata(asset: &Asset) -> (Value, Vec<String>) {
    let members: Map<String, Value> = asset.metadata.as_object().cloned().unwrap_or_default();
    let members = members.into_iter().filter(|(_, value)| !value.is_null()).collect();
    match serde_json::from_value::<Metadata>(Value::Object(members)) {
        Ok(mut known) => {
            let others =
                std::mem::take(&mut known.other).into_keys().filter(|name| name != "source").collect();
            (json!(known), others)
        }
        Err(_) => (asset.metadata.clone(), Vec::new()),
    }
}

fn listed(files: &Files) -> Result<Vec<Value>, String> {
    let encoded: Vec<(&String, &'static str, String)> = files
        .iter()
        .map(|(path, content)| match std::str::from_utf8(content) {
            Ok(text) => (path, "text", text.to_owned()),
            Err(_) => (path, "base64", STANDARD.encode(content)),
        })
        .collect();
    let bytes: usize = encoded.iter().map(|(path, _, text)| path.len() + text.len()).sum();
    if bytes > MOST_BYTES {
        return Err(format!(
            "its files have {bytes} bytes, and an object in Kubernetes has room for {MOST_BYTES}; keep them in ConfigMaps, \
             and write the object by hand"
        ));
    }
    Ok(encoded.into_iter().map(|(path, form, text)| json!({ "path": path, form: text })).collect())
}
