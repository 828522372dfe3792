//! What will happen to each object, from what the preview has shown. Pure.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::api::change::{ChangeAction, ChangePolicy, FieldChange, PendingChange};
use crate::kinds;
use crate::kubernetes::replica;
use crate::reconcile::graph::references::ACCOUNT;
use crate::reconcile::state::annotations::{APPROVE, HAND_OVER_TO};
use crate::reconcile::state::conditions::Reason;
use crate::reconcile::state::subject::Subject;

use super::concluded::{condition_of, is_paused, reason_of};
use super::consequences::{self, Referring};
use super::left_behind;
use super::preview::{Seen, Shown, UNKNOWN_CLUSTER};
use super::relations::{self, Relations};

/// The owner tag that an object's UID is in.
const UID: &str = "/tags/devopsagent.dev~1uid";

/// What happens to an object's resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Fate {
    /// It is created.
    Create,
    /// It is changed in place.
    Update,
    /// It gives way to a new one.
    Replace,
    /// It is deleted.
    Delete,
    /// It is given to the object of the same name in another namespace.
    HandOver,
    /// The object begins to track it, and nothing else changes.
    Adopt,
    /// The object goes, and the resource stays as it is.
    Release,
    /// It differs from the spec, and isn't corrected.
    Differs,
    /// Something else has to happen first.
    Blocked,
    /// The operator can't or mustn't do what the spec asks for.
    Refused,
    /// The operator is kept away from it.
    Paused,
    /// Values of Secrets can't be compared.
    Incomparable,
    /// Nothing.
    Unchanged,
}

impl Fate {
    /// All of them, in the order in which they are counted.
    pub const ALL: [Self; 13] = [
        Self::Create,
        Self::Update,
        Self::Replace,
        Self::Delete,
        Self::HandOver,
        Self::Adopt,
        Self::Release,
        Self::Differs,
        Self::Blocked,
        Self::Refused,
        Self::Paused,
        Self::Incomparable,
        Self::Unchanged,
    ];

    /// As people read it, with a number before it.
    pub fn counted(self) -> &'static str {
        match self {
            Self::Create => "to create",
            Self::Update => "to update",
            Self::Replace => "to replace",
            Self::Delete => "to delete",
            Self::HandOver => "to hand over",
            Self::Adopt => "to adopt",
            Self::Release => "to release",
            Self::Differs => "different and left as they are",
            Self::Blocked => "blocked",
            Self::Refused => "refused",
            Self::Paused => "paused",
            Self::Incomparable => "that can't be compared",
            Self::Unchanged => "unchanged",
        }
    }

    /// As people read it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Replace => "replace",
            Self::Delete => "delete",
            Self::HandOver => "hand over",
            Self::Adopt => "adopt",
            Self::Release => "release, and leave in AWS",
            Self::Differs => "differs, and is left as it is",
            Self::Blocked => "blocked",
            Self::Refused => "refused",
            Self::Paused => "paused",
            Self::Incomparable => "can't be compared",
            Self::Unchanged => "unchanged",
        }
    }

    /// Whether something in AWS changes.
    pub fn is_change(self) -> bool {
        matches!(self, Self::Create | Self::Update | Self::Replace | Self::Delete | Self::HandOver)
    }

    fn of(action: ChangeAction) -> Self {
        match action {
            ChangeAction::Create => Self::Create,
            ChangeAction::Update => Self::Update,
            ChangeAction::Replace => Self::Replace,
            ChangeAction::Delete => Self::Delete,
        }
    }
}

/// Whether a change waits for approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Approval {
    /// It does.
    Required,
    /// It was approved.
    Given,
}

