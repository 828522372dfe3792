//! How a pass sees AWS: in mirrors while it only looks, with its own eyes before it writes.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::aws::{self, Client, ErrorCode};

use super::collection::Collection;
use super::eyes::Viewer;
use super::mirror::{Certainty, Moment};
use super::picture::Picture;
use super::slot::{Known, Slot};

/// What a pass sees of one account, in one place of it.
#[derive(Clone)]
pub struct Sight {
    aws: Client,
    /// Whose eyes these are: others may have been shown other things.
    viewer: Viewer,
    space: String,
    picture: Arc<Picture>,
    /// When the pass began: what was read since then is evidence.
    began: Moment,
    /// Whether mirrors count. Otherwise each resource is read.
    mirrored: bool,
    /// A search counts only if it began then or later.
    searched: Moment,
}

impl Sight {
    /// Sees with its own eyes.
    pub fn new(aws: Client, picture: Arc<Picture>) -> Self {
        let now = picture.clock().now();
        let viewer = aws.principal();
        Self { aws, viewer, space: String::new(), picture, began: now, mirrored: false, searched: now }
    }

    /// The same, in a space.
    pub fn set_space(&mut self, space: &str) {
        space.clone_into(&mut self.space);
    }

    /// From now on, mirrors count; searches must have begun after a cause of this age, or from now on.
    pub fn look(&mut self, cause: Option<Duration>) {
        self.mirrored = true;
        self.searched = self.picture.clock().ago(cause.unwrap_or_default()).max(self.picture.horizon());
    }

    /// From now on, each resource is read, and searches begin from now on.
    pub fn confirm(&mut self) {
        self.mirrored = false;
        self.searched = self.picture.clock().now();
    }

    /// Whether each resource is read.
    pub fn is_confirming(&self) -> bool {
        !self.mirrored
    }

    /// The resource `id`, with what only a read of it shows. `None` if AWS has none.
    pub async fn one<C: Collection>(&self, id: &str) -> Result<Option<(C::Item, C::Detail)>, aws::Error> {
        let slot = self.slot::<C>();
        if self.mirrored {
            let mut known = self.known::<C>(&slot, id, self.picture.horizon());
            if matches!(known, Known::List) {
                let since = self.picture.horizon();
                match self.picture.refresh::<C>(&self.aws, &self.space, since).await {
                    Err(error) if !means_read(&error) => return Err(error),
                    _ => known = self.known::<C>(&slot, id, since),
                }
            }
            if let Known::Item(item, seen) = known
                && let Some((detail, read)) = self.detail_of::<C>(&slot, id)
                && self.picture.is_recent(seen.min(read), &self.aws)
            {
                return Ok(Some((item, detail)));
            }
        }
        if let Some(item) = slot.read_since::<C>(self.viewer, id, self.began)
            && let Some((detail, read)) = self.detail_of::<C>(&slot, id)
            && read >= self.began
        {
            return Ok(Some((item, detail)));
        }
        self.read::<C>(&slot, id).await
    }

    fn known<C: Collection>(&self, slot: &Slot, id: &str, since: Moment) -> Known<C> {
        slot.by_id::<C>(self.viewer, id, since, self.picture.details_horizon(), self.picture.clock().now())
    }

    /// What a single read of its own has shown of the resource besides the item, and when that was sent.
    fn detail_of<C: Collection>(&self, slot: &Slot, id: &str) -> Option<(C::Detail, Moment)> {
        // Where there is nothing else to know, it is known.
        let nothing = (&() as &dyn Any).downcast_ref::<C::Detail>().cloned();
        nothing.map(|nothing| (nothing, Moment::MAX)).or_else(|| slot.detail(self.viewer, id))
    }

    async fn read<C: Collection>(
        &self,
        slot: &Slot,
        id: &str,
    ) -> Result<Option<(C::Item, C::Detail)>, aws::Error> {
        let sent = self.picture.clock().now();
        let found = match C::get(&self.aws, &self.space, id).await {
            Err(error) if error.is_not_found() => None,
            found => Some(found?),
        };
        slot.confirmed::<C>(self.viewer, id, found.as_ref().map(|(item, detail)| (item, detail)), sent);
        Ok(found)
    }

