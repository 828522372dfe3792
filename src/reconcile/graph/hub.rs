//! Who refers to whom: wakes objects when what they refer to changes, and knows what still uses an object.
//!
//! Filled by watch events alone, so it can be rebuilt at any time.

use std::cell::RefCell;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;

use crate::api::ServiceRegistration;
use crate::api::common::{AllowedNamespaces, Object};
use crate::reconcile::state::subject::Subject;

use super::few::Few;
use super::marks::{Mark, Marks};
use super::profile::Profile;
use super::rooms::{Room, Rooms};

/// The index of references, and the queues of the controllers.
#[derive(Default)]
pub struct Hub(Mutex<Index>);

#[derive(Default)]
struct Index {
    profiles: HashMap<Subject, Profile>,
    dependents: HashMap<Subject, Few<Subject>>,
    /// What passes have found out: on whose consent an object depends besides what its spec refers to. By object, and
    /// by who gives consent.
    depends: HashMap<Subject, BTreeSet<Subject>>,
    listeners: HashMap<Subject, HashSet<Subject>>,
    versions: HashMap<Subject, String>,
    namespaces: HashMap<String, BTreeMap<String, String>>,
    going: HashSet<String>,
    marks: Marks,
    queues: HashMap<&'static str, mpsc::UnboundedSender<Subject>>,
    rooms: Rooms,
    /// Whether a wake means news. While the first lists arrive, everything is new.
    open: bool,
    /// Objects that were woken by news, and haven't had a pass since.
    woken: RefCell<HashSet<Subject>>,
}

impl Hub {
    /// The queue of woken objects of `kind`. Called once per kind.
    pub fn queue(&self, kind: &'static str) -> mpsc::UnboundedReceiver<Subject> {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.lock().queues.insert(kind, sender);
        receiver
    }

    /// One of our objects was added or changed.
    pub fn applied(&self, subject: &Subject, mut profile: Profile) {
        let mut index = self.lock();
        if index.profiles.get(subject) == Some(&profile) {
            return;
        }
        let before = index.profiles.remove(subject).unwrap_or_default();
        for gone in before.references.iter().filter(|known| profile.references.binary_search(known).is_err())
        {
            index.unlink(gone, subject);
        }
        for reference in &mut profile.references {
            *reference = index.known(reference);
            if before.references.binary_search(reference).is_err() {
                index.link(reference, subject);
            }
        }
        if before.exposed != profile.exposed {
            index.wake_dependents(subject);
        }
        if before.exposed != profile.exposed || before.has_remote != profile.has_remote {
            index.wake_attentive(&before.references, &profile.references);
        }
        index.wake_left(before.marks.iter().filter(|mark| !profile.marks.contains(mark)));
        index.rooms.changed(subject, before.account.as_deref(), profile.account.as_deref());
        index.marks.changed(subject, &before.marks, &profile.marks);
        index.profiles.insert(subject.clone(), profile);
    }

    /// One of our objects is gone.
    pub fn deleted(&self, subject: &Subject) {
        let mut index = self.lock();
        if let Some(profile) = index.profiles.remove(subject) {
            for reference in &profile.references {
                index.unlink(reference, subject);
            }
            index.marks.changed(subject, &profile.marks, []);
            index.wake_dependents(subject);
            index.wake_attentive(&profile.references, &[]);
            index.wake_left(profile.marks.iter());
            index.rooms.changed(subject, profile.account.as_deref(), None);
        }
        index.forget_dependence(subject);
        index.woken.get_mut().remove(subject);
    }

    /// After a fresh list of `kind`: forgets the objects that are no longer there.
    pub fn retain(&self, kind: &str, present: &HashSet<Subject>) {
        let gone: Vec<Subject> = {
            let index = self.lock();
            index
                .profiles
                .keys()
                .filter(|known| known.kind == kind && !present.contains(known))
                .cloned()
                .collect()
        };
        for subject in &gone {
            self.deleted(subject);
        }
    }

    /// `subject` depends on the consent of `other`, besides what its spec refers to: when that changes, it is woken.
    pub fn depend(&self, subject: &Subject, other: &Subject) {
        /// An object that has depended on more has been edited often: only the last ones count.
        const MOST: usize = 16;
        let mut index = self.lock();
        let known = index.depends.entry(subject.clone()).or_default();
        if known.contains(other) {
            return;
        }
        if known.len() >= MOST {
            index.forget_dependence(subject);
        }
        index.depends.entry(subject.clone()).or_default().insert(other.clone());
        index.listeners.entry(other.clone()).or_default().insert(subject.clone());
    }

    /// A Secret or ConfigMap was added, changed or deleted. `version` is none when it is gone.
    pub fn touched(&self, subject: &Subject, version: Option<&str>) {
        let mut index = self.lock();
        if !index.dependents.contains_key(subject) {
            index.versions.remove(subject);
            return;
        }
        let before = match &version {
            Some(version) => index.versions.insert(subject.clone(), (*version).to_owned()),
            None => index.versions.remove(subject),
        };
        // One that existed before anything referred to it has no version here: its deletion is news all the same.
        if version.is_none() || before.as_deref() != version {
            index.wake_dependents(subject);
        }
    }

    /// The labels of a namespace, or none when it is gone, and whether it is being deleted. Consent may depend on its
    /// labels.
    pub fn namespace(&self, name: &str, labels: Option<&BTreeMap<String, String>>, going: bool) {
        let mut index = self.lock();
        if going && labels.is_some() {
            index.going.insert(name.to_owned());
        } else {
            index.going.remove(name);
        }
        let before = match labels {
            Some(labels) => index.namespaces.insert(name.to_owned(), labels.clone()),
            None => index.namespaces.remove(name),
        };
        if before.is_some() && before.as_ref() != labels {
            let inside: Vec<Subject> =
                index.profiles.keys().filter(|subject| subject.namespace == name).cloned().collect();
            for subject in &inside {
                index.wake(subject);
            }
        }
    }

