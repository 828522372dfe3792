//! When AWS rejects, throttles, fails, or does what was requested without confirming it.

use serde_json::{Value, json};

use crate::fixtures::{CHANNEL, EVENTS, SOURCE, SPACE, credentials, project, second_gitlab, service};
use crate::harness::{condition, run, text, webhook};

#[test]
fn a_spec_that_aws_refuses_stalls_with_its_message_and_field() {
    run(async |t| {
        t.apply(SPACE).await;
        let trigger = "{kind: Trigger, metadata: {name: trigger}, spec: {agentSpaceRef: {name: space}, schedule: {expression: every now and then},
                        action: {actionType: 'create:task', task: {agent: 'custom:x'}}}}";
        let trigger = t.apply(trigger).await;
        let message = trigger.condition("Stalled", "True", "Invalid").await;
        assert!(message.contains("ValidationException") || message.contains("rate(…)"), "{message}");
        assert!(message.contains("spec.schedule.expression"), "in the words of the YAML: {message}");
        trigger.condition("Ready", "False", "Invalid").await;
        let note = trigger.event("Invalid").await;
        assert!(note.contains("rate(…)"), "{note}");
        let calls = t.count("CreateTrigger");
        assert!(calls <= 2, "no hot loop: {calls}");
        trigger.patch(json!({"spec": {"schedule": {"expression": "rate(1 day)"}}})).await;
        let message = trigger.condition("Stalled", "True", "Invalid").await;
        assert!(message.contains("custom_agent"), "the next mistake is told: {message}");
        trigger.delete_and_wait().await;
    });
}

#[test]
fn every_refusal_has_its_reason() {
    run(async |t| {
        for (number, (error, kind, reason)) in [
            ("ValidationException", "Stalled", "Invalid"),
            ("InvalidParameterException", "Stalled", "Invalid"),
            ("AccessDeniedException", "Stalled", "AccessDenied"),
            ("ServiceQuotaExceededException", "Stalled", "QuotaExceeded"),
            ("ConflictException", "Reconciling", "Refused"),
        ]
        .into_iter()
        .enumerate()
        {
            let name = format!("space-{number}");
            let message = format!("because of {error}");
            t.fault(json!({"operation": "CreateAgentSpace", "resource": name, "effect": "error", "error": error, "message": message, "times": 0}));
            let space =
                t.apply(&format!("{{kind: AgentSpace, metadata: {{name: {name}}}, spec: {{}}}}")).await;
            let told = space.condition(kind, "True", reason).await;
            assert!(told.contains(&message), "{told}");
            t.end_faults().await;
            space.request().await;
            space.ready().await;
        }
    });
}

#[test]
fn a_throttled_or_failing_create_is_tried_again() {
    run(async |t| {
        for (number, effect) in ["429", "500", "reset"].into_iter().enumerate() {
            let name = format!("space-{number}");
            t.fault(json!({"operation": "CreateAgentSpace", "resource": name, "effect": effect, "times": 3}));
            let space =
                t.apply(&format!("{{kind: AgentSpace, metadata: {{name: {name}}}, spec: {{}}}}")).await;
            space.ready().await;
            assert_eq!(t.remotes("agentSpace").len(), number + 1);
        }
    });
}

#[test]
fn an_outage_leaves_what_is_ready_ready_and_says_so() {
    run(async |t| {
        let space = t.apply(SPACE).await;
        space.ready().await;
        for (effect, reason) in [("429", "Throttled"), ("500", "Unavailable"), ("reset", "Unavailable")] {
            t.fault(json!({"operation": "GetAgentSpace", "effect": effect, "times": 0}));
            space.request().await;
            space.condition("Synced", "False", reason).await;
            let object = space.get().await;
            assert_eq!(
                condition(&object, "Ready").map(|ready| &ready["status"]),
                Some(&json!("True")),
                "{effect}"
            );
            assert_eq!(
                condition(&object, "Reconciling").map(|c| &c["status"]),
                Some(&json!("True")),
                "{effect}"
            );
            assert!(condition(&object, "Stalled").is_none());
            t.end_faults().await;
            space.condition("Synced", "True", "Available").await;
            let object = space.ready().await;
            assert!(condition(&object, "Reconciling").is_none());
        }
    });
}

#[test]
fn an_outage_during_deletion_only_delays_it() {
    run(async |t| {
        let space = t.apply(SPACE).await;
        space.ready().await;
        t.fault(json!({"operation": "DeleteAgentSpace", "effect": "500", "times": 4}));
        space.delete_and_wait().await;
        assert!(t.is_empty());
    });
}

#[test]
fn a_lost_answer_of_a_deletion_does_no_harm() {
    run(async |t| {
        let space = t.apply(SPACE).await;
        space.ready().await;
        t.fault(json!({"operation": "DeleteAgentSpace", "effect": "drop-answer"}));
        space.delete_and_wait().await;
        assert!(t.is_empty());
    });
}

#[test]
fn a_space_whose_answer_was_lost_is_made_once() {
    run(async |t| {
        t.fault(json!({"operation": "CreateAgentSpace", "effect": "drop-answer", "times": 2}));
        t.apply(SPACE).await.ready().await;
        assert_eq!(t.remotes("agentSpace").len(), 1);
    });
}

