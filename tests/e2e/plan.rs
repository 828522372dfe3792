//! `kubectl devopsagent plan`: what it says against what then happens.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::fixtures::{
    AGENT, CHANNEL, CONNECTION, CREDENTIALS, EVENTS, GITLAB, PROJECT, SOURCE, SPACE, TRIGGER,
};
use crate::harness::{Ended, Test, plugin, run, text};

/// A file with these objects, as the test would apply them.
fn file(t: &Test, objects: &[Value]) -> PathBuf {
    let path = std::env::temp_dir().join(format!("{}-plan.json", t.namespace));
    std::fs::write(&path, json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string()).unwrap();
    path
}

pub async fn plan(t: &Test, arguments: &[&str]) -> Ended {
    let mut all = vec!["plan", "--operator-namespace", &t.shared.own_namespace, "-n", &t.namespace];
    all.extend(arguments);
    plugin(t, &all).await
}

/// The plan for these objects: what is to happen, by kind and name.
pub async fn planned(t: &Test, objects: &[Value]) -> BTreeMap<String, Value> {
    let path = file(t, objects);
    let ended = plan(t, &["-f", path.to_str().unwrap(), "-o", "json"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let plan: Value = serde_json::from_str(&ended.out).unwrap();
    let entries = plan["objects"].as_array().unwrap().iter();
    let named =
        entries.map(|entry| (format!("{} {}", text(entry, "/kind"), text(entry, "/name")), entry.clone()));
    named.collect()
}

/// The operations that make up a change, as a plan names it.
fn operations(entry: &Value) -> &'static [&'static str] {
    match (text(entry, "/kind"), text(entry, "/action")) {
        ("AgentSpace", "create") => &["CreateAgentSpace"],
        ("AgentSpace", "update") => &["UpdateAgentSpace"],
        ("ServiceRegistration", "create") => &["RegisterService"],
        ("ServiceRegistration", "replace") => &["RegisterService", "DeregisterService"],
        ("Association", "create") => &["AssociateService"],
        ("Association", "update") => &["UpdateAssociation"],
        ("Association", "replace") => &["AssociateService", "DisassociateService"],
        ("PrivateConnection", "create") => &["CreatePrivateConnection"],
        ("PrivateConnection", "update") => &["TagResource"],
        ("Asset", "create") => &["CreateAsset"],
        ("Asset", "update") => &["UpdateAssetFile"],
        ("Trigger", "create") => &["CreateTrigger"],
        ("Trigger", "replace") => &["CreateTrigger", "DeleteTrigger"],
        (_, "unchanged") => &[],
        other => panic!("{other:?} isn't expected: {entry:#}"),
    }
}

/// Applies the objects after a plan for them, and compares what was called with what was planned.
async fn happens(t: &Test, objects: &[Value], settled: impl AsyncFnOnce()) -> BTreeMap<String, String> {
    let mark = t.mark();
    let plan = planned(t, objects).await;
    assert_eq!(t.mutations_since(mark), Vec::<String>::new(), "a plan writes nothing");
    for object in objects {
        t.apply(&object.to_string()).await;
    }
    settled().await;
    let expected: BTreeSet<&str> = plan.values().flat_map(operations).copied().collect();
    let made = t.mutations_since(mark);
    assert_eq!(made.iter().map(String::as_str).collect::<BTreeSet<_>>(), expected, "{plan:#?}");
    plan.into_iter().map(|(name, entry)| (name, text(&entry, "/action").to_owned())).collect()
}

async fn ready(t: &Test, objects: &[Value]) {
    for object in objects.iter().filter(|object| object["kind"] != "Secret") {
        t.handle_of(object).ready().await;
    }
}

#[test]
fn a_plan_says_what_then_happens_and_nothing_else() {
    run(async |t| {
        let yaml = [SPACE, CHANNEL, GITLAB, EVENTS, PROJECT, SOURCE, CONNECTION, AGENT, TRIGGER];
        let mut objects: Vec<Value> = yaml.iter().map(|yaml| t.object(yaml)).collect();
        let data: Value = CREDENTIALS.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "credentials", "namespace": t.namespace}, "stringData": data});
        objects.push(secret);
        let made = happens(t, &objects, async || ready(t, &objects).await).await;
        assert!(made.values().all(|action| action == "create"), "{made:?}");
        let again = happens(t, &objects, async || ready(t, &objects).await).await;
        assert!(again.values().all(|action| action == "unchanged"), "{again:?}");

        let before = t.handle("ServiceRegistration", "gitlab").id().await;
        let edit = |objects: &mut Vec<Value>, name: &str, pointer: &str, value: Value| {
            let object = objects.iter_mut().find(|object| object["metadata"]["name"] == name).unwrap();
            let (parent, member) = pointer.rsplit_once('/').unwrap();
            if object.pointer(parent).is_none() {
                object["spec"][parent.trim_start_matches("/spec/")] = json!({});
            }
            object.pointer_mut(parent).unwrap()[member] = value;
        };
        edit(&mut objects, "space", "/spec/locale", json!("de-DE"));
        edit(&mut objects, "credentials", "/stringData/token", json!("glpat-second.token_2"));
        edit(
            &mut objects,
            "source",
            "/spec/configuration/sourceAws/assumableRoleArn",
            json!("arn:aws:iam::210987654321:role/Other"),
        );
        edit(&mut objects, "events", "/spec/webhook/rotation", json!("1"));
        edit(&mut objects, "internal", "/spec/tags/team", json!("sre"));
        edit(&mut objects, "agent", "/spec/content/files/0/text", json!("Report what happened today."));
        // What another object still has, and is about to give up, can be created.
        objects.push(t.object(&TRIGGER.replace("name: weekly", "name: early")));
        edit(&mut objects, "weekly", "/spec/schedule/expression", json!("cron(0 10 ? * MON *)"));
        let path = file(t, &objects);
        let text_plan = plan(t, &["-f", path.to_str().unwrap()]).await.out;
        for part in [
            "~ /locale: \"en-US\" → \"de-DE\"",
            "affects the webhook URL and Secret",
            "~ /webhook/rotation: (hidden)",
            "after ServiceRegistration",
            "Plan: 1 to create, 4 to update, 4 to replace, 1 unchanged.",
        ] {
            assert!(text_plan.contains(part), "{part}: {text_plan}");
        }
        assert!(!text_plan.contains("token_2"), "{text_plan}");
        let edited = happens(t, &objects, async || {
            let moved = |object: &Value| {
                object["status"]["id"] != before.as_str() && object["status"]["previousId"].is_null()
            };
            t.handle("ServiceRegistration", "gitlab").wait("it is replaced", moved).await;
            for object in objects.iter().filter(|object| object["kind"] != "Secret") {
                t.handle_of(object)
                    .wait("nothing is left to do", |object| {
                        let synced = crate::harness::condition(object, "Synced")
                            .is_some_and(|it| it["status"] == "True");
                        synced
                            && object["status"]["observedGeneration"] == object["metadata"]["generation"]
                            && object["status"]["previousId"].is_null()
                    })
                    .await;
            }
            ready(t, &objects).await;
        })
        .await;
        let expected = [
            ("AgentSpace space", "update"),
            ("Asset agent", "update"),
            ("Association events", "replace"),
            ("Association project", "replace"),
            ("Association source", "update"),
            ("PrivateConnection internal", "update"),
            ("ServiceRegistration channel", "unchanged"),
            ("ServiceRegistration gitlab", "replace"),
            ("Trigger early", "create"),
            ("Trigger weekly", "replace"),
        ];
        let expected = expected.map(|(name, action)| (name.to_owned(), action.to_owned()));
        assert_eq!(edited, BTreeMap::from(expected));
    });
}
