//! Which resource an object represents: where it is, where it began, and what is left alone.

use serde_json::{Value, json};

use crate::fixtures::{CHANNEL, EVENTS, SPACE, by_id, events, events_by_hand, quota_of_secrets};
use crate::harness::{Handle, run, text, webhook};

/// An account that no test has.
const ELSEWHERE: &str = "999988887777";

async fn stalled(object: &Handle) -> String {
    object.request().await;
    object.condition("Stalled", "True", "AccountChanged").await
}

#[test]
fn what_an_account_has_stays_there_when_its_role_changes() {
    run(async |t| {
        events(t).await;
        let objects =
            [("AgentSpace", "space"), ("ServiceRegistration", "channel"), ("Association", "events")];
        let objects = objects.map(|(kind, name)| t.handle(kind, name));
        for object in &objects {
            let status = object.get().await["status"].take();
            assert_eq!((text(&status, "/accountId"), text(&status, "/region")), (&*t.account, "us-east-1"));
        }
        let secret = t.secret_data("events-webhook").await;
        let account = t.handle("AWSAccount", &t.namespace);
        let role = |number: &str| format!("arn:aws:iam::{number}:role/test");
        let mark = t.mark();
        account.patch(json!({"spec": {"assumeRole": {"roleArn": role(ELSEWHERE)}}})).await;
        account.ready().await;
        for object in &objects {
            let message = stalled(object).await;
            assert!(message.contains(ELSEWHERE) && message.contains(&t.account), "{message}");
        }
        // Not even deletion does something elsewhere.
        let events = &objects[2];
        events.delete().await;
        stalled(events).await;
        assert_eq!(t.mutations_since(mark), Vec::<String>::new());
        let calls = t.shared.simulator.call_log(mark);
        let others = calls.iter().filter(|call| call.account == ELSEWHERE && call.mutating);
        assert_eq!(others.count(), 0, "nothing is made in the other account");
        assert_eq!(t.secret_data("events-webhook").await, secret);

        account.patch(json!({"spec": {"assumeRole": {"roleArn": role(&t.account)}}})).await;
        account.ready().await;
        events.gone().await;
        objects[0].request().await;
        objects[0].ready().await;
    });
}

#[test]
fn the_replacement_of_what_was_named_by_its_id_is_kept() {
    run(async |t| {
        let id = text(&events_by_hand(t).await, "/association/associationId").to_owned();
        let events = t.apply(&by_id(EVENTS, &id)).await;
        events.condition("WebhookReady", "False", "WebhookSecretLost").await;
        assert_eq!(text(&events.get().await, "/status/adoptedFrom"), id);
        events.patch(json!({"spec": {"webhook": {"rotation": "1"}}})).await;
        events.condition("WebhookReady", "True", "Available").await;
        let object = events.ready().await;
        assert_ne!(text(&object, "/status/id"), id);
        webhook::assert_works(t, &t.secret_data("events-webhook").await.expect("there is a Secret")).await;
        let mark = t.mark();
        events.reconcile().await;
        assert_eq!(t.mutations_since(mark), Vec::<String>::new());
    });
}

#[test]
fn what_the_spec_named_before_is_left_in_aws_if_the_object_retains() {
    run(async |t| {
        let mut ids = Vec::new();
        for name in ["first", "second"] {
            let made = t.invoke("CreateAgentSpace", json!({"name": name})).await;
            ids.push(text(&made, "/agentSpace/agentSpaceId").to_owned());
        }
        let yaml = |id: &str| {
            format!(
                "{{kind: AgentSpace, metadata: {{name: space}}, spec: {{externalId: '{id}', deletionPolicy: Retain}}}}"
            )
        };
        t.apply(&yaml(&ids[0])).await.ready().await;
        let space = t.apply(&yaml(&ids[1])).await;
        space.wait("it stands for the other", |object| text(object, "/status/id") == ids[1]).await;
        space.ready().await;
        assert_eq!(t.remotes("agentSpace").len(), 2);
        assert!(!t.mutations().contains(&"DeleteAgentSpace".to_owned()));

        // Without the id, the name that was found stays.
        space.patch(json!({"spec": {"externalId": null}})).await;
        space.ready().await;
        space.reconcile().await;
        let names: Vec<Value> =
            t.remotes("agentSpace").into_iter().map(|mut space| space["name"].take()).collect();
        assert!(names.contains(&json!("second")), "{names:?}");
    });
}

