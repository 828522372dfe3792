//! Every kind in every state that it can be in, as fixtures.

use serde_json::{Value, json};

use super::fixtures::Fixtures;
use super::subjects::{Deletion, SUBJECTS, Subject, fill};
use crate::fixtures::{CHANNEL, SPACE, credentials, foreign_space, json_of};
use crate::harness::{Handle, Test, condition, run, text, wait_until};

macro_rules! fixtures_of {
    ($($name:ident: $kind:literal,)+) => {$(
        #[test]
        fn $name() {
            run(async |t| walk(t, SUBJECTS.iter().find(|subject| subject.kind == $kind).unwrap()).await);
        }
    )+};
}

fixtures_of! {
    the_fixtures_of_accounts_are_what_the_operator_writes: "AWSAccount",
    the_fixtures_of_spaces_are_what_the_operator_writes: "AgentSpace",
    the_fixtures_of_connections_are_what_the_operator_writes: "PrivateConnection",
    the_fixtures_of_registrations_are_what_the_operator_writes: "ServiceRegistration",
    the_fixtures_of_associations_are_what_the_operator_writes: "Association",
    the_fixtures_of_assets_are_what_the_operator_writes: "Asset",
    the_fixtures_of_triggers_are_what_the_operator_writes: "Trigger",
}

/// Takes an object of the kind through its life, and records its states.
async fn walk(t: &Test, subject: &Subject) {
    t.other_namespace(json!({})).await;
    let mut fixtures = Fixtures::new(t, subject.kind);
    let object = made(t, subject, &mut fixtures).await;
    changed(&object, subject, &mut fixtures).await;
    approved(&object, subject, &mut fixtures).await;
    paused(&object, subject, &mut fixtures).await;
    without_aws(t, &object, subject, &mut fixtures).await;
    degraded(t, &object, subject, &mut fixtures).await;
    stalled(t, &object, subject, &mut fixtures).await;
    deleted(t, &object, subject, &mut fixtures).await;
    let production = t.handle("AWSAccount", &format!("{}-production", t.namespace));
    if production.find().await.is_some() {
        production.delete().await;
    }
    fixtures.finish();
}

/// New, waiting, being made, and healthy.
async fn made(t: &Test, subject: &Subject, fixtures: &mut Fixtures) -> Handle {
    for yaml in subject.before {
        let before = t.apply(&fill(t, yaml)).await;
        if json_of(&fill(t, yaml))["kind"] == "AgentSpace" {
            before.ready().await;
        }
    }
    let object = t.handle_of(&subject.object(t));
    fixtures.keep("new", t.created(&fill(t, subject.yaml)).await);
    if let Some(dependency) = subject.dependency {
        let delay = json!({"operation": subject.read, "effect": "delay", "delayMs": 1000});
        if subject.yaml.contains("{platform}") {
            // Seen from another namespace, what doesn't exist looks like what isn't allowed: this one exists, and is
            // paused.
            let needed = t.object(&fill(t, dependency));
            let mut paused = needed.clone();
            paused["metadata"]["annotations"] = json!({"devopsagent.dev/paused": "true"});
            t.apply(&paused.to_string()).await;
            fixtures.keep("waiting", has(&object, "Ready", "False", "DependencyNotReady").await);
            t.fault(delay);
            t.apply(&needed.to_string()).await;
        } else {
            fixtures.keep("waiting", has(&object, "Ready", "False", "DependencyNotFound").await);
            t.fault(delay);
            t.apply(&fill(t, dependency)).await;
        }
    }
    if let Some(reason) = subject.making {
        fixtures.keep("progressing", has(&object, "Ready", "False", reason).await);
    }
    fixtures.keep("healthy", settled(&object).await);
    object
}

/// Changed, and not looked at since.
async fn changed(object: &Handle, subject: &Subject, fixtures: &mut Fixtures) {
    fixtures.keep("changed", object.patched(json_of(subject.edits[0])).await);
    let after = settled(object).await;
    if subject.kind == "Trigger" {
        fixtures.keep("suspended-by-spec", after);
    }
}

/// Changed, and the change waits for approval.
async fn approved(object: &Handle, subject: &Subject, fixtures: &mut Fixtures) {
    if subject.kind == "AWSAccount" {
        return;
    }
    object.patch(json!({"spec": {"changePolicy": "OnApproval"}})).await;
    object.patch(json_of(subject.edits[1])).await;
    fixtures.keep("approval", has(object, "Synced", "False", "ApprovalRequired").await);
    object.patch(json!({"spec": {"changePolicy": "Automatic"}})).await;
    settled(object).await;
    object.patch(json_of(subject.edits[0])).await;
    settled(object).await;
}

