//! Whether every watch delivers: a cache that was filled once says nothing about what has happened since.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// A watch that has failed for this long is more than a dropped connection.
const PATIENCE: Duration = Duration::from_mins(1);

/// One watch: of a kind, in a namespace or, if that is empty, in all.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Watched {
    /// The kind, for example `Asset` or `Secret`.
    pub kind: &'static str,
    /// The namespace.
    pub namespace: String,
}

impl Watched {
    /// A watch of `kind` in `namespace`.
    pub fn new(kind: &'static str, namespace: impl Into<String>) -> Self {
        Self { kind, namespace: namespace.into() }
    }
}

impl std::fmt::Display for Watched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.kind)?;
        if self.namespace.is_empty() { Ok(()) } else { write!(f, " in {}", self.namespace) }
    }
}

/// States of the watches.
#[derive(Default)]
pub struct Delivery(Mutex<BTreeMap<Watched, State>>);

enum State {
    /// Its first list hasn't arrived yet.
    Beginning(Option<String>),
    Delivering,
    Failing {
        since: Instant,
        why: String,
    },
}

impl Delivery {
    /// A watch is about to begin.
    pub fn expect(&self, watched: &Watched) {
        self.lock().entry(watched.clone()).or_insert(State::Beginning(None));
    }

    /// The API server has begun to deliver.
    pub fn begins(&self, watched: &Watched) {
        self.lock().insert(watched.clone(), State::Delivering);
    }

    /// It failed, and is retried.
    pub fn failed(&self, watched: &Watched, why: String) {
        let mut all = self.lock();
        let state = match all.remove(watched) {
            None | Some(State::Beginning(_)) => State::Beginning(Some(why)),
            Some(State::Delivering) => State::Failing { since: Instant::now(), why },
            Some(State::Failing { since, .. }) => State::Failing { since, why },
        };
        all.insert(watched.clone(), state);
    }

    /// The state of each watch: whether it is healthy, and in words.
    pub fn report(&self) -> Vec<(bool, String)> {
        let line = |(watched, state): (&Watched, &State)| match state {
            State::Delivering => (true, format!("watch {watched} ok")),
            State::Beginning(None) => (false, format!("watch {watched} has not started yet")),
            State::Beginning(Some(why)) => (false, format!("watch {watched} can't start: {why}")),
            State::Failing { since, why } => {
                let (ok, seconds) = (since.elapsed() < PATIENCE, since.elapsed().as_secs());
                (ok, format!("watch {watched} has delivered nothing for {seconds} s: {why}"))
            }
        };
        self.lock().iter().map(line).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Watched, State>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(delivery: &Delivery) -> (bool, String) {
        delivery.report().remove(0)
    }

    #[tokio::test(start_paused = true)]
    async fn a_watch_is_well_from_when_it_begins_until_it_has_failed_for_a_while() {
        let (delivery, secrets) = (Delivery::default(), Watched::new("Secret", "team"));
        delivery.expect(&secrets);
        assert_eq!(state(&delivery), (false, "watch Secret in team has not started yet".to_owned()));
        delivery.failed(&secrets, "forbidden".to_owned());
        assert_eq!(state(&delivery), (false, "watch Secret in team can't start: forbidden".to_owned()));
        delivery.begins(&secrets);
        assert!(state(&delivery).0);
        delivery.failed(&secrets, "cut".to_owned());
        tokio::time::advance(PATIENCE / 2).await;
        delivery.failed(&secrets, "cut again".to_owned());
        assert!(state(&delivery).0, "connections are cut now and then");
        tokio::time::advance(PATIENCE / 2).await;
        assert!(!state(&delivery).0, "it began to fail when it failed first");
        delivery.begins(&secrets);
        assert!(state(&delivery).0);
    }
}
