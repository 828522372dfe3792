//! The three forms in which content is received (a file, a zip, a URL), and the zip in which it is returned.

use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use crate::context::{Context, iso};
use crate::error::ApiError;
use crate::input::Input;
use crate::store::{AssetFile, AssetVersion};

const SKILL_FILE: &str = "SKILL.md";
const GITHUB: &str = "https://github.com/";
/// Limit on what a zip unpacks to.
const LARGEST: u64 = 64 * 1024 * 1024;

/// Puts the content of the input into a version of an asset.
pub fn apply(
    cx: &Context<'_>,
    input: &Input,
    kind: &str,
    version: &mut AssetVersion,
) -> Result<(), ApiError> {
    let (form, content) = input.union("content")?;
    let number = version.version;
    match form {
        "file" => {
            let path = content["path"].as_str().unwrap_or_default();
            put(version, path, content, cx.now)?;
            return Ok(());
        }
        "zip" => version.files = unzip(content["zipFile"].as_str().unwrap_or_default(), number, cx.now)?,
        _ => {
            let url = content["url"].as_str().unwrap_or_default();
            version.files = fetch(cx, input, url, number)?;
            let source = json!({"url": url, "lastSyncedAt": iso(cx.now)});
            version.metadata.insert("source".to_owned(), source);
        }
    }
    if kind == "skill" {
        version.metadata.extend(front_matter(version)?);
    }
    Ok(())
}

/// Adds or replaces one file.
fn put(version: &mut AssetVersion, path: &str, content: &Value, now: Timestamp) -> Result<(), ApiError> {
    let metadata = match content.get("metadata") {
        None | Some(Value::Null) => None,
        Some(Value::Object(object)) => Some(object.clone()),
        Some(_) => {
            return Err(ApiError::validation("/content/file/metadata", "The metadata must be an object"));
        }
    };
    let old = version.files.get(path);
    let file = AssetFile {
        content: content["body"].clone(),
        metadata: metadata.or_else(|| old.map(|old| old.metadata.clone())).unwrap_or_default(),
        version: version.version,
        created_at: old.map_or(now, |old| old.created_at),
        updated_at: now,
    };
    version.files.insert(path.to_owned(), file);
    Ok(())
}

fn file(bytes: Vec<u8>, version: i32, now: Timestamp) -> AssetFile {
    let content = match String::from_utf8(bytes) {
        Ok(text) => json!({ "text": text }),
        Err(error) => json!({ "bytes": BASE64_STANDARD.encode(error.as_bytes()) }),
    };
    AssetFile { content, metadata: Map::new(), version, created_at: now, updated_at: now }
}

fn unzip(encoded: &str, version: i32, now: Timestamp) -> Result<BTreeMap<String, AssetFile>, ApiError> {
    const PATH: &str = "/content/zip/zipFile";
    let bad =
        |error: &dyn std::fmt::Display| ApiError::validation(PATH, format!("Not a readable zip: {error}"));
    let bytes = BASE64_STANDARD.decode(encoded).map_err(|error| bad(&error))?;
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| bad(&error))?;
    let mut files = BTreeMap::new();
    let mut left = LARGEST;
    for index in 0..archive.len() {
        let entry = archive.by_index(index).map_err(|error| bad(&error))?;
        if entry.is_dir() {
            continue;
        }
        let name = entry.name().map_err(|error| bad(&error))?.into_owned();
        if !valid_path(&name) {
            return Err(bad(&format!("the path {name} is not allowed")));
        }
        let mut content = Vec::new();
        entry.take(left + 1).read_to_end(&mut content).map_err(|error| bad(&error))?;
        left = left.checked_sub(content.len() as u64).ok_or_else(|| {
            ApiError::new("ContentSizeExceededException", "The zip unpacks to more than 64 MB")
        })?;
        files.insert(name, file(content, version, now));
    }
    if files.is_empty() {
        return Err(bad(&"it has no files"));
    }
    Ok(files)
}

