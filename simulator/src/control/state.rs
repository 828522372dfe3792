//! The whole state as JSON.

use serde_json::{Map, Value, json};

use crate::model::Model;
use crate::simulation::Simulation;

/// Members of stored records that are secret whatever they hold.
const SECRET: [&str; 3] = ["secret", "clientSecret", "certificate"];

/// Everything in the simulated AWS by account and region, and the incidents that came in. Without `secrets`,
/// webhook secrets and the sensitive parts of registrations are left out.
pub fn state(core: &Simulation, secrets: bool) -> Value {
    let mut inner = core.lock();
    let now = Simulation::now();
    inner.world.regions_mut().for_each(|(_, _, region)| region.settle(now));
    let mut accounts = json!(inner.world.accounts);
    let incidents = json!(inner.world.incidents);
    drop(inner);
    strip(&mut accounts, &|name| name == "clientTokens" || name == "sequence" || name == "roles");
    if !secrets {
        mask_registrations(&core.model, &mut accounts);
        strip(&mut accounts, &|name| SECRET.contains(&name));
    }
    json!({ "accounts": accounts, "incidents": incidents })
}

fn strip(value: &mut Value, unwanted: &dyn Fn(&str) -> bool) {
    match value {
        Value::Object(object) => {
            object.retain(|name, _| !unwanted(name));
            object.values_mut().for_each(|item| strip(item, unwanted));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| strip(item, unwanted)),
        _ => {}
    }
}

fn objects(value: &mut Value) -> impl Iterator<Item = &mut Value> {
    value.as_object_mut().into_iter().flat_map(Map::values_mut)
}

fn mask_registrations(model: &Model, accounts: &mut Value) {
    let Some(shape) = model.named("ServiceDetails") else { return };
    for region in objects(accounts).flat_map(objects) {
        if let Some(pending) = region.get_mut("pendingRegistrations") {
            objects(pending)
                .filter_map(|pending| pending.get_mut("service"))
                .for_each(|service| mask(model, shape, service));
        }
        if let Some(services) = region.get_mut("services") {
            objects(services).for_each(|service| mask(model, shape, service));
        }
    }
}

fn mask(model: &Model, shape: usize, service: &mut Value) {
    if let Some(registration) = service.get_mut("registration") {
        *registration = model.without_secrets(shape, registration);
    }
}
