//! What is counted when it happens.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use kube::ResourceExt;

use crate::api::common::{Object, Status};
use crate::aws::{Call, Observer};
use crate::reconcile::state::conditions;

use super::Metrics;

/// A change that the operator made in AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// A remote was created.
    Create,
    /// A remote was changed.
    Update,
    /// A remote is replaced.
    Replace,
    /// A remote was deleted.
    Delete,
    /// An existing remote was adopted.
    Adopt,
}

impl Change {
    fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Replace => "replace",
            Self::Delete => "delete",
            Self::Adopt => "adopt",
        }
    }
}

/// How a pass ended, as metrics tell it apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing is left to do.
    Done,
    /// The next pass follows at once.
    Again,
    /// The next pass follows later: something has to happen first.
    Later,
    /// An error that is retried.
    Failed,
    /// An error that a person has to fix.
    Stalled,
}

impl Outcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Done => "success",
            Self::Again => "requeue",
            Self::Later => "requeue_after",
            Self::Failed | Self::Stalled => "error",
        }
    }
}

/// UIDs of objects that had no status when they were first seen, and aren't Ready yet.
#[derive(Debug, Default)]
pub struct Newcomers(Mutex<HashSet<String>>);

impl Newcomers {
    fn with<R>(&self, act: impl FnOnce(&mut HashSet<String>) -> R) -> R {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Metrics {
    /// A pass over `object` ended; its status was `stored`, and is now `status`.
    pub fn concluded<T: Object>(&self, object: &T, stored: &T::Status, status: &T::Status, outcome: Outcome) {
        self.ended(T::kind_name(), outcome);
        if outcome == Outcome::Stalled {
            self.terminal_errors.with([T::kind_name()]).inc();
        }
        self.first_ready(object, stored, status);
    }

    /// The object is gone, and nothing is left to do.
    pub fn finished<T: Object>(&self, object: &T) {
        self.ended(T::kind_name(), Outcome::Done);
        self.newcomers.with(|known| known.remove(&object.uid().unwrap_or_default()));
    }

    /// A pass ended before it began: the finalizer couldn't be changed.
    pub fn failed(&self, kind: &str) {
        self.ended(kind, Outcome::Failed);
    }

    fn ended(&self, kind: &str, outcome: Outcome) {
        self.reconciles.with([kind, outcome.as_str()]).inc();
        if matches!(outcome, Outcome::Failed | Outcome::Stalled) {
            self.reconcile_errors.with([kind]).inc();
        }
    }

    fn first_ready<T: Object>(&self, object: &T, stored: &T::Status, status: &T::Status) {
        let uid = object.uid().unwrap_or_default();
        if stored.common().conditions.is_empty() {
            self.newcomers.with(|known| known.insert(uid.clone()));
        }
        if conditions::is_true(&status.common().conditions, "Ready")
            && self.newcomers.with(|known| known.remove(&uid))
            && let Some(created) = object.creation_timestamp()
        {
            let took = Timestamp::now().duration_since(created.0).as_secs_f64();
            self.first_ready.with([T::kind_name()]).observe(took.max(0.0));
        }
    }

    /// The operator changed something in AWS.
    pub fn changed(&self, kind: &str, change: Change) {
        self.changes.with([kind, change.as_str()]).inc();
    }

    /// A write corrected drift.
    pub fn drift_corrected(&self, kind: &str) {
        self.drift_corrections.with([kind]).inc();
    }

    /// A webhook's Secret was written.
    pub fn webhook_secret_issued(&self) {
        self.webhook_secrets.inc();
    }

    /// This many objects of a kind can't be read.
    pub fn unreadable(&self, kind: &str, objects: usize) {
        self.unreadable.with([kind]).set(i64::try_from(objects).unwrap_or(i64::MAX));
    }

    /// An Event of this type was dropped.
    pub fn event_dropped(&self, kind: &str) {
        self.events_dropped.with([kind]).inc();
    }

    /// The watch of a kind failed.
    pub fn watch_failed(&self, kind: &str) {
        self.watch_errors.with([kind]).inc();
    }

    /// Whether this replica is the leader by the lease `name`.
    pub fn leads(&self, name: &str, leads: bool) {
        self.leader.with([name]).set(i64::from(leads));
    }
}

impl Observer for Metrics {
    fn call_finished(&self, call: &Call<'_>) {
        self.api_requests.with([call.operation, call.code]).inc();
        self.api_time.with([call.operation]).observe(call.duration.as_secs_f64());
        if let Some(error) = call.error {
            self.api_errors.with([call.operation, error]).inc();
        }
    }
}
