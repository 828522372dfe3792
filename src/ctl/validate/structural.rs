//! What the API server does with an object by the CRD's schema, up to its CEL rules: it refuses fields that the schema
//! doesn't have, drops nulls, fills in defaults, and checks every value. In its words, so that a message found here is
//! the one that `kubectl apply` would show.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::ctl::manifests::located::{item, member};

use super::finding::Check;
use super::pattern::Patterns;

/// What the API server would refuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The field.
    pub field: String,
    /// What it says.
    pub message: String,
    /// What kind of problem it is.
    pub check: Check,
    /// Whether the CEL rules aren't tried any more.
    pub blocking: bool,
}

/// Drops what the API server drops, reports unknown fields, and fills in defaults.
pub fn prepare(schema: &Value, value: &mut Value, path: &str, problems: &mut Vec<Problem>) {
    match value {
        Value::Object(members) => prepare_object(schema, members, path, problems),
        Value::Array(items) => {
            for (index, value) in items.iter_mut().enumerate() {
                prepare(&schema["items"], value, &item(path, index), problems);
            }
        }
        _ => {}
    }
}

fn prepare_object(schema: &Value, members: &mut Map<String, Value>, path: &str, problems: &mut Vec<Problem>) {
    // A number where an object belongs is told by its type.
    if schema["type"].as_str().is_some_and(|wanted| wanted != "object") {
        return;
    }
    members.retain(|_, value| !value.is_null());
    let open = schema["x-kubernetes-preserve-unknown-fields"] == true;
    let (properties, more) = (schema["properties"].as_object(), &schema["additionalProperties"]);
    let of = |name: &str| properties.and_then(|properties| properties.get(name));
    let unknown = |name: &String| of(name).is_none() && !more.is_object() && !open;
    for name in members.keys().filter(|name| unknown(name)) {
        problems.push(Problem {
            field: member(path, name),
            message: match close(name, properties) {
                Some(close) => format!("unknown field; is {close} meant?"),
                None => "unknown field".to_owned(),
            },
            check: Check::UnknownField,
            blocking: false,
        });
    }
    members.retain(|name, _| !unknown(name));
    for (name, schema) in properties.into_iter().flatten() {
        if !schema["default"].is_null() && !members.contains_key(name) {
            members.insert(name.clone(), schema["default"].clone());
        }
    }
    for (name, value) in members {
        // What is below a field that the schema doesn't have but keeps is nobody's business.
        if let Some(schema) = of(name).or(Some(more).filter(|more| more.is_object())) {
            prepare(schema, value, &member(path, name), problems);
        }
    }
}

/// A field that was probably meant.
fn close<'a>(name: &str, properties: Option<&'a Map<String, Value>>) -> Option<&'a str> {
    let names = properties?.keys().map(String::as_str);
    names
        .map(|known| (distance(name, known), known))
        .filter(|(far, _)| *far <= 2)
        .min()
        .map(|(_, known)| known)
}

/// How many characters must be added, removed or replaced, ignoring case.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, left) in one.to_lowercase().chars().enumerate() {
        let mut diagonal = index;
        row[0] = index + 1;
        for (place, right) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(left != *right);
            diagonal = row[place + 1];
            row[place + 1] = replaced.min(row[place] + 1).min(diagonal + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

/// Checks a prepared value.
pub struct Structure<'a> {
    patterns: &'a Patterns,
    problems: Vec<Problem>,
}

impl<'a> Structure<'a> {
    /// The problems of a value.
    pub fn check(patterns: &'a Patterns, schema: &Value, value: &Value) -> Vec<Problem> {
        let mut structure = Self { patterns, problems: Vec::new() };
        structure.value(schema, value, "");
        structure.problems
    }

    fn add(&mut self, field: &str, blocking: bool, message: String) {
        self.problems.push(Problem { field: field.to_owned(), message, check: Check::Schema, blocking });
    }

