//! The Secret that the operator writes for an association's webhook: AWS shows it only once, so it must not get lost.

use serde_json::{Value, json};

use crate::fixtures::{CHANNEL, EVENTS, SPACE, by_id, events, events_by_hand};
use crate::harness::{Test, run, text, wait_until, webhook};

#[test]
fn the_secret_has_all_that_an_incident_tool_needs() {
    run(async |t| {
        let events = events(t).await;
        let remote = t.only("association");
        let secret = t.secret_data("events-webhook").await.unwrap();
        let keys: Vec<&str> = secret.keys().map(String::as_str).collect();
        assert_eq!(
            keys,
            ["agentSpaceId", "associationId", "authVersion", "id", "region", "secret", "type", "url"]
        );
        assert_eq!(secret["agentSpaceId"], remote["agentSpaceId"]);
        assert_eq!(secret["associationId"], remote["associationId"]);
        assert_eq!(secret["authVersion"], "hmac_v1");
        assert_eq!(secret["id"], remote["webhook"]["webhookId"]);
        assert_eq!(secret["region"], "us-east-1");
        assert_eq!(secret["secret"], remote["webhook"]["secret"]);
        assert_eq!(secret["type"], "hmac");
        webhook::assert_works(t, &secret).await;
        let message = events.condition("WebhookReady", "True", "Available").await;
        assert!(message.contains("events-webhook"), "{message}");
        let status = events.get().await["status"]["webhook"].clone();
        assert_eq!(status["url"], secret["url"].as_str());
        assert_eq!(status["type"], "hmac");
        assert!(!events.get().await.to_string().contains(&secret["secret"]));
        events.event("WroteSecret").await;
    });
}

/// Runs `kubectl devopsagent` in the test's namespace; returns its exit code and what it prints.
async fn plugin(t: &Test, arguments: &[&str]) -> (Option<i32>, String) {
    crate::harness::plugin(t, &[arguments, &["--namespace", &t.namespace]].concat()).await.said()
}

#[test]
fn the_plugin_sends_an_incident_through_the_secret_and_says_if_it_does_not_work() {
    run(async |t| {
        let events = events(t).await;
        let secret = t.secret_data("events-webhook").await.unwrap();
        let (code, url) = plugin(t, &["webhook", "url", "events"]).await;
        assert_eq!((code, url.trim()), (Some(0), secret["url"].as_str()));
        let incident = ["webhook", "send", "events", "--incident-id", "from-the-plugin"];
        let (code, planned) = plugin(t, &[&incident[..], &["--dry-run"]].concat()).await;
        assert_eq!(code, Some(0), "{planned}");
        assert!(planned.contains("Nothing was sent") && !planned.contains(&secret["secret"]), "{planned}");
        let (code, sent) = plugin(t, &[&incident[..], &["-o", "json"]].concat()).await;
        let sent: Value = serde_json::from_str(&sent).unwrap();
        assert_eq!((code, &sent["status"], &sent["authVersion"]), (Some(0), &json!(200), &json!("hmac_v1")));
        let (code, said) = plugin(t, &["webhook", "send", "nothing"]).await;
        assert_eq!(code, Some(1));
        assert!(said.contains("there is no Association"), "{said}");
        // A Secret that isn't the webhook's any more, and that the operator leaves alone.
        events.patch(json!({"metadata": {"annotations": {"devopsagent.dev/paused": "true"}}})).await;
        events.condition("Synced", "False", "Paused").await;
        t.handle("Secret", "events-webhook").patch(json!({"stringData": {"secret": "another"}})).await;
        let (code, said) = plugin(t, &incident).await;
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("status 403") && said.contains("spec.webhook.rotation"), "{said}");
    });
}

#[test]
fn a_bearer_token_is_under_a_key_of_its_own() {
    run(async |t| {
        t.apply(SPACE).await;
        t.apply("{kind: ServiceRegistration, metadata: {name: slack}, spec: {existing: {match: {serviceType: slack}}}}").await;
        let chat = "{kind: Association, metadata: {name: chat}, spec: {agentSpaceRef: {name: space}, serviceRef: {name: slack}, webhook: {secretName: hook},
                     configuration: {slack: {workspaceId: T0EXAMPLE1, workspaceName: x, transmissionTarget: {opsOncallTarget: {channelId: C0123ABCDEF}}}}}}";
        t.apply(chat).await.ready().await;
        let secret = t.secret_data("hook").await.unwrap();
        assert_eq!(secret["type"], "apikey");
        assert_eq!(secret["authVersion"], "bearer_v2");
        assert_eq!(secret["token"], t.only("association")["webhook"]["secret"].as_str().unwrap());
        assert!(!secret.contains_key("secret"));
    });
}

