//! Argo CD's view of the operator's objects: its own test format, run by a real Lua 5.1 with the functions that Argo CD
//! provides, on fixtures that the running operator wrote (`tests/e2e/gitops/`).
//!
//! With `DEVOPS_AGENT_WRITE_FIXTURES=1` the tables of tests are rewritten; the expected result for a state is decided
//! in `states.json`, by hand.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that can not be set up has failed"
)]

mod argocd;
mod config_map;
mod lua;
mod tables;

use std::collections::BTreeMap;

use devops_agent_operator::ctl::status_command::standing::Standing;
use serde_json::{Value, json};

use argocd::{Customization, customizations, fixtures};

#[test]
fn every_kind_has_a_health_script_and_actions() {
    let kinds: Vec<String> = customizations().into_iter().map(|one| one.kind).collect();
    let mut expected: Vec<String> = devops_agent_operator::kinds::crds()
        .unwrap()
        .iter()
        .map(|crd| crd["spec"]["names"]["kind"].as_str().unwrap().to_owned())
        .collect();
    expected.sort();
    assert_eq!(kinds, expected);
    for one in customizations() {
        let rotates = one.kind == "Association";
        let approves = one.kind != "AWSAccount";
        let names: Vec<&str> = approves
            .then_some("approve")
            .into_iter()
            .chain(["pause", "reconcile", "resume"])
            .chain(rotates.then_some("rotate-webhook"))
            .collect();
        assert_eq!(one.actions(), names, "{}", one.kind);
    }
}

#[test]
fn health_is_as_the_tables_say() {
    tables::write_if_asked();
    for one in customizations() {
        let tests = one.health_tests();
        for test in &tests {
            let path = test["inputPath"].as_str().unwrap();
            assert_eq!(one.health(&one.input(path)), test["healthStatus"], "{} {path}", one.kind);
        }
        let paths: Vec<&str> = tests.iter().filter_map(|test| test["inputPath"].as_str()).collect();
        let all: Vec<String> =
            fixtures(&one.kind).keys().map(|state| format!("testdata/{state}.yaml")).collect();
        assert_eq!(paths, all, "{}: every fixture has a test", one.kind);
    }
}

#[test]
fn health_of_every_state_is_what_was_decided_for_it() {
    let states: BTreeMap<String, Value> = serde_json::from_str(include_str!("states.json")).unwrap();
    for one in customizations() {
        for (state, object) in fixtures(&one.kind) {
            let health = one.health(&object);
            assert_eq!(health["status"], states[&state]["argocd"], "{} {state}: {health}", one.kind);
            assert_ne!(health["message"].as_str().unwrap_or_default(), "", "{} {state}", one.kind);
        }
    }
}

#[test]
fn an_object_that_was_ready_and_that_only_a_person_can_help_is_degraded() {
    let reasons =
        ["CredentialsUnavailable", "InputInvalid", "InputNotFound", "ReferenceNotAllowed", "SecretNotOurs"];
    for one in customizations() {
        for (reason, word) in
            reasons.map(|reason| (reason, "Degraded")).into_iter().chain([("Throttled", "Progressing")])
        {
            let mut object = fixtures(&one.kind)["outage"].clone();
            let mut ready = false;
            for condition in object.pointer_mut("/status/conditions").unwrap().as_array_mut().unwrap() {
                if condition["type"] == "Ready" {
                    ready = condition["status"] == "True";
                } else {
                    condition["reason"] = json!(reason);
                }
            }
            let health = one.health(&object);
            if ready {
                assert_eq!(health["status"], word, "{} {reason}: {health}", one.kind);
                assert!(health["message"].as_str().unwrap().starts_with(reason), "{health}");
            }
        }
        assert!(
            one.kind != "AgentSpace" || is_ready(&fixtures(&one.kind)["outage"]),
            "there is one that was ready"
        );
    }
}

fn is_ready(object: &Value) -> bool {
    let conditions = object.pointer("/status/conditions").and_then(Value::as_array);
    conditions.into_iter().flatten().any(|one| one["type"] == "Ready" && one["status"] == "True")
}

