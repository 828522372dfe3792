//! How many calls an account and region allows, and who goes first.
//!
//! A token bucket whose tokens go to namespaces in turn, see [`crate::fairness::turns`]; a namespace may have its own
//! ceiling. A throttled call halves the rate, which then recovers over time. Which clients have one in common:
//! [`shared_budgets`](super::shared_budgets).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use crate::fairness::bucket::{Bucket, Size};
pub use crate::fairness::turns::Priority;
use crate::fairness::turns::{Shares, Ticket, Turns};

/// Calls per second, unless set.
pub const DEFAULT_RATE: f64 = 10.0;
/// The bucket holds the calls of this many seconds.
const BURST: f64 = 2.0;
/// A reduced rate is back to full after this many seconds.
const RECOVERY: f64 = 60.0;
/// The rate is never below this fraction of the full one.
const FLOOR: f64 = 0.05;
/// Throttles this close together count as one.
const COOLDOWN: Duration = Duration::from_secs(1);
/// Of the turns that several priorities wait for, the lower ones get one in so many.
const SHARES: Shares = Shares { pending: 3, periodic: 5 };
const FEWEST_CEILINGS: usize = 64;

/// On whose behalf calls are made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Caller {
    /// Who is waiting for the result.
    pub priority: Priority,
    /// The namespace of the object that they are about; empty for cluster-scoped ones.
    pub namespace: Arc<str>,
    /// Maximum calls per second of the namespace, if it has its own limit.
    pub ceiling: Option<f64>,
}

/// State of a budget.
#[derive(Clone, Copy, Debug)]
pub struct Level {
    /// Calls per second, now.
    pub rate: f64,
    /// Maximum calls per second.
    pub limit: f64,
    /// Calls that may be made immediately.
    pub tokens: f64,
}

/// The budget of one account and region.
#[derive(Debug)]
pub struct Budget(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// Wakes the task that gives turns.
    came: Notify,
}

#[derive(Debug)]
struct State {
    tokens: f64,
    rate: f64,
    /// The rate while nothing is throttled.
    full_rate: f64,
    at: Instant,
    throttled: Option<Instant>,
    waiting: Turns<Waiting>,
    /// What is left of the ceilings of namespaces that have one, for each client of its own.
    ceilings: Ceilings,
    /// With this many, those that don't limit anyone at the moment are dropped.
    most_ceilings: usize,
    /// Whether there is a task that gives turns: only while someone is waiting.
    is_giving: bool,
}

type Ceilings = HashMap<(u64, Arc<str>), Ceiling>;

#[derive(Debug)]
struct Waiting {
    client: u64,
    turn: oneshot::Sender<()>,
}

#[derive(Debug)]
struct Ceiling {
    size: Size,
    bucket: Bucket,
}

impl Budget {
    /// A full bucket. A rate that isn't a positive number means the default.
    pub fn new(requests_per_second: f64) -> Self {
        let rate = if is_rate(requests_per_second) { requests_per_second } else { DEFAULT_RATE };
        let state = State {
            tokens: (rate * BURST).max(1.0),
            rate,
            full_rate: rate,
            at: Instant::now(),
            throttled: None,
            waiting: Turns::new(SHARES),
            ceilings: HashMap::new(),
            most_ceilings: FEWEST_CEILINGS,
            is_giving: false,
        };
        Self(Arc::new(Shared { state: Mutex::new(state), came: Notify::new() }))
    }

    /// Changes the rate. What was throttled stays throttled in proportion.
    pub fn set_rate(&self, requests_per_second: f64) {
        let mut state = self.0.state();
        if !is_rate(requests_per_second) || (requests_per_second - state.full_rate).abs() < f64::EPSILON {
            return;
        }
        state.refill(Instant::now());
        state.rate *= requests_per_second / state.full_rate;
        state.full_rate = requests_per_second;
        state.tokens = state.tokens.min(state.burst());
        // Whoever waits now waits for another time.
        self.0.came.notify_one();
    }

    /// Waits for a turn; returns for how long. Clients with different numbers have ceilings of their own.
    pub async fn acquire(&self, client: u64, caller: &Caller) -> Duration {
        let start = Instant::now();
        if let Some(mut place) = self.line_up(client, caller) {
            // The sender is dropped only with the budget, which this borrows.
            let _ = (&mut place.turn).await;
        }
        start.elapsed()
    }

    /// Takes a turn if there is one and nobody is waiting, otherwise a place in the queue.
    fn line_up(&self, client: u64, caller: &Caller) -> Option<Place> {
        let now = Instant::now();
        let mut state = self.0.state();
        state.refill(now);
        state.limit(client, caller, now);
        if state.waiting.is_empty()
            && state.tokens >= 1.0
            && pass_ceiling(&mut state.ceilings, client, &caller.namespace, now).is_ok()
        {
            state.tokens -= 1.0;
            return None;
        }
        let (sender, turn) = oneshot::channel();
        let ticket =
            state.waiting.wait(caller.priority, &caller.namespace, 0, Waiting { client, turn: sender });
        if std::mem::replace(&mut state.is_giving, true) {
            self.0.came.notify_one();
        } else {
            tokio::spawn(give(Arc::clone(&self.0)));
        }
        Some(Place { budget: Arc::clone(&self.0), ticket, turn })
    }

