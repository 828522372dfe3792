//! YAML as a user writes it, read into objects.

use serde_json::{Value, json};

use crate::resource::resource;

/// Reads the documents of `yaml`. What every object of a test has in common may be omitted: the API version, the
/// namespace and the account, if there is one. `accountRef: null` omits that too.
pub fn objects(yaml: &str, namespace: &str, account: Option<&str>) -> Vec<Value> {
    let documents: Vec<Value> =
        serde_saphyr::from_multiple(yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}"));
    documents.into_iter().map(|document| complete(document, namespace, account)).collect()
}

fn complete(mut object: Value, namespace: &str, account: Option<&str>) -> Value {
    let resource = resource(object["kind"].as_str().unwrap_or_default());
    if object["apiVersion"].is_null() {
        object["apiVersion"] = json!(resource.api_version);
    }
    if resource.namespaced && object["metadata"]["namespace"].is_null() {
        object["metadata"]["namespace"] = json!(namespace);
    }
    if resource.has_account {
        if object["spec"].is_null() {
            object["spec"] = json!({});
        }
        if let Some(spec) = object["spec"].as_object_mut() {
            let given = account.map_or(Value::Null, |name| json!({ "name": name }));
            if spec.entry("accountRef").or_insert(given).is_null() {
                spec.remove("accountRef");
            }
        }
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_objects_have_in_common_is_filled_in_and_what_is_given_stays() {
        let yaml =
            "{kind: AgentSpace, metadata: {name: a}}\n---\n{kind: AWSAccount, metadata: {name: b}, spec: {}}";
        let expected = json!({
            "apiVersion": "devopsagent.dev/v1alpha1", "kind": "AgentSpace",
            "metadata": {"name": "a", "namespace": "shop"}, "spec": {"accountRef": {"name": "own"}},
        });
        let made = objects(yaml, "shop", Some("own"));
        assert_eq!(made[0], expected);
        assert_eq!(made[1]["metadata"], json!({"name": "b"}));
        let given = objects(&expected.to_string(), "other", Some("another"));
        assert_eq!(given, [expected]);
    }

    #[test]
    fn an_object_may_have_no_account() {
        let spec = |yaml: &str, account: Option<&str>| objects(yaml, "shop", account)[0]["spec"].clone();
        assert_eq!(spec("{kind: AgentSpace, metadata: {name: a}}", None), json!({}));
        let without = "{kind: AgentSpace, metadata: {name: a}, spec: {accountRef: null}}";
        assert_eq!(spec(without, Some("own")), json!({}));
        assert_eq!(spec("{kind: Trigger, metadata: {name: a}, spec: {}}", Some("own")), json!({}));
    }
}
