//! Keyed hashes of what AWS accepts and never returns, so that a change of it is seen.
//!
//! The key is random and lives in a Secret: who reads a status can't try out guesses.

use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;

use crate::api::common::Fingerprint;

/// Makes and compares fingerprints under one key.
#[derive(Clone)]
pub struct Fingerprinter {
    key: Arc<Key>,
}

struct Key {
    id: String,
    bytes: Vec<u8>,
}

impl std::fmt::Debug for Fingerprinter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fingerprinter").field("key", &self.key.id).finish()
    }
}

impl Fingerprinter {
    /// Fingerprints under the key `bytes`, which goes by `id`.
    pub fn new(id: impl Into<String>, bytes: Vec<u8>) -> Self {
        Self { key: Arc::new(Key { id: id.into(), bytes }) }
    }

    /// The fingerprint of `value`; the order of its members does not matter.
    pub fn of(&self, value: &Value) -> Fingerprint {
        // HMAC takes keys of any length.
        let hash = Hmac::<Sha256>::new_from_slice(&self.key.bytes).map(|mut mac| {
            let mut text = String::new();
            canonical(value, &mut text);
            mac.update(text.as_bytes());
            hex(&mac.finalize().into_bytes())
        });
        Fingerprint { key_id: self.key.id.clone(), hash: hash.unwrap_or_default() }
    }
}

/// Whether `now` is known to differ from `recorded`: under another key nothing is known.
pub fn changed(recorded: Option<&Fingerprint>, now: &Fingerprint) -> bool {
    recorded.is_some_and(|recorded| recorded.key_id == now.key_id && recorded.hash != now.hash)
}

/// The fingerprint to record: `now`, where the recorded one can't be compared with it.
pub fn baseline(recorded: Option<Fingerprint>, now: &Fingerprint) -> Fingerprint {
    recorded.filter(|recorded| recorded.key_id == now.key_id).unwrap_or_else(|| now.clone())
}

/// JSON with sorted members: the same text for the same value.
fn canonical(value: &Value, text: &mut String) {
    match value {
        Value::Object(members) => {
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_by_key(|(key, _)| key.as_str());
            text.push('{');
            for (key, value) in sorted {
                text.push_str(&Value::from(key.as_str()).to_string());
                text.push(':');
                canonical(value, text);
                text.push(',');
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for item in items {
                canonical(item, text);
                text.push(',');
            }
            text.push(']');
        }
        scalar => text.push_str(&scalar.to_string()),
    }
}

/// Bytes in lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fingerprinter() -> Fingerprinter {
        Fingerprinter::new("k1", vec![7; 32])
    }

    #[test]
    fn the_same_value_has_the_same_fingerprint_whatever_the_order() {
        let a = serde_json::from_str(r#"{"a":1,"b":{"c":2,"d":3}}"#).unwrap();
        let b = serde_json::from_str(r#"{"b":{"d":3,"c":2},"a":1}"#).unwrap();
        assert_eq!(fingerprinter().of(&a), fingerprinter().of(&b));
    }

    #[test]
    fn a_change_is_seen_and_another_key_is_not_comparable() {
        let one = fingerprinter().of(&json!({ "token": "one" }));
        let two = fingerprinter().of(&json!({ "token": "two" }));
        assert!(!changed(Some(&one), &one));
        assert!(changed(Some(&one), &two));
        assert_eq!(baseline(Some(one.clone()), &two), one, "what can be compared is kept");
        let other = Fingerprinter::new("k2", vec![8; 32]).of(&json!({ "token": "two" }));
        assert!(!changed(Some(&one), &other));
        assert!(!changed(None, &other));
        assert_eq!(baseline(Some(one), &other), other);
    }

    #[test]
    fn values_that_only_look_alike_differ() {
        assert_ne!(fingerprinter().of(&json!(["a", "b"])), fingerprinter().of(&json!(["a,b"])));
        assert_ne!(fingerprinter().of(&json!({ "a": "1" })), fingerprinter().of(&json!({ "a": 1 })));
    }
}
