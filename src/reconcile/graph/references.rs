//! What a spec refers to: one table of reference fields for all kinds.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::reconcile::state::subject::Subject;

/// The kind that `accountRef` names; it is cluster-scoped.
pub const ACCOUNT: &str = "AWSAccount";
/// Name of the AWSAccount that is used if none is named.
pub const DEFAULT_ACCOUNT: &str = "default";

/// The field that names a Secret which the operator writes.
pub const WRITTEN: &str = "secretName";

/// Field names that hold a reference, and the kind that each refers to.
pub const FIELDS: &[(&str, &str)] = &[
    ("accountRef", ACCOUNT),
    ("agentSpaceRef", "AgentSpace"),
    ("serviceRef", "ServiceRegistration"),
    ("privateConnectionRef", "PrivateConnection"),
    ("targetUrlPrivateConnectionRef", "PrivateConnection"),
    ("exchangeUrlPrivateConnectionRef", "PrivateConnection"),
    ("releaseManagementAssociationRef", "Association"),
    ("assetRef", "Asset"),
    ("memoryStoreRef", "Asset"),
    ("secretKeyRef", "Secret"),
    ("clientSecretRef", "Secret"),
    ("configMapKeyRef", "ConfigMap"),
    ("configMapRef", "ConfigMap"),
    // The Secret that the operator writes: its loss is noticed like a change to an input.
    (WRITTEN, "Secret"),
];

/// Documents that belong to the API: nothing in them is a reference of ours.
pub const DOCUMENTS: &[&str] = &["metadata", "action"];

/// The kinds that use the default account when they name none.
const WITH_ACCOUNT: &[&str] = &["AgentSpace", "ServiceRegistration", "PrivateConnection"];

/// Whether an object of this kind uses the default account, because its spec names none.
pub fn uses_default_account(kind: &str, spec: &Value) -> bool {
    WITH_ACCOUNT.contains(&kind) && spec["accountRef"].is_null()
}

/// Everything that the spec of `subject` refers to.
pub fn of(subject: &Subject, spec: &Value) -> BTreeSet<Subject> {
    let mut found = BTreeSet::new();
    walk(&subject.namespace, spec, &mut found);
    if uses_default_account(subject.kind, spec) {
        found.insert(Subject::new(ACCOUNT, "", DEFAULT_ACCOUNT));
    }
    if subject.kind == "Association" && spec.pointer("/webhook/secretName").is_none() {
        found.insert(Subject::new("Secret", &*subject.namespace, webhook_secret(&subject.name)));
    }
    found
}

/// Name of the Secret that an Association's webhook is written to if the spec names none.
pub fn webhook_secret(association: &str) -> String {
    format!("{association}-webhook")
}

fn walk(namespace: &str, value: &Value, found: &mut BTreeSet<Subject>) {
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                if let Some((_, kind)) = FIELDS.iter().find(|(field, _)| field == key) {
                    found.extend(reference(namespace, kind, value));
                } else if !DOCUMENTS.contains(&key.as_str()) {
                    walk(namespace, value, found);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| walk(namespace, item, found)),
        _ => {}
    }
}

/// What a field of [`FIELDS`] refers to, in an object of this namespace.
pub fn reference(namespace: &str, kind: &'static str, value: &Value) -> Option<Subject> {
    let name = value.as_str().or_else(|| value["name"].as_str())?;
    let namespace = match kind {
        ACCOUNT => "",
        _ => value["namespace"].as_str().unwrap_or(namespace),
    };
    Some(Subject::new(kind, namespace, name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn names(kind: &'static str, spec: &Value) -> Vec<String> {
        of(&Subject::new(kind, "ns", "x"), spec).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn references_are_found_at_any_depth_and_in_other_namespaces() {
        let spec = json!({
            "agentSpaceRef": { "name": "s", "namespace": "platform" },
            "configuration": { "releaseManagement": { "networkAccess": { "privateAccess": {
                "privateConnectionRef": { "name": "p" } } } } },
            "webhook": { "secretName": "hook" },
        });
        assert_eq!(
            names("Association", &spec),
            ["AgentSpace platform/s", "PrivateConnection ns/p", "Secret ns/hook"]
        );
    }

    #[test]
    fn what_an_api_document_holds_is_no_reference() {
        assert!(names("Asset", &json!({ "metadata": { "assetRef": { "name": "a" } } })).is_empty());
    }

    #[test]
    fn without_an_account_the_default_one_is_meant() {
        assert_eq!(names("AgentSpace", &json!({})), ["AWSAccount default"]);
        assert_eq!(names("AgentSpace", &json!({ "accountRef": { "name": "prod" } })), ["AWSAccount prod"]);
        assert!(names("Asset", &json!({})).is_empty());
    }
}
