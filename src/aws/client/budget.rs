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
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn edit(namespace: &str) -> Caller {
        Caller { priority: Priority::Edit, namespace: namespace.into(), ceiling: None }
    }

    fn periodic(namespace: &str) -> Caller {
        Caller { priority: Priority::Periodic, ..edit(namespace) }
    }

    fn pending(namespace: &str) -> Caller {
        Caller { priority: Priority::Pending, ..edit(namespace) }
    }

    async fn drain(budget: &Budget) {
        while budget.level().tokens >= 1.0 {
            budget.acquire(0, &edit("drain")).await;
        }
    }

    /// Callers that ask again as soon as they have had a turn: how many turns each gets in this many seconds.
    async fn turns(budget: Budget, seconds: u64, callers: &[(&str, usize, Caller)]) -> BTreeMap<String, u32> {
        let budget = Arc::new(budget);
        drain(&budget).await;
        let end = Instant::now() + Duration::from_secs(seconds);
        let mut tasks = Vec::new();
        for (name, number, caller) in callers {
            for _ in 0..*number {
                let (budget, caller, name) = (Arc::clone(&budget), caller.clone(), (*name).to_owned());
                tasks.push(tokio::spawn(async move {
                    let mut had = 0;
                    while tokio::time::timeout_at(end, budget.acquire(0, &caller)).await.is_ok() {
                        had += 1;
                    }
                    (name, had)
                }));
            }
        }
        let mut sum = BTreeMap::new();
        for task in tasks {
            let (name, had) = task.await.unwrap();
            *sum.entry(name).or_default() += had;
        }
        let state = budget.0.state();
        assert!(state.waiting.is_empty(), "nothing is kept of those who left");
        sum
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_goes_at_once_and_the_rest_at_the_rate() {
        let budget = Budget::new(10.0);
        let start = Instant::now();
        for _ in 0..20 {
            budget.acquire(0, &periodic("a")).await;
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
        for _ in 0..10 {
            budget.acquire(0, &edit("a")).await;
        }
        let taken = start.elapsed().as_secs_f64();
        assert!((1.0..1.1).contains(&taken), "{taken}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_throttle_halves_the_rate_once_a_second_and_it_grows_back() {
        let budget = Budget::new(10.0);
        budget.throttled();
        budget.throttled();
        assert!((budget.level().rate - 5.0).abs() < 1e-9);
        assert!(budget.level().tokens < 1.0);
        tokio::time::advance(Duration::from_secs(1)).await;
        budget.throttled();
        assert!(budget.level().rate < 2.7);
        tokio::time::advance(Duration::from_mins(1)).await;
        assert!((budget.level().rate - 10.0).abs() < 1e-9);
        for _ in 0..100 {
            tokio::time::advance(COOLDOWN).await;
            budget.throttled();
        }
        assert!(budget.level().rate >= 0.5);
    }

    #[tokio::test(start_paused = true)]
    async fn a_waiting_edit_goes_before_waiting_periodic_checks() {
        let budget = Arc::new(Budget::new(1.0));
        drain(&budget).await;
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = Vec::new();
        for (name, caller) in [
            ("check 1", periodic("a")),
            ("check 2", periodic("a")),
            ("edit 1", edit("a")),
            ("edit 2", edit("a")),
        ] {
            let (budget, order) = (Arc::clone(&budget), Arc::clone(&order));
            tasks.push(tokio::spawn(async move {
                budget.acquire(0, &caller).await;
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
    async fn a_namespace_alone_has_the_whole_rate() {
        for caller in [edit("a"), periodic("a")] {
            let had = turns(Budget::new(20.0), 60, &[("a", 50, caller)]).await;
            assert!((1140..=1201).contains(&had["a"]), "{had:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn namespaces_share_the_rate_however_much_each_wants() {
        let callers = [("flood", 1500, edit("flood")), ("one", 8, edit("one")), ("two", 8, edit("two"))];
        let had = turns(Budget::new(20.0), 60, &callers).await;
        assert!(had.values().all(|had| (395..=405).contains(had)), "{had:?}");
        // What one doesn't use, the others get.
        let callers = [("flood", 1500, edit("flood")), ("other", 1, edit("other"))];
        let had = turns(Budget::new(20.0), 60, &callers).await;
        assert!(had.values().sum::<u32>() >= 1140, "{had:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_delays_the_first_call_of_another_by_one_turn() {
        let budget = Arc::new(Budget::new(10.0));
        drain(&budget).await;
        for _ in 0..1500 {
            let budget = Arc::clone(&budget);
            tokio::spawn(async move { budget.acquire(0, &edit("flood")).await });
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        let start = Instant::now();
        budget.acquire(0, &edit("other")).await;
        assert!(start.elapsed() < Duration::from_millis(250), "{:?}", start.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn endless_edits_leave_periodic_checks_their_share() {
        let callers =
            [("edits", 100, edit("flood")), ("own", 5, periodic("flood")), ("others", 5, periodic("other"))];
        let had = turns(Budget::new(20.0), 60, &callers).await;
        assert!((950..=970).contains(&had["edits"]), "{had:?}");
        assert!((115..=125).contains(&had["own"]) && (115..=125).contains(&had["others"]), "{had:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn retries_come_after_edits_and_before_checks_and_none_starves() {
        let broken = ("retries", 5000, pending("broken"));
        let callers = [("edits", 50, edit("edited")), broken.clone(), ("checks", 50, periodic("checked"))];
        let had = turns(Budget::new(20.0), 60, &callers).await;
        assert!((580..=610).contains(&had["edits"]), "{had:?}");
        assert!((350..=370).contains(&had["retries"]), "{had:?}");
        assert!((230..=250).contains(&had["checks"]), "{had:?}");
        // Nobody edits: the checks have no more than their share, and within the retries namespaces are equal.
        let callers = [broken, ("other", 8, pending("other")), ("checks", 50, periodic("checked"))];
        let had = turns(Budget::new(20.0), 60, &callers).await;
        assert!((230..=250).contains(&had["checks"]), "{had:?}");
        assert!(had["retries"].abs_diff(had["other"]) <= 2, "{had:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn another_rate_counts_at_once_also_for_who_waits() {
        let budget = Arc::new(Budget::new(0.1));
        drain(&budget).await;
        let start = Instant::now();
        let caller = edit("a");
        let faster = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            budget.set_rate(10.0);
        };
        tokio::join!(budget.acquire(0, &caller), faster);
        assert!(start.elapsed() < Duration::from_millis(1200), "{:?}", start.elapsed());
        budget.throttled();
        budget.set_rate(20.0);
        let level = budget.level();
        assert!(
            (level.rate - 10.0).abs() < 1e-9 && (level.limit - 20.0).abs() < 1e-9,
            "still half: {level:?}"
        );
        budget.set_rate(f64::NAN);
        assert!((budget.level().limit - 20.0).abs() < 1e-9);
    }

    #[tokio::test(start_paused = true)]
    async fn a_ceiling_holds_its_namespace_and_nobody_else() {
        let capped = Caller { ceiling: Some(2.0), ..edit("capped") };
        let callers = [("capped", 100, capped.clone()), ("free", 20, edit("free"))];
        let had = turns(Budget::new(20.0), 60, &callers).await;
        assert!((120..=126).contains(&had["capped"]), "{had:?}");
        assert!((1020..=1081).contains(&had["free"]), "{had:?}");
        let had = turns(Budget::new(20.0), 60, &[("capped", 100, capped)]).await;
        assert!((120..=126).contains(&had["capped"]), "{had:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_ceiling_is_one_clients_even_in_a_budget_that_others_share() {
        let budget = Budget::new(20.0);
        let capped = Caller { ceiling: Some(2.0), ..edit("a") };
        let start = Instant::now();
        let slow = async {
            for _ in 0..14 {
                budget.acquire(1, &capped).await;
            }
            start.elapsed().as_secs_f64()
        };
        let free = async {
            let caller = edit("a");
            for _ in 0..20 {
                budget.acquire(2, &caller).await;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        // Four at once, and ten at two a second.
        let (slow, ()) = tokio::join!(slow, free);
        assert!((4.9..5.2).contains(&slow), "{slow}");
    }

    #[tokio::test(start_paused = true)]
    async fn ceilings_of_namespaces_that_are_quiet_take_no_memory() {
        let budget = Budget::new(1000.0);
        for number in 0..5000 {
            let caller = Caller { ceiling: Some(1.0), ..edit(&number.to_string()) };
            budget.acquire(0, &caller).await;
            tokio::time::advance(Duration::from_millis(100)).await;
        }
        let kept = budget.0.state().ceilings.len();
        assert!(kept <= FEWEST_CEILINGS, "{kept}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_edit_that_gives_up_holds_nobody_back() {
        let budget = Budget::new(1.0);
        drain(&budget).await;
        let start = Instant::now();
        let caller = edit("a");
        let edit = tokio::time::timeout(Duration::from_millis(100), budget.acquire(0, &caller));
        let other = periodic("a");
        let (given_up, _) = tokio::join!(edit, budget.acquire(0, &other));
        assert!(given_up.is_err());
        assert!(start.elapsed() < Duration::from_secs(2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_below_one_still_lets_calls_through() {
        let budget = Budget::new(0.1);
        budget.acquire(0, &edit("a")).await;
        let start = Instant::now();
        budget.acquire(0, &edit("a")).await;
        assert!(start.elapsed() < Duration::from_secs(11));
    }
}
