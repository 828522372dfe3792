//! Who may read metrics: bearer tokens that the API server knows, of authorized users.
//!
//! Anyone can send tokens, so their cost is bounded: one review at a time and a limited number per second, in order of
//! arrival, and results that are cached in a table of fixed size.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::time::{Instant, sleep_until, timeout};
use tracing::warn;

use super::reviews::ReviewError;
use super::seldom::Seldom;

/// How long a client that may read isn't reviewed again.
const ALLOWED: Duration = Duration::from_mins(1);
/// How long a reviewed client may keep reading while the API server doesn't respond: that is when metrics are needed
/// most.
const KEPT: Duration = Duration::from_mins(10);
/// How long a client that may not read isn't reviewed again.
const REFUSED: Duration = Duration::from_secs(10);
/// Cached results of each kind.
const REMEMBERED: usize = 128;
/// The minimum time between two reviews: 20 per second.
const APART: Duration = Duration::from_millis(50);
/// How long a review may take, including the wait for its turn. Less than the time of a connection.
const PATIENCE: Duration = Duration::from_secs(8);

/// The verdict about a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Its bearer may read.
    Allowed,
    /// It isn't a token of this cluster, or no longer.
    Unauthenticated,
    /// Its bearer is known, but may not read.
    Forbidden,
}

/// Who decides.
pub trait Reviewer: Send + Sync + 'static {
    /// Decides about a token.
    fn review(&self, token: &str) -> impl Future<Output = Result<Verdict, ReviewError>> + Send;
}

/// Nobody could decide.
#[derive(Debug, thiserror::Error)]
#[error("the API server did not say who you are; try again")]
pub struct Undecided;

/// Decides with a reviewer, and caches results for a while.
pub struct Authentication<R> {
    reviewer: R,
    known: Mutex<Known>,
    /// When the last review was.
    turn: tokio::sync::Mutex<Option<Instant>>,
    failed: Seldom,
}

/// A token, in a form that gives no access.
type Key = [u8; 32];

#[derive(Default)]
struct Known {
    allowed: HashMap<Key, Instant>,
    refused: HashMap<Key, (Instant, Verdict)>,
}

impl<R: Reviewer> Authentication<R> {
    /// Nothing is known yet.
    pub fn new(reviewer: R) -> Self {
        Self {
            reviewer,
            known: Mutex::default(),
            turn: tokio::sync::Mutex::new(None),
            failed: Seldom::default(),
        }
    }

    /// The verdict about a token.
    pub async fn verdict(&self, token: &str) -> Result<Verdict, Undecided> {
        let key = Sha256::digest(token).into();
        if let Some(verdict) = self.known().verdict(&key) {
            return Ok(verdict);
        }
        let reviewed =
            timeout(PATIENCE, self.review(token, key)).await.unwrap_or(Err(ReviewError::Unanswered));
        match reviewed {
            Ok(verdict) => Ok(verdict),
            Err(error) => {
                if self.failed.may_tell() {
                    warn!(%error, "reviewing a metrics client failed");
                }
                if self.known().was_allowed(&key) { Ok(Verdict::Allowed) } else { Err(Undecided) }
            }
        }
    }

