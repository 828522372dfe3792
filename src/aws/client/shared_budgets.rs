//! Which clients have a budget in common: those whose calls AWS counts together.
//!
//! AWS counts by account and region, whatever AWSAccount the calls are made for. The account's id is known from a role's
//! ARN, from the credentials, or only once STS has answered; until then a client has a budget of its own. The rate of a
//! budget is the smallest of those who share it. Nothing is kept of a budget that no client has any more.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use crate::fairness::turns::ByPriority;

use super::budget::{Budget, Caller, Priority};
use super::endpoints::Endpoints;

/// What AWS counts together: an account in a region.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    account: String,
    region: String,
    /// Another address may be another AWS.
    endpoints: Endpoints,
}

/// The budgets that clients have in common. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct SharedBudgets(Arc<Mutex<HashMap<Place, Common>>>);

#[derive(Debug)]
struct Common {
    budget: Arc<Budget>,
    /// The rate that each of the clients asks for, by the client's number.
    rates: HashMap<u64, f64>,
}

impl Common {
    fn adjust(&self) {
        if let Some(rate) = self.rates.values().copied().reduce(f64::min) {
            self.budget.set_rate(rate);
        }
    }
}

impl SharedBudgets {
    /// A client's share of the budget at these endpoints, for an account that isn't known yet.
    pub fn share(&self, region: &str, endpoints: &Endpoints, requests_per_second: f64) -> Share {
        let common = Some((self.clone(), region.to_owned(), endpoints.clone()));
        Share::new(common, requests_per_second)
    }

    /// Adds a client. The first brings its own budget.
    fn join(&self, place: &Place, number: u64, own: &Arc<Budget>) -> Arc<Budget> {
        let mut all = self.lock();
        let common = all
            .entry(place.clone())
            .or_insert_with(|| Common { budget: Arc::clone(own), rates: HashMap::new() });
        common.rates.insert(number, own.level().limit);
        common.adjust();
        Arc::clone(&common.budget)
    }

