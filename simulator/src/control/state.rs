//! The whole state as JSON.

use serde_json::{Map, Value, json};

use crate::model::{Model, ShapeId};
use crate::simulation::Simulation;

/// Bookkeeping that isn't a resource.
const BOOKKEEPING: [&str; 4] = ["clientTokens", "roles", "disassociated", "sequence"];

/// Everything in the simulated AWS by account and region, and the incidents that came in. Without `secrets`, webhook
/// secrets, client secrets, certificates and the sensitive parts of registrations are omitted.
pub fn state(simulation: &Simulation, secrets: bool) -> Value {
    let mut inner = simulation.lock();
    let now = Simulation::now();
    inner.world.regions_mut().for_each(|(_, _, region)| region.settle(now));
    let mut accounts = json!(inner.world.accounts);
    let incidents = json!(inner.world.incidents);
    drop(inner);
    for region in each(&mut accounts).flat_map(each) {
        for name in BOOKKEEPING {
            remove(region, name);
        }
        if !secrets {
            mask_region(&simulation.model, region);
        }
    }
    json!({ "accounts": accounts, "incidents": incidents })
}

fn mask_region(model: &Model, region: &mut Value) {
    if let Some(shape) = model.named("ServiceDetails") {
        each(&mut region["services"]).for_each(|service| mask_service(model, shape, service));
        let pending = each(&mut region["pendingRegistrations"]);
        pending.for_each(|pending| mask_service(model, shape, &mut pending["service"]));
    }
    for connection in each(&mut region["privateConnections"]) {
        each(&mut connection["mode"]).for_each(|mode| remove(mode, "certificate"));
    }
    for space in each(&mut region["agentSpaces"]) {
        each(&mut space["operatorApp"]).for_each(|flow| remove(flow, "clientSecret"));
        for association in each(&mut space["associations"]) {
            if let Some(webhook) = association.get_mut("webhook") {
                remove(webhook, "secret");
            }
        }
    }
}

fn mask_service(model: &Model, shape: ShapeId, service: &mut Value) {
    if let Some(registration) = service.get_mut("registration") {
        *registration = model.without_secrets(shape, registration);
    }
}

fn each(value: &mut Value) -> impl Iterator<Item = &mut Value> {
    value.as_object_mut().into_iter().flat_map(Map::values_mut)
}

fn remove(value: &mut Value, name: &str) {
    if let Value::Object(object) = value {
        object.remove(name);
    }
}
