//! `kubectl devopsagent doctor` between the cluster and the simulated AWS.

use std::path::Path;

use k8s_openapi::api::apps::v1::Deployment;
use kube::Api;
use kube::api::PostParams;
use regex::Regex;
use serde_json::{Value, json};

use crate::fixtures::events;
use crate::harness::{Test, plugin_at, run, text};

/// The exit code, and what is printed.
async fn printed(t: &Test, aws: &str, format: &str) -> (Option<i32>, String) {
    let arguments = ["doctor", "-o", format, "--account", &t.namespace];
    let places = ["--namespace", &t.namespace, "--operator-namespace", &t.namespace];
    plugin_at(aws, &[&arguments[..], &places].concat()).await.said()
}

/// The exit code and the checks.
async fn doctor(t: &Test, aws: &str) -> (Option<i32>, Vec<Value>) {
    let (code, said) = printed(t, aws, "json").await;
    let document: Value = serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"));
    (code, document["checks"].as_array().unwrap().clone())
}

fn check<'a>(checks: &'a [Value], name: &str) -> &'a Value {
    let found = checks.iter().find(|check| check["name"] == name);
    found.unwrap_or_else(|| panic!("{name} is not among {checks:#?}"))
}

fn names<'a>(checks: &'a [Value], verdict: &str) -> Vec<&'a str> {
    checks.iter().filter(|check| check["verdict"] == verdict).map(|check| text(check, "/name")).collect()
}

#[test]
fn a_sound_installation_passes_and_what_is_broken_is_said_with_what_to_do() {
    run(async |t| {
        events(t).await;
        let aws = t.simulator.url();
        let (code, checks) = doctor(t, &aws).await;
        assert_eq!(code, Some(0), "{checks:#?}");
        let sound = [
            "cluster version",
            "CRDs",
            "your permissions",
            "objects",
            "AWSAccount",
            "webhooks",
            "AWS identity",
            "AWS region",
            "control plane",
            "data plane",
            "clock",
            "ListAgentSpaces",
            "ListServices",
            "ListPrivateConnections",
            "GetOperatorApp",
            "ListAssociations",
            "ListAssets",
            "ListTriggers",
        ];
        assert_eq!(names(&checks, "ok"), sound, "{checks:#?}");
        assert_eq!(names(&checks, "skipped"), ["EKS access entries"]);
        assert_eq!(names(&checks, "unknown"), ["operator"], "the tests' operator has no Deployment");
        assert!(
            text(check(&checks, "AWS identity"), "/message").contains("which assumes arn:aws:iam::"),
            "{checks:#?}"
        );

        // A release whose pods don't run, and whose service account may do nothing.
        let labels = json!({"app.kubernetes.io/part-of": "devops-agent-operator", "app.kubernetes.io/version": "0.0.1"});
        let pod = json!({"serviceAccountName": "nobody", "containers": [{"name": "operator", "image": "operator",
                         "args": ["run", "--leader-election"]}]});
        let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "operator", "labels": labels},
            "spec": {"selector": {"matchLabels": {"app": "x"}},
                     "template": {"metadata": {"labels": {"app": "x"}}, "spec": pod}}});
        let deployments: Api<Deployment> = Api::namespaced(t.client.clone(), &t.namespace);
        deployments
            .create(&PostParams::default(), &serde_json::from_value(deployment).unwrap())
            .await
            .unwrap();
        t.fault(json!({"operation": "ListServices", "effect": "error", "error": "AccessDeniedException", "times": 0}));
        let (code, checks) = doctor(t, &aws).await;
        assert_eq!(code, Some(1), "{checks:#?}");
        for (name, message, what_to_do) in [
            ("operator", "0 of 1 pods are available", "kubectl describe pods"),
            ("lease", "no pod has led yet", "kubectl logs"),
            (
                "operator's permissions",
                "nobody may not list agentspaces.devopsagent.dev",
                "upgrade the chart's release",
            ),
            ("ListServices", "AccessDenied", "kubectl devopsagent iam-policy"),
        ] {
            let found = check(&checks, name);
            assert_eq!(found["verdict"], "failed", "{found}");
            assert!(text(found, "/message").contains(message), "{found}");
            assert!(text(found, "/whatToDo").contains(what_to_do), "{found}");
        }
        assert_eq!(check(&checks, "operator version")["verdict"], "unknown");
        let (_, text) = printed(t, &aws, "text").await;
        compare_with_page(&timeless(&text, t));
        t.end_faults().await;

        let (code, checks) = doctor(t, "http://127.0.0.1:1").await;
        assert_eq!(
            (code, &check(&checks, "data plane")["verdict"]),
            (Some(1), &json!("failed")),
            "{checks:#?}"
        );
        assert_eq!(check(&checks, "AWS API")["verdict"], "skipped");
    });
}

/// The text without what differs from run to run.
fn timeless(text: &str, t: &Test) -> String {
    let version = Regex::new(r"cluster version: \S+").unwrap();
    let text = text
        .replace(&t.simulator.url(), "http://aws.example.com")
        .replace(&t.namespace, "shop")
        .replace(&t.account, "123456789012")
        .replace(concat!("this program is ", env!("CARGO_PKG_VERSION")), "this program is 0.1.0");
    // The cluster has those of other tests, too.
    let objects = Regex::new(r"has looked at all \d+").unwrap();
    let text = objects.replace(&text, "has looked at all 4");
    version.replace(&text, "cluster version: v1.33.1").into_owned()
}

/// The page shows what is printed, or is written from it when `DEVOPS_AGENT_WRITE_FIXTURES` is 1.
fn compare_with_page(printed: &str) {
    const BEGIN: &str = "<!-- session:doctor -->\n";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/src/ctl/doctor.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (shown, after) = rest.split_once("<!-- /session -->").unwrap();
    let session = format!(
        "```console,no-run=generated\n$ kubectl devopsagent doctor -n shop --account shop\n{printed}$ echo $?\n1\n```\n"
    );
    if std::env::var("DEVOPS_AGENT_WRITE_FIXTURES").is_ok_and(|value| value == "1") {
        std::fs::write(&path, format!("{before}{BEGIN}{session}<!-- /session -->{after}")).unwrap();
        return;
    }
    assert_eq!(shown, session, "`cargo xtask fixtures` writes {}", path.display());
}
