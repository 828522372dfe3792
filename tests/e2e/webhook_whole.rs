//! The webhook's Secret as a whole: compared key by key, moved, retained for others, owned again after a restore,
//! written with a template, or not at all.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::fixtures::{CHANNEL, EVENTS, SPACE, by_id, events, events_by_hand};
use crate::harness::{Handle, Test, run, text, wait_until, webhook};

type Data = BTreeMap<String, String>;

/// Waits until the Secret has these contents.
async fn becomes(t: &Test, name: &str, wanted: &Data) {
    wait_until(format!("the Secret {name} is as it should be"), async || {
        t.secret_data(name).await.filter(|data| data == wanted)
    })
    .await;
}

async fn data(t: &Test, name: &str) -> Data {
    t.secret_data(name).await.expect("there is a Secret")
}

/// An edit of a Secret: what it has besides stays.
fn edit(key: &str, value: Option<&str>) -> Value {
    match value {
        Some(value) => json!({"stringData": {key: value}}),
        None => json!({"data": {key: null}}),
    }
}

/// A copy of a Secret as a backup has it.
fn backup(secret: &Value, kept: &[&str]) -> Value {
    let mut copy = secret.clone();
    copy["metadata"].as_object_mut().unwrap().retain(|name, _| kept.contains(&name.as_str()));
    copy
}

#[test]
fn every_key_that_is_removed_or_changed_is_restored_and_the_webhook_stays() {
    run(async |t| {
        events(t).await;
        let before = data(t, "events-webhook").await;
        let secret = t.handle("Secret", "events-webhook");
        let mark = t.mark();
        for key in before.keys().filter(|key| *key != "secret") {
            for value in [None, Some("edited")] {
                secret.patch(edit(key, value)).await;
                becomes(t, "events-webhook", &before).await;
            }
        }
        secret.patch(json!({"metadata": {"annotations": null}})).await;
        secret
            .wait("it is marked again", |secret| {
                !secret["metadata"]["annotations"]["devopsagent.dev/written-for"].is_null()
            })
            .await;
        secret.patch(json!({"data": {"more": "bW9yZQ=="}})).await;
        let events = t.handle("Association", "events");
        events.reconcile().await;
        assert_eq!(data(t, "events-webhook").await["more"], "more", "what others add is left alone");
        assert_eq!(t.mutations_since(mark), Vec::<String>::new());
        events.event_with("WroteSecret", "data.url").await;
        webhook::assert_works(t, &before).await;
    });
}

#[test]
fn a_secret_that_only_the_secret_knew_is_issued_again_or_reported() {
    run(async |t| {
        let events = events(t).await;
        let secret = t.handle("Secret", "events-webhook");
        for value in [None, Some("edited")] {
            let before = data(t, "events-webhook").await;
            let old = text(&events.get().await, "/status/webhook/url").to_owned();
            secret.patch(edit("secret", value)).await;
            let after = wait_until("there is another webhook", async || {
                t.secret_data("events-webhook").await.filter(|secret| secret["id"] != before["id"])
            })
            .await;
            events.wait("status names it", |object| object["status"]["webhook"]["id"] == after["id"]).await;
            let object = events.ready().await;
            assert_ne!(text(&object, "/status/webhook/url"), old);
            let note = events.event_with("WebhookAddressChanged", &after["url"]).await;
            assert!(note.contains("the key secret of the Secret events-webhook"), "{note}");
            assert!(!note.contains(&after["secret"]));
            webhook::assert_works(t, &after).await;
        }
        events.patch(json!({"spec": {"webhook": {"onLoss": "Report"}}})).await;
        events.ready().await;
        let (mark, right) = (t.mark(), data(t, "events-webhook").await);
        secret.patch(edit("secret", Some("edited"))).await;
        events.condition("WebhookReady", "False", "WebhookSecretLost").await;
        assert_eq!(t.mutations_since(mark), Vec::<String>::new());
        secret.patch(edit("secret", Some(&right["secret"]))).await;
        events.condition("WebhookReady", "True", "Available").await;
        assert_eq!(t.mutations_since(mark), Vec::<String>::new());
    });
}

