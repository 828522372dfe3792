//! Keyed hashes of what AWS accepts and never returns, so that changes are noticed.
//!
//! The key is random and kept in a Secret, and each object's own key is derived from it: whoever reads a status can't
//! test guesses.

use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::api::common::{CommonStatus, Fingerprint};
use crate::api::placeholder;

use super::ownership::Identity;

/// Suffix of the key's id in fingerprints that are keyed by object. Those without it are from version 0.1, in which
/// equal inputs had equal hashes.
const BY_OBJECT: &str = ".2";

/// SHA-256 of what isn't secret, in hexadecimal.
pub fn sha256(text: &str) -> String {
    hex(&Sha256::digest(text))
}

/// The same of a value.
pub fn digest(value: &Value) -> String {
    sha256(&value.to_string())
}

/// Whether `key` identifies the remote of the create that is in progress.
pub fn is_sought(status: &CommonStatus, key: Option<&Value>) -> bool {
    let sought = status.intent.as_ref().and_then(|intent| intent.sought.as_ref());
    sought.is_some() && sought == key.map(digest).as_ref()
}

/// Makes fingerprints with one key.
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
    /// Fingerprints with the key `bytes`, whose id is `id`.
    pub fn new(id: impl Into<String>, bytes: Vec<u8>) -> Self {
        Self { key: Arc::new(Key { id: id.into(), bytes }) }
    }

    /// Whether `fingerprint` was made with another key: nothing can be compared with it.
    pub fn is_ignorant_of(&self, fingerprint: Option<&Fingerprint>) -> bool {
        fingerprint.is_some_and(|fingerprint| {
            fingerprint.key_id.strip_suffix(BY_OBJECT).unwrap_or(&fingerprint.key_id) != self.key.id
        })
    }

    /// Fingerprints for one object: keyed by kind, namespace and name, so that they survive a restore, and nobody can
    /// test guesses on an object of their own.
    pub fn for_object(&self, identity: &Identity) -> ObjectFingerprints {
        let Identity { kind, namespace, name, .. } = identity;
        let object = serde_json::json!([kind, namespace, name]);
        let bytes = self.key.hash(&serde_json::json!(["fingerprints of an object", object]));
        ObjectFingerprints {
            own: Arc::new(Key { id: format!("{}{BY_OBJECT}", self.key.id), bytes: bytes.into_bytes() }),
            shared: Arc::clone(&self.key),
        }
    }
}

/// Makes the fingerprints of one object.
#[derive(Clone)]
pub struct ObjectFingerprints {
    own: Arc<Key>,
    shared: Arc<Key>,
}

impl ObjectFingerprints {
    /// The fingerprint of `value`; the order of its members does not matter.
    pub fn of(&self, value: &Value) -> Print {
        Print {
            now: self.own.fingerprint(value),
            before: self.shared.fingerprint(value),
            is_known: !placeholder::is_in_value(value),
        }
    }

    /// A seal of `value`: a fingerprint that nobody else can make.
    pub fn seal(&self, value: &Value) -> Fingerprint {
        self.own.fingerprint(&serde_json::json!(["seal", value]))
    }

    /// A text that is the same for the same value, for what is sent to AWS and shown to no one.
    pub fn token(&self, value: &Value) -> String {
        self.shared.hash(value)
    }
}

impl Key {
    fn fingerprint(&self, value: &Value) -> Fingerprint {
        Fingerprint { key_id: self.id.clone(), hash: self.hash(value) }
    }

    fn hash(&self, value: &Value) -> String {
        // HMAC accepts keys of any length.
        let hash = Hmac::<Sha256>::new_from_slice(&self.bytes).map(|mut mac| {
            let mut text = String::new();
            canonical(value, &mut text);
            mac.update(text.as_bytes());
            hex(&mac.finalize().into_bytes())
        });
        hash.unwrap_or_default()
    }
}

/// The fingerprint of a value, comparable with what status has recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Print {
    now: Fingerprint,
    /// In the form of version 0.1: what that version recorded is still compared.
    before: Fingerprint,
    /// Whether there is no placeholder in the value, which would stand for one that isn't known.
    is_known: bool,
}

impl Print {
    /// What is recorded.
    pub fn record(&self) -> Fingerprint {
        self.now.clone()
    }

    /// Whether the value is known to differ from the recorded one: under another key nothing is known, and nothing of a
    /// placeholder.
    pub fn changed(&self, recorded: Option<&Fingerprint>) -> bool {
        recorded
            .is_some_and(|recorded| self.comparable(recorded).is_some_and(|form| form.hash != recorded.hash))
    }

