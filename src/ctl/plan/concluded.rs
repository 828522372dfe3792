//! What an object's status says of how far the operator has got with it. Pure.

use serde_json::Value;

use crate::reconcile::state::annotations::RECONCILE_REQUESTED;
use crate::reconcile::state::conditions::Reason;

/// Reasons for which the operator tries again by itself.
const PASSING: &[Reason] =
    &[Reason::Throttled, Reason::Unavailable, Reason::Progressing, Reason::KubernetesError];

/// What another pass is requested with, followed by a number.
pub(super) const AGAIN: &str = "plan-";

/// Whether a pass has concluded the object as it is, and as it was last asked for.
pub(super) fn is_concluded(object: &Value) -> bool {
    let observed = object.pointer("/status/observedGeneration").and_then(Value::as_i64);
    let generation = object["metadata"]["generation"].as_i64().unwrap_or_default();
    let asked = object["metadata"]["annotations"][RECONCILE_REQUESTED].as_str();
    if asked.is_some_and(|asked| asked.starts_with(AGAIN))
        && object["status"]["lastHandledReconcileAt"].as_str() != asked
    {
        return false;
    }
    observed.is_some_and(|observed| observed >= generation || observed < 0 || is_paused(object))
}

/// Whether the operator is kept away from it.
pub(super) fn is_paused(object: &Value) -> bool {
    reason_of(object, "Synced") == Reason::Paused.as_str()
}

/// Whether it is in trouble that may pass by itself.
pub(super) fn is_passing(object: &Value) -> bool {
    let reasons = ["Synced", "Ready"].map(|kind| reason_of(object, kind));
    PASSING.iter().any(|reason| reasons.contains(&reason.as_str()))
}

/// The reason of a condition that isn't True; empty if it is, or there is none.
pub(super) fn reason_of<'a>(object: &'a Value, kind: &str) -> &'a str {
    condition_of(object, kind)
        .filter(|it| it["status"] != "True")
        .and_then(|it| it["reason"].as_str())
        .unwrap_or_default()
}

/// A condition of an object.
pub(super) fn condition_of<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    object.pointer("/status/conditions")?.as_array()?.iter().find(|condition| condition["type"] == kind)
}

/// Whether it can't have what it describes because others have it.
pub(super) fn is_contested(object: &Value) -> bool {
    ["Synced", "Ready"].iter().any(|kind| reason_of(object, kind) == Reason::Conflict.as_str())
}
