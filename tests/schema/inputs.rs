//! Every field that takes a value from a Secret or ConfigMap, found by the schema, and how the engine reacts to values
//! that can't be valid there.

use std::collections::BTreeSet;

use devops_agent_operator::reconcile::inputs::input_value::{FORMS, Form};
use serde_json::Value;

use crate::crds;

const BAD: &[(&str, &[u8])] = &[
    ("nothing", b""),
    ("a line break", b"value\n"),
    ("two lines", b"one\r\ntwo"),
    ("what is no text", &[0xff, 0xfe, 0x00]),
    ("a private key", b"-----BEGIN PRIVATE KEY-----\nbm90IGEga2V5\n-----END PRIVATE KEY-----\n"),
];

fn collect(schema: &Value, path: &str, found: &mut BTreeSet<String>) {
    let properties = schema["properties"].as_object();
    if properties.is_some_and(|all| all.len() == 2 && all.contains_key("name") && all.contains_key("key")) {
        found.insert(path.to_owned());
        return;
    }
    for (name, property) in properties.into_iter().flatten() {
        collect(property, &format!("{path}.{name}"), found);
    }
    if schema["items"].is_object() {
        collect(&schema["items"], &format!("{path}[0]"), found);
    }
    if schema["additionalProperties"].is_object() {
        collect(&schema["additionalProperties"], &format!("{path}.any"), found);
    }
}

/// The paths of all references to a key.
fn fields() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for crd in crds() {
        let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
        collect(schema, "spec", &mut found);
    }
    found
}

#[test]
fn every_field_says_what_its_value_is_and_every_row_is_needed() {
    let fields = fields();
    assert!(fields.len() > 30, "{fields:#?}");
    let rows: BTreeSet<&str> = fields.iter().filter_map(|field| Some(Form::row(field)?.0)).collect();
    let without: Vec<&String> = fields.iter().filter(|field| Form::row(field).is_none()).collect();
    assert!(without.is_empty(), "say in reconcile::inputs::input_value what these take:\n{without:#?}");
    assert_eq!(rows, FORMS.iter().map(|(steps, _)| *steps).collect());
}

#[test]
fn no_field_but_a_file_takes_what_can_not_be_right() {
    for field in fields() {
        let form = Form::of(&field);
        if form == Form::File {
            assert!(field.starts_with("spec.content."), "{field}");
            continue;
        }
        for (what, value) in BAD {
            assert!(form.checked(value.to_vec()).is_err(), "{field} takes {what}");
        }
    }
}