/// Paused, and changed while it is.
async fn paused(object: &Handle, subject: &Subject, fixtures: &mut Fixtures) {
    object.patch(json!({"metadata": {"annotations": {"devopsagent.dev/paused": "true"}}})).await;
    fixtures.keep("suspended", has(object, "Synced", "False", "Paused").await);
    object.patch(json_of(subject.edits[1])).await;
    let seen = |object: &Value| {
        condition(object, "Synced")
            .is_some_and(|c| c["observedGeneration"] == object["metadata"]["generation"])
    };
    fixtures.keep("suspended-changed", object.wait("the edit is seen", seen).await);
    object.patch(json!({"metadata": {"annotations": null}})).await;
    settled(object).await;
}

/// Healthy, and AWS does not answer.
async fn without_aws(t: &Test, object: &Handle, subject: &Subject, fixtures: &mut Fixtures) {
    t.fault(json!({"operation": subject.read, "effect": "500", "times": 0}));
    object.request().await;
    fixtures.keep("outage", has(object, "Synced", "False", "Unavailable").await);
    t.end_faults().await;
    settled(object).await;
}

/// Something that it needs has changed.
async fn degraded(t: &Test, object: &Handle, subject: &Subject, fixtures: &mut Fixtures) {
    let cause = &subject.degraded;
    let role = fill(t, "arn:aws:iam::{account}:role/Denied");
    let denied = json!({"operation": "AssumeRole", "resource": role, "effect": "error", "error": "AccessDenied", "times": 0});
    t.shared.simulator.add_fault(serde_json::from_value(denied).unwrap());
    let namespace = if cause.kind == "AgentSpace" { fill(t, "{platform}") } else { t.namespace.clone() };
    let needed = t.handle_in(&namespace, cause.kind, &fill(t, cause.name));
    needed.patch(json_of(&fill(t, cause.change))).await;
    fixtures.keep("degraded", has(object, "Ready", "False", cause.reason).await);
    needed.patch(json_of(&fill(t, cause.back))).await;
    object.request().await;
    settled(object).await;
}

/// AWS refuses what the spec asks for.
async fn stalled(t: &Test, object: &Handle, subject: &Subject, fixtures: &mut Fixtures) {
    let (operation, error, reason) = subject.stall;
    let fault = json!({"operation": operation, "effect": "error", "error": error, "message": "not like this", "times": 0});
    t.fault(fault);
    object.patch(json_of(subject.edits[0])).await;
    fixtures.keep("stalled", has(object, "Stalled", "True", reason).await);
    t.end_faults().await;
    object.request().await;
    settled(object).await;
}

/// Deleted, and kept by what still uses it or by AWS.
async fn deleted(t: &Test, object: &Handle, subject: &Subject, fixtures: &mut Fixtures) {
    let (users, reason) = match subject.deletion {
        Deletion::Used(users) => (users, "DeletionBlocked"),
        Deletion::Fails(operation) => {
            t.fault(json!({"operation": operation, "effect": "500", "times": 0}));
            (&[][..], "Unavailable")
        }
    };
    let mut last = None;
    for user in users {
        last = Some(t.apply(&fill(t, user)).await);
    }
    if let Some(user) = &last {
        user.ready().await;
    }
    object.delete().await;
    fixtures.keep("deleting", has(object, "Reconciling", "True", reason).await);
    t.end_faults().await;
    if let Some(user) = last {
        user.delete_and_wait().await;
    }
    object.gone().await;
}

/// The object once the condition holds at its current generation.
async fn has(object: &Handle, kind: &str, status: &str, reason: &str) -> Value {
    let what = format!("{kind} is {status} because of {reason}");
    object
        .wait(&what, |object| {
            object["status"]["observedGeneration"] == object["metadata"]["generation"]
                && condition(object, kind).is_some_and(|c| c["status"] == status && c["reason"] == reason)
        })
        .await
}

/// The object when all is as it should be.
async fn settled(object: &Handle) -> Value {
    object.ready().await;
    has(object, "Synced", "True", "Available").await
}

