//! What must stay as it is in AWS, and must not be used.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::strings;
use crate::harness::Test;

/// The kinds of resources of a region, as the simulator's state names them.
const KINDS: [&str; 4] = ["agentSpaces", "services", "privateConnections", "pendingRegistrations"];
/// What is in a space.
const CHILDREN: [&str; 3] = ["associations", "assets", "triggers"];

/// Everything that was in an AWS account at one time.
pub struct Protected {
    state: Value,
    mark: u64,
    ids: BTreeSet<String>,
}

impl Protected {
    pub(super) fn new(t: &Test) -> Self {
        let state = t.state();
        let mut ids = BTreeSet::new();
        for kind in KINDS {
            ids.extend(members(&state[kind]).keys().cloned());
        }
        for space in members(&state["agentSpaces"]).values() {
            for kind in CHILDREN {
                ids.extend(members(&space[kind]).keys().cloned());
            }
        }
        Self { state, mark: t.mark(), ids }
    }

    /// Fails if anything of it was changed, deleted or used since: by what is there, and by what was tried.
    pub fn assert_untouched(&self, t: &Test) {
        let now = t.state();
        for kind in KINDS {
            for (id, before) in members(&self.state[kind]) {
                assert_eq!(now[kind].get(id), Some(before), "{kind} {id} was changed or deleted");
            }
            for (id, made) in members(&now[kind]) {
                if self.state[kind].get(id).is_none() {
                    let used = self.named_in(made);
                    assert!(used.is_none(), "{kind} {id}, which was made since, uses {used:?}: {made:#}");
                }
            }
        }
        for call in t.calls_since(self.mark).into_iter().filter(|call| call.mutating) {
            let named = self.named_in(&Value::Object(call.resource.clone()));
            let named = named.or_else(|| self.named_in(call.request.as_ref().unwrap_or(&Value::Null)));
            assert!(named.is_none(), "a call names {named:?}: {call:#?}");
        }
    }

    /// The first of the protected ids that a document names, by itself or in an ARN.
    fn named_in(&self, document: &Value) -> Option<&str> {
        let mut found = Vec::new();
        strings(document, &mut found);
        let names = |text: &str, id: &str| {
            text == id || text.strip_suffix(id).is_some_and(|rest| rest.ends_with(['/', ':']))
        };
        self.ids.iter().find(|id| found.iter().any(|text| names(text, id))).map(String::as_str)
    }
}

fn members(value: &Value) -> &Map<String, Value> {
    static NONE: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
    value.as_object().unwrap_or(&NONE)
}
