//! `kubectl wait` after an edit.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::process::Command;

use crate::fixtures::SPACE;
use crate::harness::{Test, condition, run};

/// Whether `kubectl wait --for=condition=Ready` says so within the time.
async fn kubectl_says_ready(t: &Test, limit: &str) -> bool {
    let kubectl = std::env::var_os("DEVOPS_AGENT_KUBECTL_BIN").unwrap_or_else(|| "kubectl".into());
    let mut command = Command::new(kubectl);
    command.args(["wait", "--for=condition=Ready", "agentspace/space", "--namespace", &t.namespace]);
    command.args(["--timeout", limit]).env("KUBERC", "off").stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await.expect("kubectl can be started");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() || errors.contains("timed out"), "{errors}");
    output.status.success()
}

#[test]
fn kubectl_wait_does_not_take_the_condition_of_an_older_spec_for_that_of_the_new_one() {
    run(async |t| {
        let space = t.apply(SPACE).await;
        space.ready().await;
        assert!(kubectl_says_ready(t, "20s").await);
        // The operator has started on the edit, and AWS is slow: nothing of it is in status yet.
        t.fault(json!({"operation": "GetAgentSpace", "effect": "delay", "delayMs": 8000}));
        space.patch(json!({"spec": {"locale": "de-DE"}})).await;
        assert!(!kubectl_says_ready(t, "1s").await);
        let stale = space.get().await;
        assert_eq!(stale["status"]["observedGeneration"], 1, "the operator was faster than this test");
        assert_eq!(condition(&stale, "Ready").map(|ready| &ready["status"]), Some(&Value::from("True")));
        assert!(kubectl_says_ready(t, "25s").await);
        assert_eq!(space.get().await["status"]["observedGeneration"], 2);
        assert_eq!(t.only("agentSpace")["locale"], "de-DE");
    });
}
