//! The operator's picture of AWS: the collections of each account that objects use.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tracing::debug;

use crate::aws::{self, Client};

use super::collection::Collection;
use super::mirror::{Moment, News};
use super::moments::Clock;
use super::slot::Slot;

/// A resource that lists show to have changed, appeared or vanished: kind of the objects that may hold it, and its id.
pub type Heard = (&'static str, String);

/// The collections of all accounts.
pub struct Pictures {
    accounts: Mutex<HashMap<String, (Client, Arc<Picture>)>>,
    settings: Settings,
    news: mpsc::UnboundedSender<Heard>,
    heard: Mutex<Option<mpsc::UnboundedReceiver<Heard>>>,
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

    /// The picture that `client` sees, which belongs to the AWSAccount `name`. What another client of that name saw is
    /// dropped: it may have been another account, or other permissions.
    pub fn of(&self, name: &str, client: &Client) -> Arc<Picture> {
        let mut accounts = lock(&self.accounts);
        if let Some((seen_by, picture)) = accounts.get(name)
            && seen_by.is_same(client)
        {
            return Arc::clone(picture);
        }
        let picture = Arc::new(Picture::new(self.settings, self.news.clone()));
        accounts.insert(name.to_owned(), (client.clone(), Arc::clone(&picture)));
        picture
    }

    /// Forgets the accounts that are gone; `is_there` says by name which are not.
    pub fn retain(&self, is_there: impl Fn(&str) -> bool) {
        lock(&self.accounts).retain(|name, _| is_there(name));
    }

    /// Every account's name, client and picture.
    pub fn all(&self) -> Vec<(String, Client, Arc<Picture>)> {
        let accounts = lock(&self.accounts);
        accounts
            .iter()
            .map(|(name, (client, picture))| (name.clone(), client.clone(), Arc::clone(picture)))
            .collect()
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
type Place = (&'static str, Box<str>);

/// The collections of one account, as one AWSAccount sees them.
pub struct Picture {
    clock: Clock,
    settings: Settings,
    /// For how long a list counts, in milliseconds: longer than the settings say if a round over all collections takes
    /// longer.
    horizon: AtomicU64,
    slots: Mutex<HashMap<Place, Arc<Slot>>>,
    news: mpsc::UnboundedSender<Heard>,
}

impl Picture {
    fn new(settings: Settings, news: mpsc::UnboundedSender<Heard>) -> Self {
        let picture = Self {
            clock: Clock::default(),
            settings,
            horizon: AtomicU64::default(),
            slots: Mutex::default(),
            news,
        };
        picture.set_round(Duration::ZERO);
        picture
    }

    /// A round over all collections takes this long. What was seen two rounds ago still counts.
    pub fn set_round(&self, round: Duration) {
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

    /// Drops the collections that no pass has asked for in a while: objects are checked more often.
    pub fn forget_unused(&self) {
        let since = self.unused();
        lock(&self.slots).retain(|_, slot| slot.used() >= since);
    }

    fn unused(&self) -> Moment {
        self.clock.ago(self.settings.details * 3)
    }

    /// Lists every collection of this kind that passes ask for, and waits after each as `pace` says for so many pages. One that can't be listed now is listed by the next pass that needs it.
    pub async fn round<C: Collection>(&self, aws: &Client, pace: impl Fn(&Client, usize) -> Duration) {
        for space in self.used::<C>(self.unused()) {
            let since = self.clock.now();
            if let Err(error) = self.refresh::<C>(aws, &space, since).await {
                debug!(%error, space, "listing the {} failed", C::NAME);
            }
            tokio::time::sleep(pace(aws, self.slot::<C>(&space).pages())).await;
        }
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
