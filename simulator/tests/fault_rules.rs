//! Injected faults, as a client feels them.

#![allow(clippy::unwrap_used, reason = "this is a test")]

mod support;

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{Lab, until};

async fn inject(lab: &Lab, rule: Value) {
    let (status, answer) = lab.control("POST", "faults", Some(rule)).await;
    assert_eq!(status, 200, "{answer}");
}

async fn spaces(lab: &Lab) -> usize {
    lab.call("ListAgentSpaces", json!({})).await.ok()["agentSpaces"].as_array().unwrap().len()
}

#[tokio::test]
async fn a_dropped_answer_still_took_effect() {
    let lab = Lab::start().await;
    inject(&lab, json!({"operation": "CreateAgentSpace", "effect": "drop-answer"})).await;
    let input = json!({"name": "a", "clientToken": "t"});
    assert!(lab.try_call("CreateAgentSpace", &input).await.is_err());
    assert_eq!(spaces(&lab).await, 1);
    assert_eq!(lab.call("CreateAgentSpace", input).await.status, 201);
    assert_eq!(spaces(&lab).await, 1);
    let call = &lab.simulator.call_log(0)[0];
    assert_eq!((call.status, call.fault.as_deref()), (0, Some("drop-answer")));
}

#[tokio::test]
async fn a_dropped_answer_may_have_been_an_error() {
    let lab = Lab::start().await;
    inject(&lab, json!({"operation": "GetAgentSpace", "effect": "drop-answer"})).await;
    assert!(lab.try_call("GetAgentSpace", &json!({"agentSpaceId": "nothing"})).await.is_err());
}

#[tokio::test]
async fn a_garbled_answer_can_not_be_read_and_still_took_effect() {
    let lab = Lab::start().await;
    inject(&lab, json!({"operation": "CreateAgentSpace", "effect": "garble"})).await;
    let answer = lab.try_call("CreateAgentSpace", &json!({"name": "a"})).await;
    assert!(answer.is_err() || answer.is_ok_and(|answer| answer.body.get("agentSpace").is_none()));
    assert_eq!(spaces(&lab).await, 1);
}

#[tokio::test]
async fn a_list_can_fail_on_a_later_page() {
    let lab = Lab::start().await;
    for name in ["a", "b"] {
        lab.call("CreateAgentSpace", json!({"name": name})).await.ok();
    }
    inject(&lab, json!({"laterPage": true, "effect": "error", "error": "ValidationException"})).await;
    let first = lab.call("ListAgentSpaces", json!({"maxResults": 1})).await.ok();
    let second = lab.call("ListAgentSpaces", json!({"maxResults": 1, "nextToken": first["nextToken"]})).await;
    assert_eq!((second.status, second.error.as_str()), (400, "ValidationException"));
}

#[tokio::test]
async fn so_many_lists_show_the_state_before_a_write() {
    let lab = Lab::start().await;
    let space = lab.space().await;
    let seen = async || {
        let list = lab.call("ListAgentSpaces", json!({})).await.ok();
        list["agentSpaces"][0]["description"].clone()
    };
    inject(&lab, json!({"operation": "UpdateAgentSpace", "effect": "stale-lists", "lists": 2})).await;
    for description in ["first", "second"] {
        let input = json!({"agentSpaceId": space, "description": description});
        lab.call("UpdateAgentSpace", input).await.ok();
    }
    let read = lab.call("GetAgentSpace", json!({"agentSpaceId": space})).await.ok();
    assert_eq!(read["agentSpace"]["description"], "second", "what is read alone is never stale");
    assert_eq!([seen().await, seen().await, seen().await], [json!(null), json!(null), json!("second")]);

    let brief = json!({"operation": "UpdateAgentSpace", "effect": "stale-lists", "staleMs": 0});
    inject(&lab, brief).await;
    lab.call("UpdateAgentSpace", json!({"agentSpaceId": space, "description": "third"})).await.ok();
    assert_eq!(seen().await, "third", "its time is over");
}

#[tokio::test]
async fn a_reset_connection_took_no_effect() {
    let lab = Lab::start().await;
    inject(&lab, json!({"operation": "CreateAgentSpace", "effect": "reset"})).await;
    assert!(lab.try_call("CreateAgentSpace", &json!({"name": "a"})).await.is_err());
    assert_eq!(spaces(&lab).await, 0);
}

