//! How many calls an account and region may take, and who goes first.
//!
//! A token bucket with two lanes. Only the first of each lane contends for the next token, and the periodic one
//! stands back while an edit waits. A throttled call halves the rate, which then grows back with time.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex as Lane, Notify};
use tokio::time::Instant;

/// Calls a second, unless set.
pub const DEFAULT_RATE: f64 = 10.0;
/// The bucket holds the calls of so many seconds.
const BURST: f64 = 2.0;
/// A reduced rate is back to full after so many seconds.
const RECOVERY: f64 = 60.0;
/// The rate is never below this part of the full one.
const FLOOR: f64 = 0.05;
/// Throttles that come this close together are one.
const COOLDOWN: Duration = Duration::from_secs(1);

/// Who waits: a person, or the clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Priority {
    /// Someone changed something and looks at the result.
    #[default]
    Edit,
    /// A check that the operator makes now and then.
    Periodic,
}

/// How an account stands to what it may take.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// Calls a second, now.
    pub rate: f64,
    /// Calls a second, at most.
    pub limit: f64,
    /// Calls that may be made at once.
    pub tokens: f64,
    /// Throttled calls so far.
    pub throttles: u64,
    edits: Turns,
    periodic: Turns,
}

/// The turns of one priority.
#[derive(Clone, Copy, Debug, Default)]
pub struct Turns {
    /// How many were given.
    pub given: u64,
    /// How long was waited for them.
    pub waited: Duration,
}

impl Usage {
    /// The turns of `priority`.
    pub fn turns(&self, priority: Priority) -> Turns {
        match priority {
            Priority::Edit => self.edits,
            Priority::Periodic => self.periodic,
        }
    }
}

/// The budget of one account and region.
#[derive(Debug)]
pub struct Budget {
    full_rate: f64,
    state: Mutex<State>,
    edits: Lane<()>,
    periodic: Lane<()>,
    edits_changed: Notify,
}

#[derive(Debug)]
struct State {
    tokens: f64,
    rate: f64,
    at: Instant,
    throttled: Option<Instant>,
    waiting_edits: usize,
    throttles: u64,
    edits: Turns,
    periodic: Turns,
}

impl Budget {
    /// A full bucket. A rate that is no positive number is the default one.
    pub fn new(requests_per_second: f64) -> Self {
        let rate = if requests_per_second.is_finite() && requests_per_second > 0.0 {
            requests_per_second
        } else {
            DEFAULT_RATE
        };
        let state = State {
            tokens: (rate * BURST).max(1.0),
            rate,
            at: Instant::now(),
            throttled: None,
            waiting_edits: 0,
            throttles: 0,
            edits: Turns::default(),
            periodic: Turns::default(),
        };
        Self {
            full_rate: rate,
            state: Mutex::new(state),
            edits: Lane::new(()),
            periodic: Lane::new(()),
            edits_changed: Notify::new(),
        }
    }

    /// Waits for a turn.
    pub async fn acquire(&self, priority: Priority) {
        let start = Instant::now();
        self.turn(priority).await;
        let mut state = self.state();
        let lane = match priority {
            Priority::Edit => &mut state.edits,
            Priority::Periodic => &mut state.periodic,
        };
        lane.given += 1;
        lane.waited += start.elapsed();
    }

    async fn turn(&self, priority: Priority) {
        match priority {
            Priority::Edit => {
                let _waiting = WaitingEdit::new(self);
                let _first = self.edits.lock().await;
                while let Err(delay) = self.take() {
                    tokio::time::sleep(delay).await;
                }
            }
            Priority::Periodic => {
                let _first = self.periodic.lock().await;
                loop {
                    let changed = self.edits_changed.notified();
                    if self.state().waiting_edits > 0 {
                        changed.await;
                    } else if let Err(delay) = self.take() {
                        tokio::time::sleep(delay).await;
                    } else {
                        break;
                    }
                }
            }
        }
    }

    /// The service said that this was too much.
    pub fn throttled(&self) {
        let now = Instant::now();
        let mut state = self.state();
        self.refill(&mut state, now);
        state.tokens = state.tokens.min(0.0);
        state.throttles += 1;
        if state.throttled.is_none_or(|last| now.duration_since(last) >= COOLDOWN) {
            state.rate = (state.rate / 2.0).max(self.full_rate * FLOOR);
            state.throttled = Some(now);
        }
    }

