//! Objects that vanished, until what they had is deleted.

use std::collections::HashMap;
use std::sync::Arc;

use tracing::error;

use crate::reconcile::orphan::ATTEMPTS;
use crate::reconcile::state::subject::Subject;

/// An object that had this name, and its UID: a namesake may be there, or another one to bury.
pub type Deceased = (Subject, String);

/// The objects of a kind that are to be buried.
#[derive(Debug)]
pub struct Graves<T>(HashMap<Deceased, Grave<T>>);

#[derive(Debug)]
struct Grave<T> {
    object: Arc<T>,
    attempts: u32,
    underway: bool,
}

impl<T> Default for Graves<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T> Graves<T> {
    /// An object is to be buried, as it was last seen.
    pub fn dig(&mut self, deceased: Deceased, object: Arc<T>) {
        self.0.entry(deceased).or_insert(Grave { object, attempts: 0, underway: false });
    }

    /// The next try of a burial: the object, and which try it is.
    pub fn start(&mut self, deceased: &Deceased) -> Option<(Arc<T>, u32)> {
        let grave = self.0.get_mut(deceased).filter(|grave| !grave.underway)?;
        grave.attempts += 1;
        grave.underway = true;
        Some((Arc::clone(&grave.object), grave.attempts))
    }

    /// The last try of a burial that isn't under way, if one is left.
    pub fn start_last(&mut self) -> Option<(Deceased, Arc<T>, u32)> {
        let (deceased, grave) = self.0.iter_mut().find(|(_, grave)| !grave.underway)?;
        let deceased = deceased.clone();
        grave.attempts = ATTEMPTS - 1;
        let (object, attempt) = self.start(&deceased)?;
        Some((deceased, object, attempt))
    }

    /// A try has ended: all is done, or it has to be tried `again`, which it is while a try is left.
    pub fn ended(&mut self, deceased: &Deceased, again: bool) {
        let Some(grave) = self.0.get_mut(deceased) else { return };
        grave.underway = false;
        if !again || grave.attempts >= ATTEMPTS {
            self.0.remove(deceased);
        }
    }

    /// Whether the object is still to be buried.
    pub fn has(&self, deceased: &Deceased) -> bool {
        self.0.contains_key(deceased)
    }
}

impl<T> Drop for Graves<T> {
    /// The process ends before they are buried.
    fn drop(&mut self) {
        for (object, _) in self.0.keys() {
            error!(%object, "it vanished, and what it had in AWS may be left there; delete that if nobody claims it");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deceased(name: &str) -> Deceased {
        (Subject::new("Asset", "a", name), format!("uid-{name}"))
    }

    #[test]
    fn a_burial_is_tried_until_it_is_done_or_no_try_is_left() {
        let (one, two) = (deceased("one"), deceased("two"));
        let mut graves = Graves::default();
        graves.dig(one.clone(), Arc::new(1));
        graves.dig(two.clone(), Arc::new(2));
        assert_eq!(graves.start(&one), Some((Arc::new(1), 1)));
        assert_eq!(graves.start(&one), None, "one try at a time");
        graves.ended(&one, true);
        assert_eq!(graves.start(&one), Some((Arc::new(1), 2)));
        graves.ended(&one, false);
        assert_eq!((graves.start(&one), graves.has(&one)), (None, false));
        for attempt in 1..=ATTEMPTS {
            assert_eq!(graves.start(&two), Some((Arc::new(2), attempt)));
            graves.ended(&two, true);
        }
        assert!(!graves.has(&two));
    }

    #[test]
    fn at_the_end_each_has_one_more_try() {
        let mut graves = Graves::default();
        for name in ["waits", "failed", "under way"] {
            graves.dig(deceased(name), Arc::new(name));
        }
        graves.start(&deceased("failed"));
        graves.ended(&deceased("failed"), true);
        graves.start(&deceased("under way"));
        let mut last: Vec<_> = std::iter::from_fn(|| graves.start_last()).collect();
        last.sort();
        let (names, attempts): (Vec<_>, Vec<_>) =
            last.iter().map(|(deceased, _, attempt)| (deceased.0.name.as_str(), *attempt)).unzip();
        assert_eq!((names, attempts), (vec!["failed", "waits"], vec![ATTEMPTS; 2]));
        graves.ended(&deceased("under way"), true);
        assert_eq!(graves.start_last(), Some((deceased("under way"), Arc::new("under way"), ATTEMPTS)));
        for name in ["waits", "failed", "under way"] {
            graves.ended(&deceased(name), true);
        }
        assert_eq!(graves.start_last(), None);
    }
}
