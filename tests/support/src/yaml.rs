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
