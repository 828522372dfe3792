//! Probes, version, and the log.

use serde_json::Value;

use crate::harness::{kubectl, wait_until, world};

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_crd_is_named_by_the_probe_and_found_when_it_comes() {
    let world = world().await;
    kubectl(&["delete", "crd", "triggers.devopsagent.dev"], "");
    let operator = world.operator(&[]);
    let missing = "[-]cache Trigger: its CustomResourceDefinition is missing";
    let text = wait_until("the probe names it", async || {
        let (status, text) = operator.get("/readyz").await?;
        (status == 503 && text.contains(missing)).then_some(text)
    })
    .await;
    assert!(text.contains("[+]lease not used") && text.ends_with("readyz check failed\n"), "{text}");
    assert_eq!(operator.get("/livez").await, Some((200, "ok".to_owned())), "a restart mends nothing");
    world.install_crds().await;
    operator.ready().await;
    let (_, text) = operator.get("/readyz?verbose").await.unwrap();
    assert!(text.contains("[+]cache Trigger ok") && text.ends_with("readyz check passed\n"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_json_off_a_terminal_and_has_a_line_for_each_change_that_can_be_followed_to_aws() {
    let world = world().await;
    let operator = world.operator(&[]);
    operator.ready().await;
    world.apply("{kind: AgentSpace, metadata: {name: logged}, spec: {}}").await;
    kubectl(
        &["-n", &world.namespace, "wait", "--for=condition=Ready", "agentspace/logged", "--timeout=60s"],
        "",
    );
    let line = wait_until("the creation is logged", async || {
        let lines = operator.log();
        let mut lines = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.find(|line| line["message"] == "created the agent space" && line["name"] == "logged")
    })
    .await;
    assert_eq!(line["kind"], "AgentSpace");
    assert_eq!(line["namespace"], world.namespace);
    assert_eq!(line["level"], "info");
    assert_eq!(line["pass"].as_str().map(str::len), Some(8));
    let request_id = line["request_id"].as_str().expect("the call has an id");
    assert!(!request_id.is_empty());
    for line in operator.log().lines() {
        assert!(serde_json::from_str::<Value>(line).is_ok_and(|line| line["level"].is_string()), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_level_is_changed_while_the_operator_runs() {
    let world = world().await;
    let operator = world.operator(&["--log-level", "warn"]);
    operator.ready().await;
    assert!(!operator.log().contains(r#""level":"info""#));
    assert_eq!(operator.log_level(Some("shout")).await.unwrap().0, 400);
    let (status, text) = operator.log_level(Some("debug")).await.unwrap();
    assert_eq!((status, text.as_str()), (200, "devops_agent_operator=debug,kube_client::client=off,warn\n"));
    assert_eq!(operator.log_level(None).await.unwrap().1, text);
    assert!(operator.log().contains("the log level was changed"));
    world.apply("{kind: AgentSpace, metadata: {name: seen}, spec: {}}").await;
    wait_until("calls are logged", async || operator.log().contains("called AWS").then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_version_is_told() {
    let world = world().await;
    let operator = world.operator(&[]);
    operator.ready().await;
    let (status, text) = operator.get("/version").await.unwrap();
    let version: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((status, version["version"].as_str()), (200, Some(env!("CARGO_PKG_VERSION"))));
    assert!(version["rustc"].as_str().is_some_and(|rustc| rustc.starts_with("1.")), "{text}");
}