    fn value(&mut self, schema: &Value, value: &Value, path: &str) {
        if let Some(wanted) = schema["type"].as_str()
            && !is_of_type(value, wanted)
        {
            return self.add(path, true, format!("must be of type {wanted}: it is {}", type_of(value)));
        }
        if let Some(values) = schema["enum"].as_array()
            && !values.contains(value)
        {
            let known: Vec<String> = values.iter().map(ToString::to_string).collect();
            self.add(
                path,
                true,
                format!("Unsupported value: {value}: supported values: {}", known.join(", ")),
            );
        }
        match value {
            Value::String(text) => self.string(schema, text, path),
            Value::Number(number) => self.number(schema, number.as_f64().unwrap_or_default(), path),
            Value::Array(items) => self.array(schema, items, path),
            Value::Object(members) => self.object(schema, members, path),
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn string(&mut self, schema: &Value, text: &str, path: &str) {
        let length = text.chars().count();
        if bound(schema, "minLength").is_some_and(|least| length < least) {
            let least = &schema["minLength"];
            self.add(path, false, format!("should be at least {least} chars long"));
        }
        if let Some(most) = bound(schema, "maxLength").filter(|most| length > *most) {
            self.add(
                path,
                true,
                format!("Too long: may not be more than {most} characters; it has {length}"),
            );
        }
        if let Some(pattern) = schema["pattern"].as_str()
            && !self.patterns.matches(pattern, text)
        {
            self.add(path, false, format!("should match '{pattern}'"));
        }
        if schema["format"] == "date-time" && text.parse::<jiff::Timestamp>().is_err() {
            self.add(path, false, "must be of type date-time, for example 2026-01-31T08:00:00Z".to_owned());
        }
    }

    fn number(&mut self, schema: &Value, number: f64, path: &str) {
        if schema["minimum"].as_f64().is_some_and(|least| number < least) {
            self.add(path, false, format!("should be greater than or equal to {}", schema["minimum"]));
        }
        if schema["maximum"].as_f64().is_some_and(|most| number > most) {
            self.add(path, false, format!("should be less than or equal to {}", schema["maximum"]));
        }
        let int32 = f64::from(i32::MIN)..=f64::from(i32::MAX);
        if schema["format"] == "int32" && !int32.contains(&number) {
            self.add(path, false, "must be an integer of 32 bits".to_owned());
        }
    }

    fn array(&mut self, schema: &Value, items: &[Value], path: &str) {
        if bound(schema, "minItems").is_some_and(|least| items.len() < least) {
            self.add(path, false, format!("should have at least {} items", schema["minItems"]));
        }
        self.not_too_many(schema, "maxItems", items.len(), path);
        for (index, value) in items.iter().enumerate() {
            self.value(&schema["items"], value, &item(path, index));
        }
        let keys: Vec<&str> = match schema["x-kubernetes-list-type"].as_str() {
            Some("set") => Vec::new(),
            Some("map") => schema["x-kubernetes-list-map-keys"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect(),
            _ => return,
        };
        let mut seen = BTreeSet::new();
        for (index, value) in items.iter().enumerate() {
            let identity = match &keys[..] {
                [] => value.to_string(),
                keys => keys.iter().map(|key| value[*key].to_string()).collect::<Vec<_>>().join(","),
            };
            if !seen.insert(identity.clone()) {
                self.add(&item(path, index), false, format!("Duplicate value: {identity}"));
            }
        }
    }

    fn object(&mut self, schema: &Value, members: &Map<String, Value>, path: &str) {
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !members.contains_key(name) {
                self.add(&member(path, name), true, "Required value".to_owned());
            }
        }
        if bound(schema, "minProperties").is_some_and(|least| members.len() < least) {
            self.add(path, false, format!("should have at least {} properties", schema["minProperties"]));
        }
        self.not_too_many(schema, "maxProperties", members.len(), path);
        for (name, value) in members {
            let schema = match &schema["properties"][name] {
                Value::Null => &schema["additionalProperties"],
                schema => schema,
            };
            self.value(schema, value, &member(path, name));
        }
    }

    fn not_too_many(&mut self, schema: &Value, limit: &str, count: usize, path: &str) {
        if let Some(most) = bound(schema, limit).filter(|most| count > *most) {
            let items = if most == 1 { "item" } else { "items" };
            self.add(path, true, format!("Too many: {count}: must have at most {most} {items}"));
        }
    }
}

fn bound(schema: &Value, name: &str) -> Option<usize> {
    schema[name].as_u64().and_then(|bound| usize::try_from(bound).ok())
}

fn is_of_type(value: &Value, wanted: &str) -> bool {
    match wanted {
        "integer" => {
            value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|number| number.fract() == 0.0)
        }
        "number" => value.is_number(),
        wanted => type_of(value) == wanted,
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nulls_are_dropped_and_defaults_filled_in_at_any_depth() {
        let schema = json!({"type": "object", "properties": {
            "a": {"type": "object", "default": {}, "properties": {"b": {"type": "string", "default": "x"}}},
            "list": {"type": "array", "items": {"type": "object", "properties": {
                "c": {"type": "integer", "default": 1},
            }}},
            "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
            "map": {"type": "object", "additionalProperties": {"type": "string"}},
        }});
        let mut value = json!({
            "a": null, "list": [{}, {"c": 2}], "free": {"any": {"thing": 1}}, "map": {"k": "v", "n": null},
        });
        let mut problems = Vec::new();
        prepare(&schema, &mut value, "", &mut problems);
        assert_eq!(problems, []);
        assert_eq!(
            value,
            json!({"a": {"b": "x"}, "list": [{"c": 1}, {"c": 2}], "free": {"any": {"thing": 1}}, "map": {"k": "v"}})
        );
    }

    #[test]
    fn an_unknown_field_is_compared_with_those_that_there_are() {
        let schema = json!({"type": "object", "properties": {"workspaceId": {"type": "string"}}});
        let mut problems = Vec::new();
        prepare(&schema, &mut json!({"workspaceID": 1, "wrokspaceId": 1, "other": 1}), "spec", &mut problems);
        let said: Vec<_> =
            problems.iter().map(|problem| (&problem.field[..], &problem.message[..])).collect();
        assert_eq!(
            said,
            [
                ("spec.other", "unknown field"),
                ("spec.workspaceID", "unknown field; is workspaceId meant?"),
                ("spec.wrokspaceId", "unknown field; is workspaceId meant?"),
            ]
        );
    }
}
