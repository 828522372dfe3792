//! Which objects of the cluster have recorded which remotes as theirs.
//!
//! Filled by the hub. If another object is known to have a remote, AWS doesn't need to be asked whose it is.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::reconcile::state::subject::Subject;

/// By kind and id, who has recorded it.
type Index = HashMap<(&'static str, String), HashSet<Subject>>;

/// The index; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Holders(Arc<Mutex<Index>>);

impl Holders {
    /// The object now has the remotes `now` on record, and had `before`.
    pub fn changed(&self, subject: &Subject, before: &[String], now: &[String]) {
        if before == now {
            return;
        }
        let mut holders = self.lock();
        for id in before {
            let key = (subject.kind, id.clone());
            if let Some(holding) = holders.get_mut(&key) {
                holding.remove(subject);
                if holding.is_empty() {
                    holders.remove(&key);
                }
            }
        }
        for id in now {
            holders.entry((subject.kind, id.clone())).or_default().insert(subject.clone());
        }
    }

    /// Whether another object than `subject`, of the same kind, has recorded the remote `id` as its own.
    pub fn has_another(&self, subject: &Subject, id: &str) -> bool {
        let holders = self.lock();
        let holding = holders.get(&(subject.kind, id.to_owned()));
        holding.is_some_and(|holding| holding.iter().any(|holder| holder != subject))
    }

    /// The objects of `kind` that have recorded the remote `id` as their own.
    pub fn of(&self, kind: &'static str, id: &str) -> Vec<Subject> {
        self.lock().get(&(kind, id.to_owned())).into_iter().flatten().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Index> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_holds_what_it_has_recorded_until_it_has_not() {
        let holders = Holders::default();
        let [one, other] = ["one", "other"].map(|name| Subject::new("AgentSpace", "ns", name));
        let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
        holders.changed(&one, &[], &ids(&["a", "b"]));
        assert!(!holders.has_another(&one, "a"), "it is its own");
        assert!(holders.has_another(&other, "a") && holders.has_another(&other, "b"));
        assert!(
            !holders.has_another(&Subject::new("ServiceRegistration", "ns", "other"), "a"),
            "of another kind"
        );
        holders.changed(&other, &[], &ids(&["a"]));
        assert!(holders.has_another(&one, "a"));
        assert_eq!(
            (holders.of("AgentSpace", "a").len(), holders.of("AgentSpace", "b")),
            (2, vec![one.clone()])
        );
        holders.changed(&one, &ids(&["a", "b"]), &ids(&["b"]));
        holders.changed(&other, &ids(&["a"]), &[]);
        assert!(!holders.has_another(&one, "a") && !holders.has_another(&other, "a"));
        holders.changed(&one, &ids(&["b"]), &[]);
        assert!(holders.lock().is_empty());
    }
}
