//! What objects can be found by, beside their names: an index, so that no pass walks over all objects of a kind.
//!
//! Filled by the hub from watch events. A mark narrows the search; whoever asks compares what it finds with what it is
//! looking for.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::reconcile::state::subject::Subject;

use super::few::Few;

/// Something that objects of a kind can be found by.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mark {
    /// The object has recorded the resource of this ID as its own.
    Holds(Arc<str>),
    /// Its status names the service of this ID as one that it uses, or used before.
    Uses(Arc<str>),
    /// Its resource is in the agent space of this ID.
    In(Arc<str>),
    /// Its spec describes a resource with a natural key of this hash.
    Describes(u64),
}

impl Mark {
    /// The mark of the objects that have recorded the resource `id`.
    pub fn holds(id: &str) -> Self {
        Self::Holds(id.into())
    }

    /// The mark of the objects whose status names the service `id`.
    pub fn uses(id: &str) -> Self {
        Self::Uses(id.into())
    }

    /// The service that an object with this mark uses, or used before.
    pub fn used_service(&self) -> Option<&str> {
        match self {
            Self::Uses(service) => Some(service),
            _ => None,
        }
    }

    /// The mark of the objects whose resource is in the agent space `id`.
    pub fn within(id: &str) -> Self {
        Self::In(id.into())
    }

    /// The mark of the objects that describe a resource with this natural key.
    pub fn describes(natural_key: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        natural_key.hash(&mut hasher);
        Self::Describes(hasher.finish())
    }
}

/// By kind and mark, the objects that have it.
type Index = HashMap<(&'static str, Mark), Few<Subject>>;

/// The index; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Marks(Arc<Mutex<Index>>);

impl Marks {
    /// The object has the marks `now`, and had the marks `before`.
    pub fn changed<'a>(
        &self,
        subject: &Subject,
        before: impl IntoIterator<Item = &'a Mark>,
        now: impl IntoIterator<Item = &'a Mark>,
    ) {
        let mut marks = self.lock();
        for mark in before {
            if let Entry::Occupied(mut having) = marks.entry((subject.kind, mark.clone()))
                && having.get_mut().remove(subject)
            {
                having.remove();
            }
        }
        for mark in now {
            match marks.entry((subject.kind, mark.clone())) {
                Entry::Occupied(mut having) => having.get_mut().insert(subject.clone()),
                Entry::Vacant(free) => {
                    free.insert(Few::One(subject.clone()));
                }
            }
        }
    }

    /// Whether another object than `subject`, of the same kind, has recorded the resource `id` as its own.
    pub fn is_held_by_another(&self, subject: &Subject, id: &str) -> bool {
        let marks = self.lock();
        let having = marks.get(&(subject.kind, Mark::holds(id)));
        having.is_some_and(|having| having.iter().any(|holder| holder != subject))
    }

    /// The objects of `kind` that have the mark.
    pub fn of(&self, kind: &'static str, mark: Mark) -> Vec<Subject> {
        self.lock().get(&(kind, mark)).into_iter().flat_map(Few::iter).cloned().collect()
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
        let index = Marks::default();
        let [one, other] = ["one", "other"].map(|name| Subject::new("AgentSpace", "ns", name));
        let [a, b] = ["a", "b"].map(Mark::holds);
        index.changed(&one, [], [&a, &b]);
        assert!(!index.is_held_by_another(&one, "a"), "it is its own");
        assert!(index.is_held_by_another(&other, "a") && index.is_held_by_another(&other, "b"));
        let of_another_kind = Subject::new("ServiceRegistration", "ns", "other");
        assert!(!index.is_held_by_another(&of_another_kind, "a"));
        index.changed(&other, [], [&a]);
        assert!(index.is_held_by_another(&one, "a"));
        assert_eq!(index.of("AgentSpace", a.clone()).len(), 2);
        assert_eq!(index.of("AgentSpace", b.clone()), std::slice::from_ref(&one));
        assert!(index.of("AgentSpace", Mark::uses("a")).is_empty(), "another mark of the same ID");
        index.changed(&one, [&a, &b], [&b]);
        index.changed(&other, [&a], []);
        assert!(!index.is_held_by_another(&one, "a") && !index.is_held_by_another(&other, "a"));
        index.changed(&one, [&b], []);
        assert!(index.lock().is_empty());
    }
}
