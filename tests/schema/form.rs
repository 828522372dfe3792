//! Rules for every schema, whatever the model says.

use serde_json::Value;

use crate::crds;

/// Calls `visit` with every schema below one, and its path.
fn every<'a>(schema: &'a Value, path: &str, visit: &mut dyn FnMut(&str, &'a Value)) {
    visit(path, schema);
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        every(property, &format!("{path}.{name}"), visit);
    }
    for (key, step) in [("items", "[]"), ("additionalProperties", ".*")] {
        if let Some(inner) = schema.get(key).filter(|inner| inner.is_object()) {
            every(inner, &format!("{path}{step}"), visit);
        }
    }
}

/// The paths of all schemas for which `wrong` holds.
fn all_where(wrong: impl Fn(&str, &Value) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for crd in crds() {
        let kind = crd["spec"]["names"]["kind"].as_str().unwrap_or_default();
        let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        every(schema, kind, &mut |path, schema| {
            if wrong(path, schema) {
                found.push(path.to_owned());
            }
        });
    }
    found
}

/// Whether the schema is a property with its own name, not the inside of a list or map.
fn is_property(path: &str) -> bool {
    !path.ends_with("[]") && !path.ends_with(".*")
}

#[test]
fn every_property_has_a_description() {
    let bare = all_where(|path, schema| {
        let text = schema["description"].as_str().unwrap_or_default();
        is_property(path) && text.is_empty()
    });
    assert!(bare.is_empty(), "{}", bare.join("\n"));
}

#[test]
fn descriptions_have_no_line_breaks_but_between_paragraphs() {
    let ragged = all_where(|_, schema| {
        schema["description"].as_str().is_some_and(|text| text.replace("\n\n", "").contains('\n'))
    });
    assert!(ragged.is_empty(), "{}", ragged.join("\n"));
}

#[test]
fn every_schema_has_a_type() {
    let untyped = all_where(|_, schema| !schema["type"].is_string());
    assert!(untyped.is_empty(), "{}", untyped.join("\n"));
}

#[test]
fn nothing_is_nullable_and_no_enum_has_a_null() {
    let nullable = all_where(|_, schema| {
        let null = schema["enum"].as_array().is_some_and(|values| values.iter().any(Value::is_null));
        null || !schema["nullable"].is_null()
    });
    assert!(nullable.is_empty(), "{}", nullable.join("\n"));
}

#[test]
fn every_pattern_is_a_regular_expression_for_the_whole_value() {
    let wrong = all_where(|_, schema| {
        schema["pattern"].as_str().is_some_and(|pattern| {
            let whole = pattern.starts_with("^(?:") && pattern.ends_with(")$");
            !whole || regex::Regex::new(pattern).is_err()
        })
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_schema_uses_what_gives_errors_that_do_not_help() {
    let wrong =
        all_where(|_, schema| ["oneOf", "anyOf", "allOf", "not"].iter().any(|key| !schema[key].is_null()));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_rule_has_a_message() {
    let wrong = all_where(|_, schema| {
        let rules = schema["x-kubernetes-validations"].as_array().into_iter().flatten();
        rules.into_iter().any(|rule| rule["message"].as_str().unwrap_or_default().is_empty())
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_kind_has_the_columns_that_kubectl_users_look_for() {
    for crd in crds() {
        let names: Vec<&str> = crd["spec"]["versions"][0]["additionalPrinterColumns"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|column| column["name"].as_str())
            .collect();
        assert_eq!(names[..4], ["Ready", "Synced", "Reason", "Summary"], "{}", crd["metadata"]["name"]);
        let columns = crd["spec"]["versions"][0]["additionalPrinterColumns"].as_array().unwrap();
        let wide = |column: &&serde_json::Value| column["priority"].as_i64().unwrap_or(0) > 0;
        let last = columns.iter().rfind(|column| !wide(column));
        assert_eq!(
            last.unwrap()["name"],
            "Age",
            "what only -o wide shows stands after the age, as in kubectl's own"
        );
        assert!(
            columns.iter().skip_while(|column| column["name"] != "Age").skip(1).all(|column| wide(&column))
        );
        // `kubectl delete devopsagent --all -n team` must not delete what the whole cluster uses.
        let namespaced = crd["spec"]["scope"] == "Namespaced";
        let categories = &crd["spec"]["names"]["categories"];
        assert_eq!(
            categories.as_array().is_some_and(|all| all.iter().any(|one| one == "devopsagent")),
            namespaced
        );
    }
}

#[test]
fn what_is_a_document_in_the_api_takes_any_word() {
    let open = ["Asset.spec.metadata", "Trigger.spec.action"];
    let closed =
        all_where(|path, schema| open.iter().any(|root| path.starts_with(root)) && !schema["enum"].is_null());
    assert!(closed.is_empty(), "these refuse words that the API takes:\n{}", closed.join("\n"));
}
