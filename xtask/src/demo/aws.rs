//! What the simulated AWS has, seen from outside of the operator.

use std::collections::BTreeMap;

use serde_json::Value;

/// The collections of resources that an account has in a region.
const COLLECTIONS: [(&str, &str); 4] = [
    ("agentSpaces", "agent spaces"),
    ("services", "services"),
    ("privateConnections", "private connections"),
    ("pendingRegistrations", "registrations waiting for a person"),
];

/// How many resources there are, over all accounts and regions.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    /// Services that someone registered in the console, before the operator came.
    pub from_console: usize,
    /// All others, by type.
    pub others: BTreeMap<&'static str, usize>,
}

impl Inventory {
    /// Counts what there is.
    pub fn of(state: &Value) -> Self {
        let mut inventory = Self::default();
        let regions = members(&state["accounts"]).flat_map(members);
        for (region, (collection, name)) in regions.flat_map(|region| COLLECTIONS.map(|one| (region, one))) {
            for resource in members(&region[collection]) {
                if resource["origin"] == "console" {
                    inventory.from_console += 1;
                } else {
                    *inventory.others.entry(name).or_default() += 1;
                }
            }
        }
        inventory
    }

    /// As people read it.
    pub fn describe(&self) -> String {
        let others = self.others.iter().map(|(name, count)| format!("{count} {name}"));
        let console = format!("{} services registered in the console", self.from_console);
        others.chain([console]).collect::<Vec<_>>().join(", ")
    }
}

fn members(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_object().into_iter().flat_map(serde_json::Map::values)
}

/// Whether this text is anywhere in the state.
pub fn mentions(state: &Value, text: &str) -> bool {
    match state {
        Value::String(one) => one == text,
        Value::Array(items) => items.iter().any(|item| mentions(item, text)),
        Value::Object(members) => members.values().any(|member| mentions(member, text)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn resources_are_counted_over_accounts_and_regions() {
        let state = json!({"incidents": [{}], "accounts": {
            "1": {"us-east-1": {"agentSpaces": {"a": {}}, "services": {"g": {"origin": "console"}, "p": {}}}},
            "2": {"eu-west-1": {"agentSpaces": {"b": {}}, "services": {"g": {"origin": "console"}}}},
        }});
        let inventory = Inventory::of(&state);
        assert_eq!(inventory.from_console, 2);
        assert_eq!(inventory.others, BTreeMap::from([("agent spaces", 2), ("services", 1)]));
        assert_eq!(inventory.describe(), "2 agent spaces, 1 services, 2 services registered in the console");
    }

    #[test]
    fn an_account_that_was_never_used_has_nothing() {
        assert_eq!(Inventory::of(&json!({"accounts": {}})), Inventory::default());
    }

    #[test]
    fn a_text_is_found_at_any_depth() {
        assert!(mentions(&json!({"a": [{"b": "x"}]}), "x"));
        assert!(!mentions(&json!({"x": [{"b": "xy"}]}), "x"));
    }
}
