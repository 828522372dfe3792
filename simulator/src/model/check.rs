//! Checks a value against the model. Used on every request and every response.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Bounds, Kind, Member, Model, Pattern, ShapeId};

/// Responses in which the simulator deliberately departs from the model, as (structure, member): its webhooks are on
/// plain http and a port, which the pattern of the real service's URLs doesn't allow.
const DELIBERATE: &[(&str, &str)] = &[("Webhook", "webhookUrl")];

/// One way in which a value violates the model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// JSON pointer to the offending value.
    pub path: String,
    /// What is wrong with it.
    pub message: String,
}

/// Which side of the wire a value is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Sent by a client.
    Request(UnknownMembers),
    /// Sent by the simulator.
    Answer,
}

/// What to do about members that the model doesn't have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnknownMembers {
    /// They are an error.
    Refuse,
    /// They are skipped, as by the real service.
    Ignore,
}

impl Model {
    /// Everything that is wrong with a value; empty when it is valid.
    pub fn check(&self, shape: ShapeId, value: &Value, side: Side) -> Vec<Violation> {
        let mut checker = Checker { model: self, side, path: String::new(), found: Vec::new() };
        checker.value(shape, value);
        checker.found
    }
}

struct Checker<'a> {
    model: &'a Model,
    side: Side,
    path: String,
    found: Vec<Violation>,
}

impl Checker<'_> {
    fn report(&mut self, message: impl Into<String>) {
        self.found.push(Violation { path: self.path.clone(), message: message.into() });
    }

    fn within(&mut self, step: &str, check: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        self.path.push('/');
        self.path.push_str(&step.replace('~', "~0").replace('/', "~1"));
        check(self);
        self.path.truncate(length);
    }

    fn value(&mut self, id: ShapeId, value: &Value) {
        let model = self.model;
        let shape = model.shape(id);
        match (&shape.kind, value) {
            (Kind::Document, _)
            | (Kind::Boolean, Value::Bool(_))
            | (Kind::Timestamp { iso: false }, Value::Number(_)) => {}
            (Kind::Structure { members, union }, Value::Object(object)) => {
                self.structure(&shape.name, members, *union, object);
            }
            (Kind::List { member, size }, Value::Array(items)) => self.list(*member, *size, items),
            (Kind::Map { key, value, size }, Value::Object(object)) => self.map(*key, *value, *size, object),
            (Kind::String { length, pattern, values }, Value::String(text)) => {
                self.text(*length, pattern.as_deref(), values, text);
            }
            (Kind::Integer { range }, Value::Number(number)) => self.integer(*range, number),
            (Kind::Blob { size }, Value::String(text)) => self.blob(*size, text),
            (Kind::Timestamp { iso: true }, Value::String(text)) => {
                if text.parse::<jiff::Timestamp>().is_err() {
                    self.report("Member must be an ISO-8601 timestamp");
                }
            }
            (kind, _) => self.report(format!("Member must be {}", expected(kind))),
        }
    }

    fn structure(&mut self, name: &str, members: &[Member], union: bool, object: &Map<String, Value>) {
        let present = |member: &str| object.get(member).is_some_and(|value| !value.is_null());
        for member in members {
            match object.get(&member.name).filter(|value| !value.is_null()) {
                Some(_)
                    if self.side == Side::Answer && DELIBERATE.contains(&(name, member.name.as_str())) => {}
                Some(value) => self.within(&member.name, |checker| checker.value(member.shape, value)),
                None if member.required => {
                    self.within(&member.name, |checker| checker.report("Member must not be null"));
                }
                None => {}
            }
        }
        if self.side != Side::Request(UnknownMembers::Ignore) {
            for unknown in object.keys().filter(|key| members.iter().all(|member| member.name != **key)) {
                self.within(unknown, |checker| checker.report("Member is not known"));
            }
        }
        if union && members.iter().filter(|member| present(&member.name)).count() != 1 {
            self.report("Exactly one member must be set");
        }
    }

    fn list(&mut self, member: ShapeId, size: Bounds, items: &[Value]) {
        self.bounds(size, count(items.len()), "length");
        for (index, item) in items.iter().enumerate() {
            self.within(&index.to_string(), |checker| checker.value(member, item));
        }
    }

    fn map(&mut self, key: ShapeId, value: ShapeId, size: Bounds, object: &Map<String, Value>) {
        self.bounds(size, count(object.len()), "length");
        for (name, item) in object {
            self.within(name, |checker| {
                checker.value(key, &Value::String(name.clone()));
                checker.value(value, item);
            });
        }
    }

    fn text(&mut self, length: Bounds, pattern: Option<&Pattern>, values: &[String], text: &str) {
        self.bounds(length, count(text.chars().count()), "length");
        if let Some(pattern) = pattern.filter(|pattern| !pattern.matches(text)) {
            self.report(format!("Member must satisfy regular expression pattern: {}", pattern.source()));
        }
        if !values.is_empty() && values.iter().all(|value| value != text) {
            self.report(format!("Member must satisfy enum value set: [{}]", values.join(", ")));
        }
    }

    fn integer(&mut self, range: Bounds, number: &serde_json::Number) {
        match number.as_i64().filter(|number| i32::try_from(*number).is_ok()) {
            Some(number) => self.bounds(range, number, "value"),
            None => self.report("Member must be a 32-bit integer"),
        }
    }

    fn blob(&mut self, size: Bounds, text: &str) {
        match BASE64_STANDARD.decode(text) {
            Ok(bytes) => self.bounds(size, count(bytes.len()), "length"),
            Err(_) => self.report("Member must be base64"),
        }
    }

    fn bounds(&mut self, bounds: Bounds, actual: i64, what: &str) {
        if let Some(min) = bounds.min.filter(|min| actual < *min) {
            self.report(format!("Member must have {what} greater than or equal to {min}"));
        }
        if let Some(max) = bounds.max.filter(|max| actual > *max) {
            self.report(format!("Member must have {what} less than or equal to {max}"));
        }
    }
}

