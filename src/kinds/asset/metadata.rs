//! Metadata of an asset. AWS merges what it receives into what it has, and adds its own members.

use serde_json::{Map, Value, json};

use crate::api::AssetStatus;
use crate::api::asset::{AssetSpec, Content};
use crate::aws::ErrorCode;
use crate::aws::operations::UpdateAsset;
use crate::document;
use crate::reconcile::kind::Scope;
use crate::reconcile::owned::Reset;
use crate::reconcile::state::drift::{self, Change, Drift};
use crate::reconcile::state::error::{Doing, Error};

/// Members that AWS reads from the front matter of a skill's `SKILL.md`, and ignores in requests.
pub const FRONT_MATTER: [&str; 2] = ["name", "description"];

/// Whether name and description are in the content: for a skill that is sent as a whole.
fn has_front_matter(spec: &AssetSpec) -> bool {
    spec.asset_type.0 == "skill" && matches!(spec.content, Content::Zip(_) | Content::SourceUrl(_))
}

/// Removes from `metadata` what AWS reads from the content.
pub fn without_front_matter(spec: &AssetSpec, metadata: &mut Value) {
    if has_front_matter(spec) {
        for key in FRONT_MATTER {
            document::take(metadata, key);
        }
    }
}

/// Which members are set: by the spec, by a reference in it, or by the content.
pub fn settings(spec: &AssetSpec) -> Value {
    let metadata = serde_json::to_value(&spec.metadata).unwrap_or_default();
    let mut set: Vec<&str> =
        metadata.as_object().into_iter().flatten().map(|(key, _)| key.as_str()).collect();
    if spec.memory_store_ref.is_some() {
        set.push("memory_store_id");
    }
    if has_front_matter(spec) {
        set.extend(FRONT_MATTER);
    }
    let set: Map<String, Value> = set.into_iter().map(|key| (key.to_owned(), true.into())).collect();
    json!({ "assetType": spec.asset_type, "metadata": set })
}

/// How a field goes back to its default.
pub fn reset(pointer: &str, status: &AssetStatus) -> Option<Reset> {
    if pointer == "/assetType" {
        return Some(Reset::Compared);
    }
    let key = document::member(pointer.strip_prefix("/metadata/")?);
    Some(match key.as_str() {
        // Only skills have these two.
        "status" => Reset::To("ACTIVE".into()),
        "skill_type" => Reset::To("USER".into()),
        _ if status.kept_metadata.contains(&key) => Reset::Stays(
            "AWS was asked to remove it but keeps it; set it to the desired value, or delete and recreate the object",
        ),
        _ => Reset::Clear,
    })
}

/// Forgets what AWS keeps, once it is gone or set again.
pub fn describe(desired: &Value, observed: &Value, status: &mut AssetStatus) {
    status
        .kept_metadata
        .retain(|key| desired.get(key).is_none() && observed.get(key).is_some_and(|it| !it.is_null()));
}

/// Where the metadata differs in what the spec sets.
pub fn compare(desired: &Value, observed: &Value) -> Vec<Change> {
    let none = Value::Null;
    let members = desired.as_object().into_iter().flatten();
    members
        .flat_map(|(key, wanted)| {
            let found = observed.get(key).unwrap_or(&none);
            drift::compare(&format!("metadata.{key}"), found, wanted)
        })
        .map(Change::sensitive)
        .collect()
}

/// Sets members of the metadata, or otherwise removes those that the spec no longer sets, with one call. Returns the
/// paths of what was changed; what AWS keeps is noted in status.
pub async fn update(
    scope: &Scope,
    desired: &Value,
    id: &str,
    drift: &Drift,
    status: &mut AssetStatus,
) -> Result<Vec<String>, Error> {
    let (removed, set): (Vec<&Change>, Vec<&Change>) =
        drift.under("metadata").partition(|change| change.dropped.is_some() && change.desired.is_none());
    let path = |change: &&Change| change.path.clone();
    let mut request = UpdateAsset {
        agent_space_id: scope.space_id.clone(),
        asset_id: id.to_owned(),
        ..UpdateAsset::default()
    };
    if !set.is_empty() {
        let mut metadata = desired.clone();
        for change in set.iter().filter(|change| change.dropped.is_some()) {
            metadata[member(change)] = change.desired.clone().unwrap_or_default();
        }
        request.metadata = Some(metadata);
        scope.aws.call(&request).await.doing(|| format!("updating the metadata of the asset {id}"))?;
        return Ok(set.iter().map(path).collect());
    }
    // Whether a null removes a member is not documented.
    request.metadata = Some(removed.iter().map(|change| (member(change).to_owned(), Value::Null)).collect());
    let answer = scope.aws.call(&request).await;
    let refused = answer.as_ref().is_err_and(|error| {
        matches!(error.code(), Some(ErrorCode::Validation | ErrorCode::InvalidParameter))
    });
    let now = match answer {
        Err(_) if refused => None,
        answer => Some(answer.doing(|| format!("removing metadata of the asset {id}"))?.asset.metadata),
    };
    let is_gone = |change: &&Change| {
        now.as_ref().is_some_and(|now| change.observed.as_ref() != now.get(member(change)))
    };
    let (gone, kept): (Vec<&Change>, Vec<&Change>) = removed.into_iter().partition(is_gone);
    status.kept_metadata.extend(kept.iter().map(|change| member(change).to_owned()));
    Ok(gone.iter().map(path).collect())
}

/// The member of the metadata that a change is about.
fn member(change: &Change) -> &str {
    change.path.strip_prefix("metadata.").unwrap_or_default()
}
