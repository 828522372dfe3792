//! What `kubectl get` and Events show of every kind and the main reasons, as a golden file: `tests/e2e/tables.txt`.
//!
//! The API server makes the tables, as it does for kubectl. If the operator's messages change, `cargo xtask fixtures`
//! rewrites the file; review it as a user would read it.

use std::fmt::Write;
use std::path::Path;

use http::Request;
use k8s_openapi::api::events::v1::Event;
use kube::Api;
use kube::api::ListParams;
use serde_json::{Value, json};

use crate::fixtures::{CHANNEL, EVENTS, SPACE};
use crate::harness::{Handle, Test, run, text};

/// A line of `kubectl get` is read without scrolling up to here.
const WIDTH: usize = 160;
const KINDS: &[&str] = &["agentspaces", "serviceregistrations", "associations", "assets", "triggers"];

/// A space that gets the reason `name` by a rejection, or by its spec.
struct Case {
    name: &'static str,
    spec: &'static str,
    /// An operation that fails for it, and how.
    fault: Option<(&'static str, &'static str, &'static str)>,
    condition: (&'static str, &'static str),
}

const CASES: &[Case] = &[
    refused(
        "AccessDenied",
        "AccessDeniedException",
        "User: arn:aws:iam::123456789012:role/agent is not authorized to perform: aidevops:CreateAgentSpace",
    ),
    refused(
        "CredentialsUnavailable",
        "ExpiredTokenException",
        "The security token included in the request is expired",
    ),
    refused(
        "QuotaExceeded",
        "ServiceQuotaExceededException",
        "You have reached the limit of 10 agent spaces",
    ),
    refused(
        "Invalid",
        "ValidationException",
        "locale must be one of the supported locales, and must be written with a hyphen, never an underscore",
    ),
    refused("Refused", "ConflictException", "An agent space of this name is being deleted"),
    Case { name: "NotFound", spec: "{externalId: as-gone}", fault: None, condition: ("Ready", "False") },
];

const fn refused(name: &'static str, error: &'static str, message: &'static str) -> Case {
    Case {
        name,
        spec: "{}",
        fault: Some(("CreateAgentSpace", error, message)),
        condition: ("Ready", "False"),
    }
}

#[test]
fn what_kubectl_shows_reads_well() {
    run(async |t| {
        // One after the other, so that none is reconciled before what it refers to exists. With a webhook that isn't
        // reissued automatically.
        let reported = format!("{EVENTS}  webhook: {{onLoss: Report}}\n");
        for yaml in [SPACE, CHANNEL, &reported] {
            t.apply(yaml).await.ready().await;
        }
        for case in CASES {
            let name = case.name.to_lowercase();
            if let Some((operation, error, message)) = case.fault {
                t.fault(json!({"operation": operation, "resource": name, "effect": "error", "error": error, "message": message, "times": 0}));
            }
            let yaml = format!("{{kind: AgentSpace, metadata: {{name: {name}}}, spec: {}}}", case.spec);
            let (kind, status) = case.condition;
            t.apply(&yaml).await.condition(kind, status, case.name).await;
        }
        let orphan = "{kind: Trigger, metadata: {name: orphan}, spec: {agentSpaceRef: {name: nowhere}, schedule: {expression: rate(1 day)},
                       action: {actionType: 'create:task', task: {agent: 'custom:x'}}}}";
        t.apply(orphan).await.condition("Ready", "False", "DependencyNotFound").await;
        sign_in(t).await;
        let space = t.handle("AgentSpace", "space").get().await;
        let observed = format!(
            "{{kind: AgentSpace, metadata: {{name: observed}}, spec: {{managementPolicy: Observe, externalId: {}, name: Payments}}}}",
            text(&space, "/status/id")
        );
        t.apply(&observed).await.condition("Synced", "False", "Drifted").await;
        let paused = "{kind: AgentSpace, metadata: {name: paused, annotations: {devopsagent.dev/paused: 'true'}}, spec: {}}";
        t.apply(paused)
            .await
            .wait("it is paused", |object| text(object, "/status/summary").starts_with("Paused"))
            .await;
        t.handle("Secret", "events-webhook").delete_and_wait().await;
        t.handle("Association", "events").condition("WebhookReady", "False", "WebhookSecretLost").await;
        let mut shown = String::new();
        for plural in KINDS {
            shown.push_str(&table(t, plural).await);
        }
        shown.push_str(&events(t).await);
        compare(&shown);
    });
}

