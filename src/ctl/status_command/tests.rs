//! From objects to trees, causes and lines.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::ctl::output::Paint;
use crate::kinds;
use crate::reconcile::state::subject::Subject;
use crate::text::plain;

use super::forest::Forest;
use super::lines::{self, Style};
use super::overview::Picture;

const STYLE: Style = Style { paint: Paint::none(), now: None };

/// An object with the conditions that follow from the reason of Ready.
#[allow(clippy::needless_pass_by_value, reason = "specs are written where they are used")]
fn object(kind: &str, name: &str, reason: &str, spec: Value) -> Value {
    let (namespace, name) = name.split_once('/').unwrap_or(("", name));
    let is_ready = if reason == "Available" { "True" } else { "False" };
    let ready = json!({"type": "Ready", "status": is_ready, "reason": reason, "message": format!("of {name}"),
                       "lastTransitionTime": "2026-01-01T00:00:00Z"});
    let mut conditions = vec![ready];
    if reason != "Available" {
        conditions.push(json!({"type": "Reconciling", "status": "True", "reason": reason, "message": ""}));
    }
    json!({"apiVersion": "devopsagent.dev/v1alpha1", "kind": kind,
           "metadata": {"name": name, "namespace": namespace, "generation": 1}, "spec": spec,
           "status": {"observedGeneration": 1, "conditions": conditions}})
}

fn in_space(space: &str) -> Value {
    json!({"agentSpaceRef": {"name": space}})
}

fn text(objects: &[Value]) -> String {
    text_without(objects, &BTreeSet::new(), None)
}

fn text_without(objects: &[Value], unreadable: &BTreeSet<Subject>, chosen: Option<&Subject>) -> String {
    let forest = Forest::of(objects, unreadable);
    lines::whole(&Picture::of(&forest, chosen), STYLE)
}

#[test]
fn the_object_with_trouble_of_its_own_comes_first_and_those_that_wait_for_it_with_it() {
    let objects = [
        object("AWSAccount", "prod", "Available", json!({})),
        object("AgentSpace", "team/space", "Available", json!({"accountRef": {"name": "prod"}})),
        object(
            "ServiceRegistration",
            "team/gitlab",
            "InputNotFound",
            json!({"accountRef": {"name": "prod"}}),
        ),
        object(
            "Association",
            "team/code",
            "DependencyNotReady",
            json!({"agentSpaceRef": {"name": "space"}, "serviceRef": {"name": "gitlab"}}),
        ),
        object("Asset", "team/skill", "Throttled", in_space("space")),
    ];
    assert_eq!(
        text(&objects),
        "\
AWSAccount prod: Healthy
├─ ServiceRegistration team/gitlab: Degraded since 2026-01-01T00:00:00Z: InputNotFound: of gitlab
└─ AgentSpace team/space: Healthy
   ├─ Association team/code: Progressing since 2026-01-01T00:00:00Z: DependencyNotReady: of code
   │  └─ uses ServiceRegistration team/gitlab: Degraded
   └─ Asset team/skill: Progressing since 2026-01-01T00:00:00Z: Throttled: of skill

5 objects: 2 healthy, 2 progressing, 1 degraded

What to fix, first things first:
1. ServiceRegistration team/gitlab: Degraded since 2026-01-01T00:00:00Z: InputNotFound: of gitlab
   What to do: A Secret or ConfigMap, or a key in it, does not exist. Create it; the operator notices at once.
   Holds up: Association team/code (since 2026-01-01T00:00:00Z)

In progress:
1. Asset team/skill: Progressing since 2026-01-01T00:00:00Z: Throttled: of skill
   What to do: AWS throttles requests. The operator slows down and continues by itself.
"
    );
}

