//! Events: one for each change made, and one each time the reason that an object isn't ready changes.

use k8s_openapi::api::core::v1::ObjectReference;
use kube::Resource;
use kube::runtime::events::{Event, EventType};
use tracing::{info, warn};

use crate::api::common::{Object, Status};
use crate::aws::client::trail;
use crate::metrics::Change;
use crate::text;

use super::conclusion::{Ending, Verdict};
use super::context::Context;
use super::kind::Kind;
use super::pass::Pass;
use super::state::conditions::{self, Reason};
use super::state::drift::Drift;
use super::state::error::{Class, Error};

/// An Event that is published when the pass is recorded.
pub struct Telling {
    event: Event,
    /// Never merged with an earlier one of the same reason: each reports another change.
    alone: bool,
}

/// The remote was created; without an id, a person has to complete it. That an object got its first one is in status, and
/// in no Event: an account of ten thousand objects would begin with as many.
pub fn created<K: Kind>(pass: &mut Pass<'_, K>, noun: &str, id: Option<&str>) {
    info!(id, request_id = trail::request_id(), "created the {noun}");
    pass.cx.metrics.changed(K::Object::kind_name(), Change::Create);
    if id.is_some() && pass.stored.common().lost_id.is_none() {
        return;
    }
    let note = id.map_or_else(
        || "sent the registration; a person must open status.authorizationUrl to complete it".to_owned(),
        |id| format!("created the {noun} {id}"),
    );
    tell(pass, EventType::Normal, "CreatedExternalResource", "Create", &note);
}

/// Drift was corrected in place.
pub fn updated<K: Kind>(pass: &mut Pass<'_, K>, noun: &str, id: &str, drift: &Drift) {
    info!(id, %drift, request_id = trail::request_id(), "updated the {noun}");
    count_correction(pass, Change::Update);
    let note = format!("updated the {noun} {id}: {drift}");
    tell_alone(pass, EventType::Normal, "UpdatedExternalResource", "Update", &note);
}

/// The remote is replaced by a new one.
pub fn replaced<K: Kind>(pass: &mut Pass<'_, K>, noun: &str, id: &str, drift: &Drift) {
    info!(id, %drift, request_id = trail::request_id(), "replacing the {noun}");
    count_correction(pass, Change::Replace);
    let note = format!("replacing the {noun} {id}: {drift}");
    tell_alone(pass, EventType::Normal, "ReplacedExternalResource", "Replace", &note);
}

/// The remote was deleted.
pub fn deleted<K: Kind>(pass: &mut Pass<'_, K>, noun: &str, id: &str) {
    info!(id, request_id = trail::request_id(), "deleted the {noun}");
    pass.cx.metrics.changed(K::Object::kind_name(), Change::Delete);
    tell(pass, EventType::Normal, "DeletedExternalResource", "Delete", &format!("deleted the {noun} {id}"));
}

/// The remote was left in AWS.
pub fn kept<K: Kind>(pass: &mut Pass<'_, K>, note: &str) {
    info!("{note}");
    tell(pass, EventType::Normal, "RetainedExternalResource", "Delete", note);
}

/// A change that was waiting has been approved.
pub fn approved<K: Kind>(pass: &mut Pass<'_, K>, note: &str) {
    info!("{note}");
    tell_alone(pass, EventType::Normal, "ChangeApproved", "Reconcile", note);
}

/// A Secret was written.
pub fn secret_written<K: Kind>(pass: &mut Pass<'_, K>, name: &str) {
    let note = format!("wrote the webhook's address and secret to the Secret {name}");
    tell(pass, EventType::Normal, "WroteSecret", "Create", &note);
}

/// A Secret was written again, or moved; AWS had no part in it.
pub fn secret_rewritten<K: Kind>(pass: &mut Pass<'_, K>, note: &str) {
    info!("{note}");
    tell_alone(pass, EventType::Normal, "WroteSecret", "Update", note);
}

/// A Secret that is no longer needed was deleted.
pub fn secret_deleted<K: Kind>(pass: &mut Pass<'_, K>, name: &str) {
    let note = format!("deleted the Secret {name}: the webhook now uses another one");
    tell_alone(pass, EventType::Normal, "DeletedSecret", "Delete", &note);
}

/// The tools that post incidents need the new address.
pub fn address_changed<K: Kind>(pass: &mut Pass<'_, K>, note: &str) {
    warn!("{note}");
    tell_alone(pass, EventType::Warning, "WebhookAddressChanged", "Create", note);
}

/// A difference found while the object was settled, not caused by an edit, is drift.
fn count_correction<K: Kind>(pass: &Pass<'_, K>, change: Change) {
    let kind = K::Object::kind_name();
    pass.cx.metrics.changed(kind, change);
    if conditions::is_settled(pass.stored.common(), pass.object.meta().generation) {
        pass.cx.metrics.drift_corrected(kind);
    }
}