/// A registration that a person must complete, and what waits for it.
async fn sign_in(t: &Test) {
    let server = "{name: runbooks, endpoint: 'https://mcp.example.com/mcp', authorizationConfig: {authorizationDiscovery:
                   {returnToEndpoint: 'https://us-east-1.console.aws.amazon.com/aidevops'}}}";
    t.apply(&format!(
        "{{kind: ServiceRegistration, metadata: {{name: runbooks}}, spec: {{service: {{mcpserver: {server}}}}}}}"
    ))
    .await
    .condition("Ready", "False", "AuthorizationRequired")
    .await;
    let user: Handle = t
        .apply(
            "{kind: Association, metadata: {name: runbooks}, spec: {agentSpaceRef: {name: space}, serviceRef: {name: runbooks},
              configuration: {mcpserver: {tools: []}}}}",
        )
        .await;
    user.condition("Ready", "False", "AuthorizationRequired").await;
}

/// What `kubectl get` shows of a kind, without the age.
async fn table(t: &Test, plural: &str) -> String {
    let request = Request::get(format!("/apis/devopsagent.dev/v1alpha1/namespaces/{}/{plural}", t.namespace))
        .header("accept", "application/json;as=Table;v=v1;g=meta.k8s.io")
        .body(Vec::new())
        .expect("the request is well formed");
    let answer: Value = t.shared.client.request(request).await.expect("the API server makes a table");
    let columns = answer["columnDefinitions"].as_array().expect("it has columns");
    let shown: Vec<usize> = (0..columns.len())
        .filter(|&index| columns[index]["priority"] == 0 && columns[index]["name"] != "Age")
        .collect();
    let mut rows: Vec<Vec<String>> =
        vec![shown.iter().map(|&index| text(&columns[index], "/name").to_uppercase()).collect()];
    for row in answer["rows"].as_array().expect("it has rows") {
        let cell = |value: &Value| value.as_str().map_or_else(String::new, ToOwned::to_owned);
        let cells = shown.iter().map(|&index| cell(&row["cells"][index]));
        rows.push(cells.map(|cell| cell.replace(&t.namespace, "NAMESPACE")).collect());
    }
    rows[1..].sort();
    let widths: Vec<usize> = (0..shown.len())
        .map(|index| rows.iter().map(|row| row[index].chars().count()).max().unwrap_or_default())
        .collect();
    let summary = rows[0].iter().position(|name| name == "SUMMARY").expect("there is a summary");
    assert!(widths[..=summary].iter().map(|width| width + 3).sum::<usize>() <= WIDTH, "{plural} is too wide");
    let mut table = format!("$ kubectl get {plural}\n");
    for row in &rows {
        let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}"));
        writeln!(table, "{}", cells.collect::<Vec<_>>().join("   ").trim_end()).expect("text can be written");
    }
    table.push('\n');
    table
}

/// Type, object, reason and note of every Event of the namespace.
async fn events(t: &Test) -> String {
    let api = Api::<Event>::namespaced(t.shared.client.clone(), &t.namespace);
    let mut lines: Vec<String> = Vec::new();
    for event in api.list(&ListParams::default()).await.expect("Events can be listed") {
        let about = event.regarding.unwrap_or_default();
        // The order of Events differs between runs; the final ones don't.
        let (type_, reason) = (event.type_.unwrap_or_default(), event.reason.unwrap_or_default());
        if type_ == "Warning" {
            let (kind, name) = (about.kind.unwrap_or_default(), about.name.unwrap_or_default());
            let note = event.note.unwrap_or_default().replace(&t.namespace, "NAMESPACE");
            lines.push(format!("{type_} {kind}/{name} {reason}: {note}"));
        }
    }
    lines.sort();
    lines.dedup();
    format!("$ kubectl get events --field-selector type=Warning\n{}\n", lines.join("\n"))
}

fn compare(shown: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/tables.txt");
    if std::env::var("DEVOPS_AGENT_WRITE_FIXTURES").is_ok_and(|value| value == "1") {
        std::fs::write(&file, shown).expect("the file can be written");
        return;
    }
    let stored = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(shown, stored, "{} differs; `cargo xtask fixtures` writes it again", file.display());
}
