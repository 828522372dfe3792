//! Single files of an asset.

use serde_json::Value;

use super::{commit, find, merge, next_version, rules, version};
use crate::context::{Answer, Context, Object};
use crate::error::ApiError;
use crate::input::{Input, epoch};
use crate::paging::{Row, page};
use crate::store::AssetFile;
use crate::switches::Permission;

pub fn create(cx: &mut Context<'_>, input: &Input) -> Answer {
    let path = input.text("path");
    let asset = find(cx, input)?;
    if asset.current.files.contains_key(path) {
        return Err(ApiError::conflict(format!("File {path} already exists")));
    }
    let mut next = next_version(asset, cx);
    let file = AssetFile {
        content: input.get("content").cloned().unwrap_or_default(),
        metadata: super::metadata(input)?.unwrap_or_default(),
        version: next.version,
        created_at: cx.now,
        updated_at: cx.now,
    };
    next.files.insert(path.to_owned(), file);
    finish(cx, input, next)
}

pub fn get(cx: &mut Context<'_>, input: &Input) -> Answer {
    let path = input.text("path");
    let version = version(find(cx, input)?, input)?;
    let file = version.files.get(path).ok_or_else(|| gone(cx, path))?;
    Ok(Object::new().with("file", show(path, file, true)).build())
}

pub fn list(cx: &mut Context<'_>, input: &Input) -> Answer {
    let asset = find(cx, input)?;
    let version = version(asset, input)?;
    let rows = (0..).zip(&version.files).map(|(sequence, (path, file))| Row {
        sequence,
        id: path,
        item: (path, file),
    });
    let list = format!("files {} {}", asset.asset_id, version.version);
    page(cx, input, ("items", &list), rows, |(path, file)| show(path, file, false))
}

pub fn update(cx: &mut Context<'_>, input: &Input) -> Answer {
    let path = input.text("path");
    let mut next = next_version(find(cx, input)?, cx);
    let version = next.version;
    let file = next.files.get_mut(path).ok_or_else(|| gone(cx, path))?;
    if let Some(content) = input.get("content") {
        file.content = content.clone();
    }
    if let Some(changes) = super::metadata(input)? {
        merge(&mut file.metadata, changes, cx.switches.metadata_null)?;
    }
    file.version = version;
    file.updated_at = cx.now;
    finish(cx, input, next)
}

pub fn delete(cx: &mut Context<'_>, input: &Input) -> Answer {
    let path = input.text("path");
    let mut next = next_version(find(cx, input)?, cx);
    if next.files.remove(path).is_none() {
        return Err(gone(cx, path));
    }
    if next.files.is_empty() && cx.switches.delete_last_file == Permission::Refuse {
        return Err(ApiError::validation("/path", "The last file of an asset can't be deleted"));
    }
    commit(cx, input, next)?;
    Ok(Object::new().build())
}

fn finish(cx: &mut Context<'_>, input: &Input, next: crate::store::AssetVersion) -> Answer {
    let path = input.text("path");
    rules::check(&find(cx, input)?.asset_type, &next)?;
    let asset = commit(cx, input, next)?;
    let file = asset.current.files.get(path).ok_or_else(|| ApiError::not_found("File", path))?;
    Ok(Object::new().with("file", show(path, file, true)).build())
}

fn gone(cx: &Context<'_>, path: &str) -> ApiError {
    cx.switches.gone_file.error(format!("File {path} not found"))
}

fn show(path: &str, file: &AssetFile, whole: bool) -> Value {
    Object::new()
        .with("path", path)
        .maybe("content", whole.then(|| file.content.clone()))
        .with("metadata", file.metadata.clone())
        .with("version", file.version)
        .with("createdAt", epoch(file.created_at))
        .with("updatedAt", epoch(file.updated_at))
        .build()
}
