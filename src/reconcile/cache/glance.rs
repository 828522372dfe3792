//! What can be said of an object at a glance: how urgent a pass over it is, and whether it has changed.

use std::hash::{DefaultHasher, Hash, Hasher};

use kube::ResourceExt;

use crate::api::common::{CommonStatus, Object};
use crate::reconcile::state::{annotations, conditions};

/// What can be said of an object at a glance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Glance {
    /// A person has changed something, or has asked for a pass, and none has concluded since.
    pub is_asked_for: bool,
    /// Nothing is left to do: the object is up to date, isn't paused and wasn't.
    pub is_settled: bool,
    /// A hash of everything but its status.
    change: u64,
    /// A hash of its resource version, and of which object of this name it is.
    pub version: u64,
}

impl Glance {
    /// Looks at an object, of whose status this is a part.
    pub fn of<T: Object>(object: &T, common: &CommonStatus) -> Self {
        let meta = object.meta();
        let is_requested = annotations::is_requested(object, common);
        let mut hasher = DefaultHasher::new();
        (&meta.uid, meta.generation, &meta.finalizers, object.annotations()).hash(&mut hasher);
        Self {
            is_asked_for: conditions::is_new(common, meta.generation) || is_requested,
            is_settled: meta.deletion_timestamp.is_none()
                && conditions::is_settled(common, meta.generation)
                && conditions::is_true(&common.conditions, "Synced")
                && !is_requested
                && !annotations::is_paused(object),
            change: hasher.finish(),
            version: Self::version_of(object),
        }
    }

    /// A hash of the object's resource version, and of which object of this name it is.
    pub fn version_of<T: Object>(object: &T) -> u64 {
        let mut hasher = DefaultHasher::new();
        (&object.meta().uid, &object.meta().resource_version).hash(&mut hasher);
        hasher.finish()
    }

    /// Whether the object has changed in anything but its status. A deletion that begins increases the generation.
    pub fn differs_from(&self, other: &Self) -> bool {
        self.change != other.change
    }
}
