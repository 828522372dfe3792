//! What the simulated AWS has, seen from outside of the operator.

use std::collections::BTreeMap;

use serde_json::Value;

/// How many resources there are of each type. What is no collection (settings, the clock) does not count.
pub fn counts(state: &Value) -> BTreeMap<String, usize> {
    let collections = state.as_object().into_iter().flatten();
    collections
        .filter_map(|(name, value)| {
            let count =
                value.as_array().map(Vec::len).or_else(|| value.as_object().map(serde_json::Map::len))?;
            (count > 0).then(|| (name.clone(), count))
        })
        .collect()
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

/// Counts as people read them.
pub fn describe(counts: &BTreeMap<String, usize>) -> String {
    if counts.is_empty() {
        return "nothing".to_owned();
    }
    counts.iter().map(|(name, count)| format!("{name}: {count}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_collections_with_something_in_them_count() {
        let state = json!({"agentSpaces": [{}, {}], "services": {"a": {}}, "assets": [], "accountId": "1"});
        assert_eq!(describe(&counts(&state)), "agentSpaces: 2, services: 1");
        assert_eq!(describe(&counts(&json!({}))), "nothing");
    }

    #[test]
    fn a_text_is_found_at_any_depth() {
        assert!(mentions(&json!({"a": [{"b": "x"}]}), "x"));
        assert!(!mentions(&json!({"x": [{"b": "xy"}]}), "x"));
    }
}