#[test]
fn an_account_that_is_gone_holds_up_everything_in_its_spaces() {
    let elsewhere = json!({"agentSpaceRef": {"name": "space", "namespace": "platform"}});
    let objects = [
        object("AgentSpace", "platform/space", "DependencyNotFound", json!({"accountRef": {"name": "gone"}})),
        object("Association", "team/code", "DependencyNotReady", elsewhere.clone()),
        object("Trigger", "team/weekly", "DependencyNotFound", elsewhere),
    ];
    let text = text(&objects);
    assert!(
        text.starts_with("AWSAccount gone: Missing: doesn't exist\n└─ AgentSpace platform/space"),
        "{text}"
    );
    let cause = "1. AWSAccount gone: Missing: doesn't exist; AgentSpace platform/space refers to it\n   \
                 What to do: create it, or correct the reference\n   \
                 Holds up: AgentSpace platform/space (since 2026-01-01T00:00:00Z), Association team/code";
    assert!(text.contains(cause), "{text}");
    assert!(!text.contains("\n2. ") && !text.contains("In progress"), "{text}");
}

#[test]
fn what_may_not_be_read_is_neither_missing_nor_well() {
    let space = Subject::new("AgentSpace", "platform", "space");
    let spec = json!({"agentSpaceRef": {"name": "space", "namespace": "platform"}});
    let objects = [object("Asset", "team/skill", "DependencyNotReady", spec.clone())];
    let text = text_without(&objects, &[space.clone()].into(), None);
    assert!(text.starts_with("AgentSpace platform/space: Unknown: you may not read it\n└─ Asset"), "{text}");
    assert!(
        text.contains("1. AgentSpace platform/space") && text.contains("ask for the permission"),
        "{text}"
    );
    let well = [object("Asset", "team/skill", "Available", spec)];
    let text = text_without(&well, &[space].into(), None);
    assert!(text.ends_with("1 object: 1 healthy; 1 not readable\n"), "{text}");
}

#[test]
fn without_an_account_everything_is_in_the_default_one_or_in_the_operators_own() {
    let space = object("AgentSpace", "team/space", "Available", json!({}));
    let alone = text(std::slice::from_ref(&space));
    assert!(
        alone.starts_with("In the account of the operator's own credentials:\nAgentSpace team/space"),
        "{alone}"
    );
    let default = object("AWSAccount", "default", "Available", json!({}));
    let both = text(&[space, default]);
    assert!(both.starts_with("AWSAccount default: Healthy\n└─ AgentSpace team/space: Healthy\n"), "{both}");
}

#[test]
fn objects_that_wait_for_each_other_in_a_circle_are_one_cause() {
    let refers = |other: &str| {
        json!({"agentSpaceRef": {"name": "space"},
               "configuration": {"x": {"releaseManagementAssociationRef": {"name": other}}}})
    };
    let objects = [
        object("AgentSpace", "team/space", "Available", json!({})),
        object("Association", "team/a", "DependencyNotReady", refers("b")),
        object("Association", "team/b", "DependencyNotReady", refers("a")),
    ];
    let text = text(&objects);
    assert!(text.contains("1. Association team/a: ") && !text.contains("2. "), "{text}");
    assert!(text.contains("Holds up: Association team/b"), "{text}");
}

#[test]
fn an_object_that_was_asked_for_is_shown_with_what_uses_it_and_its_causes_elsewhere() {
    let objects = [
        object("AgentSpace", "team/space", "Available", json!({})),
        object("PrivateConnection", "team/net", "Failed", json!({})),
        object(
            "ServiceRegistration",
            "team/gitlab",
            "DependencyNotReady",
            json!({"privateConnectionRef": {"name": "net"}}),
        ),
        object(
            "Association",
            "team/code",
            "DependencyNotReady",
            json!({"agentSpaceRef": {"name": "space"}, "serviceRef": {"name": "gitlab"}}),
        ),
    ];
    let chosen = Subject::new("ServiceRegistration", "team", "gitlab");
    let text = text_without(&objects, &BTreeSet::new(), Some(&chosen));
    assert!(text.starts_with("ServiceRegistration team/gitlab: Progressing"), "{text}");
    assert!(
        text.contains("├─ uses PrivateConnection team/net: Progressing\n└─ used by Association team/code"),
        "{text}"
    );
    assert!(
        text.contains("\n1 object: 1 progressing\n") && text.contains("1. PrivateConnection team/net"),
        "{text}"
    );
}

