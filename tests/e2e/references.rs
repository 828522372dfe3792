//! References: across namespaces by consent, and woken by what they wait for.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::fixtures::{CHANNEL, EVENTS, SPACE};
use crate::harness::{Handle, Test, condition, run, text};

/// Well below the time after which an object is reconciled again without being woken.
const AT_ONCE: Duration = Duration::from_secs(5);

/// An association in `namespace` with the space and the channel of the test's own namespace.
async fn elsewhere(t: &Test, namespace: &str) -> Handle {
    let reference = |name: &str| json!({"name": name, "namespace": t.namespace});
    let spec = json!({"agentSpaceRef": reference("space"), "serviceRef": reference("channel"), "configuration": {"eventChannel": {}}});
    let metadata = json!({"name": "events", "namespace": namespace});
    t.apply(&json!({"kind": "Association", "metadata": metadata, "spec": spec}).to_string()).await
}

async fn allow(t: &Test, consent: &Value) {
    for (kind, name) in [("AgentSpace", "space"), ("ServiceRegistration", "channel")] {
        t.handle(kind, name).patch(json!({"spec": {"allowedNamespaces": consent}})).await;
    }
}

async fn is_ready_at_once(object: &Handle) -> Value {
    let ready = |object: &Value| condition(object, "Ready").is_some_and(|ready| ready["status"] == "True");
    object.wait_within(AT_ONCE, "it is Ready at once", ready).await
}

async fn prepare(t: &Test) {
    t.apply(SPACE).await.ready().await;
    t.apply(CHANNEL).await.ready().await;
}

#[test]
fn another_namespace_needs_consent_by_name() {
    run(async |t| {
        prepare(t).await;
        let namespace = t.other_namespace(json!({})).await;
        let events = elsewhere(t, &namespace).await;
        let message = events.condition("Ready", "False", "ReferenceNotAllowed").await;
        for part in [&namespace, "space", "allowedNamespaces", "spec.agentSpaceRef"] {
            assert!(message.contains(part), "{part}: {message}");
        }
        assert!(t.remotes("association").is_empty());
        allow(t, &json!({"from": "Names", "names": ["somebody-else"]})).await;
        t.handle("AgentSpace", "space").ready().await;
        events.condition("Ready", "False", "ReferenceNotAllowed").await;
        allow(t, &json!({"from": "Names", "names": [namespace]})).await;
        is_ready_at_once(&events).await;
        events.delete_and_wait().await;
    });
}

#[test]
fn another_namespace_needs_consent_by_label() {
    run(async |t| {
        prepare(t).await;
        allow(t, &json!({"from": "Selector", "selector": {"matchLabels": {"team": "payments"}}})).await;
        let namespace = t.other_namespace(json!({"team": "sales"})).await;
        let events = elsewhere(t, &namespace).await;
        events.condition("Ready", "False", "ReferenceNotAllowed").await;
        t.handle("Namespace", &namespace).patch(json!({"metadata": {"labels": {"team": "payments"}}})).await;
        is_ready_at_once(&events).await;
        events.delete_and_wait().await;
    });
}

#[test]
fn consent_to_all_is_consent_to_everyone() {
    run(async |t| {
        prepare(t).await;
        allow(t, &json!({"from": "All"})).await;
        let namespace = t.other_namespace(json!({})).await;
        let events = elsewhere(t, &namespace).await;
        events.ready().await;
        let secret = t.handle_in(&namespace, "Secret", "events-webhook");
        assert!(secret.find().await.is_some(), "the webhook's Secret is beside the association");
        events.delete_and_wait().await;
    });
}

#[test]
fn consent_that_is_withdrawn_stops_what_was_allowed_and_leaves_it_deletable() {
    run(async |t| {
        prepare(t).await;
        allow(t, &json!({"from": "All"})).await;
        let namespace = t.other_namespace(json!({})).await;
        let events = elsewhere(t, &namespace).await;
        events.ready().await;
        let mark = t.mark();
        allow(t, &json!({"from": "Same"})).await;
        events.condition("Ready", "False", "ReferenceNotAllowed").await;
        assert_eq!(t.mutations_since(mark), Vec::<String>::new());
        events.delete_and_wait().await;
        assert!(t.remotes("association").is_empty());
    });
}

#[test]
fn an_object_goes_on_as_soon_as_what_it_waits_for_is_there() {
    run(async |t| {
        let yaml = "{kind: Association, metadata: {name: events}, spec: {agentSpaceRef: {name: space}, serviceRef: {name: channel}, configuration: {eventChannel: {}}}}";
        let events = t.apply(yaml).await;
        let message = events.condition("Ready", "False", "DependencyNotFound").await;
        assert!(message.contains(&format!("AgentSpace {}/space", t.namespace)), "{message}");
        let object = events.get().await;
        assert!(condition(&object, "Reconciling").is_some() && condition(&object, "Stalled").is_none());
        // What is applied together says nothing for two seconds. Both times are cut to seconds.
        let time = |pointer| text(&object, pointer).parse::<Timestamp>().unwrap();
        let said =
            text(condition(&object, "Ready").unwrap(), "/lastTransitionTime").parse::<Timestamp>().unwrap();
        assert!(said.duration_since(time("/metadata/creationTimestamp")).as_secs() >= 1, "{object}");
        t.apply(SPACE).await.ready().await;
        let waits_for_channel = |object: &Value| {
            condition(object, "Ready").is_some_and(|ready| text(ready, "/message").contains("channel"))
        };
        events.wait_within(AT_ONCE, "it waits for the channel", waits_for_channel).await;
        t.apply(CHANNEL).await.ready().await;
        is_ready_at_once(&events).await;
    });
}

#[test]
fn an_object_waits_for_what_is_there_and_not_ready() {
    run(async |t| {
        let yaml = "{kind: AgentSpace, metadata: {name: space}, spec: {operatorApp: {idp: {roleArn: 'arn:aws:iam::123456789012:role/App', issuerUrl: 'https://x.example.com',
                     clientId: c, provider: okta, clientSecretRef: {name: idp, key: secret}}}}}";
        t.apply(yaml).await;
        let source = t.apply(crate::fixtures::SOURCE).await;
        let message = source.condition("Ready", "False", "DependencyNotReady").await;
        assert!(message.contains("space") && message.contains("not ready"), "{message}");
        t.secret("idp", &[("secret", "x")]).await;
        source.ready().await;
    });
}

#[test]
fn the_status_of_what_is_referred_to_wakes_only_when_it_matters() {
    run(async |t| {
        t.apply(SPACE).await;
        let source = t.apply(crate::fixtures::SOURCE).await;
        source.ready().await;
        let mark = t.mark();
        t.handle("AgentSpace", "space").reconcile().await;
        let calls = t.calls_since(mark);
        assert!(calls.iter().all(|call| call.operation != "GetAssociation"), "{calls:#?}");
    });
}

#[test]
fn who_lacks_consent_is_in_nobodys_way() {
    run(async |t| {
        prepare(t).await;
        let namespace = t.other_namespace(json!({})).await;
        let stranger = elsewhere(t, &namespace).await;
        stranger.condition("Ready", "False", "ReferenceNotAllowed").await;
        // Younger, and the only one that may.
        t.apply(EVENTS).await.ready().await;
        allow(t, &json!({"from": "All"})).await;
        let message = stranger.condition("Stalled", "True", "Conflict").await;
        assert!(message.contains(&t.namespace), "{message}");
        assert_eq!(t.remotes("association").len(), 1);
        stranger.delete_and_wait().await;
    });
}