fn count(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

fn expected(kind: &Kind) -> &'static str {
    match kind {
        Kind::Structure { .. } | Kind::Map { .. } => "an object",
        Kind::List { .. } => "a list",
        Kind::String { .. } => "a string",
        Kind::Integer { .. } => "an integer",
        Kind::Boolean => "a boolean",
        Kind::Blob { .. } => "base64 text",
        Kind::Timestamp { iso: true } => "an ISO-8601 timestamp",
        Kind::Timestamp { iso: false } => "a timestamp",
        Kind::Document => "any JSON",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(shape: &str, value: &Value) -> Vec<String> {
        let model = Model::embedded().unwrap();
        let side = Side::Request(UnknownMembers::Refuse);
        model.check(model.named(shape).unwrap(), value, side).into_iter().map(|found| found.path).collect()
    }

    #[test]
    fn a_valid_value_has_no_violation() {
        assert!(check("CreateAgentSpaceInput", &json!({"name": "Größe", "tags": {"a": ""}})).is_empty());
    }

    #[test]
    fn every_violation_names_its_place() {
        let value = json!({"name": "", "locale": "e", "tags": {"a/b": 1}, "colour": "red"});
        let found = check("CreateAgentSpaceInput", &value);
        for path in ["/name", "/locale", "/tags/a~1b", "/colour"] {
            assert!(found.iter().any(|found| found == path), "{path} not in {found:?}");
        }
    }

    #[test]
    fn a_union_has_exactly_one_member() {
        assert_eq!(check("AssetContent", &json!({})), [""]);
        let both = json!({"zip": {"zipFile": ""}, "sourceUrl": {"url": "https://a"}});
        assert_eq!(check("AssetContent", &both), [""]);
        assert!(check("AssetContent", &json!({"zip": {"zipFile": ""}, "file": null})).is_empty());
    }

    #[test]
    fn a_null_member_counts_as_absent() {
        assert_eq!(check("CreateAgentSpaceInput", &json!({"name": null, "description": null})), ["/name"]);
    }

    #[test]
    fn length_counts_characters_and_not_bytes() {
        assert!(check("AgentSpaceName", &json!("ü".repeat(255))).is_empty());
        assert_eq!(check("AgentSpaceName", &json!("ü".repeat(256))).len(), 1);
    }
}
