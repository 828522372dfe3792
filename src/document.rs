//! From a spec to the body of an API call: replaces references to Secrets with their values.
//!
//! A spec serialises to the API's own JSON, with `{"secretKeyRef": {…}}` where a string goes. Both
//! steps here are pure; reading the Secrets is [`crate::reconcile::inputs`]' work.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::api::common::KeyRef;

/// The key that marks a value kept in a Secret.
const SECRET_KEY_REF: &str = "secretKeyRef";

/// The reference in `value`, if it refers to a value in a Secret.
fn secret_ref(value: &Value) -> Option<KeyRef> {
    let members = value.as_object().filter(|members| members.len() == 1)?;
    serde_json::from_value(members.get(SECRET_KEY_REF)?.clone()).ok()
}

/// Every field of `value`, at any depth, that refers to a key of a Secret: the reference and the field's path. `path` is
/// that of `value` itself.
pub fn secret_refs(value: &Value, path: &str) -> Vec<(KeyRef, String)> {
    let mut found = Vec::new();
    collect(value, path, &mut found);
    found
}

fn collect(value: &Value, path: &str, found: &mut Vec<(KeyRef, String)>) {
    if let Some(reference) = secret_ref(value) {
        found.push((reference, path.to_owned()));
        return;
    }
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                collect(member, &format!("{path}.{key}"), found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                collect(item, &format!("{path}[{index}]"), found);
            }
        }
        _ => {}
    }
}

/// A member's name as a step of a JSON pointer.
pub fn step(member: &str) -> String {
    member.replace('~', "~0").replace('/', "~1")
}

/// The member's name for a step of a JSON pointer.
pub fn member(step: &str) -> String {
    step.replace("~1", "/").replace("~0", "~")
}

/// Replaces the references with their values. A reference without a value stays.
pub fn substitute(value: &mut Value, secrets: &BTreeMap<KeyRef, String>) {
    if let Some(secret) = secret_ref(value).and_then(|reference| secrets.get(&reference)) {
        *value = Value::from(secret.as_str());
        return;
    }
    match value {
        Value::Object(members) => members.values_mut().for_each(|member| substitute(member, secrets)),
        Value::Array(items) => items.iter_mut().for_each(|item| substitute(item, secrets)),
        _ => {}
    }
}

/// Removes the member `key` from an object and returns it.
pub fn take(value: &mut Value, key: &str) -> Option<Value> {
    value.as_object_mut()?.remove(key)
}

/// The only key of an externally tagged union, with what it holds.
pub fn variant(value: &Value) -> Option<(&str, &Value)> {
    let members = value.as_object().filter(|members| members.len() == 1)?;
    members.iter().next().map(|(key, value)| (key.as_str(), value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reference(name: &str, key: &str) -> KeyRef {
        KeyRef { name: name.into(), key: key.into() }
    }

    #[test]
    fn values_take_the_place_of_references_at_any_depth() {
        let mut body = json!({
            "gitlab": { "tokenValue": { "secretKeyRef": { "name": "gitlab", "key": "token" } } },
            "headers": [{ "secretKeyRef": { "name": "h", "key": "k" } }],
        });
        assert_eq!(
            secret_refs(&body, "spec.service"),
            [
                (reference("gitlab", "token"), "spec.service.gitlab.tokenValue".to_owned()),
                (reference("h", "k"), "spec.service.headers[0]".to_owned()),
            ]
        );
        let secrets = BTreeMap::from([
            (reference("gitlab", "token"), "t".to_owned()),
            (reference("h", "k"), "v".to_owned()),
        ]);
        substitute(&mut body, &secrets);
        assert_eq!(body, json!({ "gitlab": { "tokenValue": "t" }, "headers": ["v"] }));
    }

    #[test]
    fn an_object_that_only_looks_alike_is_left_alone() {
        let mut body = json!({ "secretKeyRef": { "name": "a", "key": "b" }, "other": 1 });
        let before = body.clone();
        substitute(&mut body, &BTreeMap::from([(reference("a", "b"), "x".to_owned())]));
        assert_eq!(body, before);
    }
}
