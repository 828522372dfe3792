//! When a call is retried.

use std::time::Duration;

use super::api_error::Error;
use super::operation::Repeat;
use super::random;

/// How often, and with which delays, a call that may be retried is made.
#[derive(Clone, Copy, Debug)]
pub struct RetryPolicy {
    /// Attempts in all.
    pub attempts: u32,
    /// The longest pause before the second attempt; it doubles from attempt to attempt.
    pub base: Duration,
    /// The longest pause of all.
    pub cap: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { attempts: 3, base: Duration::from_millis(200), cap: Duration::from_secs(5) }
    }
}

impl RetryPolicy {
    /// How long to pause after the attempt with this number (the first is 1), or none if it was the last.
    pub(crate) fn pause(&self, attempt: u32, repeat: Repeat, error: &Error) -> Option<Duration> {
        let again = repeat == Repeat::Safe && error.is_transient() && attempt < self.attempts;
        let longest = self.base.saturating_mul(1 << (attempt - 1).min(16)).min(self.cap);
        again.then(|| longest.mul_f64(random::fraction()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::Effect;

    #[test]
    fn only_what_may_be_repeated_is_and_the_pauses_are_bounded() {
        let policy = RetryPolicy { attempts: 40, ..RetryPolicy::default() };
        let error = Error::Timeout { operation: "GetService", effect: Effect::Unknown };
        assert_eq!(policy.pause(1, Repeat::Never, &error), None);
        for attempt in 1..40 {
            let longest = (policy.base * 2_u32.pow(attempt.min(10) - 1)).min(policy.cap);
            assert!(policy.pause(attempt, Repeat::Safe, &error).unwrap() <= longest);
        }
        assert_eq!(policy.pause(40, Repeat::Safe, &error), None);
        let refused = Error::Decode { operation: "GetService", message: String::new() };
        assert_eq!(policy.pause(1, Repeat::Safe, &refused), None);
    }
}
