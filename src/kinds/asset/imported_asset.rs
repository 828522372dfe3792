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

/// ConfigMaps by name; base64 by key.
type ConfigMaps = BTreeMap<String, BTreeMap<String, String>>;

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
    let mut config_maps = ConfigMaps::new();
    let content = if let Some(url) = source(asset) {
        if asset.asset_type == "skill" {
            for member in FRONT_MATTER {
                document::take(&mut metadata, member);
            }
        }
        json!({ "sourceUrl": url })
    } else {
        let own_name = names.of(Object::kind_name(), &asset.asset_id).unwrap_or_default();
        let (listed, maps) = listed(files, own_name)?;
        config_maps = maps;
        json!({ "files": listed })
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
    Ok(Described { config_maps, ..Described::new(spec, &["metadata"]).noting_if(others) })
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

/// The files as the spec of the object `name` lists them, and the ConfigMaps that hold them if the object has no room.
fn listed(files: &Files, name: &str) -> Result<(Vec<Value>, ConfigMaps), String> {
    let encoded: Vec<(&String, &'static str, String)> = files
        .iter()
        .map(|(path, content)| match std::str::from_utf8(content) {
            Ok(text) => (path, "text", text.to_owned()),
            Err(_) => (path, "base64", STANDARD.encode(content)),
        })
        .collect();
    let bytes: usize = encoded.iter().map(|(path, _, text)| path.len() + text.len()).sum();
    if bytes > MOST_BYTES {
        return in_config_maps(files, name);
    }
    let inline = encoded.into_iter().map(|(path, form, text)| json!({ "path": path, form: text }));
    Ok((inline.collect(), ConfigMaps::new()))
}

/// As many ConfigMaps as it takes, filled one after the other.
fn in_config_maps(files: &Files, name: &str) -> Result<(Vec<Value>, ConfigMaps), String> {
    let (mut listed, mut maps, mut room) = (Vec::new(), ConfigMaps::new(), 0);
    for (index, (path, content)) in files.iter().enumerate() {
        let content = STANDARD.encode(content);
        if content.len() > MOST_BYTES {
            return Err(format!(
                "its file {path} has {} bytes in base64, and neither an object nor a ConfigMap has room for more than \
                 {MOST_BYTES}",
                content.len()
            ));
        }
        if content.len() > room {
            room = MOST_BYTES;
            maps.insert(map_name(name, maps.len() + 1), BTreeMap::new());
        }
        room -= content.len();
        let (map, key) = (map_name(name, maps.len()), format!("file-{}", index + 1));
        listed.push(json!({ "path": path, "configMapKeyRef": { "name": map, "key": key } }));
        maps.entry(map).or_default().insert(key, content);
    }
    Ok((listed, maps))
}

/// Name of a ConfigMap of the object `name`, counted from 1.
fn map_name(name: &str, number: usize) -> String {
    /// Longest name of an object.
    const LONGEST: usize = 253;
    let suffix = format!("-files-{number}");
    format!("{}{suffix}", name.get(..LONGEST - suffix.len()).unwrap_or(name).trim_end_matches(['-', '.']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(sizes: &[usize]) -> Files {
        let name = |index| format!("references/{index}.md");
        sizes.iter().enumerate().map(|(index, size)| (name(index), vec![b'x'; *size])).collect()
    }

    #[test]
    fn what_an_object_has_no_room_for_is_spread_over_config_maps() {
        let (inline, maps) = listed(&files(&[1000, 2000]), "skill").unwrap();
        assert!(maps.is_empty() && inline[0]["text"].as_str().is_some_and(|text| text.len() == 1000));
        let (listed, maps) = listed(&files(&[500_000, 600_000, 10, 500_000]), "skill").unwrap();
        let lengths: Vec<usize> = maps.values().map(|map| map.values().map(String::len).sum()).collect();
        assert_eq!(maps.keys().collect::<Vec<_>>(), ["skill-files-1", "skill-files-2", "skill-files-3"]);
        assert!(lengths.iter().all(|length| *length <= MOST_BYTES), "{lengths:?}");
        for (index, file) in listed.iter().enumerate() {
            let (map, key) = (&file["configMapKeyRef"]["name"], &file["configMapKeyRef"]["key"]);
            let held = &maps[map.as_str().unwrap()][key.as_str().unwrap()];
            assert_eq!(STANDARD.decode(held).unwrap().len(), [500_000, 600_000, 10, 500_000][index]);
        }
    }

    #[test]
    fn a_file_that_nothing_has_room_for_is_named() {
        let why = listed(&files(&[10, 1_000_000]), "skill").unwrap_err();
        assert!(why.contains("references/1.md"), "{why}");
        assert_eq!(map_name(&"n".repeat(253), 1).len(), 253);
    }
}