    fn leave(&self, place: &Place, number: u64) {
        let mut all = self.lock();
        let Some(common) = all.get_mut(place) else { return };
        common.rates.remove(&number);
        common.adjust();
        if common.rates.is_empty() {
            all.remove(place);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Place, Common>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A client's share of a budget. Clones are the same share; when the last is dropped, it no longer counts.
#[derive(Clone, Debug)]
pub struct Share(Arc<Member>);

#[derive(Debug)]
struct Member {
    number: u64,
    /// With whom it may be shared; with nobody if this is missing.
    common: Option<(SharedBudgets, String, Endpoints)>,
    own: Arc<Budget>,
    joined: OnceLock<(Place, Arc<Budget>)>,
    used: Mutex<Used>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Used {
    throttles: u64,
    turns: ByPriority<Given>,
}

/// State of a budget, and what one client has used of it.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// Calls per second, now, for all who share it.
    pub rate: f64,
    /// Maximum calls per second, for all who share it.
    pub limit: f64,
    /// Calls that may be made immediately.
    pub tokens: f64,
    /// Throttled calls of the client so far.
    pub throttles: u64,
    turns: ByPriority<Given>,
}

/// Statistics of one priority.
#[derive(Clone, Copy, Debug, Default)]
pub struct Given {
    /// Number of turns.
    pub given: u64,
    /// Total waiting time.
    pub waited: Duration,
}

impl Usage {
    /// The client's statistics of `priority`.
    pub fn turns(&self, priority: Priority) -> Given {
        self.turns[priority]
    }
}

impl Share {
    /// A budget that no other client has.
    pub fn alone(requests_per_second: f64) -> Self {
        Self::new(None, requests_per_second)
    }

    fn new(common: Option<(SharedBudgets, String, Endpoints)>, requests_per_second: f64) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(Arc::new(Member {
            number: NEXT.fetch_add(1, Ordering::Relaxed),
            common,
            own: Arc::new(Budget::new(requests_per_second)),
            joined: OnceLock::new(),
            used: Mutex::default(),
        }))
    }

    /// Whether it would change something to learn the account's id.
    pub fn is_waiting_for_account(&self) -> bool {
        self.0.common.is_some() && self.0.joined.get().is_none()
    }

    /// The account is this one: from now on the budget is that of all its clients. Who waits for a turn has it by the old one.
    pub fn join(&self, account: &str) {
        let Some((budgets, region, endpoints)) = &self.0.common else { return };
        self.0.joined.get_or_init(|| {
            let (account, region) = (account.to_owned(), region.clone());
            let place = Place { account, region, endpoints: endpoints.clone() };
            let budget = budgets.join(&place, self.0.number, &self.0.own);
            (place, budget)
        });
    }

    /// Where its calls are counted, once the account is known.
    pub fn place(&self) -> Option<Place> {
        self.0.joined.get().map(|(place, _)| place.clone())
    }

    /// Waits for a turn.
    pub async fn acquire(&self, caller: &Caller) {
        let budget = Arc::clone(self.budget());
        let waited = budget.acquire(self.0.number, caller).await;
        let mut used = self.0.used();
        let turns = &mut used.turns[caller.priority];
        turns.given += 1;
        turns.waited += waited;
    }

    /// The service throttled a call.
    pub fn throttled(&self) {
        self.budget().throttled();
        self.0.used().throttles += 1;
    }

    /// State of the budget, and what this client has used of it.
    pub fn usage(&self) -> Usage {
        let (level, used) = (self.budget().level(), *self.0.used());
        Usage {
            rate: level.rate,
            limit: level.limit,
            tokens: level.tokens,
            throttles: used.throttles,
            turns: used.turns,
        }
    }

    fn budget(&self) -> &Arc<Budget> {
        self.0.joined.get().map_or(&self.0.own, |(_, common)| common)
    }
}

impl Member {
    fn used(&self) -> MutexGuard<'_, Used> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        if let (Some((budgets, ..)), Some((place, _))) = (&self.common, self.joined.get()) {
            budgets.leave(place, self.number);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use crate::aws::{EndpointOverrides, PlainHttp};

    use super::*;

    const ONE: &str = "111111111111";

    fn endpoints(url: Option<&str>) -> Endpoints {
        let own = EndpointOverrides { control_plane: url.map(str::to_owned), data_plane: None };
        Endpoints::resolve("us-east-1", false, &own, None, PlainHttp::Anywhere).unwrap()
    }

    fn share(budgets: &SharedBudgets, account: &str, rate: f64) -> Share {
        let share = budgets.share("us-east-1", &endpoints(None), rate);
        share.join(account);
        share
    }

    #[track_caller]
    fn has_limit(share: &Share, limit: f64) {
        assert!((share.usage().limit - limit).abs() < 1e-9, "{:?}", share.usage());
    }

    #[tokio::test(start_paused = true)]
    async fn clients_of_one_account_and_region_have_one_rate_together() {
        let budgets = SharedBudgets::default();
        let (one, same) = (share(&budgets, ONE, 10.0), share(&budgets, ONE, 10.0));
        let start = Instant::now();
        let call = async |share: &Share| {
            for _ in 0..50 {
                share.acquire(&Caller::default()).await;
            }
        };
        tokio::join!(call(&one), call(&same));
        // 20 at once, and 80 at ten a second.
        assert!((7.9..8.3).contains(&start.elapsed().as_secs_f64()), "{:?}", start.elapsed());
        let given = |share: &Share| share.usage().turns(Priority::Edit).given;
        assert_eq!((given(&one), given(&same)), (50, 50), "each counts its own");
        same.throttled();
        assert!(one.usage().rate < 6.0 && one.usage().throttles == 0 && same.usage().throttles == 1);
    }

    #[tokio::test(start_paused = true)]
    async fn the_smallest_rate_counts_as_long_as_its_client_is_there() {
        let budgets = SharedBudgets::default();
        let (fast, slow) = (share(&budgets, ONE, 20.0), share(&budgets, ONE, 5.0));
        has_limit(&fast, 5.0);
        let kept = slow.clone();
        drop(slow);
        has_limit(&fast, 5.0);
        drop(kept);
        has_limit(&fast, 20.0);
        assert!((fast.usage().rate - 20.0).abs() < 1e-9, "nothing was throttled");
        drop(fast);
        assert!(budgets.lock().is_empty(), "nothing is kept");
    }

    #[tokio::test(start_paused = true)]
    async fn what_aws_counts_apart_is_apart() {
        let budgets = SharedBudgets::default();
        let elsewhere = [("us-west-2", None), ("us-east-1", Some("https://vpce.example.com"))];
        let mut shares = vec![share(&budgets, ONE, 10.0), share(&budgets, "222222222222", 5.0)];
        for (region, url) in elsewhere {
            let share = budgets.share(region, &endpoints(url), 5.0);
            share.join(ONE);
            shares.push(share);
        }
        has_limit(&shares[0], 10.0);
        assert_eq!(budgets.lock().len(), shares.len());
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_is_alone_until_its_account_is_known() {
        let budgets = SharedBudgets::default();
        let known = share(&budgets, ONE, 10.0);
        let unknown = budgets.share("us-east-1", &endpoints(None), 4.0);
        has_limit(&known, 10.0);
        assert!(unknown.is_waiting_for_account() && !known.is_waiting_for_account());
        let waiting = async {
            for _ in 0..9 {
                unknown.acquire(&Caller::default()).await;
            }
        };
        let joining = async {
            tokio::task::yield_now().await;
            unknown.join(ONE);
        };
        // The ninth waits by the budget that it had.
        tokio::join!(waiting, joining);
        has_limit(&known, 4.0);
        assert_eq!(unknown.usage().turns(Priority::Edit).given, 9);
        assert!(!Share::alone(1.0).is_waiting_for_account());
    }
}
