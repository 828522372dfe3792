//! Objects as a watch brings them: one that can't be read does no harm to the others.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use kube::ResourceExt;
use kube::core::DynamicObject;
use kube::runtime::watcher::Event;
use tracing::error;

use crate::api::common::Object;

use super::context::Context;
use super::events;
use super::hub::{Profile, Subject};

/// What the present list of a kind has shown so far, and which objects of the kind can't be read.
#[derive(Default)]
pub struct Listing(Mutex<Shown>);

#[derive(Default)]
struct Shown {
    listed: HashSet<Subject>,
    unreadable: HashSet<Subject>,
}

impl Listing {
    /// A new list begins.
    pub fn begin(&self) {
        self.lock().listed.clear();
    }

    /// The list has this object.
    pub fn add(&self, subject: Subject) {
        self.lock().listed.insert(subject);
    }

    /// The list is complete: everything that is there, whether it can be read or not.
    pub fn end(&self) -> HashSet<Subject> {
        let mut shown = self.lock();
        let listed = std::mem::take(&mut shown.listed);
        listed.into_iter().chain(shown.unreadable.iter().cloned()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Shown> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The event with its object in the form of its kind; one that can't be read is reported, and left out.
pub async fn readable<T: Object>(
    cx: &Context,
    listing: &Listing,
    event: Event<DynamicObject>,
) -> Option<Event<T>> {
    match event {
        Event::Apply(object) => match read::<T>(object, listing) {
            Ok(object) => Some(Event::Apply(object)),
            Err(unreadable) => unreadable.report::<T>(cx, listing).await,
        },
        Event::InitApply(object) => match read::<T>(object, listing) {
            Ok(object) => Some(Event::InitApply(object)),
            Err(unreadable) => unreadable.report::<T>(cx, listing).await,
        },
        Event::Delete(object) => match read::<T>(object, listing) {
            Ok(object) => Some(Event::Delete(object)),
            Err(unreadable) => {
                let subject = unreadable.subject::<T>();
                listing.lock().unreadable.remove(&subject);
                cx.hub.deleted(&subject);
                None
            }
        },
        Event::Init => {
            // Where each namespace has a watch, this is the list of one of them: the others' stay.
            if cx.reach.is_everywhere() {
                listing.lock().unreadable.clear();
            }
            Some(Event::Init)
        }
        Event::InitDone => Some(Event::InitDone),
    }
}

fn read<T: Object>(mut object: DynamicObject, listing: &Listing) -> Result<T, Box<Unreadable>> {
    // Nothing here reads them, and they are a large part of an object.
    object.managed_fields_mut().clear();
    match serde_json::to_value(&object).and_then(|value| T::deserialize(&value)) {
        Ok(readable) => {
            listing.lock().unreadable.retain(|subject| {
                object.metadata.name.as_ref() != Some(&subject.name)
                    || object.metadata.namespace.as_deref().unwrap_or_default() != subject.namespace
            });
            Ok(readable)
        }
        Err(error) => Err(Box::new(Unreadable { object, error })),
    }
}

/// An object that does not fit its kind: another version of the CRD let it in.
struct Unreadable {
    object: DynamicObject,
    error: serde_json::Error,
}

impl Unreadable {
    fn subject<T: Object>(&self) -> Subject {
        Subject::new(T::kind_name(), self.object.namespace().unwrap_or_default(), self.object.name_any())
    }

    /// It is left alone, but it is there: what refers to it waits, and what it refers to does not go before it.
    async fn report<T: Object>(self: Box<Self>, cx: &Context, listing: &Listing) -> Option<Event<T>> {
        let subject = self.subject::<T>();
        error!(
            kind = subject.kind,
            namespace = subject.namespace,
            name = subject.name,
            error = %self.error,
            "an object can't be read and is left alone; replace it with its present form"
        );
        if let Ok(value) = serde_json::to_value(&self.object) {
            cx.hub.applied(&subject, Profile::of(&subject, &value));
        }
        listing.lock().unreadable.insert(subject);
        events::unreadable::<T>(cx, &self.object, &self.error).await;
        None
    }
}
