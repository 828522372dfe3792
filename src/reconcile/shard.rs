//! Which part of the objects this process reconciles. Every process watches all of them.

use crate::reconcile::state::fingerprint::sha256;
use crate::reconcile::state::subject::Subject;

/// Most shards: each of them keeps all objects in memory.
pub const MOST: u16 = 64;

/// One of several processes that divide the namespaces among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    index: u16,
    count: u16,
}

impl Default for Shard {
    /// The only one, which has everything.
    fn default() -> Self {
        Self { index: 0, count: 1 }
    }
}

impl Shard {
    /// The shard `index`, counted from 0, of `count`.
    pub fn new(index: u16, count: u16) -> Result<Self, String> {
        if count == 0 || count > MOST {
            return Err(format!("the number of shards ({count}) must be from 1 to {MOST}"));
        }
        if index >= count {
            return Err(format!("the shard ({index}) must be less than the number of shards ({count})"));
        }
        Ok(Self { index, count })
    }

    /// How many shards there are.
    pub fn count(self) -> u16 {
        self.count
    }

    /// Which one this is, counted from 0.
    pub fn index(self) -> u16 {
        self.index
    }

    /// Whether this shard reconciles the object. All objects of a namespace are in one shard: they count and consent
    /// together. An object without a namespace is placed by its name.
    pub fn has(self, subject: &Subject) -> bool {
        let place = if subject.namespace.is_empty() { &subject.name } else { &subject.namespace };
        self.count == 1 || self.index == owner(place, self.count)
    }
}

/// The shard of `place`: the one whose hash with it is the highest, so that one more shard takes places from each of the
/// others and moves none between them.
fn owner(place: &str, count: u16) -> u16 {
    (0..count).max_by_key(|index| sha256(&format!("{index}/{place}"))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places() -> impl Iterator<Item = Subject> {
        (0..1000).map(|number| Subject::new("Asset", format!("team-{number}"), "a"))
    }

    #[test]
    fn every_object_is_in_exactly_one_shard() {
        for count in [1, 2, 3, 7] {
            let shards: Vec<Shard> = (0..count).map(|index| Shard::new(index, count).unwrap()).collect();
            for subject in places() {
                let having = shards.iter().filter(|shard| shard.has(&subject)).count();
                assert_eq!(having, 1, "{subject} of {count}");
            }
            for shard in &shards {
                let part = places().filter(|subject| shard.has(subject)).count();
                assert!(part > 600 / usize::from(count), "{shard:?} has {part}");
            }
        }
    }

    #[test]
    fn a_namespace_stays_together_whatever_is_in_it() {
        for shard in (0..3).map(|index| Shard::new(index, 3).unwrap()) {
            let of = |kind, name: &str| shard.has(&Subject::new(kind, "team", name));
            assert_eq!(of("Asset", "one"), of("AgentSpace", "another"));
        }
    }

    #[test]
    fn one_more_shard_moves_namespaces_only_to_itself() {
        for subject in places() {
            if owner(&subject.namespace, 4) != 3 {
                assert_eq!(owner(&subject.namespace, 4), owner(&subject.namespace, 3), "{subject}");
            }
        }
    }

    #[test]
    fn a_shard_that_can_not_be_is_refused() {
        for (index, count) in [(0, 0), (1, 1), (3, 3), (0, MOST + 1)] {
            assert!(Shard::new(index, count).is_err(), "{index} of {count}");
        }
    }
}
