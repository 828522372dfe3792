//! Changes to the simulated AWS behind the operator's back.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde::ser::Serialize;
use serde_json::Value;

use crate::error::ApiError;
use crate::simulation::{Caller, Inner, Simulation};
use crate::store::Region;

/// Which resource.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// Only in this account.
    pub account: Option<String>,
    /// Only in this region.
    pub region: Option<String>,
    /// `agentSpace`, `operatorApp`, `service`, `association`, `privateConnection`, `asset` or `trigger`, in any
    /// spelling (`private-connection`).
    pub kind: String,
    /// Id of the resource; of its space for `operatorApp`, its name for `privateConnection`.
    pub id: String,
}

/// A change to one resource.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Mutation {
    /// The resource.
    #[serde(flatten)]
    pub target: Target,
    /// Members to set, as a JSON merge patch (RFC 7396) on the resource as the state shows it.
    pub set: Value,
}

/// Changes a resource.
pub fn mutate(simulation: &Simulation, mutation: &Mutation) -> Result<(), ApiError> {
    let mut inner = simulation.lock();
    let mut changed = None;
    change(&mut inner, &mutation.target, &mut |region, kind, id| {
        if let Some(result) = edit_one(region, kind, id, &mutation.set) {
            changed = Some(result);
        }
        changed.is_some()
    })?;
    simulation.changed.notify_one();
    changed.unwrap_or_else(|| Err(ApiError::not_found(&mutation.target.kind, &mutation.target.id)))
}

/// Removes a resource and all that is in it.
pub fn remove(simulation: &Simulation, target: &Target) -> Result<(), ApiError> {
    let mut inner = simulation.lock();
    change(&mut inner, target, &mut remove_one)?;
    simulation.changed.notify_one();
    Ok(())
}

/// Applies an action to the first region in which it finds its resource.
fn change(
    inner: &mut Inner,
    target: &Target,
    action: &mut dyn FnMut(&mut Region, &str, &str) -> bool,
) -> Result<(), ApiError> {
    const KINDS: [&str; 7] =
        ["agentSpace", "operatorApp", "service", "association", "privateConnection", "asset", "trigger"];
    let plain = |kind: &str| kind.replace(['-', '_'], "").to_ascii_lowercase();
    let known = KINDS.iter().find(|known| plain(known) == plain(&target.kind));
    let kind = known.ok_or_else(|| {
        ApiError::validation("/kind", format!("The kind must be one of {}", KINDS.join(", ")))
    })?;
    let now = Simulation::now();
    let is = |wanted: &Option<String>, actual: &str| wanted.as_deref().is_none_or(|wanted| wanted == actual);
    let mut place = None;
    for (account, name, region) in inner.world.regions_mut() {
        if is(&target.account, account) && is(&target.region, name) && action(region, kind, &target.id) {
            place = Some((account.to_owned(), name.to_owned()));
            break;
        }
    }
    let (account, region) = place.ok_or_else(|| ApiError::not_found(&target.kind, &target.id))?;
    inner.snapshot(&Caller { account, region, principal: String::new() }, now);
    Ok(())
}

fn edit_one(region: &mut Region, kind: &str, id: &str, set: &Value) -> Option<Result<(), ApiError>> {
    let mut spaces = region.agent_spaces.values_mut();
    match kind {
        "agentSpace" => region.agent_spaces.get_mut(id).map(|record| patch(record, set)),
        "operatorApp" => region.agent_spaces.get_mut(id).map(|space| patch(&mut space.operator_app, set)),
        "service" => region.services.get_mut(id).map(|record| patch(record, set)),
        "association" => {
            spaces.find_map(|space| space.associations.get_mut(id)).map(|record| patch(record, set))
        }
        "privateConnection" => region.private_connections.get_mut(id).map(|record| patch(record, set)),
        "asset" => spaces.find_map(|space| space.assets.get_mut(id)).map(|record| patch(record, set)),
        _ => spaces.find_map(|space| space.triggers.get_mut(id)).map(|record| patch(record, set)),
    }
}

fn remove_one(region: &mut Region, kind: &str, id: &str) -> bool {
    let mut spaces = region.agent_spaces.values_mut();
    match kind {
        "agentSpace" => region.agent_spaces.remove(id).is_some(),
        "operatorApp" => region.agent_spaces.get_mut(id).is_some_and(|space| {
            let enabled = !space.operator_app.is_empty();
            space.operator_app.clear();
            enabled
        }),
        "service" => region.services.remove(id).is_some(),
        "association" => spaces.any(|space| space.associations.remove(id).is_some()),
        "privateConnection" => region.private_connections.remove(id).is_some(),
        "asset" => spaces.any(|space| space.assets.remove(id).is_some()),
        _ => spaces.any(|space| space.triggers.remove(id).is_some()),
    }
}

fn patch<T: Serialize + DeserializeOwned>(record: &mut T, set: &Value) -> Result<(), ApiError> {
    let wrong = |error: serde_json::Error| ApiError::validation("/set", error.to_string());
    let mut value = serde_json::to_value(&*record).map_err(wrong)?;
    merge(&mut value, set);
    *record = serde_json::from_value(value).map_err(wrong)?;
    Ok(())
}

/// RFC 7396.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    let Some(object) = target.as_object_mut() else { return };
    for (name, value) in patch {
        if value.is_null() {
            object.remove(name);
        } else {
            merge(object.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}
