//! Objects as a watch delivers them: one that can't be read doesn't affect the others.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kube::core::ApiResource;
use kube::runtime::watcher::Event;
use kube::{Resource, ResourceExt};
use serde_json::Value;
use tokio::sync::mpsc;
use tracing::error;

use crate::api::common::Object;
use crate::kubernetes::stored::{Stored, Unreadable};
use crate::reconcile::context::Context;
use crate::reconcile::events;
use crate::reconcile::graph::profile::Profile;
use crate::reconcile::state::subject::Subject;

/// Maximum pending Events about unreadable objects of a kind; more are dropped. Log and metric have them all.
const WAITING_EVENTS: usize = 256;

/// What the current list of a kind has shown so far, and which objects of the kind can't be read.
#[derive(Default)]
pub struct Listing(Mutex<Shown>);

#[derive(Default)]
struct Shown {
    listed: HashSet<Subject>,
    unreadable: HashMap<Subject, Report>,
}

/// What was reported about an object that can't be read.
struct Report {
    version: Option<String>,
    /// Whether the current list has it too.
    listed: bool,
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
        shown.unreadable.retain(|_, report| report.listed);
        let listed = std::mem::take(&mut shown.listed);
        listed.into_iter().chain(shown.unreadable.keys().cloned()).collect()
    }

    /// How many objects can't be read.
    pub fn unreadable(&self) -> usize {
        self.lock().unreadable.len()
    }

    /// The whole cluster is listed again: what isn't listed is gone.
    fn relist(&self) {
        self.lock().unreadable.values_mut().for_each(|report| report.listed = false);
    }

    fn forget(&self, subject: &Subject) {
        self.lock().unreadable.remove(subject);
    }

    /// Notes an unreadable object. Returns whether nothing has been reported yet about this version.
    fn is_news(&self, subject: &Subject, version: Option<&str>) -> bool {
        let report = Report { version: version.map(str::to_owned), listed: true };
        let before = self.lock().unreadable.insert(subject.clone(), report);
        before.is_none_or(|before| before.version.as_deref() != version)
    }

    fn lock(&self) -> MutexGuard<'_, Shown> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads the objects of one kind.
pub struct Reader {
    cx: Arc<Context>,
    listing: Arc<Listing>,
    events: mpsc::Sender<events::AboutUnreadable>,
}

impl Reader {
    /// A reader of what `listing` lists. The second writes its Events, which nothing waits for.
    pub fn new(cx: &Arc<Context>, listing: &Arc<Listing>) -> (Self, impl Future<Output = ()> + Send + use<>) {
        let (events, mut waiting) = mpsc::channel(WAITING_EVENTS);
        let writer = Arc::clone(cx);
        let write = async move {
            while let Some(event) = waiting.recv().await {
                events::unreadable(&writer, &event).await;
            }
        };
        (Self { cx: Arc::clone(cx), listing: Arc::clone(listing), events }, write)
    }

    /// The event with its object parsed as its kind; one that can't be read is reported, and skipped.
    pub fn readable<T: Object>(&self, event: Event<Stored>) -> Option<Event<T>> {
        let event = match event {
            Event::Apply(object) => self.read(&object).map(Event::Apply),
            Event::InitApply(object) => self.read(&object).map(Event::InitApply),
            Event::Delete(object) => {
                let subject = subject::<T>(&object);
                self.listing.forget(&subject);
                self.cx.kept.forget(&subject);
                if let Ok(object) = object.read() {
                    Some(Event::Delete(object))
                } else {
                    self.cx.hub.deleted(&subject);
                    None
                }
            }
            Event::Init => {
                // If each namespace has a watch, this is the list of one of them: those of the others stay.
                if self.cx.reach.is_everywhere() {
                    self.listing.relist();
                }
                Some(Event::Init)
            }
            Event::InitDone => Some(Event::InitDone),
        };
        self.cx.metrics.unreadable(T::kind_name(), self.listing.unreadable());
        event
    }

    fn read<T: Object>(&self, object: &Stored) -> Option<T> {
        match self.cx.kept.keep::<T>(object) {
            Ok(readable) => {
                self.listing.forget(&Subject::of(&readable));
                Some(readable)
            }
            Err((why, rest)) => {
                self.report::<T>(object, &why, &rest);
                None
            }
        }
    }

    /// It is left alone, but it exists: what refers to it waits, and what it refers to isn't deleted before it.
    fn report<T: Object>(&self, object: &Stored, why: &Unreadable, rest: &Value) {
        let subject = subject::<T>(object);
        self.cx.kept.forget(&subject);
        self.cx.hub.applied(&subject, Profile::of(&subject, rest));
        let is_news = self.listing.is_news(&subject, object.meta().resource_version.as_deref());
        if !is_news || !self.cx.shard.has(&subject) {
            return;
        }
        let advice = if object.meta().deletion_timestamp.is_some() {
            "it isn't deleted either, because its AWS resource would be left behind: correct it (kubectl edit), or remove \
             its finalizer if nothing of it is left in AWS"
        } else {
            "it is left unchanged; correct it (kubectl replace)"
        };
        error!(
            kind = subject.kind,
            namespace = subject.namespace,
            name = subject.name,
            error = %why,
            "an object can't be read; {advice}"
        );
        let note = format!("this object can't be read; {advice}: {why}");
        let about = object.object_ref(&ApiResource::erase::<T>(&()));
        // See the limit above for what happens if there are too many.
        let _ = self.events.try_send(events::AboutUnreadable { note, about });
    }
}

fn subject<T: Object>(object: &Stored) -> Subject {
    Subject::new(T::kind_name(), object.namespace().unwrap_or_default(), object.name_any())
}
