//! Nothing that the operator writes makes a GitOps tool see a difference: it owns the status and its finalizer.

use serde_json::{Value, json};

use super::subjects::{SUBJECTS, Subject, fill};
use crate::fixtures::json_of;
use crate::harness::{Test, condition, run, text};

const TOOL: &str = "argocd-controller";

macro_rules! written_by_the_operator {
    ($($name:ident: $kind:literal,)+) => {$(
        #[test]
        fn $name() {
            run(async |t| life(t, SUBJECTS.iter().find(|subject| subject.kind == $kind).unwrap()).await);
        }
    )+};
}

written_by_the_operator! {
    only_status_and_finalizer_of_an_account_are_the_operators: "AWSAccount",
    only_status_and_finalizer_of_a_space_are_the_operators: "AgentSpace",
    only_status_and_finalizer_of_a_connection_are_the_operators: "PrivateConnection",
    only_status_and_finalizer_of_a_registration_are_the_operators: "ServiceRegistration",
    only_status_and_finalizer_of_an_association_are_the_operators: "Association",
    only_status_and_finalizer_of_an_asset_are_the_operators: "Asset",
    only_status_and_finalizer_of_a_trigger_are_the_operators: "Trigger",
}

async fn life(t: &Test, subject: &Subject) {
    t.other_namespace(json!({})).await;
    for yaml in subject.before.iter().chain(&subject.dependency) {
        t.apply(&fill(t, yaml)).await;
    }
    let mut manifest = subject.object(t);
    manifest["metadata"]["labels"] = json!({"app.kubernetes.io/part-of": "shop"});
    manifest["metadata"]["annotations"] = json!({"argocd.argoproj.io/sync-wave": "1"});
    let object = t.handle_of(&manifest);
    let new = object.applied_by(TOOL, &manifest).await;
    object.ready().await;
    assert_owned(&object.with_managers().await, &new, &manifest);

    merge(&mut manifest, &json_of(subject.edits[0]));
    let edited = object.applied_by(TOOL, &manifest).await;
    object.ready().await;
    manifest["metadata"]["annotations"]["devopsagent.dev/paused"] = json!("true");
    object.applied_by(TOOL, &manifest).await;
    object.condition("Synced", "False", "Paused").await;
    manifest["metadata"]["annotations"].as_object_mut().unwrap().remove("devopsagent.dev/paused");
    object.applied_by(TOOL, &manifest).await;
    object.condition("Synced", "True", "Available").await;
    object.ready().await;
    let after = object.with_managers().await;
    assert_owned(&after, &edited, &manifest);

    let again = object.applied_by(TOOL, &manifest).await;
    let (before, after) =
        (text(&after, "/metadata/resourceVersion"), text(&again, "/metadata/resourceVersion"));
    assert_eq!(before, after, "{object}: the same manifest again is no change");
    let production = t.handle("AWSAccount", &fill(t, "{team}-production"));
    if production.find().await.is_some() {
        production.delete().await;
    }
}

/// `stored` has the manifest's metadata and the spec of `applied`, and the operator's fields are only its own.
fn assert_owned(stored: &Value, applied: &Value, manifest: &Value) {
    let kind = text(stored, "/kind");
    assert_eq!(stored["spec"], applied["spec"], "{kind}");
    for member in ["labels", "annotations"] {
        assert_eq!(stored["metadata"][member], manifest["metadata"][member], "{kind}: {member}");
    }
    assert_eq!(condition(stored, "Ready").map(|ready| &ready["status"]), Some(&json!("True")));
    let mut others = 0;
    for entry in stored["metadata"]["managedFields"].as_array().into_iter().flatten() {
        if entry["manager"] == TOOL {
            continue;
        }
        others += 1;
        let fields = entry["fieldsV1"].as_object().expect("an entry has fields");
        let metadata = fields.get("f:metadata").and_then(Value::as_object);
        let names: Vec<&String> = fields.keys().collect();
        let finalizer_alone = names == ["f:metadata"]
            && metadata.is_some_and(|fields| fields.keys().all(|name| name == "f:finalizers"));
        let status_alone = names == ["f:status"] && entry["subresource"] == "status";
        assert!(finalizer_alone || status_alone, "{kind}: {entry:#}");
    }
    assert_eq!(others, 2, "{kind}: one for status, one for the finalizer");
}

/// A JSON merge patch without deletions.
fn merge(value: &mut Value, patch: &Value) {
    match (value, patch) {
        (Value::Object(old), Value::Object(new)) => {
            for (name, member) in new {
                merge(old.entry(name).or_insert(Value::Null), member);
            }
        }
        (value, patch) => *value = patch.clone(),
    }
}
