//! How many remotes each namespace has in an account, and the room reserved for those being created.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use crate::reconcile::state::subject::Subject;

/// Objects whose remote is being created, and in which account.
type Creating = Arc<Mutex<HashSet<(Subject, String)>>>;

/// The counts of all namespaces.
#[derive(Debug, Default)]
pub struct Rooms {
    /// By namespace and account.
    owned: HashMap<(String, String), usize>,
    /// They count before their status names the remote.
    creating: Creating,
}

/// Room reserved for a remote while it is created.
#[derive(Debug)]
pub struct Room {
    creating: Creating,
    place: (Subject, String),
}

impl Rooms {
    /// The object had its remote in the account `before`, if it had one, and has it in `now`.
    pub fn changed(&mut self, subject: &Subject, before: Option<&str>, now: Option<&str>) {
        if before == now {
            return;
        }
        let key = |account: &str| (subject.namespace.clone(), account.to_owned());
        if let Some(now) = now {
            *self.owned.entry(key(now)).or_default() += 1;
        }
        if let Some(key) = before.map(key)
            && let Some(count) = self.owned.get_mut(&key)
        {
            *count -= 1;
            if *count == 0 {
                self.owned.remove(&key);
            }
        }
    }

    /// Reserves room for one more remote of `subject` in `account`, where its namespace may have `most`; otherwise
    /// returns how many it has. `has` says whose remote is already counted.
    pub fn reserve(
        &self,
        subject: &Subject,
        account: &str,
        most: usize,
        has: impl Fn(&Subject) -> bool,
    ) -> Result<Room, usize> {
        let mut taken = self.creating.lock().unwrap_or_else(PoisonError::into_inner);
        let creating = taken.iter().filter(|(other, place)| {
            other.namespace == subject.namespace && place == account && other != subject && !has(other)
        });
        let key = (subject.namespace.clone(), account.to_owned());
        let others = self.owned.get(&key).copied().unwrap_or_default() - usize::from(has(subject));
        let owned = others + creating.count();
        if owned >= most {
            return Err(owned);
        }
        let place = (subject.clone(), account.to_owned());
        taken.insert(place.clone());
        Ok(Room { creating: Arc::clone(&self.creating), place })
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.creating.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.place);
    }
}
