//! Holds the CRDs against the API model, both ways: nothing missing, looser or tighter.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by it")]

mod catalog;
mod deliberate;
mod form;
mod inputs;
mod leaves;
mod mutations;
mod walk;

use std::collections::BTreeSet;

use serde_json::Value;

fn model() -> Value {
    serde_json::from_str(include_str!("../../simulator/model.json")).expect("the model is JSON")
}

fn crds() -> Vec<Value> {
    devops_agent_operator::kinds::crds().expect("the CRDs can be made")
}

#[test]
fn every_constraint_of_the_model_is_in_the_crds_and_no_other() {
    let findings = walk::compare(&model(), &crds());
    let found: Vec<String> = findings
        .unexplained
        .iter()
        .map(|found| format!("{:?} {}: {}", found.kind, found.path, found.detail))
        .collect();
    assert!(found.is_empty(), "{} differences:\n{}", found.len(), found.join("\n"));
}

#[test]
fn every_deliberate_difference_is_there() {
    let findings = walk::compare(&model(), &crds());
    let unused: Vec<String> = findings
        .unused
        .iter()
        .map(|entry| format!("{:?} {} ({})", entry.kind, entry.path, entry.reason))
        .collect();
    assert!(unused.is_empty(), "entries that explain nothing:\n{}", unused.join("\n"));
}

/// The shapes that a shape is made of, itself included.
fn reach(model: &Value, shape: &str, found: &mut BTreeSet<String>) {
    if !found.insert(shape.to_owned()) {
        return;
    }
    let shape = &model["shapes"][shape];
    let members = shape["members"].as_object().into_iter().flat_map(|members| members.values());
    for member in members.chain(["member", "key", "value"].map(|role| &shape[role])) {
        if let Some(name) = member["shape"].as_str() {
            reach(model, name, found);
        }
    }
}

#[test]
fn every_shape_of_the_inputs_is_compared_or_known_not_to_be_in_yaml() {
    let model = model();
    let mut shapes = BTreeSet::new();
    for operation in deliberate::OPERATIONS {
        let input = model["operations"][operation]["input"]["shape"].as_str();
        reach(&model, input.expect("the operation has an input"), &mut shapes);
    }
    let visited = walk::compare(&model, &crds()).visited;
    let of_outputs = catalog::shapes_of_outputs(&model);
    let missed: BTreeSet<&str> = shapes
        .difference(&visited)
        .map(String::as_str)
        .filter(|shape| !of_outputs.contains(*shape))
        .collect();
    let known: BTreeSet<&str> = deliberate::NOT_IN_YAML.iter().map(|(shape, _)| *shape).collect();
    assert_eq!(missed, known);
}
