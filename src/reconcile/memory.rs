//! Small things that the process remembers about objects between passes, and may forget.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Which request for a pass was last served for an object.
#[derive(Debug, Default)]
pub struct Requests(Mutex<HashMap<String, String>>);

impl Requests {
    /// Whether this is the first pass for the request `value`.
    pub fn begin(&self, uid: &str, value: &str) -> bool {
        lock(&self.0).insert(uid.to_owned(), value.to_owned()).as_deref() != Some(value)
    }

    /// Forgets the object.
    pub fn forget(&self, uid: &str) {
        lock(&self.0).remove(uid);
    }
}

/// Since when something has been the case for an object, such as that the outcome of its create is unknown.
#[derive(Debug, Default)]
pub struct Since(Mutex<HashMap<String, Instant>>);

impl Since {
    /// How long ago this was first called for the object.
    pub fn age(&self, uid: &str) -> Duration {
        lock(&self.0).entry(uid.to_owned()).or_insert_with(Instant::now).elapsed()
    }

    /// It is no longer the case, or the object is gone.
    pub fn forget(&self, uid: &str) {
        lock(&self.0).remove(uid);
    }
}

/// Which remote was last created for an object, and when.
#[derive(Debug, Default)]
pub struct Fresh(Mutex<HashMap<String, (String, Instant)>>);

impl Fresh {
    /// The remote `id` has just been created for the object with this UID.
    pub fn made(&self, uid: &str, id: &str) {
        lock(&self.0).insert(uid.to_owned(), (id.to_owned(), Instant::now()));
    }

    /// Whether the remote `id` was created for the object less than `age` ago.
    pub fn is_fresh(&self, uid: &str, id: &str, age: Duration) -> bool {
        lock(&self.0).get(uid).is_some_and(|(made, at)| made == id && at.elapsed() < age)
    }

    /// Forgets the object.
    pub fn forget(&self, uid: &str) {
        lock(&self.0).remove(uid);
    }
}

/// Objects of which an Event has said that they aren't ready.
#[derive(Debug, Default)]
pub struct Troubled(Mutex<HashSet<String>>);

impl Troubled {
    /// An Event says so.
    pub fn add(&self, uid: &str) {
        lock(&self.0).insert(uid.to_owned());
    }

    /// Forgets the object; returns whether an Event said so.
    pub fn forget(&self, uid: &str) -> bool {
        lock(&self.0).remove(uid)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_started_once() {
        let requests = Requests::default();
        assert!(requests.begin("u", "now"));
        assert!(!requests.begin("u", "now"));
        assert!(requests.begin("u", "later"));
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_made_is_fresh_for_a_while() {
        let (fresh, while_) = (Fresh::default(), Duration::from_secs(5));
        fresh.made("u", "id-1");
        assert!(fresh.is_fresh("u", "id-1", while_) && !fresh.is_fresh("u", "id-0", while_));
        tokio::time::advance(while_).await;
        assert!(!fresh.is_fresh("u", "id-1", while_));
    }

    #[tokio::test(start_paused = true)]
    async fn the_age_of_an_unknown_outcome_grows_until_it_is_known() {
        let unknown = Since::default();
        assert_eq!(unknown.age("u"), Duration::ZERO);
        tokio::time::advance(Duration::from_secs(3)).await;
        assert_eq!(unknown.age("u"), Duration::from_secs(3));
        unknown.forget("u");
        assert_eq!(unknown.age("u"), Duration::ZERO);
    }
}
