//! Assets, their versions and their content.

use serde_json::{Map, Value, json};

use crate::context::{Answer, Context, Object};
use crate::error::ApiError;
use crate::input::{Input, epoch};
use crate::paging::{Row, page};
use crate::random;
use crate::store::{Asset, AssetVersion};
use crate::switches::{DuplicateAsset, Permission};

pub mod content;
pub mod files;
mod rules;

pub fn list_types(cx: &mut Context<'_>, input: &Input) -> Answer {
    let rows = (0..).zip(rules::TYPES).map(|(sequence, kind)| Row { sequence, id: kind.name, item: kind });
    page(
        cx,
        input,
        ("items", "types"),
        rows,
        |kind| json!({"assetType": kind.name, "description": kind.description}),
    )
}

pub fn create(cx: &mut Context<'_>, input: &Input) -> Answer {
    cx.data_space(input)?;
    let kind = input.text("assetType").to_owned();
    if rules::TYPES.iter().all(|known| known.name != kind) {
        return Err(ApiError::validation("/assetType", format!("Unknown asset type {kind}")));
    }
    let mut current = AssetVersion {
        version: 1,
        updated_at: cx.now,
        metadata: metadata(input)?.unwrap_or_default(),
        files: std::collections::BTreeMap::new(),
    };
    content::apply(cx, input, &kind, &mut current)?;
    rules::complete(&kind, &mut current.metadata);
    rules::check(&kind, &current)?;
    check_unique(cx, input, &kind, &current.metadata, None)?;
    let asset = Asset {
        asset_id: random::uuid(),
        sequence: cx.region.next(),
        asset_type: kind,
        created_at: cx.now,
        current,
        history: Vec::new(),
    };
    let answer = Object::new().with("asset", show(&asset, &asset.current)).build();
    cx.space_mut(input)?.assets.insert(asset.asset_id.clone(), asset);
    Ok(answer)
}

pub fn get(cx: &mut Context<'_>, input: &Input) -> Answer {
    let asset = find(cx, input)?;
    Ok(Object::new().with("asset", show(asset, version(asset, input)?)).build())
}

pub fn list(cx: &mut Context<'_>, input: &Input) -> Answer {
    cx.data_space(input)?;
    let kind = input.optional("assetType");
    let limit = |name: &str| input.get(name).and_then(Value::as_f64);
    let (after, before) = (limit("updatedAfter"), limit("updatedBefore"));
    let wanted = |asset: &&Asset| {
        let at = epoch(asset.current.updated_at).as_f64().unwrap_or_default();
        kind.is_none_or(|kind| asset.asset_type == kind)
            && after.is_none_or(|after| at > after)
            && before.is_none_or(|before| at < before)
    };
    let space = cx.listed_space(input)?;
    let rows = space.into_iter().flat_map(|space| space.assets.values()).filter(wanted).map(|asset| Row {
        sequence: asset.sequence,
        id: &asset.asset_id,
        item: asset,
    });
    let list = format!("assets {}", input.text("agentSpaceId"));
    page(cx, input, ("items", &list), rows, |asset| show(asset, &asset.current))
}

/// Metadata is merged; content adds one file, replaces all, or is fetched again. Every success is a new version.
pub fn update(cx: &mut Context<'_>, input: &Input) -> Answer {
    let asset = find(cx, input)?;
    let (kind, id) = (asset.asset_type.clone(), asset.asset_id.clone());
    let mut next = next_version(asset, cx);
    if let Some(changes) = metadata(input)? {
        merge(&mut next.metadata, changes, cx.switches.metadata_null)?;
    }
    if input.get("content").is_some() {
        content::apply(cx, input, &kind, &mut next)?;
    }
    rules::complete(&kind, &mut next.metadata);
    rules::check(&kind, &next)?;
    check_unique(cx, input, &kind, &next.metadata, Some(&id))?;
    let asset = commit(cx, input, next)?;
    Ok(Object::new().with("asset", show(asset, &asset.current)).build())
}

pub fn delete(cx: &mut Context<'_>, input: &Input) -> Answer {
    let id = input.text("assetId");
    let space = cx.data_space(input)?;
    let names_it = |action: &Value| super::triggers::agent_of(action) == Some(id);
    if cx.switches.delete_triggered_asset == Permission::Refuse
        && let Some(trigger) = space.triggers.values().find(|trigger| names_it(&trigger.action))
    {
        return Err(ApiError::conflict(format!("Asset {id} is run by trigger {}", trigger.trigger_id)));
    }
    match cx.space_mut(input)?.assets.remove(id) {
        Some(_) => Ok(Object::new().build()),
        None => cx.missing("Asset", id),
    }
}

