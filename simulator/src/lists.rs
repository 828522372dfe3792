//! What lists show when they lag behind writes: for a time, or for a number of lists.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::simulation::Caller;
use crate::store::Region;

/// An account and a region.
type Place = (String, String);

/// What lists show of each region.
#[derive(Default)]
pub struct Lists {
    /// A region as it was after its newest writes, with their times.
    snapshots: BTreeMap<Place, VecDeque<(Timestamp, Arc<Region>)>>,
    held: BTreeMap<Place, Held>,
}

/// A region that lists show although it is an earlier one.
struct Held {
    region: Arc<Region>,
    /// How many lists still show it.
    left: u64,
    until: Timestamp,
}

impl Lists {
    /// Remembers a region as it is after a write.
    pub fn wrote(&mut self, caller: &Caller, region: Region, now: Timestamp) {
        self.snapshots.entry(place(caller)).or_default().push_back((now, Arc::new(region)));
    }

    /// The next `count` lists show this region, unless `lasting` is over before. What is held already stays.
    pub fn hold(&mut self, caller: &Caller, region: Region, count: u64, lasting: Duration, now: Timestamp) {
        let until = SignedDuration::try_from(lasting).ok().and_then(|lasting| now.checked_add(lasting).ok());
        let until = until.unwrap_or(Timestamp::MAX);
        let is_held = self.held.get(&place(caller)).is_some_and(|held| held.left > 0 && now < held.until);
        if !is_held {
            self.held.insert(place(caller), Held { region: Arc::new(region), left: count, until });
        }
    }

    /// The held region, for one list.
    pub fn take_held(&mut self, caller: &Caller, now: Timestamp) -> Option<Arc<Region>> {
        let held = self.held.get_mut(&place(caller))?;
        if held.left == 0 || held.until <= now {
            self.held.remove(&place(caller));
            return None;
        }
        held.left -= 1;
        Some(Arc::clone(&held.region))
    }

    /// The region as it was so many milliseconds ago; `None` without a lag. To be asked at each call, since the first one
    /// shows how the region was before it.
    pub fn lagging(
        &mut self,
        caller: &Caller,
        current: &Region,
        lag_ms: u64,
        now: Timestamp,
    ) -> Option<Arc<Region>> {
        let lag = SignedDuration::from_millis(i64::try_from(lag_ms).unwrap_or(i64::MAX));
        if lag.is_zero() {
            self.snapshots.remove(&place(caller));
            return None;
        }
        let visible = now.checked_sub(lag).unwrap_or(Timestamp::MIN);
        let snapshots = self.snapshots.entry(place(caller)).or_default();
        if snapshots.is_empty() {
            snapshots.push_back((Timestamp::MIN, Arc::new(current.clone())));
        }
        while snapshots.get(1).is_some_and(|(at, _)| *at <= visible) {
            snapshots.pop_front();
        }
        snapshots.front().map(|(_, region)| Arc::clone(region))
    }
}

fn place(caller: &Caller) -> Place {
    (caller.account.clone(), caller.region.clone())
}
