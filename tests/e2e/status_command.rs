//! `kubectl devopsagent status` on what the operator says.

use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{ChildStdout, Command};

use crate::fixtures::{GITLAB, PROJECT, SPACE, credentials};
use crate::harness::{Test, run};

fn plugin(t: &Test, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-devopsagent"));
    command.arg("status").args(arguments).args(["--namespace", &t.namespace]);
    command
}

/// The exit code and what is printed.
async fn status(t: &Test, arguments: &[&str]) -> (Option<i32>, String) {
    let in_namespace = ["status", "--namespace", &t.namespace];
    crate::harness::plugin(t, &[&in_namespace[..], arguments].concat()).await.said()
}

/// The causes, with the numbers in front of them.
fn causes(text: &str) -> Vec<&str> {
    text.lines()
        .filter(|line| line.starts_with(|letter: char| letter.is_ascii_digit()) && line.contains(". "))
        .collect()
}

/// Reads until a line has all these parts.
async fn says(lines: &mut Lines<BufReader<ChildStdout>>, parts: &[&str]) {
    let mut read = Vec::new();
    // The test as a whole has a limit.
    while let Some(line) = lines.next_line().await.unwrap() {
        if parts.iter().all(|part| line.contains(part)) {
            return;
        }
        read.push(line);
    }
    panic!("it ended after {read:#?}");
}

#[test]
fn what_holds_up_a_chain_comes_first_with_what_to_do_and_changes_are_told() {
    run(async |t| {
        let namespace = &t.namespace;
        t.apply(SPACE).await.ready().await;
        let gitlab = t.apply(GITLAB).await;
        let project = t.apply(PROJECT).await;
        gitlab.condition("Ready", "False", "InputNotFound").await;
        project.condition("Ready", "False", "DependencyNotReady").await;
        let lost = t
            .apply("{kind: AgentSpace, metadata: {name: lost}, spec: {accountRef: {name: nowhere-at-all}}}")
            .await;
        lost.condition("Ready", "False", "DependencyNotFound").await;

        let (code, text) = status(t, &[]).await;
        assert_eq!(code, Some(0), "{text}");
        let found = causes(&text);
        assert!(found[0].starts_with("1. AWSAccount nowhere-at-all: Missing: doesn't exist"), "{text}");
        assert!(
            found[1].starts_with(&format!("2. ServiceRegistration {namespace}/gitlab: Degraded for ")),
            "{text}"
        );
        assert!(found[1].contains("InputNotFound: ") && found[1].contains("credentials"), "{text}");
        assert_eq!(found.len(), 2, "{text}");
        assert!(
            text.contains("What to do: A Secret or ConfigMap, or a key in it, does not exist. Create it;"),
            "{text}"
        );
        assert!(text.contains(&format!("Holds up: Association {namespace}/project (for ")), "{text}");
        assert!(text.contains(&format!("AWSAccount {namespace}: Healthy\n")), "{text}");
        let (code, text) = status(t, &["assoc/project", "--exit-code", "-o", "json"]).await;
        let document: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((code, &document["causes"][0]["name"]), (Some(2), &Value::from("gitlab")), "{text}");
        assert_eq!(document["objects"][0]["waitsFor"][0]["name"], "gitlab", "{text}");
        let (code, text) = status(t, &["association", "nothing"]).await;
        assert!(code == Some(1) && text.contains("there is no Association"), "{text}");

        let mut watching = plugin(t, &["--watch"]).stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let mut lines = BufReader::new(watching.stdout.take().unwrap()).lines();
        says(&mut lines, &["2. ServiceRegistration"]).await;
        credentials(t).await;
        says(&mut lines, &[&format!("ServiceRegistration {namespace}/gitlab: Healthy")]).await;
        says(&mut lines, &[&format!("Association {namespace}/project: Healthy")]).await;
        lost.delete().await;
        says(&mut lines, &[&format!("AgentSpace {namespace}/lost: deleted")]).await;
        says(&mut lines, &["nothing to fix"]).await;
        let (code, text) = status(t, &["--exit-code"]).await;
        assert!(code == Some(0) && causes(&text).is_empty(), "{text}");
        assert!(text.contains(&format!("webhook in Secret {namespace}/project-webhook: Healthy")), "{text}");
    });
}
