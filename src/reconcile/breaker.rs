//! The convergence breaker: stops writing when the same drift keeps coming back.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::state::drift::Drift;

/// How many successful writes in a row may be followed by the same drift.
const LIMIT: u32 = 5;

/// Counts, by object, how often a write was made to correct the same drift.
#[derive(Debug, Default)]
pub struct Breaker(Mutex<HashMap<String, Count>>);

#[derive(Debug)]
struct Count {
    generation: Option<i64>,
    paths: Vec<String>,
    writes: u32,
}

impl Breaker {
    /// Whether another write to correct `drift` makes sense.
    pub fn allows(&self, uid: &str, generation: Option<i64>, drift: &Drift) -> bool {
        self.lock().get(uid).is_none_or(|count| !count.is_about(generation, drift) || count.writes < LIMIT)
    }

    /// Counts a successful write that should have corrected `drift`.
    pub fn wrote(&self, uid: &str, generation: Option<i64>, drift: &Drift) {
        let mut counts = self.lock();
        match counts.get_mut(uid) {
            Some(count) if count.is_about(generation, drift) => count.writes += 1,
            _ => {
                let paths = drift.paths().into_iter().map(str::to_owned).collect();
                counts.insert(uid.to_owned(), Count { generation, paths, writes: 1 });
            }
        }
    }

    /// The object matches, or a person requested another attempt.
    pub fn reset(&self, uid: &str) {
        self.lock().remove(uid);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Count>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Count {
    fn is_about(&self, generation: Option<i64>, drift: &Drift) -> bool {
        self.generation == generation && self.paths == drift.paths()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::state::drift::Change;

    fn drift(path: &str) -> Drift {
        Drift(vec![Change::hidden(path)])
    }

    #[test]
    fn the_same_drift_is_written_against_five_times_and_no_more() {
        let breaker = Breaker::default();
        for _ in 0..5 {
            assert!(breaker.allows("u", Some(1), &drift("name")));
            breaker.wrote("u", Some(1), &drift("name"));
        }
        assert!(!breaker.allows("u", Some(1), &drift("name")));
        assert!(breaker.allows("u", Some(1), &drift("locale")), "other drift is another matter");
        assert!(breaker.allows("u", Some(2), &drift("name")), "an edit starts afresh");
        breaker.reset("u");
        assert!(breaker.allows("u", Some(1), &drift("name")));
    }
}
