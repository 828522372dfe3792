//! Bugs that are planted to check that they are caught.
//!
//! The operator itself isn't changed: its calls and their responses are changed in transit, so that it does what it
//! would do if it had the bug.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Mutex;

use hyper::body::Bytes;
use serde_json::{Value, json};

/// A bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planted {
    /// Status names the new webhook before its Secret is written.
    StatusBeforeSecret,
    /// What a call with a lost response may have created isn't searched for.
    NoLookup,
    /// No intent is recorded before a create that a repeat would duplicate.
    NoIntent,
    /// A create is repeated at once when the connection breaks.
    CreateRepeated,
    /// A deletion that failed is taken for done.
    DeletionTakenForDone,
    /// The tags of another owner are taken for the object's own.
    OwnerIgnored,
    /// After a restart, a webhook's Secret isn't searched for.
    WebhookTakenForLost,
    /// An Event shows a webhook's secret.
    SecretInEvent,
    /// What nobody owns is taken for the object's own.
    UnownedTaken,
    /// Everything is read over and over.
    HotLoop,
    /// The first page of a list is taken for the whole.
    ListCutShort,
}

use Planted::{
    CreateRepeated, DeletionTakenForDone, HotLoop, ListCutShort, NoIntent, NoLookup, OwnerIgnored,
    SecretInEvent, StatusBeforeSecret, UnownedTaken, WebhookTakenForLost,
};

/// Each with its name, and the scenario and the reading that have to show it.
const ALL: &[(Planted, &str, &str)] = &[
    (StatusBeforeSecret, "status-before-secret", "create-association"),
    (NoLookup, "no-lookup", "create-association"),
    (NoIntent, "no-intent", "create-registration@lists-lag"),
    (CreateRepeated, "create-repeated", "create-registration"),
    (DeletionTakenForDone, "deletion-taken-for-done", "delete-parents-first"),
    (OwnerIgnored, "owner-ignored", "refuse-foreign"),
    (WebhookTakenForLost, "webhook-taken-for-lost", "create-association"),
    (SecretInEvent, "secret-in-event", "create-association"),
    (UnownedTaken, "unowned-taken", "refuse"),
    (HotLoop, "hot-loop", "create-association"),
    (ListCutShort, "list-cut-short", "find-on-later-pages"),
];

impl Planted {
    /// Every bug.
    pub fn all() -> impl Iterator<Item = Self> {
        ALL.iter().map(|(planted, ..)| *planted)
    }

    /// The scenario, and perhaps the reading, that has to show it.
    pub fn place(self) -> &'static str {
        self.row().2
    }

    fn row(self) -> &'static (Self, &'static str, &'static str) {
        ALL.iter().find(|(planted, ..)| *planted == self).expect("every bug is in the table")
    }
}

impl fmt::Display for Planted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.row().1)
    }
}

impl FromStr for Planted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = ALL.iter().find(|(_, name, _)| *name == text);
        found.map(|(planted, ..)| *planted).ok_or_else(|| format!("no bug is called {text}"))
    }
}

/// The paths of remotes that were left by a deletion taken for done.
#[derive(Default)]
pub struct Left(Mutex<BTreeSet<String>>);

impl Left {
    pub fn add(&self, path: &str) {
        self.0.lock().expect("nobody panics with the paths in hand").insert(path.to_owned());
    }

    pub fn has(&self, path: &str) -> bool {
        self.0.lock().expect("nobody panics with the paths in hand").contains(path)
    }
}

/// The body of a write to Kubernetes as the bug would send it.
pub fn written(planted: Planted, plural: &str, secret: Option<&String>, body: &Bytes) -> Option<Bytes> {
    let mut value: Value = serde_json::from_slice(body).ok()?;
    match planted {
        NoIntent => value.get_mut("status")?.as_object_mut()?.remove("intent")?,
        SecretInEvent if plural == "events" => std::mem::replace(value.get_mut("note")?, json!(secret?)),
        _ => return None,
    };
    Some(Bytes::from(value.to_string()))
}

/// An answer of AWS as the bug would see it.
pub fn answered(planted: Planted, operation: &str, owner: &[(&str, &str)], body: &Bytes) -> Option<Bytes> {
    let mut value: Value = serde_json::from_slice(body).ok()?;
    match planted {
        NoLookup if operation.starts_with("List") && !operation.contains("Tags") => {
            for list in value.as_object_mut()?.values_mut().filter_map(Value::as_array_mut) {
                list.clear();
            }
        }
        ListCutShort if operation.starts_with("List") => {
            value.as_object_mut()?.remove("nextToken")?;
        }
        OwnerIgnored => own(&mut value, owner),
        UnownedTaken if operation == "GetAgentSpace" => {
            let tags = owner.iter().map(|(tag, value)| (format!("devopsagent.dev/{tag}"), json!(value)));
            value.as_object_mut()?.insert("tags".to_owned(), tags.collect());
        }
        _ => return None,
    }
    Some(Bytes::from(value.to_string()))
}

/// Makes every owner tag the object's own.
fn own(value: &mut Value, owner: &[(&str, &str)]) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| own(item, owner)),
        Value::Object(members) if members.contains_key("devopsagent.dev/cluster") => {
            members.extend(owner.iter().map(|(tag, value)| (format!("devopsagent.dev/{tag}"), json!(value))));
        }
        Value::Object(members) => members.values_mut().for_each(|member| own(member, owner)),
        _ => {}
    }
}
