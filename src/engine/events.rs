//! Events: one for each thing that changed, and one for each change of what holds an object back.

use k8s_openapi::api::core::v1::ObjectReference;
use kube::Resource;
use kube::core::{ApiResource, DynamicObject};
use kube::runtime::events::{Event, EventType, Recorder};
use tracing::{info, warn};

use crate::api::common::{Object, Status};

use super::conclusion::{Ending, Verdict};
use super::conditions::{self, Reason};
use super::context::Context;
use super::drift::Drift;
use super::error::{Class, Error};
use super::kind::Kind;
use super::pass::Pass;

/// The remote was created.
pub async fn created<K: Kind>(pass: &Pass<'_, K>, noun: &str, id: &str) {
    info!(id, "created the {noun}");
    publish(pass, EventType::Normal, "CreatedExternalResource", "Create", format!("created the {noun} {id}"))
        .await;
}

/// Drift was mended in place.
pub async fn updated<K: Kind>(pass: &Pass<'_, K>, noun: &str, id: &str, drift: &Drift) {
    let note = format!("updated the {noun} {id}: {drift}");
    publish_alone(pass, "UpdatedExternalResource", "Update", note).await;
}

/// The remote gives way to a new one.
pub async fn replaced<K: Kind>(pass: &Pass<'_, K>, noun: &str, id: &str, drift: &Drift) {
    let note = format!("replacing the {noun} {id}: {drift}");
    publish_alone(pass, "ReplacedExternalResource", "Replace", note).await;
}

/// The remote was deleted.
pub async fn deleted<K: Kind>(pass: &Pass<'_, K>, noun: &str, id: &str) {
    info!(id, "deleted the {noun}");
    publish(pass, EventType::Normal, "DeletedExternalResource", "Delete", format!("deleted the {noun} {id}"))
        .await;
}

/// The remote was left in AWS.
pub async fn kept<K: Kind>(pass: &Pass<'_, K>, note: String) {
    info!("{note}");
    publish(pass, EventType::Normal, "RetainedExternalResource", "Delete", note).await;
}

/// A Secret was written.
pub async fn secret_written<K: Kind>(pass: &Pass<'_, K>, name: &str) {
    info!(secret = name, "wrote the webhook Secret");
    let note = format!("wrote the webhook's address and secret to the Secret {name}");
    publish(pass, EventType::Normal, "WroteSecret", "Create", note).await;
}

/// Tells of what holds the object back, once each time that it changes.
pub async fn transition<K: Kind>(pass: &Pass<'_, K>, verdict: &Verdict) {
    if let Ok(Ending::Adopted { id }) = &verdict.ending {
        let note = format!("took up the existing {} {id}", K::NOUN);
        publish(pass, EventType::Normal, "AdoptedExternalResource", "Adopt", note).await;
        return;
    }
    let view = |status: &super::kind::StatusOf<K>| {
        let conditions = &status.common().conditions;
        let word = |kind| conditions::get(conditions, kind).map(|c| (c.status.clone(), c.reason.clone()));
        (word("Ready"), word("Synced"))
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
            let note = format!("the {} {}", K::NOUN, K::AS_IT_SHOULD_BE);
            publish(pass, EventType::Normal, "Available", "Reconcile", note).await;
        }
        Some(condition) if !matches!(verdict.ending, Ok(Ending::Again)) => {
            let (reason, message) = (condition.reason.clone(), condition.message.clone());
            let kind = if is_expected(verdict) { EventType::Normal } else { EventType::Warning };
            if kind == EventType::Warning {
                warn!(reason, request_id = request_id(verdict), "{message}");
            } else {
                info!(reason, "{message}");
            }
            publish(pass, kind, &reason, "Reconcile", message).await;
        }
        _ => {}
    }
}

/// What AWS support asks for, if AWS refused something.
fn request_id(verdict: &Verdict) -> Option<&str> {
    match verdict.ending.as_ref().err()? {
        Error::Aws { source, .. } => source.service()?.request_id.as_deref(),
        _ => None,
    }
}

/// Whether what holds the object back passes by itself in the normal course of things.
fn is_expected(verdict: &Verdict) -> bool {
    match &verdict.ending {
        Ok(Ending::Stalled { .. }) => false,
        Ok(_) => true,
        Err(error) => match error.classify() {
            (Class::Poll, _) => true,
            // What is applied or deleted together becomes ready, and goes, one after the other.
            (Class::Wait, reason) => matches!(reason, Reason::DependencyNotReady | Reason::DeletionBlocked),
            _ => false,
        },
    }
}

/// An object does not fit its kind.
pub async fn unreadable<T: Object>(cx: &Context, object: &DynamicObject, error: &serde_json::Error) {
    let note = format!(
        "this object can't be read and is left alone; replace it (kubectl replace) with its present form: {error}"
    );
    let about = object.object_ref(&ApiResource::erase::<T>(&()));
    send(&cx.recorder, &about, EventType::Warning, "Unreadable", "Reconcile", note).await;
}

async fn publish<K: Kind>(pass: &Pass<'_, K>, type_: EventType, reason: &str, action: &str, note: String) {
    publish_with(&pass.cx.recorder, pass, type_, reason, action, note).await;
}

/// Publishes an Event that is never counted together with an earlier one of the same reason: each tells of
/// another change.
async fn publish_alone<K: Kind>(pass: &Pass<'_, K>, reason: &str, action: &str, note: String) {
    let recorder = Recorder::new(pass.cx.client.clone(), pass.cx.reporter.clone());
    publish_with(&recorder, pass, EventType::Normal, reason, action, note).await;
}

async fn publish_with<K: Kind>(
    recorder: &Recorder,
    pass: &Pass<'_, K>,
    type_: EventType,
    reason: &str,
    action: &str,
    note: String,
) {
    send(recorder, &pass.object.object_ref(&()), type_, reason, action, note).await;
}

async fn send(
    recorder: &Recorder,
    about: &ObjectReference,
    type_: EventType,
    reason: &str,
    action: &str,
    note: String,
) {
    /// The API refuses a longer note.
    const LIMIT: usize = 1000;
    let note: String = note.chars().take(LIMIT).collect();
    let event = Event {
        type_,
        reason: reason.to_owned(),
        note: Some(note),
        action: action.to_owned(),
        secondary: None,
    };
    if let Err(error) = recorder.publish(&event, about).await {
        tracing::debug!(%error, "an Event could not be written");
    }
}