    /// Calls a second, at the moment.
    pub fn rate(&self) -> f64 {
        let mut state = self.state();
        self.refill(&mut state, Instant::now());
        state.rate
    }

    /// How the account stands to what it may take.
    pub fn usage(&self) -> Usage {
        let mut state = self.state();
        self.refill(&mut state, Instant::now());
        Usage {
            rate: state.rate,
            limit: self.full_rate,
            tokens: state.tokens,
            throttles: state.throttles,
            edits: state.edits,
            periodic: state.periodic,
        }
    }

    /// Takes a token, or says how long to wait for one.
    fn take(&self) -> Result<(), Duration> {
        let mut state = self.state();
        self.refill(&mut state, Instant::now());
        if state.tokens >= 1.0 {
            state.tokens -= 1.0;
            return Ok(());
        }
        // A millisecond more, lest rounding make a second round of it.
        Err(Duration::from_secs_f64((1.0 - state.tokens) / state.rate) + Duration::from_millis(1))
    }

    fn refill(&self, state: &mut State, now: Instant) {
        let elapsed = now.duration_since(state.at).as_secs_f64();
        state.at = now;
        state.tokens = (state.tokens + elapsed * state.rate).min((self.full_rate * BURST).max(1.0));
        state.rate = (state.rate + elapsed * self.full_rate / RECOVERY).min(self.full_rate);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts an edit while it waits, however the wait ends.
struct WaitingEdit<'a>(&'a Budget);

impl<'a> WaitingEdit<'a> {
    fn new(budget: &'a Budget) -> Self {
        budget.state().waiting_edits += 1;
        Self(budget)
    }
}

impl Drop for WaitingEdit<'_> {
    fn drop(&mut self) {
        self.0.state().waiting_edits -= 1;
        self.0.edits_changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn drain(budget: &Budget) {
        while budget.take().is_ok() {}
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_goes_at_once_and_the_rest_at_the_rate() {
        let budget = Budget::new(10.0);
        let start = Instant::now();
        for _ in 0..20 {
            budget.acquire(Priority::Periodic).await;
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
        for _ in 0..10 {
            budget.acquire(Priority::Edit).await;
        }
        let taken = start.elapsed().as_secs_f64();
        assert!((1.0..1.1).contains(&taken), "{taken}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_throttle_halves_the_rate_once_a_second_and_it_grows_back() {
        let budget = Budget::new(10.0);
        budget.throttled();
        budget.throttled();
        assert!((budget.rate() - 5.0).abs() < 1e-9);
        assert!(budget.take().is_err());
        tokio::time::advance(Duration::from_secs(1)).await;
        budget.throttled();
        assert!(budget.rate() < 2.7);
        tokio::time::advance(Duration::from_mins(1)).await;
        assert!((budget.rate() - 10.0).abs() < 1e-9);
        for _ in 0..100 {
            tokio::time::advance(COOLDOWN).await;
            budget.throttled();
        }
        assert!(budget.rate() >= 0.5);
    }

    #[tokio::test(start_paused = true)]
    async fn a_waiting_edit_goes_before_waiting_periodic_checks() {
        let budget = Arc::new(Budget::new(1.0));
        drain(&budget);
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = Vec::new();
        for (name, priority) in [
            ("check 1", Priority::Periodic),
            ("check 2", Priority::Periodic),
            ("edit 1", Priority::Edit),
            ("edit 2", Priority::Edit),
        ] {
            let (budget, order) = (Arc::clone(&budget), Arc::clone(&order));
            tasks.push(tokio::spawn(async move {
                budget.acquire(priority).await;
                order.lock().unwrap().push(name);
            }));
            tokio::task::yield_now().await;
        }
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(*order.lock().unwrap(), ["edit 1", "edit 2", "check 1", "check 2"]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_edit_that_gives_up_holds_nobody_back() {
        let budget = Budget::new(1.0);
        drain(&budget);
        let start = Instant::now();
        let edit = tokio::time::timeout(Duration::from_millis(100), budget.acquire(Priority::Edit));
        let (given_up, ()) = tokio::join!(edit, budget.acquire(Priority::Periodic));
        assert!(given_up.is_err());
        assert!(start.elapsed() < Duration::from_secs(2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_below_one_still_lets_calls_through() {
        let budget = Budget::new(0.1);
        budget.acquire(Priority::Edit).await;
        let start = Instant::now();
        budget.acquire(Priority::Edit).await;
        assert!(start.elapsed() < Duration::from_secs(11));
    }
}
