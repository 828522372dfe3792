//! Objects that are made to stop the operator.

use http::{Method, Request};
use kube::Client;
use serde_json::json;

use crate::harness::{Operator, World, run, wait_until};

/// A request whose response is only text here: kube would fail to parse it.
async fn send(client: &Client, method: Method, path: &str, body: &str) -> Result<String, kube::Error> {
    let kind = if method == Method::PATCH { "application/merge-patch+json" } else { "application/json" };
    let request = Request::builder().method(method).uri(path).header("content-type", kind);
    client.request_text(request.body(body.as_bytes().to_vec()).expect("it is a request")).await
}

fn deep(levels: usize, key: &str, inner: &str) -> String {
    format!("{}{inner}{}", format!("{{\"{key}\":").repeat(levels), "}".repeat(levels))
}

/// The path of objects in the test's namespace.
fn path(world: &World, group: &str, plural: &str) -> String {
    format!("/{group}/namespaces/{}/{plural}", world.namespace)
}

const OURS: &str = "apis/devopsagent.dev/v1alpha1";

/// Makes a Trigger that no usual parser can read.
async fn deep_trigger(world: &World, name: &str) {
    let action = deep(200, "a", "1");
    let trigger = format!(
        r#"{{"apiVersion":"devopsagent.dev/v1alpha1","kind":"Trigger","metadata":{{"name":"{name}"}},"spec":{{
            "agentSpaceRef":{{"name":"space"}},"schedule":{{"expression":"rate(1 day)"}},"action":{action}}}}}"#
    );
    send(&world.client, Method::POST, &path(world, OURS, "triggers"), &trigger).await.expect("it is stored");
}

/// Writes managedFields into an object that no usual parser can read.
async fn forge(world: &World, path: &str) {
    // Of another version they would be dropped.
    let version = if path.contains(OURS) { "devopsagent.dev/v1alpha1" } else { "v1" };
    let fields = deep(200, "f:a", "{}");
    let edit = format!(
        r#"{{"metadata":{{"managedFields":[{{"manager":"mallory","operation":"Update","apiVersion":"{version}","time":
            "9999-12-31T23:59:59Z","fieldsType":"FieldsV1","fieldsV1":{fields}}}]}}}}"#
    );
    let answer = send(&world.client, Method::PATCH, path, &edit).await.expect("it is stored");
    assert!(answer.contains("9999-12-31") && answer.contains(&"{\"f:a\":".repeat(150)), "{answer}");
}

async fn metric(replica: &Operator, line: &str) {
    wait_until(format!("the metrics have {line}"), async || {
        replica.metrics().await.lines().any(|one| one == line).then_some(())
    })
    .await;
}

/// A registration that needs the Secret `credentials`.
fn registration(world: &World) -> String {
    let host = &world.namespace;
    format!(
        "
kind: ServiceRegistration
metadata: {{name: server}}
spec:
  name: {host}
  service:
    mcpserver:
      name: {host}
      endpoint: https://{host}.example.com/mcp
      authorizationConfig:
        bearerToken: {{tokenName: t, tokenValue: {{secretKeyRef: {{name: credentials, key: token}}}}}}
"
    )
}

/// Everything that is there before the operator starts, forged.
async fn prepare(world: &World) {
    world.simulator.set_switches(|switches| switches.action_needs_agent = false);
    // An operator that watches all namespaces meets what other tests have left.
    for name in ["space", "forged"] {
        let spec = json!({"name": format!("{name} of {}", world.namespace)});
        world
            .apply(&json!({"kind": "AgentSpace", "metadata": {"name": name}, "spec": spec}).to_string())
            .await;
    }
    deep_trigger(world, "before").await;
    forge(world, &path(world, OURS, "agentspaces/forged")).await;
    for (kind, plural) in [("Secret", "secrets"), ("ConfigMap", "configmaps")] {
        world.apply(&json!({"kind": kind, "metadata": {"name": "forged"}}).to_string()).await;
        forge(world, &path(world, "api/v1", &format!("{plural}/forged"))).await;
    }
    forge(world, &format!("/api/v1/namespaces/{}", world.namespace)).await;
}

async fn holds(world: &World, replica: &Operator) {
    let space = world.handle("AgentSpace", "space");
    space.ready().await;
    replica.ready().await;
    world.handle("Trigger", "before").event("Unreadable").await;

    deep_trigger(world, "later").await;
    let later = world.handle("Trigger", "later");
    later.event("Unreadable").await;
    metric(replica, r#"devopsagent_unreadable_objects{kind="Trigger"} 2"#).await;
    world.secret("credentials", &[("token", "glpat-1")]).await;
    forge(world, &path(world, "api/v1", "secrets/credentials")).await;
    world.apply(&registration(world)).await.ready().await;
    let edit = r#"{"spec":{"description":"while they are there"}}"#;
    send(&world.client, Method::PATCH, &path(world, OURS, "agentspaces/forged"), edit).await.expect("stored");
    wait_until("the edit arrives", async || {
        world
            .remotes("agentSpace")
            .iter()
            .any(|space| space["description"] == "while they are there")
            .then_some(())
    })
    .await;

    // What is corrected is read; and what can't be read keeps its finalizer.
    let corrected = r#"{"spec":{"action":{"a":1}}}"#;
    send(&world.client, Method::PATCH, &path(world, OURS, "triggers/later"), corrected)
        .await
        .expect("stored");
    metric(replica, r#"devopsagent_unreadable_objects{kind="Trigger"} 1"#).await;
    later.ready().await;
    let again = format!(r#"{{"spec":{{"action":{}}}}}"#, deep(200, "a", "1"));
    send(&world.client, Method::PATCH, &path(world, OURS, "triggers/later"), &again).await.expect("stored");
    metric(replica, r#"devopsagent_unreadable_objects{kind="Trigger"} 2"#).await;
    send(&world.client, Method::DELETE, &path(world, OURS, "triggers/later"), "").await.expect("it is going");
    replica.says("it isn't deleted either").await;
    space.delete().await;
    let message = space.condition("Ready", "False", "DeletionBlocked").await;
    assert!(message.contains("later"), "{message}");
    send(&world.client, Method::PATCH, &path(world, OURS, "triggers/later"), corrected)
        .await
        .expect("stored");
    space.gone().await;
    send(&world.client, Method::DELETE, &path(world, OURS, "triggers/before"), "").await.expect("it goes");
    metric(replica, r#"devopsagent_unreadable_objects{kind="Trigger"} 0"#).await;

    let page = replica.metrics().await;
    assert!(page.ends_with("# EOF\n") && !page.contains("devopsagent_watch_errors_total{"), "{page}");
    assert!(!replica.has_ended());
}

#[test]
fn what_a_parser_chokes_on_costs_nobody_else_anything() {
    run(async || {
        let world = World::alone().await;
        prepare(&world).await;
        holds(&world, &world.launch_everywhere().start()).await;
    });
}

#[test]
fn nor_does_it_where_each_namespace_has_a_watch_of_its_own() {
    run(async || {
        let world = World::alone().await;
        prepare(&world).await;
        holds(&world, &world.operator(&[])).await;
    });
}
