//! YAML that must be rejected at `kubectl apply`, with the field named: asked of a real API server.
//!
//! `cargo xtask test` runs this with a cluster; without one, the test of the server says so and does nothing.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by it")]

mod cluster;
mod offline;
mod table;

use std::collections::{BTreeMap, BTreeSet};

use devops_agent_operator::api::{
    AWSAccount, AgentSpace, Asset, Association, PrivateConnection, ServiceRegistration, Trigger,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use cluster::{Cluster, Refusal};
use table::Row;

fn crds() -> Vec<Value> {
    devops_agent_operator::kinds::crds().expect("the CRDs can be made")
}

/// Every CEL rule's message, of all kinds.
fn messages() -> BTreeSet<String> {
    fn collect(schema: &Value, found: &mut BTreeSet<String>) {
        for rule in schema["x-kubernetes-validations"].as_array().into_iter().flatten() {
            found.extend(rule["message"].as_str().map(str::to_owned));
        }
        let properties = schema["properties"].as_object().into_iter().flat_map(|all| all.values());
        let insides = [&schema["items"], &schema["additionalProperties"]];
        for inner in properties.chain(insides).filter(|inner| inner.is_object()) {
            collect(inner, found);
        }
    }
    let mut found = BTreeSet::new();
    for crd in crds() {
        collect(&crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"], &mut found);
    }
    found
}

#[test]
fn every_cel_rule_has_a_row_that_breaks_it() {
    let rows = table::rows();
    let silent: Vec<String> = messages()
        .into_iter()
        .filter(|message| !rows.iter().any(|row| message.contains(&row.says)))
        .collect();
    assert!(silent.is_empty(), "rules without a row:\n{}", silent.join("\n"));
}

#[test]
fn every_row_is_about_a_good_object_and_no_two_are_called_the_same() {
    let good = table::good();
    let mut names = BTreeSet::new();
    for row in table::rows() {
        assert!(good.contains_key(&row.of), "{}: there is no {}", row.it, row.of);
        assert!(names.insert(row.it.clone()), "{} is there twice", row.it);
    }
}

#[test]
fn every_service_and_configuration_has_a_good_object() {
    use devops_agent_operator::api::association::Configuration;
    use devops_agent_operator::api::service_registration::Service;

    let good = table::good();
    let has = |place: &str, key: &str| good.values().any(|object| !object["spec"][place][key].is_null());
    for key in Service::KEYS {
        assert!(has("service", key), "no good registration of {key}");
    }
    for key in Configuration::KEYS {
        assert!(has("configuration", key), "no good association of {key}");
    }
}

/// The members of `expected` that `actual` lacks or that differ.
fn lost(expected: &Value, actual: &Value, path: &str, found: &mut Vec<String>) {
    match (expected, actual) {
        (Value::Object(expected), Value::Object(actual)) => {
            for (key, value) in expected {
                let path = format!("{path}.{key}");
                match actual.get(key) {
                    Some(actual) => lost(value, actual, &path, found),
                    None => found.push(path),
                }
            }
        }
        (expected, actual) if expected == actual => {}
        _ => found.push(path.to_owned()),
    }
}

/// An object as the operator's types understand it.
fn understood(object: &Value) -> serde_json::Result<Value> {
    fn via<K: DeserializeOwned + Serialize>(object: &Value) -> serde_json::Result<Value> {
        serde_json::to_value(K::deserialize(object)?)
    }
    match object["kind"].as_str().unwrap_or_default() {
        "AWSAccount" => via::<AWSAccount>(object),
        "AgentSpace" => via::<AgentSpace>(object),
        "Asset" => via::<Asset>(object),
        "Association" => via::<Association>(object),
        "PrivateConnection" => via::<PrivateConnection>(object),
        "ServiceRegistration" => via::<ServiceRegistration>(object),
        "Trigger" => via::<Trigger>(object),
        kind => panic!("{kind} is none of ours"),
    }
}

#[test]
fn what_is_good_keeps_every_member_in_the_operators_types() {
    for (name, object) in table::good() {
        let understood = understood(&object).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut found = Vec::new();
        lost(&object, &understood, &name, &mut found);
        assert!(found.is_empty(), "lost or changed: {found:?}");
    }
}

#[tokio::test]
async fn bad_yaml_is_refused_with_the_field_named_and_good_yaml_is_taken() {
    if !devops_agent_test_support::runtime::has_cluster() {
        eprintln!("not run: this needs a cluster, which `cargo xtask test` provides");
        return;
    }
    let cluster = Cluster::prepare(&crds()).await;
    let mut good = table::good();
    for object in good.values_mut() {
        // An operator that may be running in the cluster must not act on them.
        let paused =
            serde_json::json!({ "metadata": { "annotations": { "devopsagent.dev/paused": "true" } } });
        table::merge(object, &paused);
    }
    let failures = try_all(&cluster, &good).await;
    cluster.clean_up(&good).await;
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

async fn try_all(cluster: &Cluster, good: &BTreeMap<String, Value>) -> Vec<String> {
    let mut failures = Vec::new();
    for (name, object) in good {
        if let Err(refusal) = cluster.make(object).await {
            failures.push(format!("{name} is good, but: {}", refusal.message));
        }
    }
    for row in table::rows() {
        let mut object = good[&row.of].clone();
        if !row.update {
            object["metadata"]["name"] = Value::from("bad");
        }
        table::merge(&mut object, &row.patch);
        if !row.update {
            failures.extend(judge(&row, &row.says, cluster.ask_to_create(&object).await));
        }
        let answer = cluster.ask_to_apply(&object).await;
        match &row.taken {
            Some(why) if answer.is_err() => failures.push(format!("{}: not taken, although {why}", row.it)),
            Some(_) => {}
            None => failures.extend(judge(&row, row.applied.as_ref().unwrap_or(&row.says), answer)),
        }
    }
    failures
}

/// What is wrong with the API server's response to a row, if anything.
fn judge(row: &Row, words: &str, answer: Result<(), Refusal>) -> Option<String> {
    match answer {
        Ok(()) => Some(format!("{}: it was taken", row.it)),
        Err(refusal) if refusal.is_about(&row.field, words) => None,
        Err(refusal) => Some(format!("{}: not {words} at {}, but: {refusal:?}", row.it, row.field)),
    }
}