#[test]
fn an_object_that_is_paused_from_the_start_is_not_taken_for_current() {
    run(async |t| {
        let space = t.apply("{kind: AgentSpace, metadata: {name: space, annotations: {devopsagent.dev/paused: 'true'}}, spec: {}}");
        let paused = |object: &Value| condition(object, "Synced").is_some_and(|c| c["reason"] == "Paused");
        let object = space.await.wait("it is paused", paused).await;
        assert_eq!(object["status"]["observedGeneration"], -1);
        assert_eq!(t.mutations(), Vec::<String>::new());
    });
}

#[test]
fn the_fixture_of_a_registration_that_a_person_must_authorize_is_what_the_operator_writes() {
    run(async |t| {
        credentials(t).await;
        let mut fixtures = Fixtures::new(t, "ServiceRegistration");
        let server = "{name: runbooks, endpoint: 'https://mcp.example.com/mcp', authorizationConfig: {authorizationDiscovery:
                       {returnToEndpoint: 'https://us-east-1.console.aws.amazon.com/aidevops'}}}";
        let yaml = format!(
            "{{kind: ServiceRegistration, metadata: {{name: runbooks}}, spec: {{service: {{mcpserver: {server}}}}}}}"
        );
        let object = t.apply(&yaml).await;
        let waiting = |object: &Value| {
            condition(object, "Authorized").is_some_and(|c| c["status"] == "False")
                && condition(object, "Ready").is_some_and(|c| c["reason"] == "AuthorizationRequired")
                && !text(object, "/status/authorizationUrl").is_empty()
        };
        fixtures.keep("authorization", object.wait("a person must authorize it", waiting).await);
        fixtures.finish();
    });
}

#[test]
fn the_fixtures_of_an_association_with_a_webhook_are_what_the_operator_writes() {
    run(async |t| {
        let mut fixtures = Fixtures::new(t, "Association");
        t.apply(SPACE).await;
        t.apply(CHANNEL).await;
        let yaml = "{kind: Association, metadata: {name: incidents}, spec: {agentSpaceRef: {name: space}, serviceRef: {name: channel},
                     configuration: {eventChannel: {}}, webhook: {onLoss: Report}}}";
        let object = t.apply(yaml).await;
        object.ready().await;
        fixtures.keep("webhook", has(&object, "WebhookReady", "True", "Available").await);
        t.handle("Secret", "incidents-webhook").delete().await;
        fixtures.keep("webhook-lost", has(&object, "WebhookReady", "False", "WebhookSecretLost").await);
        // As the action does it.
        object.patch(json!({"spec": {"webhook": {"rotation": "now"}}})).await;
        object.ready().await;
        has(&object, "WebhookReady", "True", "Available").await;
        fixtures.finish();
    });
}

#[test]
fn the_fixture_of_an_association_that_was_taken_over_is_what_the_operator_writes() {
    run(async |t| {
        let mut fixtures = Fixtures::new(t, "Association");
        t.apply(SPACE).await.ready().await;
        t.apply(CHANNEL).await.ready().await;
        let (space, service) = (
            t.handle("AgentSpace", "space").id().await,
            t.handle("ServiceRegistration", "channel").id().await,
        );
        let input =
            json!({"agentSpaceId": space, "serviceId": service, "configuration": {"eventChannel": {}}});
        t.invoke("AssociateService", input).await;
        let yaml = "{kind: Association, metadata: {name: incidents}, spec: {agentSpaceRef: {name: space}, serviceRef: {name: channel},
                     configuration: {eventChannel: {}}, adoptionPolicy: Adopt}}";
        let object = t.apply(yaml).await;
        object.ready().await;
        fixtures.keep("webhook-unknown", has(&object, "WebhookReady", "False", "WebhookSecretLost").await);
        fixtures.finish();
    });
}

#[test]
fn the_fixture_of_a_space_that_is_only_observed_is_what_the_operator_writes() {
    run(async |t| {
        let mut fixtures = Fixtures::new(t, "AgentSpace");
        foreign_space(t).await;
        let space = t.handle("AgentSpace", "space");
        space.patch(json!({"spec": {"name": "Ours"}})).await;
        fixtures.keep("drifted", has(&space, "Synced", "False", "Drifted").await);
        fixtures.finish();
        wait_until("it counts as ready nevertheless", async || {
            condition(&space.get().await, "Ready").is_some_and(|c| c["status"] == "True").then_some(())
        })
        .await;
    });
}