    /// What objects can be found by, beside their names.
    pub fn marks(&self) -> Marks {
        self.lock().marks.clone()
    }

    /// The labels of a namespace.
    pub fn labels(&self, namespace: &str) -> BTreeMap<String, String> {
        self.lock().namespaces.get(namespace).cloned().unwrap_or_default()
    }

    /// Whether a namespace is being deleted.
    pub fn is_going(&self, namespace: &str) -> bool {
        self.lock().going.contains(namespace)
    }

    /// The first lists are in: from now on a wake means news.
    pub fn open(&self) {
        self.lock().open = true;
    }

    /// Whether there was news for one of our objects since its last pass.
    pub fn is_woken(&self, subject: &Subject) -> bool {
        self.lock().woken.borrow().contains(subject)
    }

    /// The same, for the pass that handles the news.
    pub fn take_news(&self, subject: &Subject) -> bool {
        self.lock().woken.get_mut().remove(subject)
    }

    /// Requests a pass over one of our objects.
    pub fn wake(&self, subject: &Subject) {
        self.lock().wake(subject);
    }

    /// Whether one of our objects exists.
    pub fn exists(&self, subject: &Subject) -> bool {
        self.lock().profiles.contains_key(subject)
    }

    /// What the spec of one of our objects refers to.
    pub fn references(&self, subject: &Subject) -> Box<[Subject]> {
        self.lock().profiles.get(subject).map(|profile| profile.references.clone()).unwrap_or_default()
    }

    /// The consent of one of our objects; the outer `None` means that it doesn't exist.
    pub fn allowed(&self, subject: &Subject) -> Option<Option<AllowedNamespaces>> {
        self.lock().profiles.get(subject).map(|profile| profile.allowed.as_deref().cloned())
    }

    /// The objects that refer to `subject` and have a remote: they must be deleted before it can be.
    pub fn users(&self, subject: &Subject) -> Vec<Subject> {
        let index = self.lock();
        let mut users: Vec<Subject> = index
            .dependents
            .get(subject)
            .into_iter()
            .flat_map(Few::iter)
            .filter(|user| index.profiles.get(*user).is_some_and(|profile| profile.has_remote))
            .cloned()
            .collect();
        users.sort();
        users
    }

    /// Reserves room for one more remote of `subject` in `account`, where its namespace may have `most`; otherwise
    /// returns how many it has.
    pub fn reserve(&self, subject: &Subject, account: &str, most: usize) -> Result<Room, usize> {
        let index = self.lock();
        let has =
            |subject: &Subject| index.profiles.get(subject).is_some_and(|known| known.account.is_some());
        index.rooms.reserve(subject, account, most, has)
    }

    fn lock(&self) -> MutexGuard<'_, Index> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Index {
    /// The same name, as it is already in memory.
    fn known(&self, subject: &Subject) -> Subject {
        let referred = self.dependents.get_key_value(subject).map(|(known, _)| known);
        let ours = || self.profiles.get_key_value(subject).map(|(known, _)| known);
        referred.or_else(ours).unwrap_or(subject).clone()
    }

    fn link(&mut self, reference: &Subject, dependent: &Subject) {
        match self.dependents.entry(reference.clone()) {
            Entry::Occupied(mut dependents) => dependents.get_mut().insert(dependent.clone()),
            Entry::Vacant(free) => {
                free.insert(Few::One(dependent.clone()));
            }
        }
    }

    fn unlink(&mut self, reference: &Subject, dependent: &Subject) {
        if let Some(dependents) = self.dependents.get_mut(reference)
            && dependents.remove(dependent)
        {
            self.dependents.remove(reference);
            self.versions.remove(reference);
        }
    }

    fn forget_dependence(&mut self, subject: &Subject) {
        for other in self.depends.remove(subject).unwrap_or_default() {
            if let Some(listeners) = self.listeners.get_mut(&other) {
                listeners.remove(subject);
                if listeners.is_empty() {
                    self.listeners.remove(&other);
                }
            }
        }
    }

    fn wake_dependents(&self, subject: &Subject) {
        let dependents = self.dependents.get(subject).into_iter().flat_map(Few::iter);
        dependents.chain(self.listeners.get(subject).into_iter().flatten()).for_each(|one| self.wake(one));
    }

    /// Wakes those of these that wait for others to let go of them.
    fn wake_attentive(&self, before: &[Subject], now: &[Subject]) {
        let new = now.iter().filter(|subject| before.binary_search(subject).is_err());
        before
            .iter()
            .chain(new)
            .filter(|subject| self.profiles.get(*subject).is_some_and(|profile| profile.attentive))
            .for_each(|subject| self.wake(subject));
    }

    /// Wakes those that wait for the services to be left that these marks are about. The spec that used one may refer to
    /// another by now.
    fn wake_left<'a>(&self, marks: impl Iterator<Item = &'a Mark>) {
        for service in marks.filter_map(Mark::used_service) {
            let holders = self.marks.of(ServiceRegistration::kind_name(), Mark::holds(service));
            self.wake_attentive(&holders, &[]);
        }
    }

    fn wake(&self, subject: &Subject) {
        if self.open {
            self.woken.borrow_mut().insert(subject.clone());
        }
        if let Some(queue) = self.queues.get(subject.kind) {
            // A closed queue means that the controller has ended: there is nobody to wake.
            let _ = queue.send(subject.clone());
        }
    }
}

#[cfg(test)]
mod tests;