#[test]
fn another_name_moves_the_secret_and_deletes_the_old_one() {
    run(async |t| {
        let events = events(t).await;
        let before = data(t, "events-webhook").await;
        let old = t.handle("Secret", "events-webhook").get().await;
        let mark = t.mark();
        events.patch(json!({"spec": {"webhook": {"secretName": "second"}}})).await;
        becomes(t, "second", &before).await;
        t.handle("Secret", "events-webhook").gone().await;
        let object = events.ready().await;
        assert_eq!(object["status"]["webhookSecrets"], json!(["second"]));
        assert_eq!(t.mutations_since(mark), Vec::<String>::new());
        webhook::assert_works(t, &before).await;

        // A rotation later, someone restores the old one, and the name goes back to it.
        events.patch(json!({"spec": {"webhook": {"rotation": "1"}}})).await;
        events.wait("it is rotated", |object| object["status"]["webhook"]["rotation"] == "1").await;
        events.ready().await;
        let working = data(t, "second").await;
        assert_ne!(working["id"], before["id"]);
        let mark = t.mark();
        t.apply(&backup(&old, &["name", "namespace", "labels", "annotations"]).to_string()).await;
        events.patch(json!({"spec": {"webhook": {"secretName": "events-webhook"}}})).await;
        becomes(t, "events-webhook", &working).await;
        t.handle("Secret", "second").gone().await;
        events.ready().await;
        assert_eq!(t.mutations_since(mark), Vec::<String>::new());
        webhook::assert_works(t, &working).await;
    });
}

#[test]
fn the_only_copy_of_a_retained_association_is_never_overwritten() {
    run(async |t| {
        let events = events(t).await;
        let kept = events.id().await;
        events.patch(json!({"spec": {"deletionPolicy": "Retain"}})).await;
        events.ready().await;
        events.delete_and_wait().await;
        let before = data(t, "events-webhook").await;
        t.apply("{kind: AgentSpace, metadata: {name: other}, spec: {}}").await.ready().await;
        let mark = t.mark();
        let events = t.apply(&EVENTS.replace("name: space", "name: other")).await;
        let message = events.condition("Ready", "False", "SecretNotOurs").await;
        for part in ["the Secret events-webhook", &*kept, "spec.webhook.secretName", "delete the Secret"] {
            assert!(message.contains(part), "{part} is not in: {message}");
        }
        assert_eq!(t.mutations_since(mark), Vec::<String>::new());
        // Neither is it by a move.
        events.patch(json!({"spec": {"webhook": {"secretName": "own"}}})).await;
        events.ready().await;
        let own = data(t, "own").await;
        events.patch(json!({"spec": {"webhook": {"secretName": "events-webhook"}}})).await;
        events.condition("Ready", "False", "SecretNotOurs").await;
        assert_eq!(data(t, "own").await, own);
        assert_eq!(data(t, "events-webhook").await, before);
        webhook::assert_works(t, &before).await;
        webhook::assert_works(t, &own).await;
        // The way out.
        t.handle("Secret", "events-webhook").delete().await;
        becomes(t, "events-webhook", &own).await;
        events.ready().await;
        events.delete_and_wait().await;
    });
}

/// Owner references as a Secret of version 0.1 has them.
fn owned_by(uid: &str) -> Value {
    json!([{"apiVersion": "devopsagent.dev/v1alpha1", "kind": "Association", "name": "events", "uid": uid, "controller": true}])
}

async fn owned_again(t: &Test, events: &Handle) -> Value {
    let uid = events.get().await["metadata"]["uid"].clone();
    let secret = t.handle("Secret", "events-webhook");
    secret
        .wait("it is owned again", |secret| {
            let metadata = &secret["metadata"];
            metadata["ownerReferences"].is_null()
                && metadata["annotations"]["devopsagent.dev/written-by"] == uid
        })
        .await
}

#[test]
fn a_restored_secret_is_owned_again_at_once_and_goes_with_the_association() {
    run(async |t| {
        let events = events(t).await;
        events.patch(json!({"spec": {"webhook": {"onLoss": "Report"}}})).await;
        events.ready().await;
        let before = data(t, "events-webhook").await;
        let secret = t.handle("Secret", "events-webhook").get().await;
        let mark = t.mark();
        // Without an owner; with that of a former object; and as version 0.1 wrote it.
        let mut past = secret.clone();
        past["metadata"]["annotations"]["devopsagent.dev/written-by"] = json!("a-uid-of-the-past");
        let mut old = backup(&secret, &["name", "namespace", "labels"]);
        old["metadata"]["annotations"] = json!({"devopsagent.dev/written-for": "events"});
        let all = ["name", "namespace", "labels", "annotations", "ownerReferences"];
        for restored in [backup(&secret, &["name", "namespace", "labels"]), backup(&past, &all), old] {
            t.handle("Secret", "events-webhook").delete_and_wait().await;
            t.apply(&restored.to_string()).await;
            owned_again(t, &events).await;
            assert_eq!(data(t, "events-webhook").await, before);
            events.condition("WebhookReady", "True", "Available").await;
        }
        let uid = events.get().await["metadata"]["uid"].clone();
        let owned = json!({"metadata": {"ownerReferences": owned_by(uid.as_str().unwrap())}});
        t.handle("Secret", "events-webhook").patch(owned).await;
        owned_again(t, &events).await;
        assert_eq!(t.mutations_since(mark), Vec::<String>::new());
        webhook::assert_works(t, &before).await;
        events.delete_and_wait().await;
        assert!(t.handle("Secret", "events-webhook").find().await.is_none());
    });
}

