//! The watch caches, and whether they are filled.

use std::any::{Any, TypeId};
use std::collections::{BTreeMap, HashMap};
use std::sync::{PoisonError, RwLock};

use kube::runtime::watcher;
use tokio::sync::SetOnce;

use crate::api::common::Object;
use crate::text;

use super::cache::Cache;

/// Watch caches by kind; filled once at the start.
#[derive(Default)]
pub struct Stores {
    by_type: RwLock<HashMap<TypeId, Box<dyn Any + Send + Sync>>>,
    states: RwLock<BTreeMap<&'static str, CacheState>>,
    ready: SetOnce<()>,
}

/// State of the watch cache of a kind.
#[derive(Clone, Debug, Default)]
pub struct CacheState {
    /// Whether it has been filled once.
    pub filled: bool,
    /// Why the watch does not work at the moment.
    pub failure: Option<WatchFailure>,
}

/// Why a watch does not work.
#[derive(Clone, Debug)]
pub struct WatchFailure {
    /// Whether the API server does not know the kind: its CRD is missing.
    pub missing: bool,
    /// Whether that was the case before, too: an API server that has just received a CRD may not serve it yet.
    pub repeated: bool,
    /// The client's error.
    pub message: String,
}

impl CacheState {
    /// Whether the cache is complete. A kind without a CRD has no objects.
    pub fn is_known(&self) -> bool {
        self.filled || self.is_missing()
    }

    /// Whether the kind's CRD is certainly missing.
    pub fn is_missing(&self) -> bool {
        self.failure.as_ref().is_some_and(|failure| failure.missing && failure.repeated)
    }
}

impl Stores {
    /// Adds the watch cache of kind `T`.
    pub fn add<T: Object>(&self, cache: Cache<T>) {
        self.states.write().unwrap_or_else(PoisonError::into_inner).entry(T::kind_name()).or_default();
        self.by_type
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(TypeId::of::<T>(), Box::new(cache));
    }

    /// The watch cache of kind `T`.
    pub fn get<T: Object>(&self) -> Option<Cache<T>> {
        let stores = self.by_type.read().unwrap_or_else(PoisonError::into_inner);
        stores.get(&TypeId::of::<T>())?.downcast_ref::<Cache<T>>().cloned()
    }

    /// Notes that the watch cache of `kind`, one of this many `kinds`, has been filled; returns whether its CRD was
    /// missing before.
    pub fn fill(&self, kind: &'static str, kinds: usize) -> bool {
        self.change(kind, kinds, |_| CacheState { filled: true, failure: None }).0
    }

    /// Notes that the watch of `kind`, one of this many `kinds`, failed and will be restarted; returns whether its CRD
    /// was missing before, and whether it is now.
    pub fn watch_failed(&self, kind: &'static str, kinds: usize, error: &watcher::Error) -> (bool, bool) {
        let missing = is_missing(error);
        self.change(kind, kinds, |before| {
            let repeated = before.failure.as_ref().is_some_and(|failure| failure.missing == missing);
            let failure =
                WatchFailure { missing, repeated, message: text::plain_within(&error.to_string(), 1024) };
            CacheState { filled: before.filled, failure: Some(failure) }
        })
    }

    fn change(
        &self,
        kind: &'static str,
        kinds: usize,
        change: impl FnOnce(&CacheState) -> CacheState,
    ) -> (bool, bool) {
        let mut states = self.states.write().unwrap_or_else(PoisonError::into_inner);
        let state = states.entry(kind).or_default();
        let was_missing = state.is_missing();
        *state = change(state);
        let is_missing = state.is_missing();
        let known = states.values().filter(|state| state.is_known()).count();
        // A cache that is filled again after a lost watch changes nothing.
        if known == kinds && self.ready.set(()).is_ok() {
            tracing::info!("ready");
        }
        (was_missing, is_missing)
    }

    /// State of the watch cache of each kind.
    pub fn states(&self) -> BTreeMap<&'static str, CacheState> {
        self.states.read().unwrap_or_else(PoisonError::into_inner).clone()
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

/// The API server responds with 404 for a kind that it doesn't know.
fn is_missing(error: &watcher::Error) -> bool {
    match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status)) => status.code == 404,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use kube::core::Status;

    use super::*;

    fn refused(code: u16) -> watcher::Error {
        let status = Status::failure("no", "reason").with_code(code);
        watcher::Error::InitialListFailed(kube::Error::Api(status.boxed()))
    }

    #[test]
    fn a_kind_without_a_crd_keeps_the_others_waiting_only_until_that_is_sure() {
        let stores = Stores::default();
        stores.fill("Here", 2);
        stores.watch_failed("Gone", 2, &refused(404));
        assert!(!stores.is_ready(), "a CRD that was just applied may not be served yet");
        assert_eq!(stores.watch_failed("Gone", 2, &refused(404)), (false, true));
        assert!(stores.is_ready());
        assert!(stores.states()["Gone"].is_missing());
        assert!(stores.fill("Gone", 2), "that it is there now is news");
        assert!(!stores.states()["Gone"].is_missing());
    }

    #[test]
    fn a_kind_that_may_not_be_listed_may_well_have_objects() {
        let stores = Stores::default();
        for code in [404, 403, 403, 404, 500] {
            stores.watch_failed("Hidden", 1, &refused(code));
            assert!(!stores.is_ready(), "{code}");
        }
    }
}
