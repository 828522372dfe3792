//! Forged status: a tenant can't write it (see `rights`), and what an administrator, a restore or a tool writes there leads
//! to no write and no deletion of what isn't the object's own.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::harness::{Handle, condition, text};
use crate::world::{attack, estate, estate_of_another};

/// Ids of the victim's resources by the kind of their objects.
async fn ids(objects: &[Handle]) -> BTreeMap<String, String> {
    let mut ids = BTreeMap::new();
    for object in objects {
        let object = object.get().await;
        ids.insert(text(&object, "/kind").to_owned(), text(&object, "/status/id").to_owned());
    }
    ids
}

/// Every lie about a kind that names what is the victim's.
fn lies(kind: &str, ids: &BTreeMap<String, String>) -> Vec<Value> {
    let mut lies = vec![
        json!({"id": ids[kind]}),
        json!({"id": ids[kind], "account": "", "intent": null}),
        json!({"id": ids[kind], "intent": {"operation": "Create"}}),
        json!({"lostId": ids[kind]}),
        json!({"fingerprint": {"keyId": "forged", "hash": "00"}}),
        json!({"conditions": []}),
    ];
    match kind {
        "Association" => lies.extend([
            json!({"previousId": ids[kind], "previousServiceId": ids["ServiceRegistration"]}),
            json!({"agentSpaceId": ids["AgentSpace"], "id": ids[kind]}),
            json!({"agentSpaceId": ids["AgentSpace"]}),
            json!({"serviceId": ids["ServiceRegistration"]}),
        ]),
        "ServiceRegistration" => lies.push(json!({"previousId": ids[kind]})),
        "Asset" | "Trigger" => lies.extend([
            json!({"agentSpaceId": ids["AgentSpace"], "id": ids[kind]}),
            json!({"agentSpaceId": ids["AgentSpace"]}),
        ]),
        _ => {}
    }
    lies
}

/// Two passes after a lie: one by the change of status, one that is asked for.
async fn lie(object: &Handle, lie: &Value) {
    object.patch_status(lie.clone()).await;
    object.reconcile().await;
}

#[test]
fn what_stands_in_a_status_changes_nothing_of_another() {
    attack(async |w| {
        let victims = ids(&estate(&w.victim).await).await;
        let protected = w.protect();
        for object in estate_of_another(&w.mallory).await {
            let kind = text(&object.get().await, "/kind").to_owned();
            for told in lies(&kind, &victims) {
                lie(&object, &told).await;
                protected.assert_untouched(w.t);
            }
        }
    });
}

#[test]
fn a_forged_status_deletes_nothing_of_another_with_its_object() {
    attack(async |w| {
        let victims = ids(&estate(&w.victim).await).await;
        let protected = w.protect();
        let mut objects = estate_of_another(&w.mallory).await;
        objects.reverse();
        for object in objects {
            let kind = text(&object.get().await, "/kind").to_owned();
            // Paused, so that nothing corrects it before the deletion.
            object.patch(json!({"metadata": {"annotations": {"devopsagent.dev/paused": "true"}}})).await;
            for lie in lies(&kind, &victims) {
                object.patch_status(lie).await;
            }
            object.patch_status(json!({"id": victims[&kind]})).await;
            object.delete().await;
            object.patch(json!({"metadata": {"annotations": {"devopsagent.dev/paused": null}}})).await;
            object.gone().await;
            protected.assert_untouched(w.t);
        }
    });
}

#[test]
fn what_else_stands_in_a_status_is_dropped() {
    attack(async |w| {
        let objects = estate(&w.victim).await;
        let protected = w.protect();
        let now = "2026-11-25T10:00:00Z";
        let forged = json!({"type": "Stalled", "status": "True", "reason": "Conflict", "message": "forged", "lastTransitionTime": now});
        for object in &objects {
            let mut conditions = object.get().await["status"]["conditions"].clone();
            conditions.as_array_mut().unwrap().push(forged.clone());
            object.patch_status(json!({"conditions": conditions})).await;
            object
                .wait("the forged condition is dropped", |object| condition(object, "Stalled").is_none())
                .await;
            object.ready().await;
        }
        let registration = w.victim.handle("ServiceRegistration", "cat");
        let lies = [
            json!({"authorizationUrl": "https://login.example.com/x"}),
            json!({"previousId": "11111111-2222-4333-8444-555555555555"}),
            json!({"released": true}),
        ];
        for told in lies {
            lie(&registration, &told).await;
            let object = registration.ready().await;
            let (name, _) = told.as_object().unwrap().iter().next().unwrap();
            assert_eq!(object["status"][name], Value::Null, "{told}");
        }
        protected.assert_untouched(w.t);
    });
}
