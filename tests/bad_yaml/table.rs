//! The table: valid objects, and patches that make them invalid.

use std::collections::BTreeMap;

use devops_agent_operator::api::association::Configuration;
use devops_agent_operator::api::service_registration::Service;
use serde::Deserialize;
use serde_json::Value;

/// A row of the table.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// What is wrong.
    pub it: String,
    /// The good object that is spoilt.
    pub of: String,
    /// What is merged over it; null removes a member.
    pub patch: Value,
    /// The field that the error must be about.
    pub field: String,
    /// A part of the error's message.
    pub says: String,
    /// Part of the message of a server-side apply, if that differs.
    pub applied: Option<String>,
    /// Why a server-side apply accepts it nevertheless.
    pub taken: Option<String>,
    /// Whether the good object exists, and is changed.
    #[serde(default)]
    pub update: bool,
}

/// The good objects, by name.
pub fn good() -> BTreeMap<String, Value> {
    let mut objects: BTreeMap<String, Value> =
        serde_saphyr::from_str(include_str!("good.yaml")).expect("good.yaml can be read");
    for (name, object) in &mut objects {
        // An account belongs to no namespace, so its name must say whose it is.
        let name = if object["kind"] == "AWSAccount" { format!("bad-yaml-{name}") } else { name.clone() };
        merge(object, &serde_json::json!({ "metadata": { "name": name } }));
    }
    objects
}

/// The rows. In what they say, the words `SERVICES` and `CONFIGURATIONS` stand for all members of these unions.
pub fn rows() -> Vec<Row> {
    let text = include_str!("rows.yaml")
        .replace("SERVICES", &list(Service::KEYS))
        .replace("CONFIGURATIONS", &list(Configuration::KEYS));
    serde_saphyr::from_str(&text).expect("rows.yaml can be read")
}

/// The members of a union, as messages list them.
fn list(keys: &[&str]) -> String {
    let mut keys = keys.to_vec();
    keys.sort_unstable();
    keys.join(", ")
}

/// Merges a patch over a value, as RFC 7386 says.
pub fn merge(value: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *value = patch.clone();
        return;
    };
    if !value.is_object() {
        *value = serde_json::json!({});
    }
    for (key, patch) in patch {
        if let Value::Object(members) = value {
            if patch.is_null() {
                members.remove(key);
            } else {
                merge(members.entry(key.clone()).or_insert(Value::Null), patch);
            }
        }
    }
}
