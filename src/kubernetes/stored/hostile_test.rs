//! Whatever is in an object, the objects beside it are read, and nothing panics.

use kube::ResourceExt;
use kube::core::{ObjectList, WatchEvent};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::api::{
    AWSAccount, AgentSpace, Asset, Association, PrivateConnection, ServiceRegistration, Trigger,
};

use super::*;

/// Placeholder for the hostile part, some of which can't be held as a `Value`.
const PLACE: &str = "@hostile@";

fn deep(open: &str, close: &str, levels: usize) -> String {
    format!("{}1{}", open.repeat(levels), close.repeat(levels))
}

/// Everything that is valid JSON for a parser that only skips it.
fn corpus() -> Vec<String> {
    let literal = [
        "null",
        "true",
        "7",
        "-1",
        "1.5",
        "1e999",
        "-1e999",
        "123456789012345678901234567890",
        "\"\"",
        "\"text\"",
        "[]",
        "{}",
        "[[]]",
        "[null]",
        r#"{"a":1,"a":{"a":2}}"#,
        r#""\ud800""#,
        r#"{"\udfff":1}"#,
        r#""\u0000\u001b""#,
        "\"9999-12-31T23:59:59Z\"",
        "\"0000-00-00T00:00:00Z\"",
        "\"-9999-01-01T00:00:00Z\"",
        r#"[{"time":"9999-12-31T23:59:59Z","fieldsV1":{"f:a":{}}}]"#,
    ];
    let mut corpus: Vec<String> = literal.map(str::to_owned).into();
    for levels in [MOST_DEPTH - 1, MOST_DEPTH, MOST_DEPTH + 1, 127, 128, 200, 20_000] {
        corpus.push(deep("[", "]", levels));
        corpus.push(deep(r#"{"a":"#, "}", levels));
    }
    corpus.push(format!("[{}0]", "0,".repeat(MOST_VALUES)));
    corpus.push(format!("\"{}\"", "x".repeat(1_000_000)));
    corpus
}

/// Copies of `object` with [`PLACE`] at each place in it, in turn, and as one more member of each object.
fn places(object: &Value) -> Vec<Value> {
    let mut all = vec![json!(PLACE)];
    match object {
        Value::Object(members) => {
            for (name, member) in members {
                for changed in places(member) {
                    let mut copy = object.clone();
                    copy[name] = changed;
                    all.push(copy);
                }
            }
            for name in ["more", "managedFields", "deletionTimestamp"] {
                let mut copy = object.clone();
                copy[name] = json!(PLACE);
                all.push(copy);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                for changed in places(item) {
                    let mut copy = object.clone();
                    copy[index] = changed;
                    all.push(copy);
                }
            }
        }
        _ => {}
    }
    all
}

fn good(kind: &str, name: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": "devopsagent.dev/v1alpha1",
        "kind": kind,
        "metadata": {
            "name": name,
            "namespace": "team",
            "uid": "1",
            "resourceVersion": "5",
            "generation": 1,
            "creationTimestamp": "2026-01-01T00:00:00Z",
            "finalizers": ["devopsagent.dev/finalizer"],
            "labels": {"a": "b"},
            "annotations": {"devopsagent.dev/paused": "true", "other": "text"},
        },
        "spec": spec,
        "status": {
            "observedGeneration": 1,
            "conditions": [{
                "type": "Ready", "status": "True", "reason": "Available", "message": "",
                "lastTransitionTime": "2026-01-01T00:00:00Z", "observedGeneration": 1,
            }],
        },
    })
}

/// Reads a list, and a watch, of the hostile `texts` among good ones.
fn reads_the_others<T: Object>(good: &str, texts: &[String]) {
    let hostile = texts.join(",");
    let list = format!(
        r#"{{"kind":"List","apiVersion":"v1","metadata":{{"resourceVersion":"9"}},"items":[{good},{hostile},{good}]}}"#
    );
    let list: ObjectList<Stored> = serde_json::from_str(&list).expect("a list can always be read");
    assert_eq!(list.items.len(), texts.len() + 2);
    for neighbour in [&list.items[0], &list.items[texts.len() + 1]] {
        let read = neighbour.read::<T>().map_err(|(why, _)| why.to_string()).expect("a good one");
        assert_eq!(read.name_any(), "good");
    }
    for object in &list.items {
        let _ = object.read::<T>();
        let _ = object.status::<T>();
    }
    for text in texts {
        let line = format!(r#"{{"type":"ADDED","object":{text}}}"#);
        let event: WatchEvent<Stored> = serde_json::from_str(&line).expect("a line can always be read");
        assert!(matches!(event, WatchEvent::Added(_)));
    }
}

fn at_every_place<T: Object>(spec: &Value) {
    let good = good(T::kind_name(), "good", spec);
    let corpus = corpus();
    let text = good.to_string();
    for object in places(&good) {
        let object = object.to_string();
        // The large ones take time: they are used where anything is allowed.
        let anything = object.contains(&format!("\"free\":[\"{PLACE}"));
        let fitting = corpus.iter().filter(|hostile| anything || hostile.len() < 1000);
        let place = format!("\"{PLACE}\"");
        let texts: Vec<String> = fitting.map(|hostile| object.replace(&place, hostile)).collect();
        reads_the_others::<T>(&text, &texts);
    }
}

#[test]
fn a_hostile_part_at_any_place_of_any_kind_costs_the_others_nothing() {
    let space = json!({"name": "space"});
    at_every_place::<AgentSpace>(&json!({"name": "Space", "allowedNamespaces": {"from": "All"}}));
    at_every_place::<AWSAccount>(&json!({"region": "us-east-1"}));
    at_every_place::<Trigger>(&json!({
        "agentSpaceRef": space,
        "schedule": {"expression": "rate(1 day)"},
        "action": {"free": [1]},
    }));
    at_every_place::<Asset>(&json!({
        "agentSpaceRef": space,
        "assetType": "skill",
        "metadata": {"name": "n"},
        "content": {"files": [{"path": "SKILL.md", "text": "x"}]},
    }));
}

#[test]
fn every_example_is_read_as_it_is() {
    let mut read = 0;
    let mut directories = vec![std::path::PathBuf::from("examples")];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).expect("the examples are there") {
            let path = entry.expect("it is there").path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "yaml") {
                let text = std::fs::read_to_string(&path).expect("it is text");
                for document in text.split("\n---") {
                    read += usize::from(reads(&serde_saphyr::from_str(document).unwrap_or_default()));
                }
            }
        }
    }
    assert!(read > 20, "{read}");
}