#[test]
fn messages_name_the_cause() {
    for (kind, state, parts) in [
        ("ServiceRegistration", "waiting", &["DependencyNotFound", "PrivateConnection team/internal"][..]),
        ("ServiceRegistration", "degraded", &["InputNotFound", "credentials", "token"]),
        ("ServiceRegistration", "authorization", &["open http"]),
        ("Asset", "stalled", &["Invalid", "not like this"]),
        ("AgentSpace", "drifted", &["Drifted", "name", "Ours"]),
        ("AgentSpace", "deleting", &["DeletionBlocked", "Association team/aws"]),
        ("Association", "webhook-lost", &["WebhookSecretLost", "rotate-webhook"]),
        ("Trigger", "suspended", &["devopsagent.dev/paused", "resume"]),
        ("Trigger", "suspended-changed", &["The spec has changed"]),
    ] {
        let one = Customization::of(kind);
        let health = one.health(&fixtures(kind)[state]);
        let message = health["message"].as_str().unwrap();
        assert!(parts.iter().all(|part| message.contains(part)), "{kind} {state}: {message}");
    }
}

#[test]
fn actions_are_as_the_tables_say() {
    tables::write_if_asked();
    for one in customizations() {
        let (discovery, actions) = one.action_tests();
        for test in &discovery {
            let found = one.discover(&one.action_input(test["inputPath"].as_str().unwrap()));
            assert_eq!(found, test["result"], "{} {}", one.kind, test["inputPath"]);
        }
        let mut tested: Vec<&str> = Vec::new();
        for test in &actions {
            let action = test["action"].as_str().unwrap();
            let input = one.action_input(test["inputPath"].as_str().unwrap());
            let expected = one.action_input(test["expectedOutputPath"].as_str().unwrap());
            assert_eq!(argocd::timeless(one.run(action, &input)), expected, "{} {action}", one.kind);
            tested.push(action);
        }
        tested.sort_unstable();
        assert_eq!(tested, one.actions(), "{}: every action has a test", one.kind);
    }
}

#[test]
fn an_action_changes_what_it_is_for_and_nothing_else() {
    for one in customizations() {
        for (state, object) in fixtures(&one.kind) {
            let mut reconciled = one.run("reconcile", &object);
            let annotations = reconciled["metadata"]["annotations"].as_object_mut().unwrap();
            let requested = annotations.remove("devopsagent.dev/reconcile-requested-at").unwrap();
            assert!(requested.as_str().unwrap().ends_with('Z'), "{requested}");
            let paused = one.run("pause", &object);
            assert_eq!(paused["metadata"]["annotations"]["devopsagent.dev/paused"], "true");
            assert_eq!(one.health(&paused)["status"] == "Suspended", state != "deleting", "{state}");
            let resumed = one.run("resume", &paused);
            let mut bare = object.clone();
            for object in [&mut bare, &mut reconciled] {
                argocd::forget_annotations(object);
            }
            assert_eq!(reconciled, bare, "{} {state}", one.kind);
            let mut resumed = resumed;
            assert_eq!(resumed["metadata"]["annotations"].get("devopsagent.dev/paused"), None);
            argocd::forget_annotations(&mut resumed);
            assert_eq!(resumed, bare, "{} {state}", one.kind);
        }
    }
}

#[test]
fn any_value_of_the_annotation_but_false_pauses() {
    for one in customizations() {
        let (_, object) =
            fixtures(&one.kind).into_iter().find(|(state, _)| state.as_str() == "healthy").unwrap();
        for (value, paused) in [("true", true), ("True", true), ("1", true), ("", true), ("false", false)] {
            let mut object = object.clone();
            object["metadata"]["annotations"] = json!({"devopsagent.dev/paused": value});
            assert_eq!(one.health(&object)["status"] == "Suspended", paused, "{} {value:?}", one.kind);
        }
    }
}

#[test]
fn a_webhook_is_rotated_by_a_new_text_in_the_spec() {
    let one = Customization::of("Association");
    let object = &fixtures("Association")["webhook"];
    let mut rotated = one.run("rotate-webhook", object);
    let rotation = rotated["spec"]["webhook"].as_object_mut().unwrap().remove("rotation").unwrap();
    assert!(rotation.as_str().unwrap().len() > 10, "{rotation}");
    assert_eq!(rotated, *object);
    let mut bare = object.clone();
    bare["spec"].as_object_mut().unwrap().remove("webhook");
    assert!(one.run("rotate-webhook", &bare)["spec"]["webhook"]["rotation"].is_string());
}

