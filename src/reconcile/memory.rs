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

/// When objects without a remote came to be known as they are now.
#[derive(Debug, Default)]
pub struct Arrivals(Mutex<HashMap<String, (Option<i64>, Instant)>>);

impl Arrivals {
    /// The object is seen at this generation.
    pub fn seen(&self, uid: &str, generation: Option<i64>) {
        let mut all = lock(&self.0);
        let known = all.get(uid).is_some_and(|(known, _)| *known == generation);
        if !known {
            all.insert(uid.to_owned(), (generation, Instant::now()));
        }
    }

    /// How long ago the object was first seen at its generation.
    pub fn age(&self, uid: &str) -> Option<Duration> {
        lock(&self.0).get(uid).map(|(_, at)| at.elapsed())
    }

    /// Forgets the object: it has a remote, or is gone.
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
    async fn an_edit_is_another_arrival() {
        let (arrivals, second) = (Arrivals::default(), Duration::from_secs(1));
        assert_eq!(arrivals.age("u"), None);
        arrivals.seen("u", Some(1));
        tokio::time::advance(second).await;
        arrivals.seen("u", Some(1));
        assert_eq!(arrivals.age("u"), Some(second));
        arrivals.seen("u", Some(2));
        assert_eq!(arrivals.age("u"), Some(Duration::ZERO));
        arrivals.forget("u");
        assert_eq!(arrivals.age("u"), None);
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
