//! How a pass sees AWS: in mirrors while it only looks, with its own eyes before it writes.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::aws::{self, Client, ErrorCode};

use super::collection::Collection;
use super::mirror::Moment;
use super::picture::Picture;
use super::slot::{Known, Slot};

/// What a pass sees of one account, in one place of it.
#[derive(Clone)]
pub struct Sight {
    aws: Client,
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
        Self { aws, space: String::new(), picture, began: now, mirrored: false, searched: now }
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
            let mut known = slot.by_id::<C>(id, self.picture.horizon(), self.picture.clock().now());
            if matches!(known, Known::List) {
                let since = self.picture.horizon();
                match self.picture.refresh::<C>(&self.aws, &self.space, since).await {
                    Err(error) if !means_read(&error) => return Err(error),
                    _ => known = slot.by_id::<C>(id, since, self.picture.clock().now()),
                }
            }
            if let Known::Item(item) = known
                && let Some(detail) = detail_of::<C>(&slot, id, self.picture.details_horizon())
            {
                return Ok(Some((item, detail)));
            }
        }
        if let Some(item) = slot.read_since::<C>(id, self.began)
            && let Some(detail) = detail_of::<C>(&slot, id, self.began)
        {
            return Ok(Some((item, detail)));
        }
        self.read::<C>(&slot, id).await
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
        slot.confirmed::<C>(id, found.as_ref().map(|(item, detail)| (item, detail)), sent);
        Ok(found)
    }

    /// Every resource that has one of the `keys`, if any are given, and fits. What mirrors doubt is read.
    pub async fn fitting<C: Collection>(
        &self,
        keys: Option<&[Value]>,
        fits: impl Fn(&C::Item) -> bool + Send + Sync,
    ) -> Result<Vec<C::Item>, aws::Error> {
        let slot = self.slot::<C>();
        let since = self.searched;
        let known = || slot.all::<C>(keys, since, self.picture.clock().now());
        let found = if let Some(found) = known() {
            found
        } else {
            self.picture.refresh::<C>(&self.aws, &self.space, since).await?;
            // A list that has just been completed began late enough.
            known().unwrap_or_default()
        };
        let mut fitting = Vec::new();
        for (item, doubt) in found {
            if !fits(&item) {
                continue;
            }
            if doubt {
                let read = self.read::<C>(&slot, C::id(&item)).await?;
                fitting.extend(read.map(|(item, _)| item).filter(&fits));
            } else {
                fitting.push(item);
            }
        }
        Ok(fitting)
    }

    /// What a read of the resource has shown besides, if it was recent.
    pub fn detail<C: Collection, D: Clone + Send + Sync + 'static>(&self, id: &str) -> Option<D> {
        let since = if self.mirrored { self.picture.details_horizon() } else { self.began };
        self.slot::<C>().detail(id, since)
    }

    /// Keeps what a read that was sent at `sent` has shown besides.
    pub fn keep<C: Collection, D: Clone + Send + Sync + 'static>(&self, id: &str, detail: D, sent: Moment) {
        self.slot::<C>().keep(id, detail, sent);
    }

    /// The present moment, to be taken before a read is sent.
    pub fn now(&self) -> Moment {
        self.picture.clock().now()
    }

    /// A write was answered with all of the resource.
    pub fn wrote<C: Collection>(&self, left: &C::Item, detail: C::Detail) {
        self.slot::<C>().wrote::<C>(left, detail, self.picture.clock().now());
    }

    /// A write of the resource is about to be sent, or ended without an answer that tells all of it.
    pub fn uncertain<C: Collection>(&self, id: &str) {
        self.slot::<C>().uncertain(id, self.picture.clock().now());
    }

    fn slot<C: Collection>(&self) -> Arc<Slot> {
        self.picture.slot::<C>(&self.space)
    }
}

/// What single reads have shown of the resource since then, besides the item.
fn detail_of<C: Collection>(slot: &Slot, id: &str, since: Moment) -> Option<C::Detail> {
    // Where there is nothing else to know, it is known.
    let nothing = &() as &dyn Any;
    nothing.downcast_ref::<C::Detail>().cloned().or_else(|| slot.detail(id, since))
}

/// Whether a list was refused in a way that leaves it to a read to tell.
fn means_read(error: &aws::Error) -> bool {
    error.is_not_found() || error.code() == Some(&ErrorCode::AccessDenied)
}
