//! Objects that move to another namespace: kept and handed over there, adopted here.

use serde_json::{Value, json};

use crate::fixtures::{AGENT, CHANNEL, CONNECTION, EVENTS, GITLAB, SPACE, TRIGGER, credentials};
use crate::harness::{Test, run, text, webhook};

const MOVING: &[(&str, &str, &str)] = &[
    ("AgentSpace", "space", SPACE),
    ("ServiceRegistration", "gitlab", GITLAB),
    ("ServiceRegistration", "channel", CHANNEL),
    ("PrivateConnection", "internal", CONNECTION),
    ("Association", "events", EVENTS),
    ("Asset", "agent", AGENT),
    ("Trigger", "weekly", TRIGGER),
];

/// A document with more in its spec, in another namespace.
fn changed(yaml: &str, namespace: &str, more: &Value) -> String {
    let mut object: Value = serde_saphyr::from_str(yaml).expect("it is YAML");
    object["metadata"]["namespace"] = json!(namespace);
    for (name, value) in more.as_object().into_iter().flatten() {
        object["spec"][name] = value.clone();
    }
    object.to_string()
}

async fn ids(t: &Test, namespace: &str) -> Vec<(String, String)> {
    let mut ids = Vec::new();
    for (kind, name, _) in MOVING {
        let object = t.handle_in(namespace, kind, name).ready().await;
        ids.push(((*name).to_owned(), text(&object, "/status/id").to_owned()));
    }
    ids
}

#[test]
fn objects_move_to_another_namespace_and_keep_what_they_stand_for() {
    run(async |t| {
        credentials(t).await;
        let namespace = t.other_namespace(json!({})).await;
        for (.., yaml) in MOVING {
            t.apply(&changed(yaml, &t.namespace, &json!({"deletionPolicy": "Retain"}))).await;
        }
        let before = ids(t, &t.namespace).await;
        let secret = t.secret_data("events-webhook").await.expect("there is a Secret");
        let backup = t.handle("Secret", "events-webhook").get().await;
        let heir = json!({"metadata": {"annotations": {"devopsagent.dev/hand-over-to": namespace}}});
        for (kind, name, _) in MOVING {
            t.handle(kind, name).patch(heir.clone()).await;
            t.handle(kind, name).delete().await;
        }
        for (kind, name, _) in MOVING {
            t.handle(kind, name).gone().await;
        }

        let mark = t.mark();
        t.secret_in(&namespace, "credentials", crate::fixtures::CREDENTIALS).await;
        // The webhook's Secret moves unchanged, except for its owner.
        let metadata = json!({
            "name": "events-webhook",
            "namespace": namespace,
            "labels": backup["metadata"]["labels"],
            "annotations": backup["metadata"]["annotations"],
        });
        let copy =
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": backup["data"]});
        t.apply(&copy.to_string()).await;
        for (.., yaml) in MOVING {
            t.apply(&changed(yaml, &namespace, &json!({"adoptionPolicy": "Adopt"}))).await;
        }
        assert_eq!(ids(t, &namespace).await, before);
        let events = t.handle_in(&namespace, "Association", "events");
        events.condition("WebhookReady", "True", "Available").await;
        webhook::assert_works(t, &secret).await;
        let only_tags = |name: &String| name != "TagResource" && name != "UntagResource";
        let mut made = t.mutations_since(mark);
        made.retain(only_tags);
        assert_eq!(made, Vec::<String>::new(), "nothing is made again, nothing is changed but who owns it");
        let space = t.only("agentSpace");
        assert_eq!(space["tags"]["devopsagent.dev/namespace"], json!(namespace));

        // It is theirs now: it goes with them.
        for (kind, name, _) in MOVING {
            t.handle_in(&namespace, kind, name).delete().await;
        }
        for (kind, name, _) in MOVING {
            t.handle_in(&namespace, kind, name).gone().await;
        }
        assert!(t.is_empty());
    });
}