#[test]
fn a_person_who_has_to_sign_in_or_approve_is_a_cause_and_one_who_paused_an_object_is_not() {
    let mut waits = object("ServiceRegistration", "team/slack", "AuthorizationRequired", json!({}));
    waits["status"]["authorizationUrl"] = json!("https://example.com/\u{1b}[2Jsign-in\n");
    let mut paused = object("AgentSpace", "team/space", "Available", json!({}));
    paused["metadata"]["annotations"] = json!({"devopsagent.dev/paused": "true"});
    let mut held = object("AgentSpace", "team/held", "Available", json!({}));
    let synced =
        json!({"type": "Synced", "status": "False", "reason": "ApprovalRequired", "message": "hash 1"});
    held["status"]["conditions"].as_array_mut().unwrap().push(synced);
    let text = text(&[waits, paused, held]);
    assert!(text.contains("1. AgentSpace team/held: Suspended: ApprovalRequired: hash 1"), "{text}");
    assert!(text.contains("2. ServiceRegistration team/slack: Suspended"), "{text}");
    assert!(
        text.contains("AuthorizationRequired: open https://example.com/\u{FFFD}[2Jsign-in  to complete"),
        "{text}"
    );
    assert!(text.contains("AgentSpace team/space: Suspended: Paused: ") && !text.contains("3. "), "{text}");
}

#[test]
fn a_webhook_is_shown_below_its_association() {
    let mut association = object("Association", "team/events", "Available", in_space("space"));
    association["status"]["webhook"] = json!({"secretName": "hook"});
    let lost =
        json!({"type": "WebhookReady", "status": "False", "reason": "WebhookSecretLost", "message": "gone"});
    association["status"]["conditions"].as_array_mut().unwrap().push(lost);
    let text = text(&[object("AgentSpace", "team/space", "Available", json!({})), association]);
    assert!(
        text.contains("   └─ webhook in Secret team/hook: Degraded: WebhookSecretLost: gone\n"),
        "{text}"
    );
    assert!(text.contains("1. Association team/events: Degraded: WebhookSecretLost: gone\n"), "{text}");
}

#[test]
fn programs_get_the_same() {
    let objects =
        [object("AgentSpace", "team/space", "DependencyNotFound", json!({"accountRef": {"name": "gone"}}))];
    let forest = Forest::of(&objects, &BTreeSet::new());
    let picture = Picture::of(&forest, None);
    let report = serde_json::to_value(picture.report()).unwrap();
    assert_eq!(report["objects"][1]["waitsFor"], json!([{"kind": "AWSAccount", "name": "gone"}]));
    assert_eq!(report["objects"][1]["parent"], json!({"kind": "AWSAccount", "name": "gone"}));
    assert_eq!(report["causes"][0]["whatToDo"], "create it, or correct the reference");
    let summary = serde_json::to_value(picture.summary()).unwrap();
    assert_eq!(
        (&summary["objects"], &summary["missing"], &summary["causes"]),
        (&json!(1), &json!(1), &json!(1))
    );
}

#[test]
fn ages_are_in_the_unit_that_matters() {
    let space = object("AgentSpace", "team/space", "Invalid", json!({}));
    for (now, age) in [
        ("2026-01-01T00:00:45Z", "for 45s"),
        ("2026-01-01T00:03:59Z", "for 3m"),
        ("2026-01-01T05:00:00Z", "for 5h"),
        ("2026-01-11T05:00:00Z", "for 10d"),
        ("2025-12-31T00:00:00Z", "for 0s"),
    ] {
        let forest = Forest::of([&space], &BTreeSet::new());
        let style = Style { now: Some(now.parse().unwrap()), ..STYLE };
        let text = lines::whole(&Picture::of(&forest, None), style);
        assert!(text.contains(&format!("AgentSpace team/space: Progressing {age}: Invalid")), "{text}");
    }
}