    /// The service throttled a call.
    pub fn throttled(&self) {
        let now = Instant::now();
        let mut state = self.0.state();
        state.refill(now);
        state.tokens = state.tokens.min(0.0);
        if state.throttled.is_none_or(|last| now.duration_since(last) >= COOLDOWN) {
            state.rate = (state.rate / 2.0).max(state.full_rate * FLOOR);
            state.throttled = Some(now);
        }
    }

    /// State of the budget.
    pub fn level(&self) -> Level {
        let mut state = self.0.state();
        state.refill(Instant::now());
        Level { rate: state.rate, limit: state.full_rate, tokens: state.tokens }
    }
}

fn is_rate(rate: f64) -> bool {
    rate.is_finite() && rate > 0.0
}

/// Gives turns while someone is waiting.
async fn give(shared: Arc<Shared>) {
    while let Some(wait) = shared.give_due() {
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = shared.came.notified() => {}
        }
    }
}

impl Shared {
    /// Gives the available turns; returns how long it takes until there is another, or none if nobody is waiting.
    fn give_due(&self) -> Option<Duration> {
        let now = Instant::now();
        let mut state = self.state();
        state.refill(now);
        loop {
            if state.waiting.is_empty() {
                state.is_giving = false;
                return None;
            }
            if state.tokens < 1.0 {
                // One millisecond more, so that rounding doesn't cause a second round.
                let missing = (1.0 - state.tokens) / state.rate;
                return Some(Duration::from_secs_f64(missing) + Duration::from_millis(1));
            }
            match state.next(now) {
                // Whoever gives up leaves the queue, so someone is waiting for this.
                Ok(Waiting { turn, .. }) => {
                    if turn.send(()).is_ok() {
                        state.tokens -= 1.0;
                    }
                }
                Err(wait) => return Some(wait),
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn refill(&mut self, now: Instant) {
        let elapsed = now.duration_since(self.at).as_secs_f64();
        self.at = now;
        self.tokens = (self.tokens + elapsed * self.rate).min(self.burst());
        self.rate = (self.rate + elapsed * self.full_rate / RECOVERY).min(self.full_rate);
    }

    /// Tokens of a full bucket.
    fn burst(&self) -> f64 {
        (self.full_rate * BURST).max(1.0)
    }

    /// The next whose namespace isn't at its ceiling; otherwise how long until one isn't.
    fn next(&mut self, now: Instant) -> Result<Waiting, Duration> {
        let mut shortest = Duration::MAX;
        for priority in self.waiting.preferred() {
            let mut found = None;
            for (namespace, _) in self.waiting.namespaces(priority) {
                let Some(first) = self.waiting.first(priority, namespace) else { continue };
                match pass_ceiling(&mut self.ceilings, first.client, namespace, now) {
                    Ok(()) => {
                        found = Some(Arc::clone(namespace));
                        break;
                    }
                    Err(wait) => shortest = shortest.min(wait),
                }
            }
            if let Some(taken) = found.and_then(|namespace| self.waiting.take(priority, &namespace)) {
                return Ok(taken);
            }
        }
        Err(shortest)
    }

    /// Notes the ceiling of a namespace, or that it no longer has one.
    fn limit(&mut self, client: u64, caller: &Caller, now: Instant) {
        let key = (client, Arc::clone(&caller.namespace));
        let Some(rate) = caller.ceiling.filter(|rate| is_rate(*rate)) else {
            self.ceilings.remove(&key);
            return;
        };
        let size = Size { rate, burst: (rate * BURST).max(1.0) };
        if let Some(known) = self.ceilings.get_mut(&key) {
            known.size = size;
            return;
        }
        if self.ceilings.len() >= self.most_ceilings {
            let waiting = &self.waiting;
            self.ceilings.retain(|(_, namespace), ceiling| {
                !ceiling.bucket.is_full(ceiling.size, now) || waiting.is_waiting(namespace)
            });
            self.most_ceilings = (self.ceilings.len() * 2).max(FEWEST_CEILINGS);
        }
        let bucket = Bucket::full(size, now);
        self.ceilings.insert(key, Ceiling { size, bucket });
    }
}

/// Takes a token of the namespace's own, if it has a ceiling.
fn pass_ceiling(
    ceilings: &mut Ceilings,
    client: u64,
    namespace: &Arc<str>,
    now: Instant,
) -> Result<(), Duration> {
    let Some(ceiling) = ceilings.get_mut(&(client, Arc::clone(namespace))) else { return Ok(()) };
    ceiling.bucket.take(ceiling.size, 0.0, now)
}

/// A place in the queue, given up when dropped.
struct Place {
    budget: Arc<Shared>,
    ticket: Ticket,
    turn: oneshot::Receiver<()>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.budget.state().waiting.leave(&self.ticket);
    }
}

#[cfg(test)]
mod tests;
