//! Annotations with which people control the operator.

use kube::ResourceExt;

use crate::api::common::{CommonStatus, Object};

/// Annotation that stops the operator from touching an object's remote.
pub const PAUSED: &str = "devopsagent.dev/paused";
/// Annotation whose change requests a pass at once.
pub const RECONCILE_REQUESTED: &str = "devopsagent.dev/reconcile-requested-at";
/// Annotation with which an object deleted with `deletionPolicy: Retain` hands its remote over to the object of the
/// same name in the given namespace.
pub const HAND_OVER_TO: &str = "devopsagent.dev/hand-over-to";
/// Annotation that approves the change with the given hash.
pub const APPROVE: &str = "devopsagent.dev/approve";

/// Whether the object is paused: any value except `false` counts, because whoever writes `True` or `yes` means it.
pub fn is_paused<T: ResourceExt>(object: &T) -> bool {
    object.annotations().get(PAUSED).is_some_and(|value| value != "false")
}

/// Whether a person requested a pass that hasn't run yet.
pub fn is_requested<T: Object>(object: &T, common: &CommonStatus) -> bool {
    let asked = object.annotations().get(RECONCILE_REQUESTED);
    asked.is_some() && asked != common.last_handled_reconcile_at.as_ref()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::AgentSpace;

    #[test]
    fn anything_but_false_pauses() {
        let mut space = AgentSpace::new("space", serde_json::from_str("{}").unwrap());
        assert!(!is_paused(&space));
        for (value, paused) in [
            ("true", true),
            ("True", true),
            ("yes", true),
            ("1", true),
            ("", true),
            (" true", true),
            ("false", false),
        ] {
            space.annotations_mut().insert(PAUSED.to_owned(), value.to_owned());
            assert_eq!(is_paused(&space), paused, "{value:?}");
        }
    }
}
