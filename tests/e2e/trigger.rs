//! Trigger: every form of schedule and action; only its status changes in place.

use serde_json::{Value, json};

use crate::fixtures::{AGENT, SPACE, TRIGGER};
use crate::harness::{Handle, Test, run, text, wait_until};

async fn weekly(t: &Test) -> (Handle, String) {
    t.apply(SPACE).await;
    t.apply(AGENT).await;
    let weekly = t.apply(TRIGGER).await;
    let id = text(&weekly.ready().await, "/status/id").to_owned();
    (weekly, id)
}

/// Waits until there is exactly one trigger, other than before.
async fn replaced(t: &Test, old: &str) -> Value {
    wait_until("the trigger is replaced", async || {
        let triggers = t.remotes("trigger");
        let [only] = triggers.as_slice() else { return None };
        (only["triggerId"] != old).then(|| only.clone())
    })
    .await
}

#[test]
fn every_form_of_schedule_round_trips() {
    run(async |t| {
        t.apply(SPACE).await;
        t.apply(AGENT).await.ready().await;
        for (schedule, condition, expression) in [
            (json!({"expression": "rate(1 day)"}), json!({"expression": "rate(1 day)"}), "rate(1 day)"),
            (
                json!({"cron": {"expression": "cron(0 9 ? * MON *)"}}),
                json!({"expression": "cron(0 9 ? * MON *)", "spec": {"cron": {"expression": "cron(0 9 ? * MON *)"}}}),
                "cron(0 9 ? * MON *)",
            ),
            (
                json!({"timeRange": {"startAfter": "22:05", "startBefore": "01:00", "recurrence": {"daily": {}}}}),
                json!({"expression": "cron(5 22 * * ? *)", "spec": {"timeRange": {"startAfter": "22:05", "startBefore": "01:00", "recurrence": {"daily": {}}}}}),
                "cron(5 22 * * ? *)",
            ),
            (
                json!({"timeRange": {"startAfter": "09:00", "startBefore": "10:00", "recurrence": {"weekly": {"dayOfWeek": "MONDAY"}}}}),
                json!({"expression": "cron(0 9 ? * MON *)", "spec": {"timeRange": {"startAfter": "09:00", "startBefore": "10:00", "recurrence": {"weekly": {"dayOfWeek": "MONDAY"}}}}}),
                "cron(0 9 ? * MON *)",
            ),
            (
                json!({"timeRange": {"startAfter": "09:00", "startBefore": "10:00", "recurrence": {"monthly": {"dayOfMonth": 31}}}}),
                json!({"expression": "cron(0 9 31 * ? *)", "spec": {"timeRange": {"startAfter": "09:00", "startBefore": "10:00", "recurrence": {"monthly": {"dayOfMonth": 31}}}}}),
                "cron(0 9 31 * ? *)",
            ),
        ] {
            let spec = json!({"agentSpaceRef": {"name": "space"}, "assetRef": {"name": "agent"}, "schedule": schedule});
            let trigger = t
                .apply(&json!({"kind": "Trigger", "metadata": {"name": "trigger"}, "spec": spec}).to_string())
                .await;
            let object = trigger.ready().await;
            let remote = t.only("trigger");
            assert_eq!(object["status"]["id"], remote["triggerId"]);
            assert_eq!(object["status"]["expression"], expression);
            assert_eq!(remote["condition"], json!({"schedule": condition}));
            assert_eq!(remote["type"], "TIME_BASED");
            assert_eq!(remote["status"], "Active");
            let agent = t.handle("Asset", "agent").id().await;
            assert_eq!(
                remote["action"],
                json!({"actionType": "create:task", "task": {"agent": format!("custom:{agent}")}})
            );
            let mark = t.mark();
            trigger.reconcile().await;
            assert_eq!(t.mutations_since(mark), Vec::<String>::new());
            trigger.delete_and_wait().await;
            assert!(t.remotes("trigger").is_empty());
        }
    });
}

#[test]
fn an_action_is_passed_on_as_it_is() {
    run(async |t| {
        t.apply(SPACE).await;
        let agent = text(&t.apply(AGENT).await.ready().await, "/status/id").to_owned();
        let action = json!({"actionType": "create:task", "task": {"agent": format!("custom:{agent}"), "title": "Weekly", "more": [1, {"deep": true}]}});
        let spec = json!({"agentSpaceRef": {"name": "space"}, "schedule": {"expression": "rate(1 day)"}, "action": action});
        let trigger = t
            .apply(&json!({"kind": "Trigger", "metadata": {"name": "trigger"}, "spec": spec}).to_string())
            .await;
        trigger.ready().await;
        assert_eq!(t.only("trigger")["action"], action);
        let mark = t.mark();
        trigger.reconcile().await;
        assert_eq!(t.mutations_since(mark), Vec::<String>::new());
    });
}

