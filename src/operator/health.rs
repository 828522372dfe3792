//! What the probes tell of.

use std::fmt::Write;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::kinds;
use crate::reconcile::context::Context;
use crate::reconcile::stores::CacheState;

/// Interval of the runtime's heartbeat.
const BEAT: Duration = Duration::from_secs(1);
/// A runtime without a heartbeat for this long is stuck.
const STUCK: Duration = Duration::from_secs(30);

/// What the probes tell of.
pub struct Health {
    lease: Mutex<Lease>,
    context: OnceLock<Arc<Context>>,
    beat: Mutex<Instant>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Lease {
    /// There is no leader election.
    None,
    StandingBy,
    Held,
}

/// The response to a probe: a line for each check.
#[derive(Debug, Default)]
pub struct Report {
    lines: Vec<(bool, String)>,
}

impl Report {
    fn check(&mut self, ok: bool, line: impl Into<String>) {
        self.lines.push((ok, line.into()));
    }

    /// Whether all checks passed.
    pub fn is_ok(&self) -> bool {
        self.lines.iter().all(|(ok, _)| *ok)
    }

    /// The lines as the probes of Kubernetes' own components write them.
    pub fn text(&self, name: &str) -> String {
        let mut text = String::new();
        for (ok, line) in &self.lines {
            // Writing to a String does not fail.
            let _ = writeln!(text, "[{}]{line}", if *ok { '+' } else { '-' });
        }
        let verdict = if self.is_ok() { "passed" } else { "failed" };
        text + name + " check " + verdict + "\n"
    }
}

impl Default for Health {
    fn default() -> Self {
        Self { lease: Mutex::new(Lease::None), context: OnceLock::new(), beat: Mutex::new(Instant::now()) }
    }
}

impl Health {
    /// This replica waits for the lease.
    pub fn stands_by(&self) {
        *self.lease.lock().unwrap_or_else(PoisonError::into_inner) = Lease::StandingBy;
    }

    /// This replica holds the lease.
    pub fn leads(&self) {
        *self.lease.lock().unwrap_or_else(PoisonError::into_inner) = Lease::Held;
    }

    /// This replica works.
    pub fn works(&self, cx: &Arc<Context>) {
        let _ = self.context.set(Arc::clone(cx));
    }

    /// Beats for as long as the runtime runs tasks and its clock.
    pub async fn beat(&self) {
        loop {
            *self.beat.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
            tokio::time::sleep(BEAT).await;
        }
    }

    /// Whether the process can continue at all. Nothing outside of the process counts: a restart wouldn't fix that.
    pub fn live(&self) -> Report {
        let age = self.beat.lock().unwrap_or_else(PoisonError::into_inner).elapsed();
        let mut report = Report::default();
        if age < STUCK {
            report.check(true, "runtime ok");
        } else {
            report.check(false, format!("runtime stuck: no task has run for {} s", age.as_secs()));
        }
        report
    }

    /// Whether the operator works, or would work if it were the leader.
    pub fn ready(&self) -> Report {
        let mut report = Report::default();
        let lease = *self.lease.lock().unwrap_or_else(PoisonError::into_inner);
        match lease {
            Lease::None => report.check(true, "lease not used"),
            Lease::StandingBy => report.check(true, "lease held by another replica; this one is on standby"),
            Lease::Held => report.check(true, "lease held"),
        }
        match self.context.get() {
            Some(cx) => {
                let states = cx.stores.states();
                // A controller that hasn't started yet has no cache yet.
                let kinds = kinds::count(&cx.reach);
                report.check(states.len() == kinds, format!("controllers {} of {kinds}", states.len()));
                for (kind, state) in &states {
                    let (ok, line) = cache(kind, state);
                    report.check(ok, line);
                }
                for (ok, line) in cx.delivery.report() {
                    report.check(ok, line);
                }
            }
            None if lease == Lease::StandingBy => {}
            None => report.check(false, "controllers not started"),
        }
        report
    }
}

/// A watch that fails for a while leaves its cache as it was, and passes continue. Only if the CRD is gone is there
/// nothing to continue with.
fn cache(kind: &str, state: &CacheState) -> (bool, String) {
    match (&state.failure, state.filled) {
        (Some(failure), _) if failure.missing => {
            (false, format!("cache {kind}: its CustomResourceDefinition is missing"))
        }
        (Some(failure), true) => {
            (true, format!("cache {kind} ok, the watch is being restarted: {}", failure.message))
        }
        (None, true) => (true, format!("cache {kind} ok")),
        (Some(failure), false) => (false, format!("cache {kind} not filled: {}", failure.message)),
        (None, false) => (false, format!("cache {kind} not filled yet")),
    }
}

#[cfg(test)]
mod tests {
    use crate::reconcile::stores::WatchFailure;

    use super::*;

    #[test]
    fn a_missing_crd_is_named_and_a_watch_that_stumbles_is_only_told_of() {
        let failure = |missing| Some(WatchFailure { missing, repeated: true, message: "503".to_owned() });
        let (ok, line) = cache("Asset", &CacheState { filled: true, failure: failure(true) });
        assert!(!ok && line.contains("Asset: its CustomResourceDefinition is missing"), "{line}");
        assert!(cache("Asset", &CacheState { filled: true, failure: failure(false) }).0);
        assert!(!cache("Asset", &CacheState { filled: false, failure: failure(false) }).0);
        assert!(!cache("Asset", &CacheState::default()).0);
    }

    #[test]
    fn a_replica_that_stands_by_is_ready_and_one_that_has_not_begun_is_not() {
        let health = Health::default();
        assert!(!health.ready().is_ok());
        health.stands_by();
        assert_eq!(
            health.ready().text("readyz"),
            "[+]lease held by another replica; this one is on standby\nreadyz check passed\n"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_runtime_that_runs_no_tasks_is_not_alive() {
        let health = Arc::new(Health::default());
        let beating = tokio::spawn({
            let health = Arc::clone(&health);
            async move { health.beat().await }
        });
        tokio::time::sleep(STUCK * 2).await;
        assert!(health.live().is_ok());
        beating.abort();
        tokio::time::sleep(STUCK * 2).await;
        assert!(!health.live().is_ok());
    }
}