#[test]
fn the_secret_belongs_to_the_association_and_goes_with_it() {
    run(async |t| {
        let events = events(t).await;
        let secret = t.handle("Secret", "events-webhook");
        let metadata = secret.get().await["metadata"].clone();
        assert_eq!(
            metadata["ownerReferences"],
            Value::Null,
            "after a restore it would refer to a UID of the past"
        );
        assert_eq!(metadata["annotations"]["devopsagent.dev/written-for"], "events");
        assert_eq!(
            metadata["annotations"]["devopsagent.dev/written-by"],
            events.get().await["metadata"]["uid"]
        );
        events.delete_and_wait().await;
        assert!(secret.find().await.is_none(), "it is gone before its object");
    });
}

#[test]
fn the_secret_of_a_retained_association_stays() {
    run(async |t| {
        let events = events(t).await;
        let before = t.secret_data("events-webhook").await.unwrap();
        events.patch(json!({"spec": {"deletionPolicy": "Retain"}})).await;
        events.ready().await;
        events.delete_and_wait().await;
        let secret = t.handle("Secret", "events-webhook").get().await;
        assert_eq!(secret["metadata"]["annotations"]["devopsagent.dev/written-by"], Value::Null);
        webhook::assert_works(t, &before).await;
        // Applied again, the association adopts both.
        let mark = t.mark();
        t.apply(EVENTS).await.ready().await;
        assert_eq!(t.mutations_since(mark), Vec::<String>::new());
        assert_eq!(t.secret_data("events-webhook").await.unwrap(), before);
    });
}

#[test]
fn a_secret_of_somebody_else_is_never_overwritten() {
    run(async |t| {
        t.secret("events-webhook", &[("url", "precious")]).await;
        t.apply(SPACE).await;
        t.apply(CHANNEL).await;
        let events = t.apply(EVENTS).await;
        let message = events.condition("Ready", "False", "SecretNotOurs").await;
        assert!(message.contains("events-webhook") && message.contains("webhook.secretName"), "{message}");
        assert!(t.remotes("association").is_empty(), "no webhook is issued that could not be written");
        assert_eq!(t.secret_data("events-webhook").await.unwrap()["url"], "precious");
        events.patch(json!({"spec": {"webhook": {"secretName": "another"}}})).await;
        events.ready().await;
        webhook::assert_works(t, &t.secret_data("another").await.unwrap()).await;
        assert_eq!(t.secret_data("events-webhook").await.unwrap()["url"], "precious");
        events.delete_and_wait().await;
        assert_eq!(t.secret_data("events-webhook").await.unwrap()["url"], "precious");
    });
}

#[test]
fn when_the_secret_in_the_way_is_deleted_the_association_goes_on() {
    run(async |t| {
        let foreign = t.secret("events-webhook", &[("url", "x")]).await;
        t.apply(SPACE).await;
        t.apply(CHANNEL).await;
        let events = t.apply(EVENTS).await;
        events.condition("Ready", "False", "SecretNotOurs").await;
        foreign.delete_and_wait().await;
        events.ready().await;
        webhook::assert_works(t, &t.secret_data("events-webhook").await.unwrap()).await;
    });
}

#[test]
fn a_deleted_secret_is_issued_again() {
    run(async |t| {
        let events = events(t).await;
        let before = t.secret_data("events-webhook").await.unwrap();
        t.handle("Secret", "events-webhook").delete().await;
        let after = wait_until("the Secret is there again", async || {
            t.secret_data("events-webhook").await.filter(|secret| secret["id"] != before["id"])
        })
        .await;
        let object =
            events.wait("status names it", |object| object["status"]["webhook"]["id"] == after["id"]).await;
        assert_eq!(object["status"]["id"], after["associationId"]);
        events.ready().await;
        webhook::assert_works(t, &after).await;
        assert_eq!(t.remotes("association").len(), 1);
    });
}