#[tokio::test]
async fn errors_come_before_or_after_the_effect() {
    let lab = Lab::start().await;
    for (rule, status, error, left) in [
        (json!({"effect": "429"}), 429, "ThrottlingException", 0),
        (json!({"effect": "500"}), 500, "InternalServerException", 0),
        (
            json!({"effect": "error", "error": "ServiceQuotaExceededException", "message": "m"}),
            402,
            "ServiceQuotaExceededException",
            0,
        ),
        (
            json!({"effect": "error-after", "error": "InternalServerException"}),
            500,
            "InternalServerException",
            1,
        ),
    ] {
        inject(&lab, rule).await;
        let answer = lab.call("CreateAgentSpace", json!({"name": "a"})).await;
        assert_eq!((answer.status, answer.error.as_str()), (status, error));
        assert_eq!(spaces(&lab).await, left);
    }
    assert_eq!(lab.control("DELETE", "faults", None).await.0, 200);
    assert_eq!(lab.control("GET", "faults", None).await.1, json!([]));
}

#[tokio::test]
async fn a_rule_picks_its_calls_by_number_and_resource() {
    let lab = Lab::start().await;
    let (one, other) = (lab.space().await, lab.space().await);
    inject(
        &lab,
        json!([{"operation": "GetAgentSpace", "resource": one, "nth": 2, "times": 2, "effect": "429"}]),
    )
    .await;
    let mut hits = Vec::new();
    for _ in 0..4 {
        assert_eq!(lab.call("GetAgentSpace", json!({"agentSpaceId": other})).await.status, 200);
        hits.push(lab.call("GetAgentSpace", json!({"agentSpaceId": one})).await.status);
    }
    assert_eq!(hits, [200, 429, 429, 200]);
    let rule = &lab.control("GET", "faults", None).await.1[0];
    assert_eq!((&rule["matched"], &rule["fired"]), (&json!(4), &json!(2)));
}

#[tokio::test]
async fn a_delayed_call_takes_effect_though_its_client_left() {
    let lab = Lab::start().await;
    inject(&lab, json!({"operation": "CreateAgentSpace", "effect": "delay", "delayMs": 100, "times": 2}))
        .await;
    let before = Instant::now();
    lab.call("CreateAgentSpace", json!({"name": "a"})).await.ok();
    assert!(before.elapsed() >= Duration::from_millis(100));
    let impatient =
        tokio::time::timeout(Duration::from_millis(20), lab.call("CreateAgentSpace", json!({"name": "b"})));
    drop(impatient.await);
    until("the second space is there", || async { spaces(&lab).await == 2 }).await;
}

#[tokio::test]
async fn a_call_that_hangs_is_never_answered_and_has_no_effect() {
    let lab = Lab::start().await;
    inject(&lab, json!({"operation": "CreateAgentSpace", "effect": "hang"})).await;
    let input = json!({"name": "a"});
    let call = lab.try_call("CreateAgentSpace", &input);
    assert!(tokio::time::timeout(Duration::from_millis(200), call).await.is_err());
    assert_eq!(spaces(&lab).await, 0);
    assert_eq!(lab.simulator.count("CreateAgentSpace"), 1);
}

#[tokio::test]
async fn a_call_takes_as_long_as_the_latency_says() {
    let lab = Lab::start().await;
    lab.simulator.set_switches(|switches| switches.latency_ms = 100);
    let before = Instant::now();
    lab.call("CreateAgentSpace", json!({"name": "a"})).await.ok();
    assert!(before.elapsed() >= Duration::from_millis(100));
}

#[tokio::test]
async fn calls_beyond_the_rate_are_throttled_and_counted() {
    let lab = Lab::start().await;
    lab.simulator.set_switches(|switches| switches.requests_per_second = 1);
    assert_eq!(lab.call("CreateAgentSpace", json!({"name": "a"})).await.status, 201);
    let answer = lab.call("CreateAgentSpace", json!({"name": "b"})).await;
    assert_eq!((answer.status, answer.error.as_str()), (429, "ThrottlingException"));
    assert_eq!(lab.simulator.calls()["errors"]["ThrottlingException"], 1);
    lab.simulator.set_switches(|switches| switches.requests_per_second = 0);
    assert_eq!(spaces(&lab).await, 1);
}

#[tokio::test]
async fn a_bad_rule_is_explained() {
    let lab = Lab::start().await;
    let (status, answer) = lab.control("POST", "faults", Some(json!({"effect": "explode"}))).await;
    assert_eq!(status, 400);
    assert!(answer["message"].as_str().unwrap().contains("drop-answer"), "{answer}");
    assert_eq!(lab.control("DELETE", "faults/7", None).await.0, 404);
}