    /// Whether the value is known to be the recorded one.
    pub fn is(&self, recorded: Option<&Fingerprint>) -> bool {
        recorded
            .is_some_and(|recorded| self.comparable(recorded).is_some_and(|form| form.hash == recorded.hash))
    }

    /// What to record if nothing was sent: the recorded one if it shows a change, else this one. For a placeholder, the
    /// recorded one stays.
    pub fn baseline(&self, recorded: Option<Fingerprint>) -> Option<Fingerprint> {
        if !self.is_known {
            return recorded;
        }
        recorded.filter(|recorded| self.changed(Some(recorded))).or_else(|| Some(self.now.clone()))
    }

    fn comparable(&self, recorded: &Fingerprint) -> Option<&Fingerprint> {
        [&self.now, &self.before]
            .into_iter()
            .filter(|_| self.is_known)
            .find(|form| form.key_id == recorded.key_id)
    }
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

    fn identity(namespace: &str) -> Identity {
        Identity { namespace: namespace.into(), ..Identity::sample("ServiceRegistration") }
    }

    fn fingerprints() -> ObjectFingerprints {
        Fingerprinter::new("k1", vec![7; 32]).for_object(&identity("n"))
    }

    #[test]
    fn the_same_value_has_the_same_fingerprint_whatever_the_order() {
        let a = serde_json::from_str(r#"{"a":1,"b":{"c":2,"d":3}}"#).unwrap();
        let b = serde_json::from_str(r#"{"b":{"d":3,"c":2},"a":1}"#).unwrap();
        assert_eq!(fingerprints().of(&a), fingerprints().of(&b));
    }

    #[test]
    fn a_change_is_seen_and_another_key_is_not_comparable() {
        let one = fingerprints().of(&json!({ "token": "one" }));
        let two = fingerprints().of(&json!({ "token": "two" }));
        assert!(!one.changed(Some(&one.record())) && one.is(Some(&one.record())));
        assert!(two.changed(Some(&one.record())) && !two.is(Some(&one.record())));
        assert_eq!(two.baseline(Some(one.record())), Some(one.record()), "what tells of a change is kept");
        let other = Fingerprinter::new("k2", vec![8; 32]).for_object(&identity("n"));
        let other = other.of(&json!({ "token": "two" }));
        assert!(!other.changed(Some(&one.record())) && !other.is(Some(&two.record())));
        assert!(!other.changed(None));
        assert_eq!(other.baseline(Some(one.record())), Some(other.record()));
    }

    #[test]
    fn a_placeholder_is_neither_a_change_nor_remembered() {
        let unknown = fingerprints().of(&json!({ "token": { "value": placeholder::TEXT } }));
        let real = fingerprints().of(&json!({ "token": { "value": "glpat-1" } }));
        assert!(!unknown.changed(Some(&real.record())), "back to the placeholder");
        assert_eq!(unknown.baseline(Some(real.record())), Some(real.record()));
        assert_eq!(unknown.baseline(None), None);
        assert!(!real.changed(None), "what takes its place is taken for what AWS has");
        assert_eq!(real.baseline(None), Some(real.record()));
    }

    #[test]
    fn what_version_0_1_recorded_is_compared_and_brought_up_to_date() {
        let (one, two) = (fingerprints().of(&json!("one")), fingerprints().of(&json!("two")));
        assert!(one.is(Some(&one.before)) && two.changed(Some(&one.before)));
        assert_eq!(one.baseline(Some(one.before.clone())), Some(one.record()));
        assert_eq!(
            two.baseline(Some(one.before.clone())),
            Some(one.before),
            "a rotation meanwhile is not lost"
        );
    }

    #[test]
    fn equal_input_of_another_object_has_another_fingerprint() {
        let key = Fingerprinter::new("k1", vec![7; 32]);
        let of = |identity: &Identity| key.for_object(identity).of(&json!("secret")).record();
        let mine = of(&identity("n"));
        assert_eq!(mine, of(&Identity { uid: "restored".into(), ..identity("n") }));
        assert_ne!(mine, of(&identity("other")));
        assert_ne!(mine, of(&Identity { name: "other".into(), ..identity("n") }));
        assert_ne!(mine, of(&Identity { kind: "AgentSpace", ..identity("n") }));
    }

    #[test]
    fn values_that_only_look_alike_differ() {
        let of = |value: Value| fingerprints().of(&value);
        assert_ne!(of(json!(["a", "b"])), of(json!(["a,b"])));
        assert_ne!(of(json!({ "a": "1" })), of(json!({ "a": 1 })));
    }
}
