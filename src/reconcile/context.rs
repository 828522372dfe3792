//! What all passes share.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use kube::Client;

use crate::api::common::Object;
use crate::kubernetes::delivery::{Delivery, Watched};
use crate::kubernetes::list_pages::ListTurns;
use crate::kubernetes::reach::Reach;
use crate::kubernetes::watch_client::{Extent, watching};
use crate::metrics::Metrics;
use crate::reconcile::state::subject::Subject;

use super::backoff::{Failures, Timing};
use super::breaker::Breaker;
use super::cache::Cache;
use super::fence::Fence;
use super::graph::hub::Hub;
use super::graph::kept::Kept;
use super::inputs::accounts::Accounts;
use super::inputs::seals::Seals;
use super::memory::{Arrivals, Fresh, Requests, Since, Troubled};
use super::memory_budget::MemoryBudget;
use super::recorder::Recorder;
use super::remote::picture::Pictures;
use super::shard::Shard;
use super::state::fingerprint::Fingerprinter;
use super::state::status::Written;
use super::stores::Stores;

/// What all passes of one operator share. It holds nothing that watches can't rebuild.
pub struct Context {
    /// Client of the Kubernetes API.
    pub client: Client,
    /// AWS clients by account.
    pub accounts: Accounts,
    /// What is known of AWS, by account.
    pub pictures: Pictures,
    /// Who refers to whom.
    pub hub: Hub,
    /// Whether this process may write.
    pub fence: Fence,
    /// Whether every change of AWS is held back, whatever the specs say: it is only described.
    pub holds_back: bool,
    /// Makes fingerprints of write-only input.
    pub fingerprints: Fingerprinter,
    /// Whether a status without a seal is trusted.
    pub seals: Seals,
    /// Id of this cluster in owner tags.
    pub cluster_id: String,
    /// Which namespaces are watched.
    pub reach: Reach,
    /// Writes Events.
    pub recorder: Recorder,
    /// What the watch caches keep of each object.
    pub kept: Kept,
    /// Turns of watches while they list.
    pub listing: ListTurns,
    /// Memory that passes may use.
    pub memory: Arc<MemoryBudget>,
    /// Which part of what is looked after this process reconciles.
    pub shard: Shard,
    /// Waiting times.
    pub timing: Timing,
    /// Resync periods of individual kinds.
    pub resync_periods: HashMap<&'static str, Duration>,
    /// Failures in a row, by object.
    pub failures: Failures,
    /// Drift that keeps coming back, by object.
    pub breaker: Breaker,
    /// Requests for a pass that have been served, by object.
    pub requests: Requests,
    /// Creates whose outcome is unknown, by object.
    pub unknown: Since,
    /// When objects without a remote came to be known as they are now.
    pub arrivals: Arrivals,
    /// Objects that have waited for others from the beginning.
    pub early: Since,
    /// Objects of which an Event has said that they aren't ready.
    pub troubled: Troubled,
    /// Remotes that were created a moment ago, by object.
    pub fresh: Fresh,
    /// Status as it was last written or read.
    pub written: Written,
    /// Watch caches by kind.
    pub stores: Stores,
    /// Whether every watch delivers.
    pub delivery: Arc<Delivery>,
    /// The metrics.
    pub metrics: Arc<Metrics>,
}

impl Context {
    /// The watch cache of kind `T`.
    pub fn cache<T: Object>(&self) -> Option<Cache<T>> {
        self.stores.get()
    }

    /// A client for the watch `watched`, which asks for `extent` of each object.
    pub fn watch_client(&self, watched: Watched, extent: Extent) -> Client {
        watching(&self.client, &self.listing, &self.delivery, watched, extent)
    }

    /// Forgets what is remembered of the object with this UID: it is gone.
    pub fn forget(&self, uid: &str) {
        self.failures.forget(uid);
        self.breaker.reset(uid);
        self.requests.forget(uid);
        self.unknown.forget(uid);
        self.arrivals.forget(uid);
        self.early.forget(uid);
        self.troubled.forget(uid);
        self.fresh.forget(uid);
        self.written.forget(uid);
    }

    /// Whether an object is known not to exist: one that isn't watched may exist.
    pub fn is_gone(&self, kind: &'static str, namespace: &str, name: &str) -> bool {
        self.reach.covers(namespace) && !self.hub.exists(&Subject::new(kind, namespace, name))
    }

    /// The waiting times of a kind.
    pub fn timing_of(&self, kind: &str) -> Timing {
        let resync = self.resync_periods.get(kind).copied().unwrap_or(self.timing.resync);
        Timing { resync, ..self.timing }
    }
}
