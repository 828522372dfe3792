//! What `kubectl get`, `kubectl describe` and Events show of every kind and every reason, as a golden file:
//! `tests/e2e/tables.txt`.
//!
//! The API server makes the tables, as it does for kubectl. If the operator's messages change, `cargo xtask fixtures`
//! rewrites the file; review it as a user would read it.

mod provoke;

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;
use std::sync::LazyLock;

use devops_agent_operator::reconcile::state::conditions::Reason;
use http::Request;
use k8s_openapi::api::events::v1::Event;
use kube::api::ListParams;
use kube::{Api, ResourceExt};
use regex::Regex;
use serde_json::Value;

use crate::harness::{Test, json_of, run, text};

/// A line of `kubectl get` is read without scrolling up to here.
const WIDTH: usize = 160;
const KINDS: &[&str] =
    &["agentspaces", "serviceregistrations", "privateconnections", "associations", "assets", "triggers"];

/// Reasons that are not in the file, and why.
const NEVER: &[(Reason, &str)] = &[(
    Reason::AccountRequired,
    "needs an operator with --require-account, which refuses what all other tests do; tests/hardship has one",
)];

#[test]
fn what_kubectl_shows_reads_well() {
    run(async |t| {
        let other = provoke::every_reason(t).await;
        let mut shown = String::new();
        for plural in KINDS {
            shown.push_str(&table(t, plural).await);
        }
        let (described, reasons) = describe(t).await;
        shown.push_str(&described);
        shown.push_str(&events(t).await);
        provoke::make_up(t).await;
        assert_complete(&reasons);
        compare(&plain(&shown, t, &other));
    });
}

/// Every reason of the catalogue is shown by some condition.
fn assert_complete(shown: &BTreeSet<String>) {
    for (reason, _) in Reason::TABLE {
        let never = NEVER.iter().find(|(one, _)| one == reason);
        let why = never.map_or("provoke it, or say why that can't be", |(_, why)| why);
        assert_eq!(shown.contains(reason.as_str()), never.is_none(), "{reason}: {why}");
    }
}

/// The text without what differs from run to run. Lengths stay, since headlines are cut.
fn plain(shown: &str, t: &Test, other: &str) -> String {
    static ID: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").expect("it is well formed")
    });
    static HASH: LazyLock<Regex> =
        LazyLock::new(|| Regex::new("sha256:[0-9a-f]{16}").expect("it is well formed"));
    let shown = HASH.replace_all(shown, "sha256:0000000000000000");
    let shown =
        shown.replace(other, "OTHER").replace(&t.namespace, "NAMESPACE").replace(&t.account, "000000000000");
    ID.replace_all(&shown, "00000000-0000-0000-0000-000000000000").into_owned()
}

/// The conditions of every object that say more than that all is well, and all reasons in them. What several conditions say
/// alike is shown once.
async fn describe(t: &Test) -> (String, BTreeSet<String>) {
    let (mut blocks, mut reasons) = (Vec::new(), BTreeSet::new());
    for object in t.objects().await {
        let value = json_of(&object);
        let mut block =
            format!("$ kubectl describe {} {}\n", text(&value, "/kind").to_lowercase(), object.name_any());
        let conditions = value.pointer("/status/conditions").and_then(Value::as_array);
        let mut told: Vec<(String, Vec<String>)> = Vec::new();
        for condition in conditions.into_iter().flatten() {
            let (reason, message) = (text(condition, "/reason"), text(condition, "/message"));
            reasons.insert(reason.to_owned());
            let what = format!("{}={}", text(condition, "/type"), text(condition, "/status"));
            let why = if message.is_empty() { reason.to_owned() } else { format!("{reason}: {message}") };
            match told.iter_mut().find(|(known, _)| *known == why) {
                Some((_, conditions)) => conditions.push(what),
                None => told.push((why, vec![what])),
            }
        }
        told.retain(|(why, _)| why != "Available");
        for (_, conditions) in &mut told {
            conditions.sort_unstable();
        }
        told.sort_unstable();
        for (why, conditions) in &told {
            writeln!(block, "  {}  {why}", conditions.join(" ")).expect("text can be written");
        }
        if !told.is_empty() && object.namespace().as_ref() == Some(&t.namespace) {
            blocks.push(block);
        }
    }
    blocks.sort();
    (format!("{}\n", blocks.concat()), reasons)
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
        rows.push(cells.collect());
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
            let note = event.note.unwrap_or_default();
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
