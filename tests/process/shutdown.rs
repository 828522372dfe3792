//! How the operator ends.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::{kubectl, wait_until, world};

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_that_ends_frees_the_lease_and_the_next_one_leads_at_once() {
    let world = world().await;
    let first = world.operator(&["--leader-election"]);
    first.ready().await;
    let leads =
        |text: &str| text.contains(r#"leader_election_master_status{name="devops-agent-operator"} 1"#);
    // A replica is ready before it leads.
    wait_until("the first leads", async || leads(&first.metrics().await).then_some(())).await;
    let second = world.operator(&["--leader-election"]);
    let standing_by = wait_until("it stands by", async || {
        let (status, text) = second.get("/readyz?verbose").await?;
        (status == 200 && text.contains("on standby")).then_some(text)
    })
    .await;
    assert!(!standing_by.contains("cache"), "{standing_by}");
    assert!(!leads(&second.metrics().await));
    first.terminate();
    assert!(first.ended().await.success(), "{}", first.log());
    let ended = Instant::now();
    wait_until("it leads", async || leads(&second.metrics().await).then_some(())).await;
    // A lease that isn't released expires after 15 seconds.
    assert!(ended.elapsed() < Duration::from_secs(8), "after {:?}", ended.elapsed());
    second.ready().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_do_not_end_are_abandoned_and_the_lease_is_freed_all_the_same() {
    let world = world().await;
    let operator = world.operator(&["--leader-election", "--shutdown-timeout", "2s"]);
    operator.ready().await;
    world.simulator.add_fault(
        serde_json::from_value(
            json!({"operation": "CreateAgentSpace", "effect": "delay", "delayMs": 25_000}),
        )
        .unwrap(),
    );
    world.apply("{kind: AgentSpace, metadata: {name: slow}, spec: {}}").await;
    wait_until("the call is under way", async || {
        let text = operator.metrics().await;
        text.contains(r#"controller_runtime_active_workers{controller="AgentSpace"} 1"#).then_some(())
    })
    .await;
    let told = Instant::now();
    operator.terminate();
    assert!(operator.ended().await.success(), "{}", operator.log());
    assert!(told.elapsed() < Duration::from_secs(6), "after {:?}", told.elapsed());
    assert!(operator.log().contains("reconciles in progress are aborted"), "{}", operator.log());
    let holder = kubectl(
        &[
            "-n",
            &world.namespace,
            "get",
            "lease",
            "devops-agent-operator",
            "-o",
            "jsonpath={.spec.holderIdentity}",
        ],
        "",
    );
    assert_eq!(holder, "", "the lease is free");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_under_way_is_finished_and_what_it_made_recorded() {
    let world = world().await;
    let operator = world.operator(&[]);
    operator.ready().await;
    world.simulator.add_fault(
        serde_json::from_value(json!({"operation": "CreateAgentSpace", "effect": "delay", "delayMs": 2_000}))
            .unwrap(),
    );
    world.apply("{kind: AgentSpace, metadata: {name: finished}, spec: {}}").await;
    wait_until("the call is under way", async || {
        let text = operator.metrics().await;
        text.contains(r#"controller_runtime_active_workers{controller="AgentSpace"} 1"#).then_some(())
    })
    .await;
    operator.terminate();
    assert!(operator.ended().await.success(), "{}", operator.log());
    let id =
        kubectl(&["-n", &world.namespace, "get", "agentspace/finished", "-o", "jsonpath={.status.id}"], "");
    assert!(!id.is_empty(), "{}", operator.log());
}