/// What will happen to an object.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Its kind.
    pub kind: String,
    /// Its namespace; empty for kinds without one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The file that it comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// What happens to its resource.
    pub action: Fate,
    /// Whom the resource is handed over to: namespace and name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heir: Option<String>,
    /// The resource's id in AWS, if it has one already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Whether the object adopts the resource first.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub adopts: bool,
    /// The fields that change.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<FieldChange>,
    /// How many more fields change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub truncated: Option<i32>,
    /// What stops working, or gets another address or id.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub disrupts: Vec<String>,
    /// What keeps the old resource from being deleted after a new one has replaced it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub held_by: Vec<String>,
    /// What is created before it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<String>,
    /// Why: the reason, as in conditions.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// Why, and what to do.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// Hash of the change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// Whether the change waits for approval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// Whether the operator in the cluster holds back just this change.
    #[serde(skip)]
    pub waits: bool,
    /// Name of the AWSAccount that the operator reaches its resource with, if it got that far.
    #[serde(skip)]
    pub account: Option<String>,
}

impl Entry {
    /// How it is named.
    pub fn shown(&self) -> String {
        if self.namespace.is_empty() {
            format!("{} {}", self.kind, self.name)
        } else {
            format!("{} {}/{}", self.kind, self.namespace, self.name)
        }
    }

    /// The object as others refer to it.
    pub fn subject(&self) -> Option<Subject> {
        let kind = kinds::names().into_iter().find(|kind| *kind == self.kind)?;
        Some(Subject::new(kind, self.namespace.as_str(), self.name.as_str()))
    }
}

/// What will happen to each object.
pub fn entries(shown: &Shown) -> Vec<Entry> {
    let mut entries: Vec<Referring> = shown
        .objects
        .iter()
        .map(|seen| (entry(seen, shown.comparable), relations::referred(&seen.kind, &seen.before)))
        .collect();
    consequences::follow(&mut entries, shown);
    left_behind::settle(&mut entries, shown);
    for ((entry, _), seen) in entries.iter_mut().zip(&shown.objects) {
        // No pass has got as far as describing what is created after others.
        if entry.action == Fate::Create && entry.hash.is_none() {
            entry.changes = kinds::asked_for(&seen.kind, &seen.before);
        }
    }
    let mut entries: Vec<Entry> = entries.into_iter().map(|(entry, _)| entry).collect();
    let order: BTreeMap<&str, usize> = kinds::names().into_iter().zip(0..).collect();
    entries.sort_by(|one, other| {
        let rank = |entry: &Entry| order.get(entry.kind.as_str()).copied().unwrap_or(usize::MAX);
        (rank(one), &one.namespace, &one.name).cmp(&(rank(other), &other.namespace, &other.name))
    });
    entries
}

/// What is shown of a plan for files: their objects, and what else changes because it refers to them.
pub fn concerned(entries: Vec<Entry>, shown: &Shown) -> Vec<Entry> {
    let mut relations = Relations::default();
    for seen in &shown.objects {
        relations.add(&seen.kind, &seen.before, seen.file.is_some());
    }
    let touched = relations.touched();
    let fits = |entry: &Entry| {
        let touched = entry.subject().is_some_and(|subject| touched.contains(&subject));
        entry.file.is_some() || (touched && entry.action.is_change())
    };
    entries.into_iter().filter(fits).collect()
}

