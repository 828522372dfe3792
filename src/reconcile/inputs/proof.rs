//! Who wrote a status: the operator seals what it writes, and trusts nothing in status without its seal.
//!
//! Only the operator should write status, but backups, tools and administrators do too. An id from them must never lead
//! to a write or a deletion in AWS. So everything in status except conditions has a keyed seal, for this kind,
//! namespace and name only: a restored object keeps it. Without the seal, an object is treated like one whose status
//! was lost, and its resource is found again by owner tags and natural keys.

use serde_json::Value;

use crate::api::common::{CommonStatus, Fingerprint, Object, Status};
use crate::reconcile::context::Context;
use crate::reconcile::state::fingerprint::ObjectFingerprints;
use crate::reconcile::state::ownership::Identity;

/// What the seal doesn't cover: what says nothing about AWS, and the seal itself.
const UNSEALED: &[&str] = &["conditions", "observedGeneration", "lastHandledReconcileAt", "proof", "summary"];

/// Whether a status is the operator's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It has the seal, or says nothing that needs one.
    Proven,
    /// It has no seal.
    Unsealed,
    /// It has another seal: someone wrote to it.
    Forged,
}

/// The seal of `status`; none where there is nothing to seal.
pub fn seal<S: Status>(fingerprints: &ObjectFingerprints, status: &S) -> Option<Fingerprint> {
    let said = said(status);
    says_something(&said).then(|| fingerprints.seal(&said))
}

/// Whether `status` has the right seal.
pub fn standing<S: Status>(fingerprints: &ObjectFingerprints, status: &S) -> Standing {
    match (&status.common().proof, seal(fingerprints, status)) {
        (_, None) => Standing::Proven,
        (None, Some(_)) => Standing::Unsealed,
        (Some(proof), Some(right)) if *proof == right => Standing::Proven,
        (Some(_), Some(_)) => Standing::Forged,
    }
}

/// The trusted part of the status of `object`: all of it, or only its conditions.
pub fn believed<T: Object>(cx: &Context, object: &T) -> Option<T::Status> {
    let status = object.status();
    (!is_believed(cx, object, &status)).then(|| without_word(&status))
}

/// Whether `status` of `object` may be trusted.
pub fn is_believed<T: Object>(cx: &Context, object: &T, status: &T::Status) -> bool {
    let identity = Identity::of(object, &cx.cluster_id);
    match standing(&cx.fingerprints.for_object(&identity), status) {
        Standing::Proven => true,
        // What version 0.1 wrote has no seal.
        Standing::Unsealed => !cx.seals.are_required(),
        // Who only looks may not have the key that it was sealed with.
        Standing::Forged => cx.holds_back && cx.fingerprints.is_ignorant_of(status.common().proof.as_ref()),
    }
}

/// Whether no object of kind `T` has a status without a seal.
pub fn are_sealed<T: Object>(cx: &Context) -> bool {
    cx.cache::<T>().is_none_or(|cache| {
        cache.all().all(|object| {
            let fingerprints = cx.fingerprints.for_object(&Identity::of(&*object, &cx.cluster_id));
            standing(&fingerprints, &object.status()) != Standing::Unsealed
        })
    })
}

/// What is left of a status that can't be trusted.
pub fn without_word<S: Status>(status: &S) -> S {
    let common = status.common();
    let mut left = S::default();
    *left.common_mut() = CommonStatus {
        observed_generation: common.observed_generation,
        conditions: common.conditions.clone(),
        summary: common.summary.clone(),
        last_handled_reconcile_at: common.last_handled_reconcile_at.clone(),
        ..CommonStatus::default()
    };
    left
}

fn said<S: Status>(status: &S) -> Value {
    // A status that can't be written as JSON doesn't exist.
    let mut said = serde_json::to_value(status).unwrap_or_default();
    if let Some(members) = said.as_object_mut() {
        members.retain(|name, _| !UNSEALED.contains(&name.as_str()));
    }
    said
}

fn says_something(said: &Value) -> bool {
    said.as_object().is_some_and(|members| !members.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::ServiceRegistrationStatus;
    use crate::reconcile::state::fingerprint::Fingerprinter;

    fn fingerprints(name: &str) -> ObjectFingerprints {
        let identity = Identity { name: name.into(), ..Identity::sample("ServiceRegistration") };
        Fingerprinter::new("k1", vec![7; 32]).for_object(&identity)
    }

    fn sealed() -> ServiceRegistrationStatus {
        let status = json!({
            "observedGeneration": 1,
            "id": "svc-1",
            "account": "",
            "previousId": "svc-0",
            "fingerprint": { "keyId": "k1.2", "hash": "00" },
            "serviceType": "gitlab",
            "conditions": [{
                "type": "Ready", "status": "True", "reason": "Available", "message": "",
                "lastTransitionTime": "2026-01-01T00:00:00Z",
            }],
        });
        let mut status: ServiceRegistrationStatus = serde_json::from_value(status).unwrap();
        status.common.proof = seal(&fingerprints("one"), &status);
        status
    }

    #[test]
    fn a_status_keeps_its_seal_while_only_conditions_change() {
        let mut status = sealed();
        assert_eq!(standing(&fingerprints("one"), &status), Standing::Proven);
        status.common.conditions.clear();
        status.common.observed_generation = Some(7);
        status.common.summary = Some("it is out of touch".into());
        assert_eq!(standing(&fingerprints("one"), &status), Standing::Proven);
        assert_eq!(standing(&fingerprints("two"), &status), Standing::Forged, "it is another object's");
        status.common.proof = None;
        assert_eq!(standing(&fingerprints("one"), &status), Standing::Unsealed);
        assert_eq!(standing(&fingerprints("one"), &ServiceRegistrationStatus::default()), Standing::Proven);
    }

    #[test]
    fn whatever_somebody_else_writes_breaks_the_seal() {
        let good = serde_json::to_value(sealed()).unwrap();
        let others = json!({
            "id": "svc-9", "lostId": "svc-9", "account": "prod", "previousId": "svc-9", "released": true,
            "authorizationUrl": "https://example.com", "serviceType": "slack", "tagKeys": ["a"], "ownedFields": ["/name"],
            "intent": { "operation": "RegisterService" }, "fingerprint": { "keyId": "k1.2", "hash": "ff" },
        });
        for (name, value) in others.as_object().unwrap() {
            let mut forged = good.clone();
            forged[name] = value.clone();
            let forged: ServiceRegistrationStatus = serde_json::from_value(forged).unwrap();
            assert_eq!(standing(&fingerprints("one"), &forged), Standing::Forged, "{name}");
            let left = without_word(&forged);
            assert_eq!(said(&left), json!({}), "{name}");
            assert_eq!(left.common.conditions, forged.common.conditions);
        }
    }
}
