//! Everything in the table of metrics is served, under the name and with the labels that it has there.

use devops_agent_operator::metrics::table::{TABLE, Type};
use serde_json::json;

use devops_agent_test_support::Operator;

use crate::harness::{kubectl, wait_until, world};

const OBJECTS: &str = r"
kind: AgentSpace
metadata: {name: space}
spec: {description: first}
---
kind: ServiceRegistration
metadata: {name: channel}
spec: {service: {eventChannel: {type: webhook}}}
---
kind: Association
metadata: {name: events}
spec: {agentSpaceRef: {name: space}, serviceRef: {name: channel}, configuration: {eventChannel: {}}}
---
kind: PrivateConnection
metadata: {name: shared}
spec:
  mode:
    selfManaged:
      resourceConfigurationId: rcfg-0123456789abcdef0
      certificate:
        value: |
          -----BEGIN CERTIFICATE-----
          first
          -----END CERTIFICATE-----
---
kind: AgentSpace
metadata: {name: lost}
spec: {externalId: no-such-space}
---
kind: AgentSpace
metadata: {name: held}
spec: {changePolicy: OnApproval}
";

/// The value of the sample whose name and labels begin so.
fn sample(text: &str, start: &str) -> Option<f64> {
    text.lines().find(|line| line.starts_with(start))?.rsplit(' ').next()?.parse().ok()
}

async fn reaches(operator: &Operator, start: &str, value: f64) {
    wait_until(&format!("{start} {value}"), async || {
        (sample(&operator.metrics().await, start)? >= value).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_metric_of_the_table_is_served_with_its_labels_and_counts_what_it_says() {
    let world = world().await;
    let operator = world.operator(&["--leader-election", "--metrics-by-object"]);
    operator.ready().await;
    reaches(&operator, "leader_election_master_status{", 1.0).await;
    world.apply(OBJECTS).await;
    for object in ["agentspace/space", "association/events", "privateconnection/shared"] {
        kubectl(&["-n", &world.namespace, "wait", "--for=condition=Ready", object, "--timeout=60s"], "");
    }
    kubectl(
        &["-n", &world.namespace, "wait", "--for=condition=Stalled", "agentspace/lost", "--timeout=60s"],
        "",
    );

    reaches(&operator, r#"devopsagent_pending_changes{kind="AgentSpace",action="Create"}"#, 1.0).await;

    // Someone else changes the space.
    let id = kubectl(&["-n", &world.namespace, "get", "agentspace/space", "-o", "jsonpath={.status.id}"], "");
    world.mutate("agentSpace", &id, json!({"description": "drifted"})).await;
    let request = "devopsagent.dev/reconcile-requested-at=now";
    kubectl(&["-n", &world.namespace, "annotate", "agentspace/space", request], "");
    reaches(&operator, r#"devopsagent_drift_corrections_total{kind="AgentSpace"}"#, 1.0).await;

    // A watch fails.
    kubectl(&["delete", "crd", "triggers.devopsagent.dev"], "");
    reaches(&operator, r#"devopsagent_watch_errors_total{kind="Trigger"}"#, 1.0).await;
    world.install_crds().await;

    let text = operator.metrics().await;
    for row in TABLE {
        let suffix = if row.kind == Type::Histogram { "_count" } else { "" };
        let name = format!("{}{suffix}", row.name);
        let lines: Vec<&str> = text
            .lines()
            .filter(|line| line.strip_prefix(&*name).is_some_and(|rest| rest.starts_with(['{', ' '])))
            .collect();
        assert!(!lines.is_empty(), "{name} is not served:\n{text}");
        for line in lines {
            assert_eq!(labels(line), row.labels, "{line}");
        }
    }
    for line in text.lines().filter(|line| line.starts_with("# TYPE ")) {
        let mut words = line.split(' ').skip(2);
        let (name, kind) = (words.next().unwrap(), words.next().unwrap());
        let row = TABLE.iter().find(|row| row.name.strip_suffix("_total").unwrap_or(row.name) == name);
        assert_eq!(row.map(|row| row.kind.as_str()), Some(kind), "{line}");
    }
    for (start, value) in [
        ("devopsagent_webhook_secrets_issued_total ", 1.0),
        (r#"devopsagent_changes_total{kind="Association",change="create"}"#, 1.0),
        (r#"devopsagent_changes_total{kind="AgentSpace",change="update"}"#, 1.0),
        (r#"devopsagent_time_to_first_ready_seconds_count{kind="AgentSpace"}"#, 1.0),
        (r#"controller_runtime_max_concurrent_reconciles{controller="Asset"}"#, 8.0),
        (r#"devopsagent_resources{kind="AgentSpace",type="Ready",status="False",reason="NotFound"}"#, 1.0),
    ] {
        assert_eq!(sample(&text, start), Some(value), "{start}:\n{text}");
    }
    assert!(text.ends_with("# EOF\n"));
    let lost = problem(&world.namespace, "lost");
    assert_eq!(sample(&text, &lost), Some(1.0), "{lost}:\n{text}");
}

/// The series of agent spaces that observe what doesn't exist.
fn problem(namespace: &str, name: &str) -> String {
    format!(
        r#"devopsagent_resource_problems{{kind="AgentSpace",namespace="{namespace}",name="{name}",problem="Stalled",reason="NotFound"}}"#
    )
}

/// The names of a sample's labels, but the bounds of a histogram.
fn labels(line: &str) -> Vec<&str> {
    let Some((_, rest)) = line.split_once('{') else { return Vec::new() };
    let (labels, _) = rest.rsplit_once('}').unwrap();
    labels.split("\",").map(|label| label.split('=').next().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_are_only_counted_by_default_and_a_problem_goes_with_its_object() {
    let world = world().await;
    let operator = world.operator(&[]);
    operator.ready().await;
    world.apply("{kind: AgentSpace, metadata: {name: brief}, spec: {externalId: no-such-space}}").await;
    let lost = problem(&world.namespace, "");
    reaches(&operator, &lost, 1.0).await;
    let text = operator.metrics().await;
    assert!(!text.contains(r#"name="brief""#) && !text.contains("devopsagent_resource_condition"), "{text}");
    kubectl(&["-n", &world.namespace, "delete", "agentspace/brief", "--timeout=60s"], "");
    wait_until("the problem is gone", async || {
        let text = operator.metrics().await;
        (!text.is_empty() && !text.contains(&lost)).then_some(())
    })
    .await;
}
