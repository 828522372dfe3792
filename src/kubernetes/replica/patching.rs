//! What an object is after a patch. Pure.

use http::HeaderValue;
use serde_json::{Value, json};

/// The kinds of patches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Server-side apply. There is only one field manager.
    Apply,
    /// JSON merge patch.
    Merge,
    /// JSON patch.
    Json,
}

impl Kind {
    /// As the header names it.
    pub fn of(content_type: Option<&HeaderValue>) -> Self {
        match content_type.and_then(|value| value.to_str().ok()) {
            Some("application/apply-patch+yaml") => Self::Apply,
            Some("application/json-patch+json") => Self::Json,
            _ => Self::Merge,
        }
    }
}

/// The object after the patch, or why it can't be applied. A patch of the status changes nothing else, and the other way
/// around.
pub fn patched(before: &Value, patch: &Value, kind: Kind, status: bool) -> Result<Value, String> {
    let uid = &patch["metadata"]["uid"];
    if kind != Kind::Json && !uid.is_null() && !before.is_null() && *uid != before["metadata"]["uid"] {
        return Err("the UID is another".to_owned());
    }
    let mut after = before.clone();
    match kind {
        Kind::Json => {
            let patch: json_patch::Patch =
                serde_json::from_value(patch.clone()).map_err(|error| error.to_string())?;
            json_patch::patch(&mut after, &patch).map_err(|error| error.to_string())?;
        }
        Kind::Apply if status => after["status"].clone_from(&patch["status"]),
        Kind::Apply => {
            let finalizers = union(&before["metadata"]["finalizers"], &patch["metadata"]["finalizers"]);
            json_patch::merge(&mut after, patch);
            if !finalizers.is_empty() {
                after["metadata"]["finalizers"] = json!(finalizers);
            }
        }
        Kind::Merge => json_patch::merge(&mut after, patch),
    }
    if status {
        let mut changed = before.clone();
        changed["status"].clone_from(&after["status"]);
        return Ok(changed);
    }
    if !before["status"].is_null() {
        after["status"].clone_from(&before["status"]);
    }
    Ok(after)
}

/// A set in both.
fn union<'a>(one: &'a Value, other: &'a Value) -> Vec<&'a Value> {
    let mut all: Vec<&Value> = one.as_array().into_iter().flatten().collect();
    all.extend(
        other
            .as_array()
            .into_iter()
            .flatten()
            .filter(|item| !one.as_array().is_some_and(|one| one.contains(item))),
    );
    all
}