/// As the model's `AssetFilePath`, and not outside the asset.
fn valid_path(path: &str) -> bool {
    !path.is_empty()
        && path.len() <= 512
        && !path.starts_with('/')
        && path.split('/').all(|part| part != "..")
        && path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_./ ()-".contains(&byte))
}

/// What the simulated GitHub has at every URL: a skill named after the last part of its path.
fn fetch(
    cx: &Context<'_>,
    input: &Input,
    url: &str,
    version: i32,
) -> Result<BTreeMap<String, AssetFile>, ApiError> {
    const PATH: &str = "/content/sourceUrl/url";
    if !url.starts_with(GITHUB) {
        return Err(ApiError::validation(PATH, "Only GitHub URLs are supported"));
    }
    let space = cx.space(input)?;
    if space.associations.values().all(|association| association.configuration.get("github").is_none()) {
        return Err(ApiError::validation(PATH, "The agent space has no GitHub association"));
    }
    let last = url.trim_end_matches('/').rsplit('/').find(|part| *part != SKILL_FILE).unwrap_or("skill");
    let name: String = last
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' })
        .collect();
    let name = name.trim_matches('-');
    let text = format!("---\nname: {name}\ndescription: Imported from {url}\n---\n\n# {name}\n");
    Ok(BTreeMap::from([(SKILL_FILE.to_owned(), file(text.into_bytes(), version, cx.now))]))
}

/// Name and description of a skill from the front matter of its `SKILL.md`.
fn front_matter(version: &AssetVersion) -> Result<Map<String, Value>, ApiError> {
    let missing = |what: &str| ApiError::validation("/content", format!("{SKILL_FILE} {what}"));
    let text = version.files.get(SKILL_FILE).and_then(|file| file.content["text"].as_str());
    let text = text.ok_or_else(|| missing("is missing"))?;
    let block = text
        .trim_start_matches('\u{feff}')
        .strip_prefix("---")
        .and_then(|rest| rest.split_once("\n---"))
        .map(|(block, _)| block)
        .ok_or_else(|| missing("has no front matter"))?;
    let block: Map<String, Value> = serde_saphyr::from_str(block)
        .map_err(|error| missing(&format!("has front matter that is not valid YAML: {error}")))?;
    let mut found = Map::new();
    for key in ["name", "description"] {
        let value = block.get(key).and_then(Value::as_str).map(str::trim).filter(|value| !value.is_empty());
        let value = value.ok_or_else(|| missing(&format!("has no {key} in its front matter")))?;
        found.insert(key.to_owned(), json!(value));
    }
    Ok(found)
}

/// All files as base64 of a zip.
pub fn zip(files: &BTreeMap<String, AssetFile>) -> Result<String, ApiError> {
    let failed = |error: &dyn std::fmt::Display| ApiError::internal(format!("zip: {error}"));
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, file) in files {
        let bytes = match (file.content["text"].as_str(), file.content["bytes"].as_str()) {
            (Some(text), _) => text.as_bytes().to_vec(),
            (None, encoded) => {
                BASE64_STANDARD.decode(encoded.unwrap_or_default()).map_err(|error| failed(&error))?
            }
        };
        writer.start_file(path, SimpleFileOptions::default()).map_err(|error| failed(&error))?;
        writer.write_all(&bytes).map_err(|error| failed(&error))?;
    }
    let zip = writer.finish().map_err(|error| failed(&error))?;
    Ok(BASE64_STANDARD.encode(zip.into_inner()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zip_comes_back_as_it_went_in() {
        let now = Timestamp::UNIX_EPOCH;
        let files = BTreeMap::from([
            ("notes (old)/a b.md".to_owned(), file(b"text".to_vec(), 1, now)),
            ("image.bin".to_owned(), file(vec![0xff, 0xfe], 1, now)),
        ]);
        assert_eq!(unzip(&zip(&files).unwrap(), 1, now).unwrap(), files);
    }

    #[test]
    fn a_path_out_of_the_asset_is_refused() {
        assert!(valid_path("a/b (1).md"));
        assert!(!valid_path("../a"));
        assert!(!valid_path("/a"));
        assert!(!valid_path("ä.md"));
    }
}