fn entry(seen: &Seen, comparable: bool) -> Entry {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let metadata = &seen.before["metadata"];
    let mut entry = Entry {
        kind: seen.kind.clone(),
        namespace: text(&metadata["namespace"]),
        name: text(&metadata["name"]),
        file: seen.file.clone(),
        action: Fate::Release,
        heir: None,
        id: id_of(&seen.before).map(str::to_owned),
        adopts: false,
        changes: Vec::new(),
        truncated: None,
        disrupts: Vec::new(),
        held_by: Vec::new(),
        after: Vec::new(),
        reason: String::new(),
        message: String::new(),
        hash: None,
        approval: None,
        waits: false,
        account: account_of(seen),
    };
    let Some(after) = &seen.after else { return entry };
    let found = id_of(after);
    entry.adopts = found.is_some() && found != id_of(&seen.before);
    entry.id = found.map(str::to_owned);
    let pending = after.pointer("/status/pendingChange").cloned();
    if let Some(pending) = pending.and_then(|pending| serde_json::from_value::<PendingChange>(pending).ok()) {
        decided(&mut entry, pending, seen);
        return entry;
    }
    let (synced, ready) = (reason_of(after, "Synced"), reason_of(after, "Ready"));
    let condition = if ready.is_empty() { "Synced" } else { "Ready" };
    if ready.is_empty() { synced } else { ready }.clone_into(&mut entry.reason);
    entry.message = condition_of(after, condition).map(|it| text(&it["message"])).unwrap_or_default();
    let stalled = condition_of(after, "Stalled").is_some_and(|condition| condition["status"] == "True");
    let is_recorded = !after.pointer("/status/fingerprint").unwrap_or(&Value::Null).is_null();
    entry.action = if is_paused(after) {
        Fate::Paused
    } else if ready.is_empty() && synced.is_empty() {
        entry.message.clear();
        match (entry.adopts, is_recorded && !comparable) {
            (true, _) if seen.kind != ACCOUNT => Fate::Adopt,
            (_, true) => Fate::Incomparable,
            _ => Fate::Unchanged,
        }
    } else if entry.reason == Reason::Drifted.as_str() {
        Fate::Differs
    } else if stalled || is_refusal(&entry.reason) {
        Fate::Refused
    } else {
        Fate::Blocked
    };
    entry
}

/// A change that was held back.
fn decided(entry: &mut Entry, pending: PendingChange, seen: &Seen) {
    entry.action = Fate::of(pending.action);
    entry.changes = pending.changes;
    entry.truncated = pending.truncated;
    entry.disrupts = pending.disrupts;
    if pending.action == ChangeAction::Update && is_deleted(&seen.before) {
        // All that is written to what a deleted object leaves says whose it is from now on.
        entry.action = Fate::HandOver;
        let heir = seen.before["metadata"]["annotations"][HAND_OVER_TO].as_str();
        entry.heir = heir.map(|namespace| format!("{namespace}/{}", entry.name));
    } else if change_policy(&seen.before).holds(pending.action) {
        let given = seen.before["metadata"]["annotations"][APPROVE] == pending.hash.as_str();
        entry.approval = Some(if given { Approval::Given } else { Approval::Required });
    }
    let made_up = replica::is_made_up(&seen.before["metadata"]["uid"]);
    for change in &mut entry.changes {
        let is_unknown = change.new.as_deref().is_some_and(|new| new.contains(UNKNOWN_CLUSTER));
        if is_unknown || (made_up && change.path == UID) {
            change.new = None;
        }
    }
    entry.waits = seen.waiting.as_deref() == Some(&pending.hash);
    entry.hash = Some(pending.hash);
}

/// Which changes of an object wait for approval.
pub(super) fn change_policy(object: &Value) -> ChangePolicy {
    serde_json::from_value(object["spec"]["changePolicy"].clone()).unwrap_or_default()
}

/// What a person has to change, although the operator looks again by itself.
fn is_refusal(reason: &str) -> bool {
    [
        Reason::CredentialsUnavailable,
        Reason::EndpointInvalid,
        Reason::InputInvalid,
        Reason::InputNotFound,
        Reason::ReferenceNotAllowed,
        Reason::SecretNotOurs,
        Reason::AccessDenied,
        Reason::Unavailable,
        Reason::Throttled,
        Reason::KubernetesError,
        Reason::Unexpected,
    ]
    .iter()
    .any(|refusal| refusal.as_str() == reason)
}

/// Whether the object is being deleted.
pub(super) fn is_deleted(object: &Value) -> bool {
    !object["metadata"]["deletionTimestamp"].is_null()
}

fn id_of(object: &Value) -> Option<&str> {
    object.pointer("/status/id").and_then(Value::as_str)
}

fn account_of(seen: &Seen) -> Option<String> {
    let object = seen.after.as_ref().unwrap_or(&seen.before);
    let pointer = if seen.kind == ACCOUNT { "/metadata/name" } else { "/status/account" };
    object.pointer(pointer).and_then(Value::as_str).map(str::to_owned)
}
