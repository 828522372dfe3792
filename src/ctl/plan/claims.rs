//! Who has a claim to what another object wants: the elder of those that describe the same, and who hands over to whom.
//! Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::kinds;
use crate::reconcile::state::annotations::{HAND_OVER_TO, PAUSED};
use crate::reconcile::state::subject::Subject;

use super::relations::subject_of;

/// The objects by what identifies the resources that they describe.
#[derive(Debug, Default)]
pub struct Claims {
    by_key: BTreeMap<(&'static str, String), Vec<Claim>>,
    keys: BTreeMap<Subject, String>,
}

#[derive(Debug)]
struct Claim {
    /// When the object was created, and its UID.
    age: (String, String),
    subject: Subject,
    /// Whether it has its resource, or may create it.
    is_rightful: bool,
}

impl Claims {
    /// The claims of these objects.
    pub fn of<'a>(objects: impl Iterator<Item = (&'a str, &'a Value)>) -> Self {
        let mut claims = Self::default();
        for (kind, object) in objects {
            let Some(subject) = subject_of(kind, object) else { continue };
            let Some(key) = kinds::natural_key(kind, object) else { continue };
            claims.keys.insert(subject.clone(), key.clone());
            let (age, is_rightful) = (age(object), is_rightful(object));
            let of_key = claims.by_key.entry((subject.kind, key)).or_default();
            of_key.push(Claim { age, subject, is_rightful });
        }
        claims
    }

    /// The oldest object that describes the same resource as this younger one, and isn't refused its own.
    pub fn elder(
        &self,
        subject: &Subject,
        object: &Value,
        is_refused: impl Fn(&Subject) -> bool,
    ) -> Option<&Subject> {
        let mine = age(object);
        let elders = self.claims(subject).filter(|claim| claim.is_rightful && claim.age < mine);
        let able = elders.filter(|claim| !is_refused(&claim.subject));
        able.min_by_key(|claim| &claim.age).map(|claim| &claim.subject)
    }

    /// The objects that describe the same as one of these.
    pub fn rivals(&self, of: &BTreeSet<Subject>) -> BTreeSet<Subject> {
        of.iter().flat_map(|subject| self.alike(subject)).cloned().collect()
    }

    /// The other objects that describe the same.
    pub fn alike(&self, subject: &Subject) -> impl Iterator<Item = &Subject> {
        self.claims(subject).map(|claim| &claim.subject).filter(move |other| *other != subject)
    }

    fn claims(&self, subject: &Subject) -> impl Iterator<Item = &Claim> {
        let key = self.keys.get(subject).map(|key| (subject.kind, key.clone()));
        key.and_then(|key| self.by_key.get(&key)).into_iter().flatten()
    }
}

/// Objects of the same age are told apart by their UIDs.
fn age(object: &Value) -> (String, String) {
    let text = |member: &str| object["metadata"][member].as_str().unwrap_or_default().to_owned();
    (text("creationTimestamp"), text("uid"))
}

fn is_rightful(object: &Value) -> bool {
    let (spec, status, metadata) = (&object["spec"], &object["status"], &object["metadata"]);
    let paused = metadata["annotations"][PAUSED].as_str();
    let may_create = metadata["deletionTimestamp"].is_null() && paused.is_none_or(|value| value == "false");
    spec["managementPolicy"] != "Observe" && (may_create || !status["id"].is_null())
}

/// The object that this one hands its resource over to when it is deleted.
pub fn heir(subject: &Subject, object: &Value) -> Option<Subject> {
    let namespace = object["metadata"]["annotations"][HAND_OVER_TO].as_str()?;
    let keeps =
        object["spec"]["deletionPolicy"] == "Retain" && object["spec"]["managementPolicy"] != "Observe";
    let goes = !object["metadata"]["deletionTimestamp"].is_null();
    (keeps && goes).then(|| Subject::new(subject.kind, namespace, &*subject.name))
}
