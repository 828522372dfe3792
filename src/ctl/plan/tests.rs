use serde_json::{Value, json};

use super::outlook::{self, Entry, Fate};
use super::preview::{Seen, Shown};
use super::written::{self, Format};
use super::*;

fn object(name: &str, spec: &Value, status: &Value) -> Value {
    json!({"metadata": {"name": name, "namespace": "team", "uid": "u", "generation": 1}, "spec": spec, "status": status})
}

fn seen(kind: &str, name: &str, spec: &Value, before: &Value, after: Option<&Value>) -> Seen {
    Seen {
        kind: kind.to_owned(),
        before: object(name, spec, before),
        after: after.map(|status| object(name, spec, status)),
        file: None,
        waiting: None,
    }
}

fn condition(kind: &str, status: &str, reason: &str, message: &str) -> Value {
    json!({"type": kind, "status": status, "reason": reason, "message": message})
}

fn ready() -> Value {
    json!([condition("Ready", "True", "Available", ""), condition("Synced", "True", "Available", "")])
}

fn not_ready(reason: &str) -> Value {
    json!([condition("Ready", "False", reason, "why"), condition("Synced", "False", reason, "why")])
}

fn pending(action: &str) -> Value {
    json!({"hash": "sha256:1", "action": action, "changes": [{"path": "/locale", "old": "\"a\"", "new": "\"b\""}]})
}

fn planned(objects: Vec<Seen>, comparable: bool) -> Vec<Entry> {
    outlook::entries(&Shown { objects, comparable, notes: Vec::new() })
}

/// What happens to a space with this status before and after.
fn fate(before: &Value, after: Option<&Value>) -> Entry {
    planned(vec![seen("AgentSpace", "space", &json!({}), before, after)], true).remove(0)
}

#[test]
fn what_the_operator_said_is_what_happens() {
    let known = json!({"id": "as-1", "conditions": ready()});
    let with = |conditions: Value| json!({"id": "as-1", "conditions": conditions});
    let changed =
        |action: &str| json!({"id": "as-1", "conditions": ready(), "pendingChange": pending(action)});
    let stalled = json!([
        condition("Ready", "False", "Invalid", "why"),
        condition("Stalled", "True", "Invalid", "why")
    ]);
    let paused =
        json!([condition("Ready", "True", "Available", ""), condition("Synced", "False", "Paused", "")]);
    let drifted =
        json!([condition("Ready", "True", "Available", ""), condition("Synced", "False", "Drifted", "x")]);
    for (before, after, expected) in [
        (&json!({}), Some(json!({"pendingChange": pending("Create")})), Fate::Create),
        (&known, Some(changed("Update")), Fate::Update),
        (&known, Some(changed("Replace")), Fate::Replace),
        (&known, Some(changed("Delete")), Fate::Delete),
        (&json!({}), Some(known.clone()), Fate::Adopt),
        (&known, Some(known.clone()), Fate::Unchanged),
        (&known, None, Fate::Release),
        (&known, Some(with(drifted)), Fate::Differs),
        (&known, Some(with(stalled)), Fate::Refused),
        (&known, Some(with(not_ready("InputNotFound"))), Fate::Refused),
        (&known, Some(with(not_ready("AccessDenied"))), Fate::Refused),
        (&known, Some(with(not_ready("DeletionBlocked"))), Fate::Blocked),
        (&known, Some(with(paused)), Fate::Paused),
    ] {
        assert_eq!(fate(before, after.as_ref()).action, expected, "{after:?}");
    }
    let adopted = fate(&json!({}), Some(&changed("Update")));
    assert!(adopted.adopts && adopted.action == Fate::Update);
}

#[test]
fn without_the_key_a_recorded_secret_is_never_called_unchanged() {
    let status = json!({"id": "s-1", "conditions": ready(), "fingerprint": {"keyId": "k", "hash": "h"}});
    let of = |comparable| {
        let seen = seen("ServiceRegistration", "gitlab", &json!({}), &status, Some(&status));
        planned(vec![seen], comparable).remove(0).action
    };
    assert_eq!((of(true), of(false)), (Fate::Unchanged, Fate::Incomparable));
}