    /// Every resource that has one of the `keys`, if any are given, and fits. What mirrors doubt is read.
    ///
    /// It takes a complete list with one's own credentials: another's may show less, and what isn't in it would be created
    /// a second time. Another's may show more, too, such as what somebody has just created and one's own list lags behind:
    /// that counts once it was read. If AWS doesn't show it, it isn't there for this one, as if there were no other.
    pub async fn fitting<C: Collection>(
        &self,
        keys: Option<&[Value]>,
        fits: impl Fn(&C::Item) -> bool + Send + Sync,
    ) -> Result<Vec<C::Item>, aws::Error> {
        let since = self.searched;
        let known = || self.slot::<C>().all::<C>(self.viewer, keys, since, self.picture.clock().now());
        // A list that has just been completed began late enough; unless it was forgotten again, because the AWSAccount has
        // other credentials now. Then it says nothing.
        let found = loop {
            if let Some(found) = known() {
                break found;
            }
            self.picture.refresh::<C>(&self.aws, &self.space, since).await?;
        };
        let slot = self.slot::<C>();
        let mut fitting = Vec::new();
        for (item, certainty) in found {
            if !fits(&item) {
                continue;
            }
            if certainty == Certainty::Sure {
                fitting.push(item);
                continue;
            }
            let read = match self.read::<C>(&slot, C::id(&item)).await {
                Err(error) if certainty == Certainty::Hearsay && is_denied(&error) => None,
                read => read?,
            };
            fitting.extend(read.map(|(item, _)| item).filter(&fits));
        }
        Ok(fitting)
    }

    /// What a read of the resource has shown besides, if it was recent.
    pub fn detail<C: Collection, D: Clone + Send + Sync + 'static>(&self, id: &str) -> Option<D> {
        let (detail, read) = self.slot::<C>().detail(self.viewer, id)?;
        let is_recent =
            if self.mirrored { self.picture.is_recent(read, &self.aws) } else { read >= self.began };
        is_recent.then_some(detail)
    }

    /// Keeps what a read that was sent at `sent` has shown besides.
    pub fn keep<C: Collection, D: Clone + Send + Sync + 'static>(&self, id: &str, detail: D, sent: Moment) {
        self.slot::<C>().keep(self.viewer, id, detail, sent);
    }

    /// Whether to read again what no list shows of the resource, although nothing hints that it has changed: in a slow
    /// cycle, which begins when the resource is first seen, so that a start doesn't read everything. A pass that confirms
    /// reads again what it has read.
    pub fn is_due<C: Collection>(&self, id: &str) -> bool {
        let slot = self.slot::<C>();
        match slot.last_inspected(id) {
            None => {
                slot.inspected(id, self.began.saturating_sub(1));
                false
            }
            Some(sent) if self.mirrored => !self.picture.is_recent(sent, &self.aws),
            Some(sent) => sent >= self.began,
        }
    }

    /// What no list shows of the resource was read, by a request sent at `sent`.
    pub fn inspected<C: Collection>(&self, id: &str, sent: Moment) {
        self.slot::<C>().inspected(id, sent);
    }

    /// The present moment, to be taken before a read is sent.
    pub fn now(&self) -> Moment {
        self.picture.clock().now()
    }

    /// A write was answered with all of the resource.
    pub fn wrote<C: Collection>(&self, left: &C::Item, detail: C::Detail) {
        self.slot::<C>().wrote::<C>(self.viewer, left, detail, self.picture.clock().now());
    }

    /// A write of the resource is about to be sent, or ended without an answer that tells all of it.
    pub fn uncertain<C: Collection>(&self, id: &str) {
        self.slot::<C>().uncertain(id, self.picture.clock().now());
    }

    fn slot<C: Collection>(&self) -> Arc<Slot> {
        self.picture.slot::<C>(&self.space)
    }
}

/// Whether a list was refused in a way that leaves it to a read to tell.
fn means_read(error: &aws::Error) -> bool {
    error.is_not_found() || is_denied(error)
}

fn is_denied(error: &aws::Error) -> bool {
    error.code() == Some(&ErrorCode::AccessDenied)
}