#[test]
fn of_several_that_match_a_person_says_which_is_meant() {
    run(async |t| {
        let mut ids = Vec::new();
        for _ in 0..2 {
            let made = t.invoke("CreateAgentSpace", json!({"name": "Twins"})).await;
            ids.push(text(&made, "/agentSpace/agentSpaceId").to_owned());
        }
        for policy in ["adoptionPolicy: Adopt", "managementPolicy: Observe"] {
            let spec = format!("{{name: Twins, {policy}}}");
            let twins =
                t.apply(&format!("{{kind: AgentSpace, metadata: {{name: twins}}, spec: {spec}}}")).await;
            let message = twins.condition("Stalled", "True", "Conflict").await;
            assert!(
                ids.iter().all(|id| message.contains(id)) && message.contains("spec.externalId"),
                "{message}"
            );
            assert_eq!(t.mutations(), Vec::<String>::new());
            twins.delete_and_wait().await;
        }
    });
}

#[test]
fn what_was_just_made_is_not_taken_for_gone() {
    run(async |t| {
        t.fault(
            json!({"operation": "GetAgentSpace", "effect": "error", "error": "ResourceNotFoundException"}),
        );
        t.apply(SPACE).await.ready().await;
        assert_eq!(t.remotes("agentSpace").len(), 1);
        assert_eq!(t.count("CreateAgentSpace"), 1);
    });
}

#[test]
fn no_webhook_is_obtained_or_given_up_for_a_secret_that_can_not_be_written() {
    run(async |t| {
        t.apply(SPACE).await.ready().await;
        t.apply(CHANNEL).await.ready().await;
        let quota = quota_of_secrets(t, 0).await;
        let events = t.apply(EVENTS).await;
        let message = events.condition("Ready", "False", "SecretRefused").await;
        assert!(message.contains("events-webhook") && message.contains("exceeded quota"), "{message}");
        assert_eq!(t.count("AssociateService"), 0);
        quota.delete().await;
        events.ready().await;

        let before = t.secret_data("events-webhook").await.expect("there is a Secret");
        t.handle("Secret", "events-webhook").patch(json!({"immutable": true})).await;
        events.patch(json!({"spec": {"webhook": {"rotation": "1"}}})).await;
        events.condition("Ready", "False", "SecretRefused").await;
        assert_eq!(t.count("DisassociateService"), 0);
        webhook::assert_works(t, &before).await;
    });
}

#[test]
fn what_was_adopted_and_vanished_is_recreated_unless_it_is_only_observed() {
    run(async |t| {
        let made = t.invoke("CreateAgentSpace", json!({"name": "Theirs"})).await;
        let id = text(&made, "/agentSpace/agentSpaceId").to_owned();
        let spec = |name: &str, more: &str| {
            format!(
                "{{kind: AgentSpace, metadata: {{name: {name}}}, spec: {{name: Theirs, externalId: '{id}'{more}}}}}"
            )
        };
        let observed = t.apply(&spec("observed", ", managementPolicy: Observe")).await;
        observed.ready().await;
        let space = t.apply(&spec("space", "")).await;
        space.ready().await;
        t.remove("agentSpace", &id).await;
        space.reconcile().await;
        let object = space.ready().await;
        assert_ne!(text(&object, "/status/id"), id);
        assert_eq!(text(&object, "/status/adoptedFrom"), id);
        observed.request().await;
        observed.condition("Stalled", "True", "NotFound").await;
        assert_eq!(t.remotes("agentSpace").len(), 1);
    });
}