pub fn list_versions(cx: &mut Context<'_>, input: &Input) -> Answer {
    let asset = find(cx, input)?;
    let versions = asset.history.iter().chain([&asset.current]);
    let rows = (0..).zip(versions).map(|(sequence, version)| Row { sequence, id: "", item: version });
    page(
        cx,
        input,
        ("items", &format!("versions {}", asset.asset_id)),
        rows,
        |version| json!({"version": version.version, "createdAt": epoch(version.updated_at), "updatedAt": epoch(version.updated_at)}),
    )
}

pub fn get_content(cx: &mut Context<'_>, input: &Input) -> Answer {
    let version = version(find(cx, input)?, input)?;
    let zip = content::zip(&version.files)?;
    Ok(json!({"content": {"zipFile": zip}, "version": version.version}))
}

fn find<'a>(cx: &'a Context<'_>, input: &Input) -> Result<&'a Asset, ApiError> {
    let id = input.text("assetId");
    cx.data_space(input)?.assets.get(id).ok_or_else(|| ApiError::not_found("Asset", id))
}

/// The requested version; the newest if none is requested.
fn version<'a>(asset: &'a Asset, input: &Input) -> Result<&'a AssetVersion, ApiError> {
    let Some(wanted) = input.integer("assetVersion") else { return Ok(&asset.current) };
    let mut versions = asset.history.iter().chain([&asset.current]);
    versions
        .find(|version| i64::from(version.version) == wanted)
        .ok_or_else(|| ApiError::not_found("Version", &format!("{wanted} of asset {}", asset.asset_id)))
}

fn next_version(asset: &Asset, cx: &Context<'_>) -> AssetVersion {
    AssetVersion { version: asset.current.version + 1, updated_at: cx.now, ..asset.current.clone() }
}

fn commit<'a>(cx: &'a mut Context<'_>, input: &Input, next: AssetVersion) -> Result<&'a Asset, ApiError> {
    let id = input.text("assetId");
    let assets = &mut cx.space_mut(input)?.assets;
    let asset = assets.get_mut(id).ok_or_else(|| ApiError::not_found("Asset", id))?;
    asset.history.push(std::mem::replace(&mut asset.current, next));
    Ok(asset)
}

fn metadata(input: &Input) -> Result<Option<Map<String, Value>>, ApiError> {
    match input.get("metadata") {
        None => Ok(None),
        Some(Value::Object(object)) => Ok(Some(object.clone())),
        Some(_) => Err(ApiError::validation("/metadata", "The metadata must be an object")),
    }
}

/// Adds and changes keys; omitted keys stay.
fn merge(
    metadata: &mut Map<String, Value>,
    changes: Map<String, Value>,
    null: crate::switches::MetadataNull,
) -> Result<(), ApiError> {
    use crate::switches::MetadataNull::{Keep, Remove, Validation};
    for (key, value) in changes {
        match (value.is_null(), null) {
            (false, _) => {
                metadata.insert(key, value);
            }
            (true, Keep) => {}
            (true, Remove) => {
                metadata.remove(&key);
            }
            (true, Validation) => {
                return Err(ApiError::validation(&format!("/metadata/{key}"), "Member must not be null"));
            }
        }
    }
    Ok(())
}

fn check_unique(
    cx: &Context<'_>,
    input: &Input,
    kind: &str,
    metadata: &Map<String, Value>,
    own_id: Option<&str>,
) -> Result<(), ApiError> {
    let assets = &cx.space(input)?.assets;
    if kind == "memory" {
        let store = metadata.get("memory_store_id").and_then(Value::as_str).unwrap_or_default();
        if assets.get(store).is_none_or(|asset| asset.asset_type != "memory_store") {
            return Err(ApiError::validation(
                "/metadata/memory_store_id",
                format!("{store} is not a memory store of the space"),
            ));
        }
    }
    let Some(key) = rules::natural_key(kind) else { return Ok(()) };
    let same = |asset: &&Asset| {
        asset.asset_type == kind
            && Some(asset.asset_id.as_str()) != own_id
            && asset.current.metadata.get(key) == metadata.get(key)
    };
    let Some(other) = assets.values().find(same) else { return Ok(()) };
    let message = format!("Asset {} of type {kind} has the same {key}", other.asset_id);
    match cx.switches.duplicate_asset {
        DuplicateAsset::Allow => Ok(()),
        DuplicateAsset::Conflict => Err(ApiError::conflict(message)),
        DuplicateAsset::Validation => Err(ApiError::validation(&format!("/metadata/{key}"), message)),
    }
}

fn show(asset: &Asset, version: &AssetVersion) -> Value {
    Object::new()
        .with("assetId", asset.asset_id.as_str())
        .with("assetType", asset.asset_type.as_str())
        .with("metadata", version.metadata.clone())
        .with("version", version.version)
        .with("createdAt", epoch(asset.created_at))
        .with("updatedAt", epoch(version.updated_at))
        .build()
}