#[test]
fn the_objects_and_secrets_of_a_backup_keep_their_webhooks_under_new_uids() {
    run(async |t| {
        let events = events(t).await;
        let before = data(t, "events-webhook").await;
        let issued = text(&events.get().await, "/status/webhook/issuedAt").to_owned();
        let secret = t.handle("Secret", "events-webhook").get().await;
        let mark = t.mark();
        // The cluster is lost, and with it everything except AWS.
        events.patch(json!({"metadata": {"annotations": {"devopsagent.dev/paused": "true"}}})).await;
        events.delete().await;
        events.patch(json!({"metadata": {"finalizers": null}})).await;
        events.gone().await;
        t.handle("Secret", "events-webhook").delete_and_wait().await;

        t.apply(&backup(&secret, &["name", "namespace", "labels", "annotations"]).to_string()).await;
        let events = t.apply(EVENTS).await;
        owned_again(t, &events).await;
        events.condition("WebhookReady", "True", "Available").await;
        let object = events.ready().await;
        assert_eq!(text(&object, "/status/webhook/issuedAt"), issued, "it is the same webhook");
        assert_eq!(t.mutations_since(mark), Vec::<String>::new());
        assert_eq!(data(t, "events-webhook").await, before);
        events.delete_and_wait().await;
        assert!(t.handle("Secret", "events-webhook").find().await.is_none());
    });
}

#[test]
fn a_template_says_what_is_in_the_secret_and_never_touches_the_webhook() {
    run(async |t| {
        t.apply(SPACE).await;
        t.apply(CHANNEL).await.ready().await;
        let template = json!({
            "labels": {"team": "sre"}, "annotations": {"example.com/note": "on call"},
            "data": {"WEBHOOK_URL": "$(url)", "LINE": "$(id) $$(id) $(secret)"},
        });
        let events = t.apply(&format!("{EVENTS}  webhook: {{secretTemplate: {template}}}\n")).await;
        let object = events.ready().await;
        let (first, id) = (data(t, "events-webhook").await, text(&object, "/status/webhook/id").to_owned());
        assert_eq!(first["WEBHOOK_URL"], first["url"]);
        assert_eq!(first["LINE"], format!("{} $(id) {}", first["id"], first["secret"]));
        let secret = t.handle("Secret", "events-webhook");
        let metadata = secret.get().await["metadata"].clone();
        assert_eq!(
            (&metadata["labels"]["team"], &metadata["annotations"]["example.com/note"]),
            (&json!("sre"), &json!("on call"))
        );
        let hash = text(&object, "/status/webhook/templateHash").to_owned();
        webhook::assert_works(t, &first).await;

        let mark = t.mark();
        // Only keys of its own; the secret is in one of them.
        let omit = json!({"labels": null, "annotations": null, "defaultKeys": "Omit", "data": {"LINE": null, "KEY": "key=$(secret)"}});
        events.patch(json!({"spec": {"webhook": {"secretTemplate": omit}}})).await;
        let own = Data::from([
            ("KEY".to_owned(), format!("key={}", first["secret"])),
            ("WEBHOOK_URL".to_owned(), first["url"].clone()),
        ]);
        becomes(t, "events-webhook", &own).await;
        let object = events
            .wait("status knows it", |object| text(object, "/status/webhook/templateHash") != hash)
            .await;
        assert_eq!(text(&object, "/status/webhook/id"), id);
        assert_eq!(secret.get().await["metadata"]["labels"]["team"], Value::Null);
        // What is in a key of the template is restored like any other, and so is a label.
        secret.patch(edit("WEBHOOK_URL", Some("edited"))).await;
        becomes(t, "events-webhook", &own).await;
        // And back: nothing was lost.
        events.patch(json!({"spec": {"webhook": {"secretTemplate": null}}})).await;
        let documented: Data = first
            .iter()
            .filter(|(key, _)| !["LINE", "WEBHOOK_URL"].contains(&key.as_str()))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        becomes(t, "events-webhook", &documented).await;
        let object = events
            .wait("status knows it", |object| object["status"]["webhook"]["templateHash"].is_null())
            .await;
        assert_eq!(text(&object, "/status/webhook/id"), id);
        events.ready().await;
        assert_eq!(t.mutations_since(mark), Vec::<String>::new());
        webhook::assert_works(t, &data(t, "events-webhook").await).await;
    });
}

