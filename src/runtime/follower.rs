//! Keeps the cache, the index of references, and what is remembered of objects in step with the watch of their kind.

use std::collections::HashSet;
use std::sync::Arc;

use kube::runtime::watcher::Event;
use kube::{Resource, ResourceExt};
use tokio::sync::mpsc;
use tracing::info;

use crate::api::common::{Object, Status};
use crate::kinds;
use crate::reconcile::cache::Cache;
use crate::reconcile::context::Context;
use crate::reconcile::graph::profile::Profile;
use crate::reconcile::graph::references;
use crate::reconcile::kind::Kind;
use crate::reconcile::state::finalizer;
use crate::reconcile::state::subject::Subject;

use super::readable::Listing;

/// Follows the watch of a kind.
pub struct Follower<K: Kind> {
    /// What all passes share.
    pub cx: Arc<Context>,
    /// The cache of the kind.
    pub cache: Cache<K::Object>,
    /// What the current list has shown.
    pub listing: Arc<Listing>,
    /// Receives the objects that are gone and may have left something in AWS.
    pub vanishing: mpsc::UnboundedSender<Arc<K::Object>>,
}

impl<K: Kind> Follower<K> {
    /// Takes note of an event. Returns the object if it is new, or anything but its status has changed.
    pub fn follow(&self, event: Event<K::Object>) -> Option<Subject> {
        match event {
            Event::Init => {
                self.listing.begin();
                None
            }
            Event::InitApply(object) => {
                let (subject, is_changed) = self.applied(&object);
                self.listing.add(subject.clone());
                is_changed.then_some(subject)
            }
            Event::InitDone => {
                self.listed();
                None
            }
            Event::Apply(object) => {
                let (subject, is_changed) = self.applied(&object);
                is_changed.then_some(subject)
            }
            Event::Delete(object) => {
                self.deleted(object);
                None
            }
        }
    }

    fn applied(&self, object: &K::Object) -> (Subject, bool) {
        let cx = &self.cx;
        // The indexes share one copy of its name.
        let subject = cx.kept.known(Subject::of(object));
        let is_changed = self.cache.put(&subject, object);
        let profile = cx.kept.profile(&subject).unwrap_or_else(|| {
            let value = serde_json::to_value(object).unwrap_or_default();
            Profile::of(&subject, &value)
        });
        let uid = object.uid().unwrap_or_default();
        if object.status().common().id.is_some() {
            cx.arrivals.forget(&uid);
        } else {
            cx.arrivals.seen(&uid, object.meta().generation);
        }
        cx.hub.applied(&subject, profile.describing(K::natural_key(object).as_deref()));
        if cx.written.is_overwritten(object) {
            info!(object = %subject, "its status differs from what was last written; checking again");
            cx.hub.wake(&subject);
        }
        (subject, is_changed)
    }

    /// The list is complete: nothing else is there.
    fn listed(&self) {
        let (cx, kind) = (&self.cx, K::Object::kind_name());
        retain::<K::Object>(cx, &self.listing.end());
        forget_accounts(cx, kind);
        cx.metrics.unreadable(kind, self.listing.unreadable());
        if cx.stores.fill(kind, kinds::count(&cx.reach)) {
            info!(kind, "the CRD is installed now");
        }
    }

    fn deleted(&self, object: K::Object) {
        let cx = &self.cx;
        let subject = Subject::of(&object);
        cx.forget(&object.uid().unwrap_or_default());
        self.cache.remove(&subject);
        cx.hub.deleted(&subject);
        forget_accounts(cx, K::Object::kind_name());
        cx.kept.forget(&subject);
        if is_orphaning::<K>(cx, &subject, &object) {
            // Received until the runner ends, and with it the process.
            let _ = self.vanishing.send(Arc::new(object));
        }
    }
}

/// Forgets the objects of a kind that aren't among these.
pub(super) fn retain<T: Object>(cx: &Context, present: &HashSet<Subject>) {
    if let Some(cache) = cx.cache::<T>() {
        cache.retain(present);
    }
    cx.hub.retain(T::kind_name(), present);
    cx.kept.retain(T::kind_name(), present);
}

/// Whether an object of this shard may have left something in AWS: it went without waiting for its finalizer. One that
/// waited was being deleted.
fn is_orphaning<K: Kind>(cx: &Context, subject: &Subject, object: &K::Object) -> bool {
    K::HAS_REMOTE
        && cx.shard.has(subject)
        && finalizer::is_on(object)
        && object.meta().deletion_timestamp.is_none()
}

/// When an AWSAccount is gone, its client, budget and credentials are dropped.
fn forget_accounts(cx: &Context, kind: &str) {
    if kind == references::ACCOUNT {
        cx.accounts.forget_gone(cx);
    }
}