fn reads(object: &Value) -> bool {
    let stored: Stored = serde_json::from_str(&object.to_string()).expect("it is JSON");
    let problem = match object["kind"].as_str().unwrap_or_default() {
        "AgentSpace" => stored.read::<AgentSpace>().err(),
        "AWSAccount" => stored.read::<AWSAccount>().err(),
        "Asset" => stored.read::<Asset>().err(),
        "Association" => stored.read::<Association>().err(),
        "PrivateConnection" => stored.read::<PrivateConnection>().err(),
        "ServiceRegistration" => stored.read::<ServiceRegistration>().err(),
        "Trigger" => stored.read::<Trigger>().err(),
        _ => return false,
    };
    assert!(problem.is_none(), "{object}: {}", problem.expect("it is there").0);
    true
}

fn trigger(action: &str) -> Stored {
    let spec = json!({"agentSpaceRef": {"name": "space"}, "schedule": {"expression": "rate(1 day)"}, "action": PLACE});
    let text = good("Trigger", "deep", &spec).to_string().replace(&format!("\"{PLACE}\""), action);
    serde_json::from_str(&text).expect("it is JSON")
}

#[test]
fn what_is_too_deep_is_named_and_what_it_refers_to_is_still_known() {
    let (why, rest) = trigger(&deep(r#"{"a":"#, "}", 200)).read::<Trigger>().expect_err("too deep");
    assert!(why.to_string().starts_with("spec.action.a.a."), "{why}");
    assert_eq!(rest["spec"]["agentSpaceRef"]["name"], "space");
    assert_eq!(rest["metadata"]["finalizers"][0], "devopsagent.dev/finalizer");
    let (why, rest) = trigger("1e999").read::<Trigger>().expect_err("no number");
    assert!(why.to_string().contains("number out of range"), "{why}");
    assert_eq!(rest["spec"]["agentSpaceRef"]["name"], "space");
    let (_, rest) =
        trigger(r#"1e999,"agentSpaceRef":{"name":"first"}"#).read::<Trigger>().expect_err("no number");
    let space = &rest["spec"]["agentSpaceRef"]["name"];
    assert_eq!(space, "space", "of two members with one name the last counts, as for the API server");
    assert!(trigger(&deep(r#"{"a":"#, "}", 60)).read::<Trigger>().is_ok());
}

#[test]
fn what_is_not_needed_is_not_kept_and_what_is_going_goes_whatever_the_date() {
    let text = r#"{"metadata":{"name":"n","deletionTimestamp":"9999-12-31T23:59:59Z","annotations":
        {"other":"x","devopsagent.dev/paused":"true","devopsagent.dev/long":"ää"},"generation":"odd"}}"#
        .replace("ää", &"ä".repeat(1000));
    let stored: Stored = serde_json::from_str(&text).expect("it is JSON");
    let meta = kube::Resource::meta(&stored);
    assert!(meta.deletion_timestamp.is_some() && meta.generation.is_none());
    assert_eq!(stored.annotations().len(), 2);
    assert_eq!(stored.annotations()["devopsagent.dev/long"].len(), 1024);
    assert_eq!(format!("{stored:?}"), r#"Stored { namespace: None, name: Some("n"), .. }"#);
}

fn json_text() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("1e999".to_owned()),
        Just(r#""\ud800""#.to_owned()),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<String>().prop_map(|text| json!(text).to_string()),
    ];
    leaf.prop_recursive(8, 64, 6, |inner| {
        let names = prop::sample::select(vec![
            "metadata",
            "spec",
            "status",
            "name",
            "agentSpaceRef",
            "finalizers",
            "labels",
            "conditions",
            "action",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec((names, inner), 0..6).prop_map(|members| {
                let members: Vec<String> =
                    members.iter().map(|(name, text)| format!("\"{name}\":{text}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_json_at_all_keeps_the_others_from_being_read(text in json_text()) {
        let spec = json!({"agentSpaceRef": {"name": "s"}, "schedule": {"expression": "rate(1 day)"}});
        reads_the_others::<Trigger>(&good("Trigger", "good", &spec).to_string(), &[text]);
    }
}