/// Reports why the object isn't ready, once each time that it changes.
pub fn transition<K: Kind>(pass: &mut Pass<'_, K>, verdict: &Verdict) {
    pass.cx.metrics.concluded(&*pass.object, &pass.stored, &pass.status, verdict.outcome());
    if let Ok(Ending::Adopted { id }) = &verdict.ending {
        pass.cx.metrics.changed(K::Object::kind_name(), Change::Adopt);
        let note = format!("adopted the existing {} {id}", K::NOUN);
        tell(pass, EventType::Normal, "AdoptedExternalResource", "Adopt", &note);
        return;
    }
    let view = |status: &super::kind::StatusOf<K>| {
        let conditions = &status.common().conditions;
        let word = |kind| conditions::get(conditions, kind).map(|c| (c.status.clone(), c.reason.clone()));
        let pending = status.common().pending_change.as_ref().map(|pending| pending.hash.clone());
        (word("Ready"), word("Synced"), pending)
    };
    let (before, after) = (view(&pass.stored), view(&pass.status));
    if before == after {
        if let Err(error) = &verdict.ending {
            tracing::debug!(%error, "still held back");
        }
        return;
    }
    let conditions = &pass.status.common().conditions;
    let telling = ["Synced", "Ready"]
        .into_iter()
        .filter_map(|kind| conditions::get(conditions, kind))
        .find(|condition| condition.status != "True");
    match telling {
        None if matches!(verdict.ending, Ok(Ending::Settled)) => {
            info!("ready");
            // What was never said to be in trouble needs no all-clear.
            let trouble = pass.cx.troubled.forget(&pass.identity.uid);
            let was = before.0.is_some_and(|(_, reason)| reason != Reason::Progressing.as_str());
            if !trouble && !was {
                return;
            }
            let note = format!("the {} {}", K::NOUN, K::AS_IT_SHOULD_BE);
            tell(pass, EventType::Normal, "Available", "Reconcile", &note);
        }
        Some(condition) if !matches!(verdict.ending, Ok(Ending::Again)) => {
            let (reason, message) = (condition.reason.clone(), condition.message.clone());
            let kind = if is_expected(verdict) { EventType::Normal } else { EventType::Warning };
            if kind == EventType::Warning {
                warn!(reason, request_id = request_id(verdict), "{message}");
            } else {
                info!(reason, "{message}");
            }
            pass.cx.troubled.add(&pass.identity.uid);
            tell(pass, kind, &reason, "Reconcile", &message);
        }
        _ => {}
    }
}

/// The request id, which AWS support asks for, if AWS refused something.
fn request_id(verdict: &Verdict) -> Option<&str> {
    match verdict.ending.as_ref().err()? {
        Error::Aws { source, .. } => source.service()?.request_id.as_deref(),
        _ => None,
    }
}

/// Whether the object is waiting for something that normally happens by itself.
fn is_expected(verdict: &Verdict) -> bool {
    match &verdict.ending {
        Ok(Ending::Stalled { .. }) => false,
        Ok(_) => true,
        Err(error) => match error.classify() {
            (Class::Poll, _) => true,
            // Objects that are applied or deleted together become ready, and are deleted, one after the other.
            (Class::Wait, reason) => matches!(
                reason,
                Reason::DependencyNotReady | Reason::AuthorizationRequired | Reason::DeletionBlocked
            ),
            _ => false,
        },
    }
}

/// What to report about an object that can't be read.
pub struct AboutUnreadable {
    /// Why, and what to do.
    pub note: String,
    /// The object.
    pub about: ObjectReference,
}

/// An object can't be read.
pub async fn unreadable(cx: &Context, AboutUnreadable { note, about }: &AboutUnreadable) {
    told(cx.recorder.publish(&event(EventType::Warning, "Unreadable", "Reconcile", note), about).await);
}

fn tell<K: Kind>(pass: &mut Pass<'_, K>, type_: EventType, reason: &str, action: &str, note: &str) {
    let Some(reason) = reason_if_told(pass, reason) else { return };
    pass.events.push(Telling { event: event(type_, reason, action, note), alone: false });
}

fn tell_alone<K: Kind>(pass: &mut Pass<'_, K>, type_: EventType, reason: &str, action: &str, note: &str) {
    let Some(reason) = reason_if_told(pass, reason) else { return };
    let event = event(type_, reason, action, note);
    pass.events.push(Telling { event, alone: true });
}

/// An operator that holds everything back tells what it would do, and nothing else.
fn reason_if_told<'a, K: Kind>(pass: &Pass<'_, K>, reason: &'a str) -> Option<&'a str> {
    match (pass.cx.holds_back, reason == Reason::ApprovalRequired.as_str()) {
        (false, _) => Some(reason),
        (true, true) => Some("DryRun"),
        (true, false) => None,
    }
}

fn event(type_: EventType, reason: &str, action: &str, note: &str) -> Event {
    /// In bytes; the API rejects a longer note.
    const LIMIT: usize = 1024;
    let note = text::plain_within(note, LIMIT);
    Event { type_, reason: reason.to_owned(), note: Some(note), action: action.to_owned(), secondary: None }
}

/// Publishes the Events of the pass: after status, because an Event is the one thing that may be lost.
pub async fn publish<K: Kind>(pass: &mut Pass<'_, K>) {
    let about = pass.object.object_ref(&());
    for Telling { event, alone } in std::mem::take(&mut pass.events) {
        if alone {
            told(pass.cx.recorder.publish_alone(&event, &about).await);
        } else {
            told(pass.cx.recorder.publish(&event, &about).await);
        }
    }
}

fn told(written: Result<(), kube::Error>) {
    if let Err(error) = written {
        tracing::debug!(%error, "an Event could not be written");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_one_line_that_the_api_takes() {
        let note = |text: &str| event(EventType::Normal, "Reason", "Action", text).note.unwrap();
        assert_eq!(note("no\nNormal  Available\u{9b}2J"), "no Normal  Available\u{FFFD}2J");
        assert!(note(&"λ".repeat(5000)).len() <= 1024);
    }
}