#[test]
fn a_trigger_is_suspended_and_resumed_in_place() {
    run(async |t| {
        let (weekly, id) = weekly(t).await;
        for (suspend, status) in [(true, "Inactive"), (false, "Active")] {
            let mark = t.mark();
            weekly.patch(json!({"spec": {"suspend": suspend}})).await;
            weekly.ready().await;
            let remote = t.only("trigger");
            assert_eq!((&remote["status"], &remote["triggerId"]), (&json!(status), &json!(id)));
            assert_eq!(t.mutations_since(mark), ["UpdateTrigger"]);
        }
    });
}

#[test]
fn a_suspended_trigger_is_never_active() {
    run(async |t| {
        t.apply(SPACE).await;
        t.apply(AGENT).await;
        t.apply(&TRIGGER.replace("spec:\n", "spec:\n  suspend: true\n")).await.ready().await;
        assert_eq!(t.only("trigger")["status"], "Inactive");
        assert_eq!(t.count("UpdateTrigger"), 0);
    });
}

#[test]
fn another_schedule_or_action_makes_another_trigger() {
    run(async |t| {
        let (weekly, id) = weekly(t).await;
        let mark = t.mark();
        let cron = json!({"expression": null, "cron": {"expression": "cron(0 6 ? * TUE *)"}});
        weekly.patch(json!({"spec": {"schedule": cron}})).await;
        let second = replaced(t, &id).await;
        assert_eq!(second["condition"]["schedule"]["expression"], "cron(0 6 ? * TUE *)");
        assert_eq!(weekly.ready().await["status"]["id"], second["triggerId"]);
        weekly.event_with("ReplacedExternalResource", "schedule").await;
        assert_eq!(t.mutations_since(mark), ["DeleteTrigger", "CreateTrigger"]);
        let other = AGENT.replace("name: agent", "name: other").replace("weekly-report", "another");
        t.apply(&other).await.ready().await;
        weekly.patch(json!({"spec": {"assetRef": {"name": "other"}}})).await;
        let third = replaced(t, text(&second, "/triggerId")).await;
        let agent = t.handle("Asset", "other").id().await;
        assert_eq!(third["action"]["task"]["agent"], format!("custom:{agent}"));
        weekly.ready().await;
        weekly.event_with("ReplacedExternalResource", "action").await;
    });
}

#[test]
fn a_schedule_that_drifted_is_put_right() {
    run(async |t| {
        let (weekly, id) = weekly(t).await;
        t.mutate("trigger", &id, json!({"condition": {"schedule": {"expression": "rate(5 minutes)"}}})).await;
        weekly.request().await;
        let remote = replaced(t, &id).await;
        assert_eq!(remote["condition"]["schedule"]["expression"], "cron(0 9 ? * MON *)");
        weekly.ready().await;
        weekly.event_with("ReplacedExternalResource", "rate(5 minutes)").await;
    });
}

#[test]
fn a_trigger_waits_for_its_agent_and_follows_it() {
    run(async |t| {
        t.apply(SPACE).await.ready().await;
        let weekly = t.apply(TRIGGER).await;
        let message = weekly.condition("Ready", "False", "DependencyNotFound").await;
        assert!(message.contains("spec.assetRef"), "{message}");
        let agent = t.apply(AGENT).await;
        let old = text(&agent.ready().await, "/status/id").to_owned();
        let id = text(&weekly.ready().await, "/status/id").to_owned();
        // The agent is recreated: the trigger must name the new one.
        t.remove("asset", &old).await;
        agent.reconcile().await;
        let remote = replaced(t, &id).await;
        let new = text(&agent.ready().await, "/status/id").to_owned();
        assert_ne!(new, old);
        assert_eq!(remote["action"]["task"]["agent"], format!("custom:{new}"));
        weekly.ready().await;
        agent.delete().await;
        agent.condition("Ready", "False", "DeletionBlocked").await;
        weekly.delete_and_wait().await;
        agent.gone().await;
    });
}
