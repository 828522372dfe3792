//! How many calls a second an account may make in a region.

use std::collections::BTreeMap;
use std::time::Instant;

use crate::error::ApiError;

/// What each account and region has left. A second's worth may come at once.
#[derive(Debug, Default)]
pub struct Throttle {
    left: BTreeMap<(String, String), (f64, Instant)>,
}

impl Throttle {
    /// Takes one call of an account in a region, or refuses it: no more than `rate` a second are let through, and all
    /// where that is 0.
    pub fn admit(&mut self, account: &str, region: &str, rate: u32, now: Instant) -> Result<(), ApiError> {
        if rate == 0 {
            return Ok(());
        }
        let rate = f64::from(rate);
        let place = (account.to_owned(), region.to_owned());
        let (left, since) = self.left.entry(place).or_insert((rate, now));
        *left = (*left + rate * now.saturating_duration_since(*since).as_secs_f64()).min(rate);
        *since = now;
        if *left < 1.0 {
            return Err(ApiError::new("ThrottlingException", "Rate exceeded"));
        }
        *left -= 1.0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn admitted(throttle: &mut Throttle, region: &str, rate: u32, now: Instant) -> usize {
        (0..100).filter(|_| throttle.admit("1", region, rate, now).is_ok()).count()
    }

    #[test]
    fn a_second_s_worth_comes_at_once_and_then_the_rate() {
        let (mut throttle, start) = (Throttle::default(), Instant::now());
        assert_eq!(admitted(&mut throttle, "a", 10, start), 10);
        assert_eq!(admitted(&mut throttle, "a", 10, start + Duration::from_millis(500)), 5);
        assert_eq!(
            admitted(&mut throttle, "a", 10, start + Duration::from_mins(1)),
            10,
            "no more is saved up"
        );
    }

    #[test]
    fn regions_have_their_own_and_zero_is_no_limit() {
        let (mut throttle, start) = (Throttle::default(), Instant::now());
        assert_eq!(admitted(&mut throttle, "a", 10, start), 10);
        assert_eq!(admitted(&mut throttle, "b", 10, start), 10);
        assert_eq!(admitted(&mut throttle, "a", 0, start), 100);
    }
}
