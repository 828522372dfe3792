//! What status, Events and `kubectl get` show, as kstatus and people read it.

use std::time::Duration;

use http::Request;
use serde_json::{Value, json};

use crate::fixtures::{SOURCE, SPACE, credentials, events};
use crate::harness::{Test, condition, run, text};

/// The table that `kubectl get` shows: names of the columns, and the cells of the first row.
async fn table(t: &Test, plural: &str) -> (Vec<(String, i64)>, Vec<Value>) {
    let url = format!("/apis/devopsagent.dev/v1alpha1/namespaces/{}/{plural}", t.namespace);
    let accept = "application/json;as=Table;v=v1;g=meta.k8s.io";
    let request = Request::get(url).header("accept", accept).body(Vec::new()).unwrap();
    let table: Value = t.shared.client.request(request).await.unwrap();
    let columns = table["columnDefinitions"].as_array().unwrap().iter();
    let columns = columns.map(|c| (text(c, "/name").to_owned(), c["priority"].as_i64().unwrap())).collect();
    (columns, table["rows"][0]["cells"].as_array().unwrap().clone())
}

#[test]
fn a_new_object_counts_as_in_progress_before_the_operator_has_seen_it() {
    run(async |t| {
        for yaml in [
            SPACE,
            SOURCE,
            crate::fixtures::CHANNEL,
            crate::fixtures::CONNECTION,
            crate::fixtures::AGENT,
            crate::fixtures::TRIGGER,
        ] {
            let made = t.created(yaml).await;
            assert_eq!(made["status"], json!({"observedGeneration": -1}), "{yaml}");
        }
    });
}

#[test]
fn conditions_speak_of_the_present_generation() {
    run(async |t| {
        let space = t.apply(SPACE).await;
        let object = space.ready().await;
        for kind in ["Ready", "Synced"] {
            let condition = condition(&object, kind).unwrap();
            assert_eq!(condition["status"], "True");
            assert_eq!(condition["reason"], "Available");
            assert_eq!(condition["observedGeneration"], object["metadata"]["generation"]);
        }
        assert!(condition(&object, "Reconciling").is_none());
        assert!(condition(&object, "Stalled").is_none());
        space.patch(json!({"spec": {"locale": "de"}})).await;
        let after = space.ready().await;
        assert_eq!(after["status"]["observedGeneration"], 2);
    });
}

#[test]
fn a_requested_pass_is_echoed_and_made_once() {
    run(async |t| {
        let space = t.apply(SPACE).await;
        space.ready().await;
        let mark = t.mark();
        let request = space.request().await;
        let echoed = |object: &Value| object["status"]["lastHandledReconcileAt"] == request.as_str();
        space.wait("the request is echoed", echoed).await;
        // Rounds of lists go on meanwhile.
        let calls = t.calls_since(mark);
        let single = calls.iter().filter(|call| !call.operation.starts_with("List"));
        assert_eq!(single.count(), 1, "{calls:#?}");
        let version = space.get().await["metadata"]["resourceVersion"].clone();
        t.stays_quiet(Duration::from_secs(1)).await;
        assert_eq!(space.get().await["metadata"]["resourceVersion"], version);
    });
}

#[test]
fn every_kind_has_its_columns() {
    run(async |t| {
        credentials(t).await;
        events(t).await;
        for yaml in [crate::fixtures::CONNECTION, crate::fixtures::AGENT, crate::fixtures::TRIGGER] {
            t.apply(yaml).await.ready().await;
        }
        for (plural, kind, name, about) in [
            ("agentspaces", "AgentSpace", "space", vec![]),
            ("serviceregistrations", "ServiceRegistration", "channel", vec![("Type", json!("eventChannel"))]),
            (
                "associations",
                "Association",
                "events",
                vec![("Type", json!("eventChannel")), ("Space", json!("space"))],
            ),
            (
                "privateconnections",
                "PrivateConnection",
                "internal",
                vec![("State", json!("ACTIVE")), ("Host", json!("grafana.internal.example.com"))],
            ),
            ("assets", "Asset", "agent", vec![("Type", json!("custom_agent")), ("Space", json!("space"))]),
            (
                "triggers",
                "Trigger",
                "weekly",
                vec![
                    ("Schedule", json!("cron(0 9 ? * MON *)")),
                    ("Suspended", json!(false)),
                    ("Space", json!("space")),
                ],
            ),
        ] {
            let (columns, cells) = table(t, plural).await;
            let first: Vec<&str> = columns.iter().take(5).map(|(name, _)| name.as_str()).collect();
            assert_eq!(first, ["Name", "Ready", "Synced", "Reason", "Summary"], "{plural}");
            let words = [json!(name), json!("True"), json!("True"), json!("Available")];
            assert_eq!(cells[..4], words, "{plural}");
            let id = columns.iter().position(|column| *column == ("ID".to_owned(), 1));
            let shown = &cells[id.unwrap_or_else(|| panic!("{plural} has no column ID"))];
            assert_eq!(*shown, json!(t.handle(kind, name).id().await), "{plural}");
            for (column, wanted) in about {
                let index = columns.iter().position(|(name, priority)| name == column && *priority == 0);
                let cell = &cells[index.unwrap_or_else(|| panic!("{plural} has no column {column}"))];
                assert_eq!(*cell, wanted, "{plural} {column}");
            }
            assert_eq!(columns.iter().rfind(|(_, priority)| *priority == 0).unwrap().0, "Age");
        }
    });
}

#[test]
fn events_tell_each_transition_once() {
    run(async |t| {
        let source = t.apply(SOURCE).await;
        source.condition("Ready", "False", "DependencyNotFound").await;
        for _ in 0..3 {
            source.reconcile().await;
        }
        t.apply(SPACE).await;
        source.ready().await;
        for _ in 0..3 {
            source.reconcile().await;
        }
        source.event("Available").await;
        let events = source.events().await;
        for reason in ["DependencyNotFound", "Available"] {
            let count = events.iter().filter(|(word, _)| word == reason).count();
            assert_eq!(count, 1, "{reason}: {events:#?}");
        }
    });
}

#[test]
fn an_object_that_can_not_be_read_disturbs_no_other() {
    run(async |t| {
        let space = t.apply(SPACE).await;
        space.ready().await;
        // Stored before a rule existed, or by hand: `kubectl` would reject it.
        let refused = space.try_patch(json!({"spec": {"unknown": true}})).await.unwrap_err();
        assert!(refused.to_string().contains("unknown"), "{refused}");
        space.reconcile().await;
    });
}

#[test]
fn what_somebody_writes_into_status_is_put_right() {
    run(async |t| {
        let space = t.apply(SPACE).await;
        let before = space.ready().await;
        let wrong = json!({"conditions": [{"type": "Ready", "status": "False", "reason": "Tampered", "message": "x", "lastTransitionTime": "2026-01-01T00:00:00Z"}]});
        // Nobody requests a pass: it may be our own write that arrives too late, after its response was given up on.
        space.patch_status(wrong).await;
        let put_right =
            |object: &Value| condition(object, "Ready").is_some_and(|ready| ready["reason"] == "Available");
        let after = space.wait("its condition is right again", put_right).await;
        assert_eq!(after["status"]["id"], before["status"]["id"]);
    });
}
