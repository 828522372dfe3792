//! What all passes share.

use std::any::{Any, TypeId};
use std::collections::{HashMap, HashSet};
use std::sync::{PoisonError, RwLock};

use kube::Client;
use kube::runtime::events::{Recorder, Reporter};
use kube::runtime::reflector::Store;
use kube::runtime::watcher;
use tokio::sync::SetOnce;

use crate::accounts::Accounts;
use crate::api::common::Object;

use super::backoff::{Failures, Timing};
use super::breaker::Breaker;
use super::fence::Fence;
use super::fingerprint::Fingerprinter;
use super::hub::{Hub, Subject};
use super::inputs::kind_name;
use super::memory::{Requests, Unknown};
use super::status::Written;

/// What all passes of one operator share. Nothing here but what watches can rebuild.
pub struct Context {
    /// Client of the Kubernetes API.
    pub client: Client,
    /// Clients of AWS by account.
    pub accounts: Accounts,
    /// Who refers to whom.
    pub hub: Hub,
    /// Whether this process may write.
    pub fence: Fence,
    /// Makes fingerprints of write-only input.
    pub fingerprints: Fingerprinter,
    /// Id of this cluster in owner tags.
    pub cluster_id: String,
    /// The only namespace whose objects are looked after, if not all are.
    pub watch_namespace: Option<String>,
    /// Writes Events.
    pub recorder: Recorder,
    /// As whom Events are written.
    pub reporter: Reporter,
    /// Waiting times.
    pub timing: Timing,
    /// Failures in a row, by object.
    pub failures: Failures,
    /// Drift that keeps coming back, by object.
    pub breaker: Breaker,
    /// Requests for a pass that have been started, by object.
    pub requests: Requests,
    /// Creates whose outcome is unknown, by object.
    pub unknown: Unknown,
    /// Status that the watch caches may not show yet.
    pub written: Written,
    /// Watch caches by kind.
    pub stores: Stores,
}

impl Context {
    /// The watch cache of kind `T`.
    pub fn store<T: Object>(&self) -> Option<Store<T>> {
        self.stores.get()
    }

    /// Forgets what is remembered of the object with this UID: it is gone.
    pub fn forget(&self, uid: &str) {
        self.failures.forget(uid);
        self.breaker.reset(uid);
        self.requests.forget(uid);
        self.unknown.forget(uid);
        self.written.forget(uid);
    }

    /// Whether an object is known not to exist: what is not watched may well be there.
    pub fn is_gone<T: Object>(&self, namespace: &str, name: &str) -> bool {
        let watched = self.watch_namespace.as_deref().is_none_or(|watched| watched == namespace);
        watched && !self.hub.exists(&Subject::new(kind_name::<T>(), namespace, name))
    }

    /// What is watched of namespaced objects.
    pub fn watched(&self) -> watcher::Config {
        match &self.watch_namespace {
            Some(namespace) => watcher::Config::default().fields(&format!("metadata.namespace={namespace}")),
            None => watcher::Config::default(),
        }
    }
}

/// Watch caches by kind; filled once at the start.
#[derive(Default)]
pub struct Stores {
    by_type: RwLock<HashMap<TypeId, Box<dyn Any + Send + Sync>>>,
    filled: RwLock<HashSet<&'static str>>,
    ready: SetOnce<()>,
}

impl Stores {
    /// Adds the watch cache of kind `T`.
    pub fn add<T: Object>(&self, store: Store<T>) {
        self.by_type
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(TypeId::of::<T>(), Box::new(store));
    }

    /// The watch cache of kind `T`.
    pub fn get<T: Object>(&self) -> Option<Store<T>> {
        let stores = self.by_type.read().unwrap_or_else(PoisonError::into_inner);
        stores.get(&TypeId::of::<T>())?.downcast_ref::<Store<T>>().cloned()
    }

    /// Says that the watch cache of `kind` has been filled once; with the last of them all are.
    pub fn fill(&self, kind: &'static str, kinds: usize) {
        let mut filled = self.filled.write().unwrap_or_else(PoisonError::into_inner);
        // A cache that is filled again after a lost watch changes nothing.
        if filled.insert(kind) && filled.len() == kinds && self.ready.set(()).is_ok() {
            tracing::info!("ready");
        }
    }

    /// Whether every watch cache has been filled once: only then does a missing object mean anything.
    pub fn is_ready(&self) -> bool {
        self.ready.initialized()
    }

    /// Waits until every watch cache has been filled once.
    pub async fn all_filled(&self) {
        self.ready.wait().await;
    }
}
