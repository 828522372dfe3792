//! Room for those that somebody waits for: checks that only the clock asks for never take every place of a kind.
//!
//! Such a check may wait long for the request budget. If all places did, an edit would have to wait with them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The places of each kind that periodic checks may take.
#[derive(Debug, Default)]
pub struct Lanes(Mutex<HashMap<&'static str, Arc<Semaphore>>>);

impl Lanes {
    /// Of a kind's places, three in four are for periodic checks; a single place is for all.
    pub fn open(&self, kind: &'static str, places: u16) {
        let kept = places.div_ceil(4).min(places.saturating_sub(1));
        let lane = Arc::new(Semaphore::new(usize::from(places - kept)));
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(kind, lane);
    }

    /// A place for a periodic check, held until it is dropped. `None` if they are all taken.
    pub fn enter(&self, kind: &str) -> Option<OwnedSemaphorePermit> {
        let lane = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(kind).cloned()?;
        lane.try_acquire_owned().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periodic_checks_leave_a_quarter_of_the_places_to_others() {
        let lanes = Lanes::default();
        for (places, periodic) in [(1, 1), (2, 1), (4, 3), (8, 6), (9, 6)] {
            lanes.open("Asset", places);
            let taken: Vec<_> = std::iter::from_fn(|| lanes.enter("Asset")).collect();
            assert_eq!(taken.len(), periodic, "of {places}");
        }
        assert!(lanes.enter("Asset").is_some(), "a place is free again when its check has ended");
    }
}
