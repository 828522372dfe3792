//! One collection of one account: its mirror, what only single reads have shown, and who asks for it. Each of them has one
//! refresh in flight at most.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::Mutex as Turn;
use tracing::warn;

use crate::aws::{self, Client, ErrorCode};

use super::collection::Collection;
use super::eyes::Viewer;
use super::mirror::{Certainty, Look, Mirror, Moment, News};
use super::moments::Clock;
use super::packed::{self, Packed};

/// No list is expected to lag behind writes for longer.
const LONGEST_LAG: Duration = Duration::from_mins(5);

/// A collection of an account.
#[derive(Debug, Default)]
pub struct Slot(Mutex<State>);

/// What a single read has shown of a resource besides the item. Only whoever sent it may use that.
struct Detail {
    of: TypeId,
    viewer: Viewer,
    sent: Moment,
    shown: Arc<dyn Any + Send + Sync>,
}

/// One whose passes ask for something in the collection.
struct Visitor {
    viewer: Viewer,
    /// When a pass last did.
    used: Moment,
    /// When a list was last tried.
    tried: Moment,
    /// When AWS last refused one, if it refused the last.
    denied: Option<Moment>,
    /// Held by the refresh in flight. Those that wait for it have what it finds.
    turn: Arc<Turn<()>>,
}

#[derive(Default)]
struct State {
    mirror: Mirror<Packed>,
    /// By id; one of each type for each viewer.
    details: HashMap<Box<str>, Vec<Detail>>,
    /// When what no list shows was last compared, by id, where nothing of it is kept.
    inspected: HashMap<Box<str>, Moment>,
    visitors: Vec<Visitor>,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").field("resources", &self.mirror.len()).finish_non_exhaustive()
    }
}

/// What a slot knows of one resource.
pub enum Known<C: Collection> {
    /// This, found out recently enough; and when it was last shown to whoever asks.
    Item(C::Item, Moment),
    /// A list tells.
    List,
    /// Only a read tells.
    Ask,
}

impl Slot {
    /// What the viewer knows of the resource `id`, if that it is so was found out at `since` or later. A list that was
    /// refused isn't tried again before `retried`.
    pub fn by_id<C: Collection>(
        &self,
        viewer: Viewer,
        id: &str,
        since: Moment,
        retried: Moment,
        now: Moment,
    ) -> Known<C> {
        let mut state = self.state();
        let visitor = state.visitor(viewer);
        visitor.used = now;
        let is_denied = visitor.is_denied(retried);
        match state.mirror.by_id(viewer, id, since) {
            Look::Known { item, seen, .. } => {
                item.unpack().map_or(Known::Ask, |item| Known::Item(item, seen))
            }
            // With another's list, one read is enough: what is still as it was is known then.
            Look::Ask if is_denied || state.mirror.is_complete(since) => Known::Ask,
            Look::Ask => Known::List,
        }
    }

    /// What a read that the viewer sent at `since` or later has shown of the resource `id`.
    pub fn read_since<C: Collection>(&self, viewer: Viewer, id: &str, since: Moment) -> Option<C::Item> {
        self.state().mirror.read_since(viewer, id, since)?.unpack()
    }

    /// Everything that may be in the collection and has one of the `keys`, if there are any, each with how sure the viewer
    /// can be of it; none if no complete list of its own began at `since` or later.
    pub fn all<C: Collection>(
        &self,
        viewer: Viewer,
        keys: Option<&[Value]>,
        since: Moment,
        now: Moment,
    ) -> Option<Vec<(C::Item, Certainty)>> {
        let mut state = self.state();
        state.visitor(viewer).used = now;
        let unpack = |(item, certainty): (&Packed, Certainty)| Some((item.unpack()?, certainty));
        match keys {
            None => Some(state.mirror.all(viewer, since)?.filter_map(unpack).collect()),
            Some(keys) => {
                let keys: Vec<u64> = keys.iter().map(packed::key).collect();
                Some(state.mirror.keyed(&keys, viewer, since)?.filter_map(unpack).collect())
            }
        }
    }

    /// Lists the collection with `aws`, unless a list of the same principal that began at `since` or later has been completed
    /// meanwhile. Returns what is new. A first list tells no news: nothing is known before it.
    pub async fn refresh<C: Collection>(
        &self,
        clock: &Clock,
        aws: &Client,
        space: &str,
        since: Moment,
    ) -> Result<Vec<News>, aws::Error> {
        let viewer = aws.principal();
        let turn = Arc::clone(&self.state().visitor(viewer).turn);
        let _turn = turn.lock().await;
        let is_first = {
            let mut state = self.state();
            if state.mirror.is_complete_for(viewer, since) {
                return Ok(Vec::new());
            }
            let now = clock.now();
            state.mirror.begin(viewer, now);
            state.visitor(viewer).tried = now;
            !state.mirror.is_complete(0)
        };
        let listed = C::list(aws, space).await;
        let mut state = self.state();
        match listed {
            Ok(items) => {
                state.mirror.page(viewer, items.iter().map(Packed::new::<C>));
                let news = state.mirror.end(viewer);
                state.prune(clock.ago(LONGEST_LAG));
                state.visitor(viewer).denied = None;
                for news in &news {
                    state.details.remove(news.id());
                }
                Ok(if is_first { Vec::new() } else { news })
            }
            Err(error) => {
                state.mirror.fail(viewer);
                if error.code() == Some(&ErrorCode::AccessDenied)
                    && state.visitor(viewer).denied.replace(clock.now()).is_none()
                {
                    warn!(%error, "AWS doesn't let the operator list {}; each is read by itself", C::NAME);
                }
                Err(error)
            }
        }
    }

