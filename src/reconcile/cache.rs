//! The watch cache of a kind: its objects as the API server last showed them.
//!
//! A parsed object takes several times the memory of its compressed text, and most objects are looked at once in ten
//! minutes. So the cache keeps text, and parses it for whoever asks. What is asked for all the time is kept beside it: how urgent the
//! object is ([`Glance`]), and its conditions for the metrics ([`Standings`]), and what is wrong with it ([`Problems`]).

mod glance;
mod problems;
mod standings;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use tracing::error;

use crate::api::common::{Object, Status};
use crate::reconcile::compact;
use crate::reconcile::state::subject::Subject;

pub use glance::Glance;
pub use problems::{Extent, Label, Nature, Problem, Problems};
pub use standings::{ALWAYS, Standing, Standings};

/// The watch cache of a kind; clones share it.
pub struct Cache<T>(Arc<RwLock<Objects<T>>>);

struct Objects<T> {
    entries: HashMap<Subject, Entry<T>>,
    standings: Standings,
    problems: Problems,
}

struct Entry<T> {
    kept: Kept<T>,
    glance: Glance,
    standing: u32,
}

enum Kept<T> {
    /// See [`compact`].
    Packed(Box<[u8]>),
    /// Every pass asks for an AWSAccount, and there are few.
    Parsed(Arc<T>),
}

impl<T: Object> Cache<T> {
    /// The object, if there is one.
    pub fn get(&self, subject: &Subject) -> Option<Arc<T>> {
        let objects = self.read();
        match &objects.entries.get(subject)?.kept {
            Kept::Packed(packed) => unpack(subject, packed),
            Kept::Parsed(object) => Some(Arc::clone(object)),
        }
    }

    /// The object as it is now, if there still is one; this is how it was a moment ago.
    pub fn now(&self, subject: &Subject, before: Arc<T>) -> Option<Arc<T>> {
        let is_same = self.glance(subject)?.version == Glance::version_of(&*before);
        if is_same { Some(before) } else { self.get(subject) }
    }

    /// Who asks for a pass over the object, if there is one.
    pub fn glance(&self, subject: &Subject) -> Option<Glance> {
        self.read().entries.get(subject).map(|entry| entry.glance)
    }

    /// The names of all objects.
    pub fn subjects(&self) -> Vec<Subject> {
        self.read().entries.keys().cloned().collect()
    }

    /// All objects, parsed one after the other.
    pub fn all(&self) -> impl Iterator<Item = Arc<T>> + '_ {
        self.subjects().into_iter().filter_map(|subject| self.get(&subject))
    }

    /// Every standing that objects have, and how many have it.
    pub fn standings(&self) -> Vec<(Standing, usize)> {
        self.read().standings.counts()
    }

    /// Looks at what is wrong with objects.
    pub fn with_problems<R>(&self, look: impl FnOnce(&Problems) -> R) -> R {
        look(&self.read().problems)
    }

    /// The object is there, as it is now. Returns whether anything but its status has changed.
    pub fn put(&self, subject: &Subject, object: &T) -> bool {
        let status = object.status();
        let glance = Glance::of(object, status.common());
        let standing = Standing::of(status.common());
        let problems = Problem::all_of(status.common());
        let packed = if T::NAMESPACED { compact::pack(object) } else { None };
        let kept = packed.map_or_else(|| Kept::Parsed(Arc::new(object.clone())), Kept::Packed);
        let mut objects = self.write();
        let standing = objects.standings.join(standing);
        objects.problems.put(subject, problems);
        let before = objects.entries.insert(subject.clone(), Entry { kept, glance, standing });
        if let Some(before) = &before {
            objects.standings.leave(before.standing);
        }
        before.is_none_or(|before| before.glance.differs_from(&glance))
    }

    /// The object is gone.
    pub fn remove(&self, subject: &Subject) {
        let mut objects = self.write();
        objects.problems.remove(subject);
        if let Some(entry) = objects.entries.remove(subject) {
            objects.standings.leave(entry.standing);
        }
    }

    /// Only these are there.
    pub fn retain(&self, present: &HashSet<Subject>) {
        let Objects { entries, standings, problems } = &mut *self.write();
        for (gone, entry) in entries.extract_if(|subject, _| !present.contains(subject)) {
            standings.leave(entry.standing);
            problems.remove(&gone);
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Objects<T>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Objects<T>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unpack<T: Object>(subject: &Subject, packed: &[u8]) -> Option<Arc<T>> {
    let object = compact::unpack(packed).map(Arc::new);
    if object.is_none() {
        error!(object = %subject, "an object in the cache can't be parsed, which is a bug; it is left alone");
    }
    object
}

impl<T> Clone for Cache<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Default for Cache<T> {
    fn default() -> Self {
        let (standings, problems) = (Standings::default(), Problems::default());
        Self(Arc::new(RwLock::new(Objects { entries: HashMap::new(), standings, problems })))
    }
}

impl<T> fmt::Debug for Cache<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
