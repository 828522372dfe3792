//! An account that someone else filled: imported, applied, and taken over, without a write but the owner tags.

use std::collections::BTreeSet;

use devops_agent_operator::api::catalog;
use serde_json::{Value, json};

use crate::fixtures::{Served, fill};
use crate::harness::{Handle, Test, plugin, run, text};
use crate::plan::planned;

/// Runs `kubectl devopsagent import` for the test's account, and returns what it prints.
async fn import(t: &Test, arguments: &[&str]) -> String {
    let mut all = vec!["import", "--account", &t.namespace, "--namespace", &t.namespace];
    all.extend(arguments);
    let ended = plugin(t, &all).await;
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
    ended.out
}

fn documents(yaml: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(yaml).unwrap()
}

/// The plan for these objects names adoption and owner tags, and nothing else.
async fn only_tags_are_planned(t: &Test, yaml: &str) {
    let plan = planned(t, &documents(yaml)).await;
    assert!(plan.len() > 20, "{plan:?}");
    for (name, entry) in plan {
        let action = text(&entry, "/action");
        assert!(["adopt", "update", "unchanged"].contains(&action), "{name}: {entry:#}");
        for change in entry["changes"].as_array().into_iter().flatten() {
            assert!(text(change, "/path").starts_with("/tags/devopsagent.dev~1"), "{name}: {entry:#}");
        }
    }
}

/// Applies the objects, and waits until all of ours are Ready.
async fn applied(t: &Test, yaml: &str) -> Vec<(Value, Handle)> {
    t.apply(yaml).await;
    let ours = documents(yaml).into_iter().filter(|object| object["kind"] != "Secret");
    let objects: Vec<_> = ours.map(|object| (object.clone(), t.handle_of(&object))).collect();
    for (_, handle) in &objects {
        handle.ready().await;
    }
    objects
}

#[test]
fn an_account_of_someone_else_is_imported_and_taken_over_without_a_write_but_the_owner_tags() {
    run(async |t| {
        let served = |key: &str| {
            let service = catalog::configuration(key).service;
            Served { types: service.types().to_vec(), word: service.word() }
        };
        fill(
            &async |operation: &str, input| t.invoke(operation, input).await,
            &async |url: &str| t.open(url).await,
            served,
        )
        .await;
        let mark = t.mark();
        let yaml = import(t, &[]).await;
        assert_eq!(yaml, import(t, &[]).await, "two runs print the same");
        let observed = applied(t, &yaml).await;
        assert_eq!(t.mutations_since(mark), Vec::<String>::new(), "observed");
        let manage = import(t, &["--manage"]).await;
        only_tags_are_planned(t, &manage).await;
        assert_eq!(t.mutations_since(mark), Vec::<String>::new(), "a plan writes nothing");
        let managed = applied(t, &manage).await;
        let after = planned(t, &documents(&manage)).await;
        assert!(after.values().all(|entry| entry["action"] == "unchanged"), "{after:#?}");
        assert_eq!(managed.len(), observed.len());
        let tagged = ["AgentSpace", "ServiceRegistration", "PrivateConnection"];
        let tagged = managed.iter().filter(|(object, _)| {
            tagged.contains(&text(object, "/kind")) && object["spec"]["existing"].is_null()
        });
        let written = t.mutations_since(mark);
        assert_eq!(written.iter().collect::<BTreeSet<_>>(), BTreeSet::from([&"TagResource".to_owned()]));
        assert_eq!(written.len(), tagged.count());
        for (object, handle) in &managed {
            let id =
                object["spec"].get("externalId").or_else(|| object["spec"].pointer("/existing/serviceId"));
            assert_eq!(handle.get().await["status"]["id"], *id.unwrap(), "{object}");
        }
        a_placeholder_is_never_sent(t, "gitlab-personal", "tokenValue", "glpat-first.token_1").await;
    });
}

/// What AWS has stays until the real value is there; that isn't sent either, but what differs from then on is.
async fn a_placeholder_is_never_sent(t: &Test, name: &str, key: &str, value: &str) {
    let mark = t.mark();
    let registration = t.handle("ServiceRegistration", name);
    let old = registration.id().await;
    registration.patch(json!({"spec": {"name": "Another name"}})).await;
    let message = registration.condition("Synced", "False", "InputInvalid").await;
    assert!(message.contains("placeholder"), "{message}");
    assert_eq!(t.mutations_since(mark), Vec::<String>::new());
    let secret = t.handle("Secret", &format!("{name}-credentials"));
    secret.patch(json!({"stringData": {key: value}})).await;
    registration
        .wait("it is registered with the credential", |object| {
            object["status"]["id"].as_str().is_some_and(|id| id != old)
        })
        .await;
    registration.ready().await;
    assert!(t.mutations_since(mark).contains(&"RegisterService".to_owned()));
}