#[test]
fn a_registration_whose_answer_was_lost_is_made_once() {
    run(async |t| {
        credentials(t).await;
        for kind in ["dynatrace", "pagerduty", "mcpserver", "eventChannel"] {
            t.fault(json!({"operation": "RegisterService", "effect": "drop-answer"}));
            let yaml = format!(
                "{{kind: ServiceRegistration, metadata: {{name: service}}, spec: {{service: {}}}}}",
                service(kind)
            );
            let registration = t.apply(&yaml).await;
            let object = registration.ready().await;
            assert_eq!(object["status"]["id"], t.only("service")["serviceId"], "{kind}");
            assert_eq!(object["status"]["intent"], Value::Null);
            registration.delete_and_wait().await;
            assert!(t.is_empty());
        }
        assert_eq!(t.count("RegisterService"), 4);
    });
}

#[test]
fn an_association_whose_answer_was_lost_is_made_once() {
    run(async |t| {
        t.apply(SPACE).await.ready().await;
        t.fault(json!({"operation": "AssociateService", "effect": "drop-answer"}));
        let object = t.apply(SOURCE).await.ready().await;
        assert_eq!(object["status"]["id"], t.only("association")["associationId"]);
        assert_eq!(t.mutations(), ["CreateAgentSpace", "AssociateService"]);
    });
}

#[test]
fn a_webhook_whose_answer_was_lost_is_issued_anew() {
    run(async |t| {
        t.apply(SPACE).await;
        t.apply(CHANNEL).await.ready().await;
        t.fault(json!({"operation": "AssociateService", "effect": "drop-answer"}));
        let events = t.apply(EVENTS).await;
        events.ready().await;
        events.condition("WebhookReady", "True", "Available").await;
        let remote = t.only("association");
        let secret = t.secret_data("events-webhook").await.expect("there is a Secret");
        assert_eq!(secret["id"], text(&remote, "/webhook/webhookId"));
        webhook::assert_works(t, &secret).await;
    });
}

#[test]
fn a_webhook_of_our_own_is_issued_anew_even_where_others_would_be_taken_over() {
    run(async |t| {
        t.apply(SPACE).await;
        t.apply(CHANNEL).await.ready().await;
        t.fault(json!({"operation": "AssociateService", "effect": "drop-answer"}));
        let adopting = EVENTS.replace("spec:\n", "spec:\n  adoptionPolicy: Adopt\n");
        assert_ne!(adopting, EVENTS);
        let events = t.apply(&adopting).await;
        events.ready().await;
        events.condition("WebhookReady", "True", "Available").await;
        webhook::assert_works(t, &t.secret_data("events-webhook").await.expect("there is a Secret")).await;
        assert_eq!(events.get().await.pointer("/status/answerLost"), None);
    });
}

#[test]
fn the_webhook_of_another_service_is_issued_anew_even_where_others_would_be_taken_over() {
    run(async |t| {
        let project = project(t).await;
        let service = second_gitlab(t).await;
        t.fault(json!({"operation": "AssociateService", "effect": "drop-answer"}));
        project.patch(json!({"spec": {"adoptionPolicy": "Adopt", "serviceRef": {"name": "second"}}})).await;
        project
            .wait("it has the other service", |object| object["status"]["serviceId"] == service.as_str())
            .await;
        project.ready().await;
        project.condition("WebhookReady", "True", "Available").await;
        assert_eq!(t.only("association")["serviceId"], service.as_str());
        webhook::assert_works(t, &t.secret_data("project-webhook").await.expect("there is a Secret")).await;
    });
}

#[test]
fn an_error_after_the_effect_makes_no_second_remote() {
    run(async |t| {
        credentials(t).await;
        t.apply(SPACE).await;
        t.fault(json!({"operation": "RegisterService", "effect": "error-after", "error": "InternalServerException"}));
        t.fault(json!({"operation": "AssociateService", "effect": "error-after", "error": "InternalServerException"}));
        t.apply(CHANNEL).await;
        t.apply(EVENTS).await.ready().await;
        assert_eq!(t.remotes("service").len(), 1);
        assert_eq!(t.remotes("association").len(), 1);
        webhook::assert_works(t, &t.secret_data("events-webhook").await.unwrap()).await;
    });
}

#[test]
fn a_replacement_whose_answer_was_lost_leaves_one_registration() {
    run(async |t| {
        credentials(t).await;
        let gitlab = t.apply(crate::fixtures::GITLAB).await;
        gitlab.ready().await;
        t.fault(json!({"operation": "RegisterService", "effect": "drop-answer"}));
        gitlab
            .patch(json!({"spec": {"service": {"gitlab": {"targetUrl": "https://gitlab.example.org"}}}}))
            .await;
        let done = |object: &Value| {
            object["status"]["observedGeneration"] == 2
                && object["status"]["previousId"].is_null()
                && condition(object, "Ready").is_some_and(|ready| ready["status"] == "True")
        };
        let object = gitlab.wait("the replacement is done", done).await;
        let remote = t.only("service");
        assert_eq!(object["status"]["id"], remote["serviceId"]);
        assert_eq!(remote["registration"]["gitlab"]["targetUrl"], "https://gitlab.example.org");
    });
}

#[test]
fn what_aws_accepts_and_does_not_keep_is_not_written_for_ever() {
    run(async |t| {
        t.apply(SPACE).await;
        // AWS drops the status of everything except skills.
        let asset = "{kind: Asset, metadata: {name: report}, spec: {agentSpaceRef: {name: space}, assetType: attachment,
                      metadata: {filename: a.pdf, extension: pdf, size: 1, status: INACTIVE}, content: {files: [{path: a.pdf, text: x}]}}}";
        let asset = t.apply(asset).await;
        let message = asset.condition("Stalled", "True", "NotConverging").await;
        assert!(message.contains("metadata.status"), "{message}");
        assert_eq!(t.count("UpdateAsset"), 5);
        asset.patch(json!({"spec": {"metadata": {"status": null}}})).await;
        asset.ready().await;
    });
}