#[test]
fn whatever_an_object_lacks_its_health_is_told() {
    for one in customizations() {
        for object in fixtures(&one.kind).values() {
            for pointer in argocd::pointers(object) {
                let mut less = object.clone();
                argocd::remove(&mut less, &pointer);
                // The API server ensures that metadata exists, and that each condition has a type, status and reason.
                if less.get("metadata").is_none() || less.get("spec").is_none() || is_malformed(&less) {
                    continue;
                }
                let health = one.health(&less);
                let known = ["Healthy", "Progressing", "Degraded", "Suspended"];
                assert!(
                    known.iter().any(|word| health["status"] == *word),
                    "{} without {pointer}: {health}",
                    one.kind
                );
                one.discover(&less);
            }
        }
    }
}

/// `kubectl devopsagent status` judges by the same rules. What the script says about actions of Argo CD comes after that.
#[test]
fn the_plugin_says_the_same() {
    let said = |kind: &str, object: &Value, health: &Value| {
        let standing = Standing::of(object);
        assert_eq!(standing.health.as_str(), health["status"], "{kind}: {health} {object}");
        let message = health["message"].as_str().unwrap();
        assert!(
            message.starts_with(&standing.told()) || message.starts_with("Paused: "),
            "{standing:?} {message}"
        );
    };
    for one in customizations() {
        for object in fixtures(&one.kind).values() {
            said(&one.kind, object, &one.health(object));
            for (reason, kind) in
                [("ApprovalRequired", "Synced"), ("InputInvalid", "Reconciling"), ("Drifted", "Synced")]
            {
                let mut held = object.clone();
                let conditions = held.pointer_mut("/status/conditions").and_then(Value::as_array_mut);
                for condition in
                    conditions.into_iter().flatten().filter(|condition| condition["type"] == kind)
                {
                    condition["reason"] = json!(reason);
                    condition["status"] = json!(if kind == "Synced" { "False" } else { "True" });
                }
                said(&one.kind, &held, &one.health(&held));
            }
            for pointer in argocd::pointers(object) {
                let mut less = object.clone();
                argocd::remove(&mut less, &pointer);
                if less.get("metadata").is_some() && less.get("spec").is_some() && !is_malformed(&less) {
                    said(&one.kind, &less, &one.health(&less));
                }
            }
        }
    }
}

fn is_malformed(object: &Value) -> bool {
    let conditions = object.pointer("/status/conditions").and_then(Value::as_array);
    conditions
        .into_iter()
        .flatten()
        .any(|condition| ["type", "status", "reason"].iter().any(|member| !condition[*member].is_string()))
}

#[test]
fn the_settings_for_argocd_cm_do_the_same() {
    let settings = config_map::settings();
    for one in customizations() {
        for (state, object) in fixtures(&one.kind) {
            let by_setting = settings.health(&one.kind, &object);
            assert_eq!(by_setting, one.health(&object), "{} {state}", one.kind);
        }
        assert_eq!(settings.actions(&one.kind), one.actions());
    }
}

#[test]
fn scripts_get_what_argo_cd_opens_and_no_more() {
    for (script, outcome) in [
        (
            "return {status = 'Healthy', message = type(string) .. type(os) .. type(io) .. type(debug)}",
            Ok("nilnilnilnil"),
        ),
        ("return {status = 'Healthy', message = table.concat({'a', 'b'})}", Ok("ab")),
        ("return {status = 'Healthy', message = type(require('os').date('!%Y'))}", Ok("string")),
        ("return {status = 'Healthy', message = ('x'):upper()}", Err("attempt to index")),
        ("while true do end", Err("longer than a second")),
        ("return 'Healthy'", Err("table")),
    ] {
        let answer = lua::evaluate(script, &json!({}));
        match outcome {
            Ok(message) => assert_eq!(answer.unwrap()["message"], message, "{script}"),
            Err(part) => {
                let error = answer.unwrap_err();
                assert!(error.contains(part), "{script}: {error}");
            }
        }
    }
}
