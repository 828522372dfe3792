//! Token buckets: a burst, and then a rate per second.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use tokio::time::Instant;

/// What one bucket holds, and how fast it fills.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Size {
    /// Tokens of a full bucket.
    pub burst: f64,
    /// Tokens per second.
    pub rate: f64,
}

/// One bucket. It starts full.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    tokens: f64,
    at: Instant,
}

impl Bucket {
    /// A full bucket.
    pub fn full(size: Size, now: Instant) -> Self {
        Self { tokens: size.burst, at: now }
    }

    /// Takes a token if more than `floor` remain; otherwise returns how long that takes.
    pub fn take(&mut self, size: Size, floor: f64, now: Instant) -> Result<(), Duration> {
        self.refill(size, now);
        let missing = floor + 1.0 - self.tokens;
        if missing > 0.0 {
            // One millisecond more, so that rounding doesn't cause a second round.
            return Err(Duration::from_secs_f64(missing / size.rate) + Duration::from_millis(1));
        }
        self.tokens -= 1.0;
        Ok(())
    }

    /// Takes a token, on credit if there is none; returns how long it takes to pay it back.
    pub fn owe(&mut self, size: Size, now: Instant) -> Duration {
        self.refill(size, now);
        self.tokens -= 1.0;
        Duration::from_secs_f64((-self.tokens / size.rate).max(0.0))
    }

    fn refill(&mut self, size: Size, now: Instant) {
        let elapsed = now.saturating_duration_since(self.at).as_secs_f64();
        self.at = now;
        self.tokens = (self.tokens + elapsed * size.rate).min(size.burst);
    }

    /// Whether it is as good as new.
    pub fn is_full(&self, size: Size, now: Instant) -> bool {
        let elapsed = now.saturating_duration_since(self.at).as_secs_f64();
        self.tokens + elapsed * size.rate >= size.burst
    }
}

/// A bucket of the same size for each key. Full ones are dropped after a while.
#[derive(Debug)]
pub struct Buckets<K> {
    size: Size,
    by_key: HashMap<K, Bucket>,
    /// With this many, the full ones are dropped.
    limit: usize,
}

impl<K: Eq + Hash> Buckets<K> {
    const FEWEST: usize = 64;

    /// Full buckets of this size.
    pub fn new(size: Size) -> Self {
        Self { size, by_key: HashMap::new(), limit: Self::FEWEST }
    }

    /// Takes a token for `key` if there is one in addition to `floor` others.
    pub fn take<Q>(&mut self, key: &Q, floor: f64, now: Instant) -> bool
    where
        Q: Eq + Hash + ToOwned<Owned = K> + ?Sized,
        K: Borrow<Q>,
    {
        let size = self.size;
        self.bucket(key, now).take(size, floor, now).is_ok()
    }

    /// Takes a token for `key`, on credit if there is none; returns how long it takes to pay it back.
    pub fn owe<Q>(&mut self, key: &Q, now: Instant) -> Duration
    where
        Q: Eq + Hash + ToOwned<Owned = K> + ?Sized,
        K: Borrow<Q>,
    {
        let size = self.size;
        self.bucket(key, now).owe(size, now)
    }

    fn bucket<Q>(&mut self, key: &Q, now: Instant) -> &mut Bucket
    where
        Q: Eq + Hash + ToOwned<Owned = K> + ?Sized,
        K: Borrow<Q>,
    {
        let size = self.size;
        if self.by_key.len() >= self.limit {
            self.by_key.retain(|_, bucket| !bucket.is_full(size, now));
            self.limit = (self.by_key.len() * 2).max(Self::FEWEST);
        }
        self.by_key.entry(key.to_owned()).or_insert_with(|| Bucket::full(size, now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size { burst: 3.0, rate: 2.0 };

    #[tokio::test(start_paused = true)]
    async fn a_burst_goes_at_once_and_then_the_rate_holds() {
        let mut buckets = Buckets::<String>::new(SIZE);
        let start = Instant::now();
        let waits: Vec<u128> = (0..6).map(|_| buckets.owe("a", start).as_millis()).collect();
        assert_eq!(waits, [0, 0, 0, 500, 1000, 1500]);
        assert_eq!(buckets.owe("b", start), Duration::ZERO, "each key has its own");
        let later = start + Duration::from_secs(10);
        assert_eq!(buckets.owe("a", later), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_floor_keeps_tokens_for_those_without_one() {
        let mut buckets = Buckets::<String>::new(SIZE);
        let now = Instant::now();
        let taken = [2.0, 2.0, 0.0, 0.0, 0.0].map(|floor| buckets.take("a", floor, now));
        assert_eq!(taken, [true, false, true, true, false]);
    }

    #[tokio::test(start_paused = true)]
    async fn full_buckets_take_no_memory() {
        let mut buckets = Buckets::<String>::new(SIZE);
        for number in 0..10_000_u32 {
            let now = Instant::now() + Duration::from_millis(u64::from(number) * 100);
            buckets.owe(number.to_string().as_str(), now);
        }
        assert!(buckets.by_key.len() <= Buckets::<String>::FEWEST, "{}", buckets.by_key.len());
    }
}
