//! Moments: the order in which requests were sent and answered.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::mirror::Moment;

/// Gives moments, each later than those given before. They are microseconds since the start, or a little more.
#[derive(Debug)]
pub struct Clock {
    start: Instant,
    last: AtomicU64,
}

impl Default for Clock {
    fn default() -> Self {
        Self { start: Instant::now(), last: AtomicU64::new(0) }
    }
}

impl Clock {
    /// The present moment.
    pub fn now(&self) -> Moment {
        // From one second, so that what is older than the start is before every moment too.
        let elapsed = micros(self.start.elapsed()) + 1_000_000;
        let last = self.last.fetch_max(elapsed, Ordering::Relaxed);
        if last < elapsed { elapsed } else { self.last.fetch_add(1, Ordering::Relaxed) + 1 }
    }

    /// The moment `age` ago.
    pub fn ago(&self, age: Duration) -> Moment {
        self.now().saturating_sub(micros(age))
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn moments_follow_each_other_and_the_time() {
        let clock = Clock::default();
        let moments: Vec<Moment> = (0..5).map(|_| clock.now()).collect();
        assert!(moments.windows(2).all(|pair| pair[0] < pair[1]), "{moments:?}");
        tokio::time::advance(Duration::from_mins(1)).await;
        let ago = clock.ago(Duration::from_secs(59));
        assert!(ago > moments[4] && ago < clock.now());
        assert_eq!(clock.ago(Duration::from_hours(1)), 0, "before all that is known");
    }
}