#[test]
fn what_waits_for_something_new_is_new_and_what_uses_something_replaced_moves() {
    let waits = json!({"conditions": not_ready("DependencyNotReady")});
    let works = json!({"id": "x", "conditions": ready(), "webhook": {"secretName": "hook"}});
    let replaced = json!({"id": "s", "conditions": ready(), "pendingChange": pending("Replace")});
    let created = json!({"pendingChange": pending("Create")});
    let space = |name: &str| json!({"agentSpaceRef": {"name": name}, "serviceRef": {"name": "gitlab"}});
    let trigger = json!({"agentSpaceRef": {"name": "new"}, "assetRef": {"name": "agent"}});
    let objects = vec![
        seen("AgentSpace", "new", &json!({}), &json!({}), Some(&created)),
        seen("AgentSpace", "old", &json!({}), &works, Some(&works)),
        seen("ServiceRegistration", "gitlab", &json!({}), &replaced, Some(&replaced)),
        seen("Association", "late", &space("new"), &json!({}), Some(&waits)),
        seen("Association", "moves", &space("old"), &works, Some(&works)),
        seen("Association", "lost", &space("nowhere"), &json!({}), Some(&waits)),
        seen("Asset", "agent", &json!({"agentSpaceRef": {"name": "new"}}), &json!({}), Some(&waits)),
        seen("Trigger", "weekly", &trigger, &json!({}), Some(&waits)),
    ];
    let entries = planned(objects, true);
    let of = |name: &str| entries.iter().find(|entry| entry.name == name).unwrap();
    assert_eq!((of("late").action, of("late").after.join(",")), (Fate::Create, "AgentSpace team/new".into()));
    assert_eq!(of("weekly").action, Fate::Create, "through two others");
    assert_eq!(of("lost").action, Fate::Blocked);
    let moves = of("moves");
    assert_eq!(
        (moves.action, moves.after.join(",")),
        (Fate::Replace, "ServiceRegistration team/gitlab".into())
    );
    assert_eq!(moves.disrupts, ["the webhook URL and Secret team/hook"]);
    assert_eq!(of("old").action, Fate::Unchanged);
}

#[test]
fn a_plan_for_files_shows_them_and_what_changes_with_them() {
    let works = json!({"id": "x", "conditions": ready()});
    let update = json!({"id": "x", "conditions": ready(), "pendingChange": pending("Update")});
    let uses = json!({"agentSpaceRef": {"name": "space"}});
    let mut space = seen("AgentSpace", "space", &json!({}), &works, Some(&works));
    space.file = Some("space.yaml".to_owned());
    let objects = vec![
        space,
        seen("AgentSpace", "other", &json!({}), &works, Some(&update)),
        seen("Asset", "changes", &uses, &works, Some(&update)),
        seen("Asset", "stays", &uses, &works, Some(&works)),
    ];
    let shown = Shown { objects, comparable: true, notes: Vec::new() };
    let entries = outlook::concerned(outlook::entries(&shown), &shown);
    let names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(names, ["space", "changes"]);
}

#[test]
fn the_exit_code_tells_changes_only_if_asked_and_what_is_refused_always() {
    let entry = |after: &Value| vec![fate(&json!({"id": "as-1"}), Some(after))];
    let changed = entry(&json!({"id": "as-1", "conditions": ready(), "pendingChange": pending("Update")}));
    let same = entry(&json!({"id": "as-1", "conditions": ready()}));
    let refused = entry(&json!({"conditions": not_ready("AccessDenied")}));
    let codes = [(&changed, true), (&changed, false), (&same, true), (&refused, true), (&refused, false)];
    assert_eq!(
        codes.map(|(entries, wanted)| exit(entries, wanted)),
        [Exit::Changes, Exit::Done, Exit::Done, Exit::Error, Exit::Error]
    );
}

#[test]
fn nothing_in_a_value_ends_its_block_or_is_markdown() {
    let evil = "\"```\\u001b[31m``` @everyone <b>\"";
    let after = json!({
        "id": "as-1", "conditions": ready(),
        "pendingChange": {"hash": "sha256:1", "action": "Replace", "disrupts": ["[x](http://evil) @team"],
            "changes": [{"path": "/description", "new": evil}, {"path": "/token", "sensitive": true}]},
    });
    let entries = vec![fate(&json!({"id": "as-1"}), Some(&after))];
    let print = |format| written::plan(&entries, &[], format, Paint::none()).unwrap();
    let markdown = print(Format::Markdown);
    assert!(markdown.contains("\n````diff\n") && markdown.contains("\n````\n"), "{markdown}");
    assert!(
        markdown.contains("\\[x\\](http://evil) \\@team") && markdown.contains("! /token: (hidden)"),
        "{markdown}"
    );
    let text = print(Format::Text);
    assert!(text.contains("Plan: 1 to replace.") && text.contains("~ /token: (hidden)"), "{text}");
    let json: Value = serde_json::from_str(&print(Format::Json)).unwrap();
    assert_eq!(json["summary"], json!({"changes": 1, "replace": 1}));
    assert_eq!(json["objects"][0]["disrupts"][0], "[x](http://evil) @team");
}