#[test]
fn a_placeholder_that_the_type_lacks_is_told_before_a_webhook_is_issued() {
    run(async |t| {
        let project = crate::fixtures::project(t).await;
        project.delete_and_wait().await;
        let mark = t.mark();
        let yaml = format!(
            "{}  webhook: {{secretTemplate: {{data: {{AUTH: '$(token)'}}}}}}\n",
            crate::fixtures::PROJECT
        );
        let project = t.apply(&yaml).await;
        let message = project.condition("Ready", "False", "InputInvalid").await;
        for part in ["secretTemplate.data.AUTH", "$(token)", "gitlab", "$(secret)"] {
            assert!(message.contains(part), "{part} is not in: {message}");
        }
        assert_eq!(t.mutations_since(mark), Vec::<String>::new());
        project
            .patch(json!({"spec": {"webhook": {"secretTemplate": {"data": {"AUTH": "$(secret)"}}}}}))
            .await;
        project.ready().await;
        let secret = data(t, "project-webhook").await;
        assert_eq!(secret["AUTH"], secret["secret"]);
    });
}

#[test]
fn a_webhook_that_nobody_uses_has_no_secret_no_condition_and_no_successor() {
    run(async |t| {
        let made = events_by_hand(t).await;
        let id = text(&made, "/association/associationId").to_owned();
        let mark = t.mark();
        let events = t.apply(&by_id(EVENTS, &id)).await;
        events.condition("WebhookReady", "False", "WebhookSecretLost").await;
        events.patch(json!({"spec": {"webhook": {"policy": "Ignore"}}})).await;
        let object = events
            .wait("the condition is gone", |object| {
                crate::harness::condition(object, "WebhookReady").is_none()
            })
            .await;
        assert_eq!(object.pointer("/status/webhookLost"), None);
        events.reconcile().await;
        assert_eq!(t.secret_data("events-webhook").await, None);
        assert_eq!(t.mutations_since(mark), Vec::<String>::new());
        // A new one isn't delivered either, but can be later.
        events.delete_and_wait().await;
        let events = t.apply(&format!("{EVENTS}  webhook: {{policy: Ignore}}\n")).await;
        events.ready().await;
        assert_eq!(t.secret_data("events-webhook").await, None);
        events.patch(json!({"spec": {"webhook": {"policy": "Deliver"}}})).await;
        events.condition("WebhookReady", "True", "Available").await;
        webhook::assert_works(t, &data(t, "events-webhook").await).await;
    });
}

#[test]
fn the_time_of_issue_changes_with_the_webhook_alone() {
    run(async |t| {
        let events = events(t).await;
        let issued = async || text(&events.ready().await, "/status/webhook/issuedAt").to_owned();
        let first = issued().await;
        assert!(first.ends_with('Z'), "{first}");
        events.patch(json!({"spec": {"webhook": {"secretName": "second"}}})).await;
        events.wait("it is moved", |object| object["status"]["webhook"]["secretName"] == "second").await;
        assert_eq!(issued().await, first);
        // It is told in seconds.
        let second = wait_until("a second has passed", async || {
            (jiff::Timestamp::now().as_second() > first.parse::<jiff::Timestamp>().unwrap().as_second())
                .then_some(())
        });
        second.await;
        events.patch(json!({"spec": {"webhook": {"rotation": "1"}}})).await;
        events.wait("it is rotated", |object| object["status"]["webhook"]["rotation"] == "1").await;
        assert_ne!(issued().await, first);
        let note = events.event_with("WebhookAddressChanged", "enter http").await;
        assert!(note.contains("hmac_v1"), "{note}");
    });
}