    /// Whose turn it is to list it: of those whose passes have asked for it since `used`, the one that did so longest ago. AWS
    /// must not have refused it since `retried`. `is_there` says who can.
    pub fn lister(&self, used: Moment, retried: Moment, is_there: impl Fn(Viewer) -> bool) -> Option<Viewer> {
        let state = self.state();
        let able = state.visitors.iter().filter(|visitor| {
            visitor.used >= used && !visitor.is_denied(retried) && is_there(visitor.viewer)
        });
        able.min_by_key(|visitor| visitor.tried).map(|visitor| visitor.viewer)
    }

    /// A read that the viewer sent at `sent` has found this, or nothing.
    pub fn confirmed<C: Collection>(
        &self,
        viewer: Viewer,
        id: &str,
        found: Option<(&C::Item, &C::Detail)>,
        sent: Moment,
    ) {
        let mut state = self.state();
        state.mirror.confirmed(viewer, id, found.map(|(item, _)| Packed::new::<C>(item)), sent);
        if let Some((_, detail)) = found {
            state.keep(viewer, id, detail.clone(), sent);
        } else {
            state.details.remove(id);
            state.inspected.remove(id);
        }
    }

    /// A write of the viewer was answered with all of the resource.
    pub fn wrote<C: Collection>(&self, viewer: Viewer, left: &C::Item, detail: C::Detail, now: Moment) {
        let mut state = self.state();
        state.mirror.wrote(viewer, Packed::new::<C>(left), now);
        state.details.remove(C::id(left));
        state.keep(viewer, C::id(left), detail, now);
    }

    /// A write is about to be sent, or ended without an answer that tells all of the resource.
    pub fn uncertain(&self, id: &str, now: Moment) {
        let mut state = self.state();
        state.mirror.uncertain(id, now);
        state.details.remove(id);
    }

    /// What a single read of the viewer has shown of the resource besides the item, and when it was sent.
    pub fn detail<D: Clone + Send + Sync + 'static>(&self, viewer: Viewer, id: &str) -> Option<(D, Moment)> {
        let state = self.state();
        let detail = state.details.get(id)?.iter().find(|detail| detail.is::<D>(viewer))?;
        Some((detail.shown.downcast_ref::<D>()?.clone(), detail.sent))
    }

    /// Keeps what a single read that the viewer sent at `sent` has shown.
    pub fn keep<D: Clone + Send + Sync + 'static>(&self, viewer: Viewer, id: &str, detail: D, sent: Moment) {
        self.state().keep(viewer, id, detail, sent);
    }

    /// When what no list shows of the resource was last compared.
    pub fn last_inspected(&self, id: &str) -> Option<Moment> {
        self.state().inspected.get(id).copied()
    }

    /// What no list shows of the resource was compared with what a read sent at `sent` has shown.
    pub fn inspected(&self, id: &str, sent: Moment) {
        self.state().inspected.insert(id.into(), sent);
    }

    /// Forgets what only viewers were shown that are gone; `is_there` says which are not.
    pub fn retain(&self, is_there: impl Fn(Viewer) -> bool) {
        let viewers: Vec<Viewer> = self.state().visitors.iter().map(|visitor| visitor.viewer).collect();
        for viewer in viewers.into_iter().filter(|viewer| !is_there(*viewer)) {
            self.forget(viewer);
        }
    }

    /// Forgets what only this viewer was shown.
    pub fn forget(&self, viewer: Viewer) {
        let mut state = self.state();
        state.mirror.forget(viewer);
        state.visitors.retain(|visitor| visitor.viewer != viewer);
        state.details.retain(|_, details| {
            details.retain(|detail| detail.viewer != viewer);
            !details.is_empty()
        });
    }

    /// How many pages a list of it has.
    pub fn pages(&self) -> usize {
        const PAGE: usize = 100;
        self.state().mirror.len() / PAGE + 1
    }

    /// When a pass last asked for something in it.
    pub fn used(&self) -> Moment {
        self.state().visitors.iter().map(|visitor| visitor.used).max().unwrap_or_default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn visitor(&mut self, viewer: Viewer) -> &mut Visitor {
        let at = self.visitors.iter().position(|visitor| visitor.viewer == viewer);
        let at = at.unwrap_or_else(|| {
            self.visitors.reserve_exact(1);
            self.visitors.push(Visitor { viewer, used: 0, tried: 0, denied: None, turn: Arc::default() });
            self.visitors.len() - 1
        });
        &mut self.visitors[at]
    }

    fn keep<D: Clone + Send + Sync + 'static>(&mut self, viewer: Viewer, id: &str, detail: D, sent: Moment) {
        // Nothing is kept of what has nothing.
        if size_of::<D>() == 0 {
            return;
        }
        let details = self.details.entry(id.into()).or_default();
        details.retain(|detail| !detail.is::<D>(viewer));
        details.push(Detail { of: TypeId::of::<D>(), viewer, sent, shown: Arc::new(detail) });
    }

    fn prune(&mut self, settled: Moment) {
        self.mirror.prune(settled);
        let mirror = &self.mirror;
        self.details.retain(|id, _| mirror.has(id));
        self.inspected.retain(|id, _| mirror.has(id));
    }
}

impl Visitor {
    fn is_denied(&self, since: Moment) -> bool {
        self.denied.is_some_and(|denied| denied >= since)
    }
}

impl Detail {
    fn is<D: 'static>(&self, viewer: Viewer) -> bool {
        self.viewer == viewer && self.of == TypeId::of::<D>()
    }
}

#[cfg(test)]
pub(super) mod tests;
