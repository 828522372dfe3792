//! How long to wait before the next pass.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use kube::runtime::utils::Backoff;
use tokio::time::Instant;

/// Waiting times of one operator.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// Between two passes over an object that is up to date: how soon drift is found.
    pub resync: Duration,
    /// Between two lists of what AWS has: how soon drift is found in what lists show.
    pub refresh: Duration,
    /// Before the first retry after a failure.
    pub first_retry: Duration,
    /// The longest wait between two retries.
    pub longest_retry: Duration,
    /// Between two checks of a remote in transition.
    pub poll: Duration,
    /// How long the outcome of a create whose response was lost is searched for before the create is repeated.
    pub unknown_outcome: Duration,
    /// Between two checks of a dependency whose change should have woken the object. A safety net.
    pub dependency: Duration,
    /// For this long, a new object whose dependency isn't ready says nothing: they are often applied together.
    pub early: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            resync: Duration::from_mins(10),
            refresh: Duration::from_secs(50),
            first_retry: Duration::from_secs(1),
            longest_retry: Duration::from_mins(5),
            poll: Duration::from_secs(3),
            unknown_outcome: Duration::from_secs(10),
            dependency: Duration::from_mins(1),
            early: Duration::from_secs(2),
        }
    }
}

/// The waits between two attempts of a watch: doubled each time, up to some seconds, with jitter.
///
/// Longer ones wouldn't relieve the API server, and would keep the operator blind for longer.
#[derive(Debug)]
pub struct Watch {
    wait: Duration,
    failed: Option<Instant>,
}

impl Watch {
    const FIRST: Duration = Duration::from_millis(500);
    const LONGEST: Duration = Duration::from_secs(8);
    /// A watch that worked for this long starts over.
    const GOOD: Duration = Duration::from_mins(1);
}

impl Default for Watch {
    fn default() -> Self {
        Self { wait: Self::FIRST, failed: None }
    }
}

impl Iterator for Watch {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        if self.failed.replace(Instant::now()).is_some_and(|failed| failed.elapsed() > Self::GOOD) {
            self.wait = Self::FIRST;
        }
        let wait = spread(self.wait, 0.5, draw());
        self.wait = (self.wait * 2).min(Self::LONGEST);
        Some(wait)
    }
}

impl Backoff for Watch {
    // A watch reports that it starts before it fails: that isn't a success.
    fn reset(&mut self) {}
}

/// How often each object has failed in a row.
#[derive(Debug, Default)]
pub struct Failures(Mutex<HashMap<String, u32>>);

impl Failures {
    /// Counts a failure of the object with this UID; returns the number of earlier ones.
    pub fn count(&self, uid: &str) -> u32 {
        let mut failures = self.lock();
        let count = failures.entry(uid.to_owned()).or_default();
        let before = *count;
        *count = count.saturating_add(1);
        before
    }

    /// Forgets the failures of the object.
    pub fn forget(&self, uid: &str) {
        self.lock().remove(uid);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, u32>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// The wait after `before` failures in a row: doubled each time, up to the longest, with jitter.
pub fn retry(timing: &Timing, before: u32, jitter: f64) -> Duration {
    let doubled = timing.first_retry.saturating_mul(1_u32.checked_shl(before.min(20)).unwrap_or(u32::MAX));
    spread(doubled.min(timing.longest_retry), 0.5, jitter)
}

/// `duration`, less up to `share` of it: `jitter` is drawn from 0 to 1.
pub fn spread(duration: Duration, share: f64, jitter: f64) -> Duration {
    duration.mul_f64(1.0 - share * jitter.clamp(0.0, 1.0))
}

/// A draw from 0 to 1 that differs from object to object and from pass to pass.
pub fn draw() -> f64 {
    use std::hash::{BuildHasher, Hasher, RandomState};
    let random = RandomState::new().build_hasher().finish();
    #[allow(clippy::cast_precision_loss, reason = "any fraction will do")]
    let fraction = (random >> 11) as f64 / (1_u64 << 53) as f64;
    fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_the_longest() {
        let timing = Timing::default();
        let waits: Vec<u64> = [0, 1, 2, 8, 9, 1000].map(|n| retry(&timing, n, 0.0).as_secs()).into();
        assert_eq!(waits, [1, 2, 4, 256, 300, 300]);
    }

    #[test]
    fn jitter_only_shortens_the_wait() {
        let timing = Timing::default();
        for _ in 0..100 {
            let wait = retry(&timing, 3, draw());
            assert!(wait <= Duration::from_secs(8) && wait >= Duration::from_secs(4), "{wait:?}");
        }
    }

    #[test]
    fn success_forgets_the_failures() {
        let failures = Failures::default();
        assert_eq!([failures.count("a"), failures.count("a"), failures.count("b")], [0, 1, 0]);
        failures.forget("a");
        assert_eq!(failures.count("a"), 0);
    }
}
