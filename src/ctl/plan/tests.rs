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
    let denied = json!([
        condition("Ready", "False", "AccessDenied", "why"),
        condition("Synced", "False", "AccessDenied", "why"),
        condition("Stalled", "True", "AccessDenied", "why"),
    ]);
    let hidden = json!({"id": "h", "conditions": denied});
    let within = json!({"agentSpaceRef": {"name": "hidden"}, "assetRef": {"name": "agent"}});
    let objects = vec![
        seen("AgentSpace", "hidden", &json!({}), &hidden, Some(&hidden)),
        seen("Trigger", "within", &within, &json!({}), Some(&waits)),
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
    assert_eq!(
        (of("hidden").action, of("within").action),
        (Fate::Refused, Fate::Create),
        "what can't be read still works"
    );
    let moves = of("moves");
    assert_eq!(
        (moves.action, moves.after.join(",")),
        (Fate::Replace, "ServiceRegistration team/gitlab".into())
    );
    assert_eq!(moves.disrupts, ["the webhook URL and Secret team/hook"]);
    assert_eq!(of("old").action, Fate::Unchanged);
}

#[test]
fn what_was_in_a_space_that_is_gone_is_created_again_and_only_the_oldest_creates_it() {
    let waits = json!({"id": "old", "agentSpaceId": "gone", "conditions": not_ready("DependencyNotReady")});
    let new = json!({"conditions": not_ready("DependencyNotReady")});
    let created = json!({"pendingChange": pending("Create")});
    let trigger =
        json!({"agentSpaceRef": {"name": "space"}, "schedule": {"expression": "cron(0 9 ? * MON *)"}});
    let mut observing = trigger.clone();
    observing["managementPolicy"] = json!("Observe");
    let mut named = trigger.clone();
    named["externalId"] = json!("never adopted");
    let born = |name: &str, spec: &Value, status: &Value, day: u8| {
        let mut seen = seen("Trigger", name, spec, status, Some(status));
        seen.before["metadata"]["creationTimestamp"] = json!(format!("2026-01-0{day}T00:00:00Z"));
        seen
    };
    let objects = vec![
        seen("AgentSpace", "space", &json!({}), &json!({"id": "gone"}), Some(&created)),
        born("older", &trigger, &waits, 1),
        born("younger", &trigger, &new, 2),
        born("observes", &observing, &waits, 3),
        born("named", &named, &new, 1),
    ];
    let entries = planned(objects, true);
    let of = |name: &str| entries.iter().find(|entry| entry.name == name).unwrap();
    assert_eq!((of("older").action, of("older").id.as_deref()), (Fate::Create, None));
    let younger = of("younger");
    assert_eq!((younger.action, younger.reason.as_str()), (Fate::Refused, "Conflict"));
    assert!(younger.message.starts_with("Trigger team/older describes the same"), "{}", younger.message);
    assert_eq!(of("observes").action, Fate::Differs);
    assert_eq!(of("named").action, Fate::Blocked, "only what was adopted is recreated");
}

#[test]
fn what_is_handed_over_is_named_and_so_is_who_gets_it() {
    let owned = json!({"id": "as-1", "conditions": ready(), "pendingChange": pending("Update")});
    let blocked = json!({"id": "as-1", "conditions": not_ready("ApprovalRequired")});
    let spec = json!({"deletionPolicy": "Retain", "changePolicy": "OnApproval"});
    let leaving = |after: &Value| {
        let mut giver = seen("AgentSpace", "moving", &spec, &json!({"id": "as-1"}), Some(after));
        giver.before["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        giver.before["metadata"]["annotations"] = json!({"devopsagent.dev/hand-over-to": "other"});
        let mut heir = seen("AgentSpace", "moving", &json!({}), &json!({}), Some(&owned));
        heir.before["metadata"]["namespace"] = json!("other");
        planned(vec![giver, heir], true)
    };
    let entries = leaving(&owned);
    let [heir, giver] = entries.as_slice() else { panic!("{entries:?}") };
    assert_eq!((giver.action, giver.heir.as_deref()), (Fate::HandOver, Some("other/moving")));
    assert_eq!(giver.approval, None, "whoever deleted the object asked for it");
    assert_eq!((heir.action, heir.after.join(",")), (Fate::Update, "AgentSpace team/moving".into()));
    assert!(heir.adopts && heir.changes.iter().any(|change| change.path.ends_with("handed-over-by")));
    let text = written::plan(&entries, &[], Format::Text, Paint::none()).unwrap();
    assert!(text.contains("AgentSpace team/moving: hand over to other/moving (as-1)"), "{text}");
    assert!(text.contains("Plan: 1 to update, 1 to hand over."), "{text}");

    let entries = leaving(&blocked);
    assert_eq!(entries[0].action, Fate::Refused, "it isn't handed over yet: {entries:?}");
}

#[test]
fn an_old_service_is_deleted_when_all_have_moved_and_not_before() {
    let waits = json!({"id": "new", "previousId": "old", "conditions": not_ready("Progressing")});
    let uses = json!({"id": "a", "serviceId": "old", "conditions": ready()});
    let mut moving = uses.clone();
    moving["pendingChange"] = pending("Replace");
    let spec = json!({"serviceRef": {"name": "gitlab"}});
    let of = |association: &Value, registration: &Value| {
        let objects = vec![
            seen("ServiceRegistration", "gitlab", &json!({}), registration, Some(registration)),
            seen("Association", "project", &spec, association, Some(association)),
        ];
        planned(objects, true).into_iter().find(|entry| entry.name == "gitlab").unwrap()
    };
    let done = of(&moving, &waits);
    assert_eq!((done.action, done.changes[0].path.as_str()), (Fate::Update, "/status/previousId"));
    assert_eq!(of(&uses, &waits).action, Fate::Blocked);
    let replaced = json!({"id": "old", "conditions": ready(), "pendingChange": pending("Replace")});
    assert_eq!(of(&moving, &replaced).held_by, Vec::<String>::new());
    let mut paused = uses.clone();
    paused["conditions"] =
        json!([condition("Ready", "True", "Available", ""), condition("Synced", "False", "Paused", "")]);
    assert_eq!(of(&paused, &replaced).held_by, ["Association team/project"]);
}

#[test]
fn a_namespace_that_the_operator_does_not_watch_has_no_plan() {
    let watched = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let meant = "team".to_owned();
    assert!(are_watched(&watched(&[]), Some(&meant), &[]).is_ok());
    assert!(are_watched(&watched(&["other", "team"]), Some(&meant), &[]).is_ok());
    let error = are_watched(&watched(&["other"]), Some(&meant), &[]).unwrap_err();
    assert!(error.to_string().starts_with("the namespace team isn't in --watch-namespace"), "{error}");
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
