//! YAML as a user writes it, read into objects.

use serde_json::{Value, json};

/// What a kind needs to be reached.
pub struct Resource {
    pub kind: &'static str,
    pub api_version: &'static str,
    pub plural: &'static str,
    pub namespaced: bool,
    /// Whether its spec names an AWSAccount.
    pub has_account: bool,
}

const fn ours(kind: &'static str, plural: &'static str, namespaced: bool, has_account: bool) -> Resource {
    Resource { kind, api_version: "devopsagent.dev/v1alpha1", plural, namespaced, has_account }
}

const fn core(kind: &'static str, plural: &'static str, namespaced: bool) -> Resource {
    Resource { kind, api_version: "v1", plural, namespaced, has_account: false }
}

/// Every kind that tests apply.
pub const RESOURCES: &[Resource] = &[
    ours("AWSAccount", "awsaccounts", false, false),
    ours("AgentSpace", "agentspaces", true, true),
    ours("ServiceRegistration", "serviceregistrations", true, true),
    ours("PrivateConnection", "privateconnections", true, true),
    ours("Association", "associations", true, false),
    ours("Asset", "assets", true, false),
    ours("Trigger", "triggers", true, false),
    core("Secret", "secrets", true),
    core("ConfigMap", "configmaps", true),
    core("ResourceQuota", "resourcequotas", true),
    core("Namespace", "namespaces", false),
];

/// The kinds of ours that have a namespace.
pub fn namespaced_kinds() -> impl Iterator<Item = &'static Resource> {
    RESOURCES.iter().filter(|resource| resource.api_version != "v1" && resource.namespaced)
}

pub fn resource(kind: &str) -> &'static Resource {
    let found = RESOURCES.iter().find(|resource| resource.kind == kind);
    found.unwrap_or_else(|| panic!("tests don't know the kind {kind}"))
}

/// Reads the documents of `yaml`. What all objects of a test have in common may be omitted: the API version, the
/// namespace and the account.
pub fn objects(yaml: &str, namespace: &str, account: &str) -> Vec<Value> {
    let documents: Vec<Value> =
        serde_saphyr::from_multiple(yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}"));
    documents.into_iter().map(|document| complete(document, namespace, account)).collect()
}

fn complete(mut object: Value, namespace: &str, account: &str) -> Value {
    let resource = resource(object["kind"].as_str().unwrap_or_default());
    if object["apiVersion"].is_null() {
        object["apiVersion"] = json!(resource.api_version);
    }
    if resource.namespaced && object["metadata"]["namespace"].is_null() {
        object["metadata"]["namespace"] = json!(namespace);
    }
    if resource.has_account {
        let spec = &mut object["spec"];
        if spec.is_null() {
            *spec = json!({});
        }
        if spec.get("accountRef").is_none() {
            spec["accountRef"] = json!({ "name": account });
        }
        if spec["accountRef"].is_null()
            && let Some(spec) = spec.as_object_mut()
        {
            spec.remove("accountRef");
        }
    }
    object
}
