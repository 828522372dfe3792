//! The operator's picture of AWS: the collections of each account and region that objects use.
//!
//! A picture belongs to what AWS sees, not to an AWSAccount: those that name the same account and region look into one, and
//! what each of them may know of it its own credentials decide (see [`mirror`](super::mirror)). Where the account's id isn't
//! known yet, an AWSAccount has a picture of its own, like its request budget.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::debug;

use crate::aws::client::shared_budgets::Place;
use crate::aws::{self, Caller, Client, ErrorCode, Priority};
use crate::echo::Seen;
use crate::fairness::bucket::{Bucket, Size};

use super::collection::Collection;
use super::eyes::Viewer;
use super::mirror::{Moment, News};
use super::moments::Clock;
use super::slot::Slot;

/// A resource that lists show to have changed, appeared or vanished: kind of the objects that may hold it, and its id.
pub type Heard = (&'static str, String);

/// The part of an account's requests that single reads may take which nothing but age calls for.
const SLOW_SHARE: f64 = 0.1;
/// So many seconds' worth of them may come at once.
const SLOW_BURST: f64 = 10.0;
/// What single reads show may be older than it should by this factor, as long as too many are due.
const SLOWEST: u32 = 6;
/// With so many credentials a list is tried in one round.
const TRIES: usize = 3;

/// The collections of all accounts.
pub struct Pictures {
    accounts: Mutex<Accounts>,
    settings: Settings,
    news: mpsc::UnboundedSender<Heard>,
    heard: Mutex<Option<mpsc::UnboundedReceiver<Heard>>>,
}

#[derive(Default)]
struct Accounts {
    /// By name of the AWSAccount.
    named: HashMap<String, Account>,
    /// Those that several may have, as long as one has them.
    shared: HashMap<Place, Weak<Picture>>,
}

/// An AWSAccount, and where it looks.
struct Account {
    client: Client,
    place: Option<Place>,
    picture: Arc<Picture>,
}

/// How old what is known may be.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Between two lists of a collection.
    pub refresh: Duration,
    /// Between two reads of what lists don't show.
    pub details: Duration,
}

impl Pictures {
    /// Pictures of accounts that nothing is known of.
    pub fn new(settings: Settings) -> Self {
        let (news, heard) = mpsc::unbounded_channel();
        Self { accounts: Mutex::default(), settings, news, heard: Mutex::new(Some(heard)) }
    }

    /// The picture of `place` for the AWSAccount `name`, whose client this is. What only an earlier client of that name was
    /// shown is dropped: it may have had other permissions.
    pub fn of(&self, name: &str, client: &Client, place: Option<&Place>) -> Arc<Picture> {
        let mut accounts = lock(&self.accounts);
        let Accounts { named, shared } = &mut *accounts;
        if let Some(account) = named.get(name)
            && account.client.is_same(client)
            && account.place.as_ref() == place
        {
            return Arc::clone(&account.picture);
        }
        let old = named.remove(name);
        let common = place.and_then(|place| shared.get(place)).and_then(Weak::upgrade);
        let picture = common.unwrap_or_else(|| {
            // The first brings its own.
            let own = old.as_ref().filter(|old| old.place.is_none() && old.client.is_same(client));
            let own = own.map(|old| Arc::clone(&old.picture));
            let picture = own.unwrap_or_else(|| Arc::new(Picture::new(self.settings, self.news.clone())));
            if let Some(place) = place {
                shared.insert(place.clone(), Arc::downgrade(&picture));
            }
            picture
        });
        picture.enter(name, client);
        if let Some(old) = old.filter(|old| !Arc::ptr_eq(&old.picture, &picture)) {
            old.picture.leave(name);
        }
        let account =
            Account { client: client.clone(), place: place.cloned(), picture: Arc::clone(&picture) };
        named.insert(name.to_owned(), account);
        shared.retain(|_, picture| picture.strong_count() > 0);
        picture
    }

    /// Forgets the AWSAccounts that are gone, with their clients and what only they were shown; `is_there` says by name which
    /// are not.
    pub fn retain(&self, is_there: impl Fn(&str) -> bool) {
        let mut accounts = lock(&self.accounts);
        for (name, account) in accounts.named.extract_if(|name, _| !is_there(name)) {
            account.picture.leave(&name);
        }
        accounts.shared.retain(|_, picture| picture.strong_count() > 0);
    }