/// Any JSON, with the names that mean something here.
fn garbage() -> impl Strategy<Value = Value> {
    let word = prop::sample::select(vec![
        "a",
        "b",
        "True",
        "False",
        "Ready",
        "Stalled",
        "Reconciling",
        "WebhookReady",
        "DependencyNotReady",
        "DependencyNotFound",
        "Invalid",
        "default",
        "2026-01-01T00:00:00Z",
        "\u{1b}[2J\n",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        word.prop_map(Value::from),
    ];
    let key = prop::sample::select(vec![
        "name",
        "namespace",
        "accountRef",
        "agentSpaceRef",
        "serviceRef",
        "releaseManagementAssociationRef",
        "webhook",
        "secretName",
        "conditions",
        "type",
        "status",
        "reason",
        "message",
        "observedGeneration",
        "lastTransitionTime",
        "suspend",
    ]);
    leaf.prop_recursive(4, 24, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::hash_map(key.clone(), inner, 0..5).prop_map(|members| {
                members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<Value>()
            }),
        ]
    })
}

/// An object that refers to others by valid references, in any direction, and is garbage otherwise.
fn any_object() -> impl Strategy<Value = Value> {
    let name = || prop::sample::select(vec!["a", "b", "default"]);
    let reference = || prop::option::of(name().prop_map(|name| json!({"name": name})));
    let reason = prop::sample::select(vec![
        "Available",
        "DependencyNotReady",
        "DependencyNotFound",
        "Invalid",
        "Paused",
    ]);
    (
        prop::sample::select(kinds::names()),
        name(),
        reason,
        [reference(), reference(), reference(), reference()],
        garbage(),
        any::<u8>(),
    )
        .prop_map(|(kind, name, reason, [account, space, service, association], garbage, spoilt)| {
            let mut object = object(
                kind,
                &format!("team/{name}"),
                reason,
                json!({
                    "accountRef": account, "agentSpaceRef": space, "serviceRef": service,
                    "releaseManagementAssociationRef": association,
                }),
            );
            match spoilt {
                0..20 => object["spec"] = garbage,
                20..40 => object["status"] = garbage,
                40..60 => object["metadata"]["annotations"] = garbage,
                60..80 => object["status"]["conditions"] = garbage,
                _ => {}
            }
            object
        })
}

proptest! {
    #[test]
    fn whatever_objects_hold_they_are_shown(
        objects in prop::collection::vec(any_object(), 0..12),
        unreadable in any::<bool>(),
        chosen in prop::option::of(prop::sample::select(kinds::names())),
    ) {
        let unreadable = if unreadable { [Subject::new("AgentSpace", "team", "b")].into() } else { BTreeSet::new() };
        let forest = Forest::of(&objects, &unreadable);
        let chosen = chosen.map(|kind| Subject::new(kind, "team", "a")).filter(|chosen| forest.nodes.contains_key(chosen));
        let picture = Picture::of(&forest, chosen.as_ref());
        let text = lines::whole(&picture, STYLE);
        prop_assert!(!text.contains('\x1b'));
        if chosen.is_none() {
            // Every object is in one tree, once.
            for subject in forest.nodes.keys() {
                let shown = |line: &&str| line.trim_start_matches(['│', '├', '└', '─', ' ']).starts_with(&format!("{}: ", plain(&subject.to_string())));
                let trees = text.split("\n\n").next().unwrap_or_default();
                prop_assert_eq!(trees.lines().filter(shown).count(), 1, "{}\n{}", subject, text);
            }
        }
        // Whatever waits, waits for something that is named.
        for cause in &picture.causes {
            prop_assert!(forest.nodes.contains_key(&cause.subject));
            prop_assert!(!cause.blocks.contains(&cause.subject));
        }
        serde_json::to_string(&picture.report()).unwrap();
    }
}
