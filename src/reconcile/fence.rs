//! The fence: whether this process may write. It may while it holds its lease, or if there is no leader election.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;

use super::state::conditions::Reason;
use super::state::error::Error;

/// Knows until when this process may write; checked before every write.
///
/// It uses the monotonic clock: a process that was frozen for longer than its lease finds the fence closed as soon as
/// it resumes, before it hears anything from the API server.
#[derive(Clone, Debug, Default)]
pub struct Fence(Option<Arc<Mutex<Instant>>>);

impl Fence {
    /// A fence that is closed until a lease opens it.
    pub fn closed() -> Self {
        Self(Some(Arc::new(Mutex::new(Instant::now()))))
    }

    /// Opens the fence until `until`.
    pub fn open_until(&self, until: Instant) {
        if let Some(fence) = &self.0 {
            *fence.lock().unwrap_or_else(PoisonError::into_inner) = until;
        }
    }

    /// Whether this process may write.
    pub fn is_open(&self) -> bool {
        self.0
            .as_ref()
            .is_none_or(|fence| Instant::now() < *fence.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// An error if this process may not write.
    pub fn check(&self) -> Result<(), Error> {
        if self.is_open() {
            return Ok(());
        }
        Err(Error::wait(Reason::Progressing, "this replica is no longer the leader; the new one continues"))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_fence_closes_by_itself_when_the_lease_is_not_renewed() {
        let fence = Fence::closed();
        assert!(fence.check().is_err());
        fence.open_until(Instant::now() + Duration::from_secs(10));
        assert!(fence.is_open());
        tokio::time::advance(Duration::from_secs(10)).await;
        assert!(!fence.is_open());
    }

    #[test]
    fn without_a_lease_the_fence_is_always_open() {
        assert!(Fence::default().is_open());
    }
}
