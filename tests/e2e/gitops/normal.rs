//! Objects without what differs from run to run.

use std::collections::BTreeMap;

use regex::Regex;
use serde_json::{Value, json};

use crate::harness::Test;

const TIME: &str = "2026-01-01T00:00:00Z";

/// Puts the same thing in place of what is the same, for all objects of one test.
pub struct Normal {
    /// Texts of the test and their placeholders, the longer ones first.
    words: Vec<(String, &'static str)>,
    patterns: Vec<(Regex, &'static str)>,
    uuid: Regex,
    uuids: BTreeMap<String, String>,
}

impl Normal {
    pub fn new(t: &Test) -> Self {
        let mut words: Vec<(String, &str)> =
            t.namespaces().into_iter().skip(1).map(|name| (name, "platform")).collect();
        words.push((t.namespace.clone(), "team"));
        words.push((t.account.clone(), "123456789012"));
        let pattern = |text: &str, with| (Regex::new(text).expect("the pattern is well formed"), with);
        let patterns = vec![
            pattern(r"127\.0\.0\.1:\d+", "aws.example.com"),
            pattern(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", TIME),
            pattern(r"request-\d+", "request-1"),
            pattern(r"sha256:[0-9a-f]{16}\b", "sha256:0d4f0d4f0d4f0d4f"),
            pattern(r"\b[0-9a-f]{64}\b", "0000000000000000000000000000000000000000000000000000000000000000"),
        ];
        let uuid = Regex::new(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b");
        let uuid = uuid.expect("the pattern is well formed");
        Self { words, patterns, uuid, uuids: BTreeMap::new() }
    }

    /// The object without what differs from run to run.
    pub fn form(&mut self, mut object: Value) -> Value {
        if let Some(metadata) = object["metadata"].as_object_mut() {
            metadata.remove("resourceVersion");
            metadata.remove("managedFields");
        }
        for pointer in [
            "/status/fingerprint/keyId",
            "/status/intent/fingerprint/keyId",
            "/status/proof/keyId",
            "/status/webhook/fingerprint/keyId",
        ] {
            if let Some(key) = object.pointer_mut(pointer) {
                *key = json!("key");
            }
        }
        // Their order depends on the timing.
        if let Some(conditions) = object.pointer_mut("/status/conditions").and_then(Value::as_array_mut) {
            conditions.sort_by_key(|condition| condition["type"].to_string());
        }
        self.walk(&mut object);
        object
    }

    fn walk(&mut self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.walk(item)),
            Value::Object(members) => members.values_mut().for_each(|member| self.walk(member)),
            _ => {}
        }
    }

    fn text(&mut self, text: &str) -> String {
        let mut text = text.to_owned();
        for (word, with) in &self.words {
            text = text.replace(word, with);
        }
        for (pattern, with) in &self.patterns {
            text = pattern.replace_all(&text, *with).into_owned();
        }
        let uuids = &mut self.uuids;
        let number = |found: &regex::Captures| {
            let next = format!("00000000-0000-4000-8000-{:012}", uuids.len() + 1);
            uuids.entry(found[0].to_owned()).or_insert(next).clone()
        };
        self.uuid.replace_all(&text, number).into_owned()
    }
}
