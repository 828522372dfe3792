//! Changes that wait until they are approved, from the first to the last.

use serde_json::{Value, json};

use crate::harness::{Handle, Test, text};

use super::{Sample, json_of};

/// The hash of the change that waits for approval, which isn't `other`.
async fn pending(object: &Handle, action: &str, other: &str) -> String {
    let waits = |object: &Value| {
        let pending = &object["status"]["pendingChange"];
        pending["action"] == action && text(pending, "/hash") != other
    };
    let object = object.wait(&format!("{action} waits for approval"), waits).await;
    let hash = text(&object, "/status/pendingChange/hash").to_owned();
    let synced = crate::harness::condition(&object, "Synced").expect("it has the condition");
    assert_eq!((text(synced, "/status"), text(synced, "/reason")), ("False", "ApprovalRequired"));
    assert!(text(synced, "/message").contains(&hash), "{synced}");
    assert_eq!(crate::harness::condition(&object, "Stalled"), None);
    hash
}

async fn approve(object: &Handle, hash: &str) {
    object.patch(json!({"metadata": {"annotations": {"devopsagent.dev/approve": hash}}})).await;
}

/// A document that has `value` at `pointer`.
fn nested(pointer: &str, value: Value) -> Value {
    pointer.rsplit('/').filter(|step| !step.is_empty()).fold(value, |value, step| json!({ step: value }))
}

pub(super) async fn approved(t: &Test, sample: &Sample) {
    sample.prepare(t).await;
    let mark = t.mark();
    let object = sample.apply(t, &json!({"changePolicy": "OnApproval"})).await;
    let create = pending(&object, "Create", "").await;
    approve(&object, "sha256:0000000000000000").await;
    let told =
        |object: &Value| object["status"]["conditions"].to_string().contains("approves another change");
    object.wait("the approval of something else is void", told).await;
    assert_eq!(t.mutations_since(mark), Vec::<String>::new());
    object.event_with("ApprovalRequired", &create).await;
    approve(&object, &create).await;
    let ready = object.ready().await;
    assert_eq!(ready["status"]["pendingChange"], Value::Null);
    object.event_with("ChangeApproved", &create).await;
    // An edit waits, and the resource stays ready as it is.
    let (before, mark) = (sample.only(t), t.mark());
    object.patch(json!({"spec": json_of(sample.edit.0)})).await;
    let edit = pending(&object, "Update", &create).await;
    let waiting = object.condition("Ready", "True", "Available").await;
    assert_eq!(waiting, "");
    assert_eq!(t.mutations_since(mark), Vec::<String>::new());
    assert_eq!(sample.only(t).pointer(sample.edit.1), before.pointer(sample.edit.1));
    // The plan shows the same change, and approves just that.
    let plan = crate::plan::plan(t, &["--approve", "-o", "json"]).await;
    assert_eq!(plan.code, Some(0), "{plan:?}");
    assert!(plan.out.contains(&edit) && plan.err.contains(&edit), "{plan:?}");
    object.condition("Synced", "True", "Available").await;
    let after = sample.only(t);
    assert_ne!(after.pointer(sample.edit.1), before.pointer(sample.edit.1));
    // The same change needs another approval when it comes again.
    let mark = t.mark();
    let back = nested(sample.edit.1, before.pointer(sample.edit.1).cloned().unwrap_or_default());
    t.mutate(sample.remote, text(&ready, "/status/id"), back).await;
    object.reconcile().await;
    pending(&object, "Update", &edit).await;
    assert_eq!(t.mutations_since(mark), Vec::<String>::new());
    // What only replaces or deletes waits: the rest goes on.
    object.patch(json!({"spec": {"changePolicy": "OnApprovalIfDisruptive"}})).await;
    object.condition("Synced", "True", "Available").await;
    assert_eq!(sample.only(t).pointer(sample.edit.1), after.pointer(sample.edit.1));
    object.delete().await;
    let delete = pending(&object, "Delete", "").await;
    assert_eq!(sample.remotes(t).len(), 1);
    approve(&object, &delete).await;
    object.gone().await;
    assert!(sample.remotes(t).is_empty());
}
