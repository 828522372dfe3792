//! What was created through the API and still exists: empty lists when everything is cleaned up.

use serde_json::{Value, json};

use crate::context::Object;
use crate::simulation::Simulation;
use crate::store::{AgentSpace, Region};

/// The resources of all accounts and regions by kind; services registered in the console are omitted.
pub fn resources(simulation: &Simulation) -> Value {
    let mut list = List::default();
    let mut inner = simulation.lock();
    let now = Simulation::now();
    for (account, name, region) in inner.world.regions_mut() {
        region.settle(now);
        list.region(region, &json!({"account": account, "region": name}));
    }
    list.build()
}

#[derive(Default)]
struct List {
    agent_spaces: Vec<Value>,
    operator_apps: Vec<Value>,
    services: Vec<Value>,
    pending_registrations: Vec<Value>,
    associations: Vec<Value>,
    private_connections: Vec<Value>,
    assets: Vec<Value>,
    triggers: Vec<Value>,
}

impl List {
    fn region(&mut self, region: &Region, place: &Value) {
        for service in region.services.values().filter(|service| service.origin != "console") {
            self.services.push(entry(place, &service.service_id, &service.service_type));
        }
        for pending in region.pending_registrations.values() {
            self.pending_registrations.push(entry(
                place,
                &pending.service.service_id,
                &pending.service.service_type,
            ));
        }
        for connection in region.private_connections.values() {
            self.private_connections.push(entry(place, &connection.name, &connection.status));
        }
        for space in region.agent_spaces.values() {
            self.space(space, place);
        }
    }

    fn space(&mut self, space: &AgentSpace, place: &Value) {
        self.agent_spaces.push(entry(place, &space.agent_space_id, &space.name));
        for flow in space.operator_app.keys() {
            self.operator_apps.push(entry(place, &space.agent_space_id, flow));
        }
        for association in space.associations.values() {
            let about = association.configuration.as_object().and_then(|object| object.keys().next());
            self.associations.push(entry(
                place,
                &association.association_id,
                about.map_or("", String::as_str),
            ));
        }
        for asset in space.assets.values() {
            self.assets.push(entry(place, &asset.asset_id, &asset.asset_type));
        }
        for trigger in space.triggers.values() {
            self.triggers.push(entry(place, &trigger.trigger_id, &trigger.status));
        }
    }

    fn build(self) -> Value {
        Object::new()
            .with("agentSpaces", self.agent_spaces)
            .with("operatorApps", self.operator_apps)
            .with("services", self.services)
            .with("pendingRegistrations", self.pending_registrations)
            .with("associations", self.associations)
            .with("privateConnections", self.private_connections)
            .with("assets", self.assets)
            .with("triggers", self.triggers)
            .build()
    }
}

/// Where a resource is, its id, and what it is about: its name, type, status or flow.
fn entry(place: &Value, id: &str, about: &str) -> Value {
    json!({"account": place["account"], "region": place["region"], "id": id, "about": about})
}
