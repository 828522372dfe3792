//! A set that mostly has one member, as indexes have thousands of: the one takes no memory of its own.

use std::collections::HashSet;
use std::hash::Hash;

/// A set with at least one member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Few<T: Eq + Hash> {
    /// One.
    One(T),
    /// Any number, once there was a second.
    Many(Box<HashSet<T>>),
}

impl<T: Eq + Hash> Few<T> {
    /// Adds a member.
    pub fn insert(&mut self, member: T) {
        match self {
            Self::One(one) if *one == member => {}
            Self::One(_) => {
                let one = std::mem::replace(self, Self::Many(Box::default()));
                if let (Self::One(one), Self::Many(many)) = (one, self) {
                    many.extend([one, member]);
                }
            }
            Self::Many(many) => {
                many.insert(member);
            }
        }
    }

    /// Removes a member. Returns whether none is left: then the set must be dropped.
    #[must_use]
    pub fn remove(&mut self, member: &T) -> bool {
        match self {
            Self::One(one) => one == member,
            Self::Many(many) => {
                many.remove(member);
                many.is_empty()
            }
        }
    }

    /// The members.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        let (one, many) = match self {
            Self::One(one) => (Some(one), None),
            Self::Many(many) => (None, Some(many.iter())),
        };
        one.into_iter().chain(many.into_iter().flatten())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_set(first in 0_u8..4, steps in proptest::collection::vec((any::<bool>(), 0_u8..4), 0..20)) {
            let (mut few, mut set) = (Few::One(first), HashSet::from([first]));
            for (adds, member) in steps {
                if adds {
                    few.insert(member);
                    set.insert(member);
                } else {
                    set.remove(&member);
                    prop_assert_eq!(few.remove(&member), set.is_empty());
                    if set.is_empty() {
                        return Ok(());
                    }
                }
                prop_assert_eq!(few.iter().copied().collect::<HashSet<_>>(), set.clone());
            }
        }
    }
}
