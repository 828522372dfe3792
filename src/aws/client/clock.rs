//! The time used for signatures: ours, corrected by the service's if they differ too much.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use jiff::{SignedDuration, Timestamp};

/// The service tolerates five minutes; a smaller difference doesn't explain a rejected signature.
const NOTABLE: SignedDuration = SignedDuration::from_secs(60);

/// Our clock, and how far the service's is ahead of it.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    ahead_ms: AtomicI64,
}

impl Clock {
    /// The service's current time.
    pub(crate) fn now(&self) -> SystemTime {
        let ahead = self.ahead_ms.load(Ordering::Relaxed);
        let by = Duration::from_millis(ahead.unsigned_abs());
        let now = SystemTime::now();
        if ahead < 0 { now.checked_sub(by) } else { now.checked_add(by) }.unwrap_or(now)
    }

    /// Adopts the `Date` header of a response if it is far from when its request was signed; returns whether it was.
    pub(crate) fn follow(&self, date: &str, signed_at: SystemTime) -> bool {
        let parser = jiff::fmt::rfc2822::DateTimeParser::new();
        let (Ok(theirs), Ok(signed_at)) = (parser.parse_timestamp(date), Timestamp::try_from(signed_at))
        else {
            return false;
        };
        if theirs.duration_since(signed_at).abs() < NOTABLE {
            return false;
        }
        let Ok(ahead_ms) = i64::try_from(theirs.duration_since(Timestamp::now()).as_millis()) else {
            return false;
        };
        self.ahead_ms.store(ahead_ms, Ordering::Relaxed);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds_ahead(clock: &Clock) -> i64 {
        clock.ahead_ms.load(Ordering::Relaxed) / 1000
    }

    fn date(seconds: i64) -> String {
        let time = Timestamp::now() + SignedDuration::from_secs(seconds);
        jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&time).unwrap()
    }

    #[test]
    fn a_large_difference_is_followed_both_ways_and_a_small_one_is_not() {
        let clock = Clock::default();
        assert!(!clock.follow(&date(20), clock.now()) && !clock.follow("yesterday", clock.now()));
        assert!(clock.follow(&date(900), clock.now()));
        assert!((898..=900).contains(&seconds_ahead(&clock)), "{}", seconds_ahead(&clock));
        assert!(!clock.follow(&date(900), clock.now()));
        assert!(clock.follow(&date(-900), clock.now()));
        assert!((-901..=-899).contains(&seconds_ahead(&clock)), "{}", seconds_ahead(&clock));
    }

    #[test]
    fn a_request_signed_before_the_correction_is_mended_too() {
        let clock = Clock::default();
        let early = clock.now();
        assert!(clock.follow(&date(900), early));
        assert!(clock.follow(&date(900), early));
        assert!((898..=900).contains(&seconds_ahead(&clock)));
    }
}
