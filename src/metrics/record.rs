//! What is counted when it happens.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use kube::ResourceExt;

use crate::api::common::{Object, Status};
use crate::aws::{Call, Observer};
use crate::engine::conclusion::{Ending, Verdict};
use crate::engine::conditions;
use crate::engine::error::Class;

use super::Metrics;

/// A change that the operator made in AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// A remote was made.
    Create,
    /// A remote was changed.
    Update,
    /// A remote gives way to a new one.
    Replace,
    /// A remote was deleted.
    Delete,
    /// A remote that was there was taken up.
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

/// UIDs of objects that nothing had been said of when they were first seen, and that are not Ready yet.
#[derive(Debug, Default)]
pub struct Newcomers(Mutex<HashSet<String>>);

impl Newcomers {
    fn with<R>(&self, act: impl FnOnce(&mut HashSet<String>) -> R) -> R {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Metrics {
    /// A pass over `object` came to a verdict; its status was `stored`, and is `status` now.
    pub fn concluded<T: Object>(
        &self,
        object: &T,
        stored: &T::Status,
        status: &T::Status,
        verdict: &Verdict,
    ) {
        self.ended(T::kind_name(), result(verdict));
        if is_terminal(verdict) {
            self.terminal_errors.with([T::kind_name()]).inc();
        }
        if matches!(verdict.ending, Ok(Ending::Adopted { .. })) {
            self.changed(T::kind_name(), Change::Adopt);
        }
        self.first_ready(object, stored, status);
    }

    /// The object is gone, and nothing is left to do.
    pub fn finished<T: Object>(&self, object: &T) {
        self.ended(T::kind_name(), "success");
        self.newcomers.with(|known| known.remove(&object.uid().unwrap_or_default()));
    }

    /// A pass ended before it began: the finalizer could not be changed.
    pub fn failed(&self, kind: &str) {
        self.ended(kind, "error");
    }

    fn ended(&self, kind: &str, result: &str) {
        self.reconciles.with([kind, result]).inc();
        if result == "error" {
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

    /// A write put right what nobody had edited.
    pub fn drift_corrected(&self, kind: &str) {
        self.drift_corrections.with([kind]).inc();
    }

    /// A webhook's Secret was written.
    pub fn webhook_secret_issued(&self) {
        self.webhook_secrets.inc();
    }

    /// So many objects of a kind can't be read.
    pub fn unreadable(&self, kind: &str, objects: usize) {
        self.unreadable.with([kind]).set(i64::try_from(objects).unwrap_or(i64::MAX));
    }

    /// An Event of this type was left out.
    pub fn event_dropped(&self, kind: &str) {
        self.events_dropped.with([kind]).inc();
    }

    /// The watch of a kind failed.
    pub fn watch_failed(&self, kind: &str) {
        self.watch_errors.with([kind]).inc();
    }

    /// Whether this replica leads by the lease `name`.
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

fn result(verdict: &Verdict) -> &'static str {
    match &verdict.ending {
        Ok(Ending::Settled | Ending::Left(_) | Ending::Paused) => "success",
        Ok(Ending::Again | Ending::Adopted { .. }) => "requeue",
        Ok(Ending::Waiting(_)) => "requeue_after",
        Ok(Ending::Stalled { .. }) => "error",
        Err(_) => match verdict.class {
            Some(Class::Wait | Class::Poll) => "requeue_after",
            _ => "error",
        },
    }
}

fn is_terminal(verdict: &Verdict) -> bool {
    matches!(verdict.ending, Ok(Ending::Stalled { .. })) || verdict.class == Some(Class::Terminal)
}
