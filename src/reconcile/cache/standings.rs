//! How many objects of a kind are Ready, Synced, or waiting for approval, and why not: counted as they change, so that
//! nobody has to look at all of them.

use std::collections::HashMap;

use crate::api::change::ChangeAction;
use crate::api::common::CommonStatus;
use crate::reconcile::state::conditions;

/// The conditions that every object eventually has.
pub const ALWAYS: [&str; 2] = ["Ready", "Synced"];

/// What the metrics count an object as.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Standing {
    /// Status and reason of each of the conditions that every object has.
    pub conditions: [(String, String); ALWAYS.len()],
    /// What waits for approval.
    pub pending: Option<ChangeAction>,
}

impl Standing {
    /// What an object with this status counts as.
    pub fn of(common: &CommonStatus) -> Self {
        let word = |type_| {
            conditions::get(&common.conditions, type_)
                .map_or(("Unknown", "Unknown"), |condition| (&condition.status, &condition.reason))
        };
        Self {
            conditions: ALWAYS.map(|type_| {
                let (status, reason) = word(type_);
                (status.to_owned(), reason.to_owned())
            }),
            pending: common.pending_change.as_ref().map(|pending| pending.action),
        }
    }
}

/// The standings of the objects of a kind. There are few: each has a number.
#[derive(Debug, Default)]
pub struct Standings {
    numbers: HashMap<Standing, u32>,
    counts: Vec<usize>,
    free: Vec<u32>,
}

impl Standings {
    /// One more object has this standing; returns its number.
    pub fn join(&mut self, standing: Standing) -> u32 {
        let Self { numbers, counts, free } = self;
        let number = *numbers.entry(standing).or_insert_with(|| {
            free.pop().unwrap_or_else(|| {
                counts.push(0);
                // There are no more standings than objects.
                u32::try_from(counts.len() - 1).unwrap_or(u32::MAX)
            })
        });
        if let Some(count) = counts.get_mut(number as usize) {
            *count += 1;
        }
        number
    }

    /// An object no longer has the standing of this number.
    pub fn leave(&mut self, number: u32) {
        let Some(count) = self.counts.get_mut(number as usize) else { return };
        *count -= 1;
        if *count == 0 {
            self.numbers.retain(|_, known| *known != number);
            self.free.push(number);
        }
    }

    /// Every standing that objects have, and how many have it.
    pub fn counts(&self) -> Vec<(Standing, usize)> {
        let count = |number: &u32| self.counts.get(*number as usize).copied().unwrap_or_default();
        self.numbers.iter().map(|(standing, number)| (standing.clone(), count(number))).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn standing(reason: u8) -> Standing {
        let word = (String::from("False"), reason.to_string());
        Standing { conditions: [word.clone(), word], pending: None }
    }

    proptest! {
        #[test]
        fn counts_are_those_of_who_has_joined_and_not_left(steps in proptest::collection::vec((any::<bool>(), 0_u8..5), 0..60)) {
            let mut standings = Standings::default();
            let mut here: Vec<(u8, u32)> = Vec::new();
            for (joins, reason) in steps {
                if joins {
                    here.push((reason, standings.join(standing(reason))));
                } else if let Some(index) = here.iter().position(|(other, _)| *other == reason) {
                    standings.leave(here.swap_remove(index).1);
                }
            }
            let mut counts = standings.counts();
            counts.sort_by(|one, other| one.0.conditions.cmp(&other.0.conditions));
            let expected = (0..5).map(|reason| (standing(reason), here.iter().filter(|(other, _)| *other == reason).count()));
            prop_assert_eq!(counts, expected.filter(|(_, count)| *count > 0).collect::<Vec<_>>());
        }
    }
}
