//! Memory that passes may use: what tenants write is bounded in total, not only individually.
//!
//! There are three pools, so that no two passes can wait for each other: what a pass holds is reserved once, before it
//! begins; what reading one object or response takes for a moment is released before anything else is waited for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes that all passes in progress may hold of large specs, and of values from ConfigMaps and Secrets.
pub const HELD_BYTES: usize = 32 << 20;
/// Of these, the share of one namespace: others always find room.
pub const HELD_BYTES_OF_ONE: usize = 16 << 20;
/// Secrets, ConfigMaps and large objects of ours that are read concurrently. One can take 8 MB on the wire, where a
/// character such as `<` takes six bytes.
const READ_AT_A_TIME: usize = 2;
/// Contents of assets that are received from AWS concurrently; one per namespace.
const CONTENTS_AT_A_TIME: usize = 2;

/// The pools.
pub struct MemoryBudget {
    held: Pool,
    contents: Pool,
    reads: Arc<Semaphore>,
}

/// A part of a pool; released when dropped.
pub struct Taken {
    _share: OwnedSemaphorePermit,
    _all: OwnedSemaphorePermit,
}

impl Default for MemoryBudget {
    fn default() -> Self {
        Self {
            held: Pool::new(HELD_BYTES / UNIT, HELD_BYTES_OF_ONE / UNIT),
            contents: Pool::new(CONTENTS_AT_A_TIME, 1),
            reads: Arc::new(Semaphore::new(READ_AT_A_TIME)),
        }
    }
}

/// Bytes are counted in KiB.
const UNIT: usize = 1024;

impl MemoryBudget {
    /// Waits until a pass of `namespace` may hold this many bytes. To be called once per pass. `None` if it needs none.
    pub async fn hold(&self, namespace: &str, bytes: usize) -> Option<Taken> {
        if bytes == 0 { None } else { self.held.take(namespace, bytes.div_ceil(UNIT)).await }
    }

    /// Waits until the content of an asset of `namespace` may be received.
    pub async fn content(&self, namespace: &str) -> Option<Taken> {
        self.contents.take(namespace, 1).await
    }

    /// Waits until a Secret, a ConfigMap or a large object may be read. Don't wait for anything else while holding it.
    pub async fn read(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.reads).acquire_owned().await.ok()
    }
}

/// Units for all namespaces, of which each may have only a share.
struct Pool {
    all: Arc<Semaphore>,
    share: usize,
    shares: Mutex<HashMap<String, Weak<Semaphore>>>,
}

impl Pool {
    fn new(all: usize, share: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(all)), share, shares: Mutex::default() }
    }

    /// First the share, then the whole: waiting for the share of a namespace takes nothing from others. Nobody waits
    /// for more than there is.
    async fn take(&self, namespace: &str, units: usize) -> Option<Taken> {
        let units = u32::try_from(units.min(self.share)).unwrap_or(u32::MAX);
        let share = self.share_of(namespace).acquire_many_owned(units).await.ok()?;
        let all = Arc::clone(&self.all).acquire_many_owned(units).await.ok()?;
        Some(Taken { _share: share, _all: all })
    }

    fn share_of(&self, namespace: &str) -> Arc<Semaphore> {
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(share) = shares.get(namespace).and_then(Weak::upgrade) {
            return share;
        }
        shares.retain(|_, share| share.strong_count() > 0);
        let share = Arc::new(Semaphore::new(self.share));
        shares.insert(namespace.to_owned(), Arc::downgrade(&share));
        share
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn one_namespace_leaves_room_for_others_and_waits_for_its_own() {
        let budget = MemoryBudget::default();
        let first = budget.hold("greedy", HELD_BYTES).await;
        assert!(first.is_some(), "more than its share is its share");
        assert!(budget.hold("greedy", 1).now_or_never().is_none());
        let other = budget.hold("other", 8 << 20).now_or_never().flatten();
        assert!(other.is_some());
        drop(first);
        assert!(budget.hold("greedy", HELD_BYTES_OF_ONE).now_or_never().flatten().is_some());
        assert!(budget.hold("third", 0).now_or_never().is_some_and(|taken| taken.is_none()));
        assert_eq!(budget.held.shares.lock().unwrap().len(), 2);
        drop(other);
        let _again = budget.hold("other", 1).await;
        assert_eq!(budget.held.shares.lock().unwrap().len(), 1, "shares that nobody uses are forgotten");
    }

    #[tokio::test]
    async fn of_one_namespace_one_content_is_received_at_a_time() {
        let budget = MemoryBudget::default();
        let first = budget.content("slow").await;
        assert!(budget.content("slow").now_or_never().is_none());
        assert!(budget.content("other").now_or_never().is_some());
        drop(first);
        assert!(budget.content("slow").now_or_never().is_some());
    }
}
