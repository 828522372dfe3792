//! Handing over to another namespace: only by who owns it, only when it is retained, and only to who asks for it.

use serde_json::json;

use crate::harness::text;
use crate::world::{World, attack, estate, not_ready};

const NETWORK: &str = "vpcId: vpc-0123456789abcdef0, subnetIds: [subnet-0123456789abcdef0]";
const REFUSED: &[&str] = &["ReferenceNotAllowed", "Conflict", "AlreadyExists"];

/// What moves: kind and spec; every object is named `moving`.
fn moving() -> Vec<(&'static str, String)> {
    let mcp = "{mcpserver: {name: moving, endpoint: 'https://moving.example.com/mcp', authorizationConfig:
        {bearerToken: {tokenName: t, tokenValue: {secretKeyRef: {name: token, key: token}}}}}}";
    vec![
        ("AgentSpace", "name: Moving".to_owned()),
        ("PrivateConnection", format!("mode: {{serviceManaged: {{hostAddress: 10.1.2.9, {NETWORK}}}}}")),
        ("ServiceRegistration", format!("name: Moving, service: {mcp}")),
    ]
}

fn yaml(kind: &str, more: &str, spec: &str) -> String {
    format!("{{kind: {kind}, metadata: {{name: moving}}, spec: {{{more}, {spec}}}}}")
}

/// The victim gives everything up for `namespace`; gives the ids.
async fn hand_over(w: &World<'_>, namespace: &str) -> Vec<String> {
    for person in [&w.victim, &w.mallory, &w.platform] {
        person.secret("token", &[("token", "one")]).await;
    }
    let mut ids = Vec::new();
    for (kind, spec) in moving() {
        let object = w.victim.apply(&yaml(kind, "deletionPolicy: Retain", &spec)).await;
        ids.push(text(&object.ready().await, "/status/id").to_owned());
        let annotation = json!({"metadata": {"annotations": {"devopsagent.dev/hand-over-to": namespace}}});
        w.victim.patch(kind, "moving", annotation).await;
        w.victim.delete(kind, "moving").await.gone().await;
    }
    ids
}

#[test]
fn what_is_handed_over_goes_to_that_namespace_and_to_no_other() {
    attack(async |w| {
        let ids = hand_over(w, &w.platform.namespace).await;
        let protected = w.protect();
        for (kind, spec) in moving() {
            let thief = w.mallory.apply(&yaml(kind, "adoptionPolicy: Adopt", &spec)).await;
            not_ready(&thief, REFUSED).await;
            thief.delete_and_wait().await;
        }
        protected.assert_untouched(w.t);
        for ((kind, spec), id) in moving().iter().zip(&ids) {
            let object = w.platform.apply(&yaml(kind, "adoptionPolicy: Adopt", spec)).await.ready().await;
            assert_eq!(text(&object, "/status/id"), id);
        }
    });
}

#[test]
fn nobody_is_given_what_was_not_asked_for() {
    attack(async |w| {
        // The victim is the giver of something poisoned here, and the platform the one who must not get it unasked.
        hand_over(w, &w.platform.namespace).await;
        for (kind, spec) in moving() {
            let object = w.platform.apply(&yaml(kind, "adoptionPolicy: Refuse", &spec)).await;
            not_ready(&object, &["AlreadyExists", "Conflict"]).await;
        }
    });
}

#[test]
fn who_does_not_own_it_hands_nothing_over() {
    attack(async |w| {
        estate(&w.victim).await;
        let protected = w.protect();
        // An observing object, one that would like to adopt, and one of the same name.
        let annotation = format!("devopsagent.dev/hand-over-to: {}", w.mallory.namespace);
        for (name, more) in [
            ("spy", "managementPolicy: Observe, deletionPolicy: Retain"),
            ("thief", "adoptionPolicy: Adopt, deletionPolicy: Retain"),
            ("pay", "deletionPolicy: Retain"),
        ] {
            let yaml = format!(
                "{{kind: AgentSpace, metadata: {{name: {name}, annotations: {{{annotation}}}}}, spec: {{name: Payments, {more}}}}}"
            );
            let object = w.mallory.apply(&yaml).await;
            not_ready(&object, REFUSED).await;
            object.delete_and_wait().await;
        }
        protected.assert_untouched(w.t);
    });
}