    async fn review(&self, token: &str, key: Key) -> Result<Verdict, ReviewError> {
        // Whoever gives up leaves the queue.
        let mut turn = self.turn.lock().await;
        // An earlier request may have had the same token.
        if let Some(verdict) = self.known().verdict(&key) {
            return Ok(verdict);
        }
        if let Some(last) = *turn {
            sleep_until(last + APART).await;
        }
        *turn = Some(Instant::now());
        let verdict = self.reviewer.review(token).await?;
        self.known().learn(key, verdict);
        Ok(verdict)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn verdict(&self, key: &Key) -> Option<Verdict> {
        if self.allowed.get(key).is_some_and(|at| at.elapsed() < ALLOWED) {
            return Some(Verdict::Allowed);
        }
        let (at, verdict) = self.refused.get(key)?;
        (at.elapsed() < REFUSED).then_some(*verdict)
    }

    fn was_allowed(&self, key: &Key) -> bool {
        self.allowed.get(key).is_some_and(|at| at.elapsed() < KEPT)
    }

    /// Separate tables for those who may read and the others: no number of wrong tokens evicts a valid one.
    fn learn(&mut self, key: Key, verdict: Verdict) {
        let now = Instant::now();
        if verdict == Verdict::Allowed {
            self.refused.remove(&key);
            make_room(&mut self.allowed, |at| *at);
            self.allowed.insert(key, now);
        } else {
            self.allowed.remove(&key);
            make_room(&mut self.refused, |(at, _)| *at);
            self.refused.insert(key, (now, verdict));
        }
    }
}

/// Drops the oldest entry of a table that is full.
fn make_room<T>(table: &mut HashMap<Key, T>, at: impl Fn(&T) -> Instant) {
    if table.len() >= REMEMBERED {
        let oldest = table.iter().min_by_key(|(_, entry)| at(entry)).map(|(key, _)| *key);
        oldest.and_then(|key| table.remove(&key));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::time::{advance, sleep};

    use super::*;

    /// Lets tokens that begin with `good` pass, and can be made to fail.
    #[derive(Default)]
    struct Fake {
        reviews: AtomicUsize,
        broken: std::sync::atomic::AtomicBool,
        revoked: std::sync::atomic::AtomicBool,
    }

    impl Reviewer for Arc<Fake> {
        async fn review(&self, token: &str) -> Result<Verdict, ReviewError> {
            self.reviews.fetch_add(1, Ordering::Relaxed);
            if self.broken.load(Ordering::Relaxed) {
                return Err(ReviewError::Unanswered);
            }
            if token == "hanging" {
                sleep(Duration::from_hours(1)).await;
            }
            let good = token.starts_with("good") && !self.revoked.load(Ordering::Relaxed);
            Ok(if good { Verdict::Allowed } else { Verdict::Unauthenticated })
        }
    }

    fn authentication() -> (Arc<Fake>, Authentication<Arc<Fake>>) {
        let fake = Arc::new(Fake::default());
        (Arc::clone(&fake), Authentication::new(fake))
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_remembered_for_a_while() {
        let (fake, authentication) = authentication();
        for _ in 0..3 {
            assert_eq!(authentication.verdict("good").await.unwrap(), Verdict::Allowed);
            assert_eq!(authentication.verdict("bad").await.unwrap(), Verdict::Unauthenticated);
        }
        assert_eq!(fake.reviews.load(Ordering::Relaxed), 2);
        fake.revoked.store(true, Ordering::Relaxed);
        advance(ALLOWED).await;
        assert_eq!(authentication.verdict("good").await.unwrap(), Verdict::Unauthenticated);
        fake.broken.store(true, Ordering::Relaxed);
        advance(REFUSED).await;
        assert!(authentication.verdict("good").await.is_err(), "a refusal ends the grace");
    }

    #[tokio::test(start_paused = true)]
    async fn a_known_reader_goes_on_while_the_api_server_is_away_and_a_new_one_does_not() {
        let (fake, authentication) = authentication();
        authentication.verdict("good").await.unwrap();
        fake.broken.store(true, Ordering::Relaxed);
        advance(ALLOWED).await;
        assert_eq!(authentication.verdict("good").await.unwrap(), Verdict::Allowed);
        assert!(authentication.verdict("good too").await.is_err());
        advance(KEPT).await;
        assert!(authentication.verdict("good").await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_of_wrong_tokens_costs_some_reviews_a_second_and_drives_out_no_right_one() {
        let (fake, authentication) = authentication();
        authentication.verdict("good").await.unwrap();
        let started = Instant::now();
        let number = REMEMBERED * 3;
        for token in 0..number {
            authentication.verdict(&token.to_string()).await.unwrap();
        }
        assert!(started.elapsed() >= APART * u32::try_from(number).unwrap());
        assert_eq!(fake.reviews.load(Ordering::Relaxed), number + 1);
        assert_eq!(authentication.known().refused.len(), REMEMBERED);
        assert!(started.elapsed() < ALLOWED);
        authentication.verdict("good").await.unwrap();
        assert_eq!(fake.reviews.load(Ordering::Relaxed), number + 1, "it is still remembered");
    }

    #[tokio::test(start_paused = true)]
    async fn a_review_that_hangs_ends_and_the_next_one_has_its_turn() {
        let (_, authentication) = authentication();
        let authentication = Arc::new(authentication);
        let hanging = tokio::spawn({
            let authentication = Arc::clone(&authentication);
            async move { authentication.verdict("hanging").await.is_err() }
        });
        tokio::task::yield_now().await;
        sleep(PATIENCE / 2).await;
        assert_eq!(authentication.verdict("good").await.unwrap(), Verdict::Allowed);
        assert!(hanging.await.unwrap());
    }
}
