//! One collection of one account: its mirror, what only single reads have shown, and the one refresh in flight.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::Mutex as Turn;
use tracing::warn;

use crate::aws::{self, Client, ErrorCode};

use super::collection::Collection;
use super::mirror::{Look, Mirror, Moment, News};
use super::moments::Clock;
use super::packed::{self, Packed};

/// No list is expected to lag behind writes for longer.
const LONGEST_LAG: Duration = Duration::from_mins(5);

/// A collection of an account.
#[derive(Debug, Default)]
pub struct Slot {
    state: Mutex<State>,
    /// Held by the refresh in flight. Those that wait for it have what it finds.
    refreshing: Turn<()>,
}

/// What a single read has shown of a resource besides the item, and when it was sent.
type Detail = (TypeId, Moment, Arc<dyn Any + Send + Sync>);

#[derive(Default)]
struct State {
    mirror: Mirror<Packed>,
    /// By id; one of each type.
    details: HashMap<Box<str>, Vec<Detail>>,
    /// When AWS last refused to list it.
    denied: Option<Moment>,
    /// When a pass last asked for something in it.
    used: Moment,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").field("used", &self.used).finish_non_exhaustive()
    }
}

/// What a slot knows of one resource.
pub enum Known<C: Collection> {
    /// This, found out recently enough.
    Item(C::Item),
    /// A list tells.
    List,
    /// Only a read tells.
    Ask,
}

impl Slot {
    /// What is known of the resource `id` that was found out at `since` or later.
    pub fn by_id<C: Collection>(&self, id: &str, since: Moment, now: Moment) -> Known<C> {
        let mut state = self.state();
        state.used = now;
        match state.mirror.by_id(id, since) {
            Look::Known { item, .. } => item.unpack().map_or(Known::Ask, Known::Item),
            Look::Ask if state.mirror.is_complete(since) || state.denied >= Some(since.max(1)) => Known::Ask,
            Look::Ask => Known::List,
        }
    }

    /// What a read that was sent at `since` or later has shown of the resource `id`.
    pub fn read_since<C: Collection>(&self, id: &str, since: Moment) -> Option<C::Item> {
        self.state().mirror.read_since(id, since)?.unpack()
    }

    /// Everything that may be in the collection and has one of the `keys`, if there are any, each with whether it is in
    /// doubt; none if no complete list began at `since` or later.
    pub fn all<C: Collection>(
        &self,
        keys: Option<&[Value]>,
        since: Moment,
        now: Moment,
    ) -> Option<Vec<(C::Item, bool)>> {
        let mut state = self.state();
        state.used = now;
        let unpack = |(item, doubt): (&Packed, bool)| Some((item.unpack()?, doubt));
        match keys {
            None => Some(state.mirror.all(since)?.filter_map(unpack).collect()),
            Some(keys) => {
                let keys: Vec<u64> = keys.iter().map(packed::key).collect();
                Some(state.mirror.keyed(&keys, since)?.filter_map(unpack).collect())
            }
        }
    }

    /// Lists the collection, unless a list that began at `since` or later has been completed meanwhile. Returns what is
    /// new. A first list tells no news: nothing is known before it.
    pub async fn refresh<C: Collection>(
        &self,
        clock: &Clock,
        aws: &Client,
        space: &str,
        since: Moment,
    ) -> Result<Vec<News>, aws::Error> {
        let _turn = self.refreshing.lock().await;
        let is_first = {
            let mut state = self.state();
            if state.mirror.is_complete(since) {
                return Ok(Vec::new());
            }
            state.mirror.begin(clock.now());
            state.mirror.complete_since().is_none()
        };
        let listed = C::list(aws, space).await;
        let mut state = self.state();
        match listed {
            Ok(items) => {
                state.mirror.page(items.iter().map(Packed::new::<C>));
                let news = state.mirror.end();
                state.mirror.prune(clock.ago(LONGEST_LAG));
                state.denied = None;
                for news in &news {
                    state.forget_details(news.id());
                }
                Ok(if is_first { Vec::new() } else { news })
            }
            Err(error) => {
                state.mirror.fail();
                if error.code() == Some(&ErrorCode::AccessDenied)
                    && state.denied.replace(clock.now()).is_none()
                {
                    warn!(%error, "AWS doesn't let the operator list {}; each is read by itself", C::NAME);
                }
                Err(error)
            }
        }
    }

    /// A read that was sent at `sent` has found this, or nothing.
    pub fn confirmed<C: Collection>(&self, id: &str, found: Option<(&C::Item, &C::Detail)>, sent: Moment) {
        let mut state = self.state();
        state.mirror.confirmed(id, found.map(|(item, _)| Packed::new::<C>(item)), sent);
        match found {
            Some((_, detail)) => state.keep(id, detail.clone(), sent),
            None => state.forget_details(id),
        }
    }

    /// A write was answered with all of the resource.
    pub fn wrote<C: Collection>(&self, left: &C::Item, detail: C::Detail, now: Moment) {
        let mut state = self.state();
        state.mirror.wrote(Packed::new::<C>(left), now);
        state.forget_details(C::id(left));
        state.keep(C::id(left), detail, now);
    }

    /// A write is about to be sent, or ended without an answer that tells all of the resource.
    pub fn uncertain(&self, id: &str, now: Moment) {
        let mut state = self.state();
        state.mirror.uncertain(id, now);
        state.forget_details(id);
    }

    /// What a single read has shown of the resource at `since` or later, besides the item.
    pub fn detail<D: Clone + Send + Sync + 'static>(&self, id: &str, since: Moment) -> Option<D> {
        let state = self.state();
        let mut details = state.details.get(id)?.iter();
        let (_, read, detail) = details.find(|(of, ..)| *of == TypeId::of::<D>())?;
        detail.downcast_ref().filter(|_| *read >= since).cloned()
    }

    /// Keeps what a single read that was sent at `sent` has shown.
    pub fn keep<D: Clone + Send + Sync + 'static>(&self, id: &str, detail: D, sent: Moment) {
        self.state().keep(id, detail, sent);
    }

    /// How many pages a list of it has.
    pub fn pages(&self) -> usize {
        const PAGE: usize = 100;
        self.state().mirror.len() / PAGE + 1
    }

    /// When a pass last asked for something in it.
    pub fn used(&self) -> Moment {
        self.state().used
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn keep<D: Clone + Send + Sync + 'static>(&mut self, id: &str, detail: D, sent: Moment) {
        // Nothing is kept of what has nothing.
        if size_of::<D>() == 0 {
            return;
        }
        let details = self.details.entry(id.into()).or_default();
        details.retain(|(of, ..)| *of != TypeId::of::<D>());
        details.push((TypeId::of::<D>(), sent, Arc::new(detail)));
    }

    fn forget_details(&mut self, id: &str) {
        self.details.remove(id);
    }
}