    /// The pictures whose next round is due. For each of them it is taken to begin.
    pub fn due(&self, now: Instant) -> Vec<Arc<Picture>> {
        let mut due = self.all();
        due.retain(|picture| picture.begin_round(now));
        due
    }

    /// Every picture.
    pub fn all(&self) -> Vec<Arc<Picture>> {
        let accounts = lock(&self.accounts);
        let mut all: Vec<Arc<Picture>> = Vec::new();
        for account in accounts.named.values() {
            if !all.iter().any(|picture| Arc::ptr_eq(picture, &account.picture)) {
                all.push(Arc::clone(&account.picture));
            }
        }
        all
    }

    /// Between two lists of a collection.
    pub fn refresh(&self) -> Duration {
        self.settings.refresh
    }

    /// What lists show to have changed, for whoever wakes the objects. Taken once.
    pub fn heard(&self) -> Option<mpsc::UnboundedReceiver<Heard>> {
        lock(&self.heard).take()
    }
}

/// Name of a collection, and id of its space.
type Key = (&'static str, Box<str>);

/// The collections of one account in one region.
pub struct Picture {
    clock: Clock,
    /// The client of each AWSAccount that looks into it.
    clients: Mutex<HashMap<String, Client>>,
    /// What is left of the share of reads that nothing but age calls for.
    slow: Mutex<Option<Bucket>>,
    settings: Settings,
    /// When the next round over all collections is due; none while one is under way.
    due: Mutex<Option<Instant>>,
    /// For how long a list counts, in milliseconds: longer than the settings say if a round takes longer.
    horizon: AtomicU64,
    slots: Mutex<HashMap<Key, Arc<Slot>>>,
    news: mpsc::UnboundedSender<Heard>,
}

impl Picture {
    fn new(settings: Settings, news: mpsc::UnboundedSender<Heard>) -> Self {
        let picture = Self {
            clock: Clock::default(),
            clients: Mutex::default(),
            slow: Mutex::default(),
            settings,
            due: Mutex::new(Some(Instant::now() + settings.refresh)),
            horizon: AtomicU64::default(),
            slots: Mutex::default(),
            news,
        };
        picture.set_round(Duration::ZERO);
        picture
    }

    /// The AWSAccount `name` looks into it with this client, and no longer with another.
    fn enter(&self, name: &str, client: &Client) {
        let caller = Caller { priority: Priority::Periodic, ..Caller::default() };
        let client = client.for_caller(caller).guarding(&Seen::default());
        let old = lock(&self.clients).insert(name.to_owned(), client);
        if let Some(old) = old {
            self.left(&old);
        }
    }

    /// The AWSAccount `name` doesn't look into it any more.
    fn leave(&self, name: &str) {
        let old = lock(&self.clients).remove(name);
        if let Some(old) = old {
            self.left(&old);
        }
    }

    /// A client left. What its credentials were shown nobody knows any more, unless another client has them, too.
    fn left(&self, old: &Client) {
        let viewer = old.principal();
        if lock(&self.clients).values().any(|client| client.principal() == viewer) {
            return;
        }
        for slot in lock(&self.slots).values() {
            slot.forget(viewer);
        }
    }

    /// Whether a round is due, which then begins.
    fn begin_round(&self, now: Instant) -> bool {
        lock(&self.due).take_if(|due| *due <= now).is_some()
    }

    /// A round has ended that took this long. The next one follows at once, if it took longer than it should be between two.
    pub fn end_round(&self, took: Duration) {
        self.set_round(took);
        *lock(&self.due) = Some(Instant::now() + self.settings.refresh.saturating_sub(took));
    }

    /// A round over all collections takes this long. What was seen two rounds ago still counts.
    fn set_round(&self, round: Duration) {
        let horizon = (self.settings.refresh * 3 / 2).max(round * 2);
        self.horizon.store(u64::try_from(horizon.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// What was found out before this is too old.
    pub fn horizon(&self) -> Moment {
        self.clock.ago(Duration::from_millis(self.horizon.load(Ordering::Relaxed)))
    }

    /// The same, for what only single reads show.
    pub fn details_horizon(&self) -> Moment {
        self.clock.ago(self.settings.details)
    }

    /// Whether what single reads showed is recent enough. What is due waits if too many others are, but not for ever: so
    /// the slow cycle takes no more than its share of the requests.
    pub fn is_recent(&self, read: Moment, aws: &Client) -> bool {
        read >= self.details_horizon()
            || (read >= self.clock.ago(self.settings.details * SLOWEST) && !self.may_read(aws))
    }

    /// Takes one of the reads that are due by age alone.
    fn may_read(&self, aws: &Client) -> bool {
        let rate = SLOW_SHARE * aws.usage().limit;
        let size = Size { rate, burst: (SLOW_BURST * rate).max(1.0) };
        let now = Instant::now();
        let mut slow = lock(&self.slow);
        slow.get_or_insert_with(|| Bucket::full(size, now)).take(size, 0.0, now).is_ok()
    }

    /// Gives moments.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The collection in `space`, or the account's.
    pub fn slot<C: Collection>(&self, space: &str) -> Arc<Slot> {
        let place = if C::IN_SPACE { space } else { "" };
        Arc::clone(lock(&self.slots).entry((C::NAME, place.into())).or_default())
    }

    /// The spaces whose collection of this kind a pass has asked for since then; one without a name if it is the account's.
    pub fn used<C: Collection>(&self, since: Moment) -> Vec<String> {
        let slots = lock(&self.slots);
        let used = slots.iter().filter(|((name, _), slot)| *name == C::NAME && slot.used() >= since);
        used.map(|((_, space), _)| space.to_string()).collect()
    }

    /// Drops the collections that no pass has asked for in a while: objects are checked more often. And what passes that were
    /// under way when their AWSAccount left have noted since.
    pub fn forget_unused(&self) {
        let since = self.unused();
        let viewers: HashSet<Viewer> = lock(&self.clients).values().map(Client::principal).collect();
        lock(&self.slots).retain(|_, slot| {
            slot.retain(|viewer| viewers.contains(&viewer));
            slot.used() >= since
        });
    }

    fn unused(&self) -> Moment {
        self.clock.ago(self.settings.details * 3)
    }

    /// Lists every collection of this kind that passes ask for, each with the credentials of one of those whose passes do, in
    /// turn: nobody's are used for what only others ask for. Waits after each list as `pace` says for so many pages. One that
    /// can't be listed now is listed by the next pass that needs it.
    pub async fn round<C: Collection>(&self, pace: impl Fn(&Client, usize) -> Duration) {
        for space in self.used::<C>(self.unused()) {
            let slot = self.slot::<C>(&space);
            for _ in 0..TRIES {
                let Some(aws) = self.lister(&slot) else { break };
                let listed = self.refresh::<C>(&aws, &space, self.clock.now()).await;
                tokio::time::sleep(pace(&aws, slot.pages())).await;
                let Err(error) = listed else { break };
                debug!(%error, space, "listing the {} failed", C::NAME);
                if !is_ones_own(&error) {
                    break;
                }
            }
        }
    }

    /// The client whose turn it is to list the collection. One of an AWSAccount that is gone isn't used any more.
    fn lister(&self, slot: &Slot) -> Option<Client> {
        let clients = lock(&self.clients);
        let of = |viewer| clients.values().find(|client| client.principal() == viewer);
        let viewer = slot.lister(self.unused(), self.details_horizon(), |viewer| of(viewer).is_some())?;
        of(viewer).cloned()
    }

    /// Lists the collection, unless a list that began at `since` or later has been completed meanwhile. What is new is told
    /// to whoever wakes the objects.
    pub async fn refresh<C: Collection>(
        &self,
        aws: &Client,
        space: &str,
        since: Moment,
    ) -> Result<(), aws::Error> {
        let news = self.slot::<C>(space).refresh::<C>(&self.clock, aws, space, since).await?;
        for news in news {
            // What nobody holds concerns nobody yet.
            let (News::Appeared(id) | News::Changed(id) | News::Missing(id)) = news;
            // Received until the operator ends.
            let _ = self.news.send((C::kind(), id));
        }
        Ok(())
    }
}

/// Whether others may be able to list what this one couldn't.
fn is_ones_own(error: &aws::Error) -> bool {
    matches!(error, aws::Error::Credentials { .. }) || error.code() == Some(&ErrorCode::AccessDenied)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