#[test]
fn a_deleted_secret_is_reported_where_that_is_asked_for() {
    run(async |t| {
        let events = events(t).await;
        events.patch(json!({"spec": {"webhook": {"onLoss": "Report"}}})).await;
        events.ready().await;
        let (mark, remote) = (t.mark(), t.only("association"));
        t.handle("Secret", "events-webhook").delete().await;
        let message = events.condition("WebhookReady", "False", "WebhookSecretLost").await;
        assert!(message.contains("events-webhook") && message.contains("rotation"), "{message}");
        events.reconcile().await;
        assert_eq!(t.mutations_since(mark), Vec::<String>::new());
        assert_eq!(t.only("association"), remote);
        assert_eq!(t.secret_data("events-webhook").await, None);
        // A rotation is the way out.
        events.patch(json!({"spec": {"webhook": {"rotation": "1"}}})).await;
        events.condition("WebhookReady", "True", "Available").await;
        events.ready().await;
        webhook::assert_works(t, &t.secret_data("events-webhook").await.unwrap()).await;
    });
}

#[test]
fn a_secret_that_comes_back_from_a_backup_is_accepted() {
    run(async |t| {
        let events = events(t).await;
        events.patch(json!({"spec": {"webhook": {"onLoss": "Report"}}})).await;
        events.ready().await;
        let mut backup = t.handle("Secret", "events-webhook").get().await;
        t.handle("Secret", "events-webhook").delete().await;
        events.condition("WebhookReady", "False", "WebhookSecretLost").await;
        let mark = t.mark();
        let metadata = backup["metadata"].as_object_mut().unwrap();
        metadata.retain(|name, _| ["name", "namespace", "labels", "annotations"].contains(&name.as_str()));
        t.apply(&backup.to_string()).await;
        events.condition("WebhookReady", "True", "Available").await;
        assert_eq!(t.mutations_since(mark), Vec::<String>::new());
    });
}

#[test]
fn a_rotation_issues_a_new_webhook_and_ends_the_old_one() {
    run(async |t| {
        let events = events(t).await;
        let mut secret = t.secret_data("events-webhook").await.unwrap();
        for rotation in ["2026-01", "2026-02"] {
            events.patch(json!({"spec": {"webhook": {"rotation": rotation}}})).await;
            let object = events
                .wait("the rotation is done", |object| object["status"]["webhook"]["rotation"] == rotation)
                .await;
            let fresh = t.secret_data("events-webhook").await.unwrap();
            assert_ne!(fresh["secret"], secret["secret"]);
            assert_eq!(text(&object, "/status/webhook/id"), fresh["id"]);
            events.ready().await;
            webhook::assert_works(t, &fresh).await;
            assert_eq!(webhook::post(t, &secret).await, 403, "the old one has ended");
            assert_eq!(t.remotes("association").len(), 1);
            secret = fresh;
        }
        let mark = t.mark();
        events.reconcile().await;
        assert_eq!(t.mutations_since(mark), Vec::<String>::new());
    });
}

#[test]
fn the_webhook_of_an_association_that_was_taken_over_is_left_in_use() {
    run(async |t| {
        let made = events_by_hand(t).await;
        let id = text(&made, "/association/associationId").to_owned();
        let mark = t.mark();
        let events = t.apply(&by_id(EVENTS, &id)).await;
        events.condition("WebhookReady", "False", "WebhookSecretLost").await;
        assert_eq!(t.only("association")["webhook"]["webhookId"], made["webhook"]["webhookId"]);
        assert_eq!(t.mutations_since(mark), Vec::<String>::new());
    });
}

#[test]
fn an_association_that_vanished_comes_back_with_a_working_webhook() {
    run(async |t| {
        let events = events(t).await;
        let old = events.id().await;
        t.remove("association", &old).await;
        events.reconcile().await;
        let object = events.ready().await;
        assert_ne!(object["status"]["id"], old.as_str());
        let secret = t.secret_data("events-webhook").await.unwrap();
        assert_eq!(secret["associationId"], text(&object, "/status/id"));
        webhook::assert_works(t, &secret).await;
    });
}

#[test]
fn an_association_that_is_only_observed_has_no_secret() {
    run(async |t| {
        let made = events_by_hand(t).await;
        let mark = t.mark();
        let events = t.apply(&EVENTS.replace("spec:\n", "spec:\n  managementPolicy: Observe\n")).await;
        let object = events.ready().await;
        assert_eq!(object["status"]["id"], made["association"]["associationId"]);
        assert_eq!(t.secret_data("events-webhook").await, None);
        events.delete_and_wait().await;
        assert_eq!(t.mutations_since(mark), Vec::<String>::new());
    });
}
