//! Writing status, and knowing what was written: while the watch cache has not caught up, and when somebody else
//! writes to it.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};

use kube::api::{Patch, PatchParams};
use kube::{Api, ResourceExt};
use serde::Serialize;
use serde_json::{Value, json};

use crate::api::common::Object;

use super::error::Error;

/// The field manager of everything that the operator writes.
pub const FIELD_MANAGER: &str = "devops-agent-operator";

/// What is known of the status of each object beside what the watch caches show.
#[derive(Default)]
pub struct Written(Mutex<HashMap<String, Known>>);

/// The last status of an object that a pass has begun with or written.
#[derive(Default)]
struct Known {
    version: u64,
    /// What tells it from another.
    digest: u64,
    /// All of it, until the watch cache has caught up.
    status: Option<Value>,
    /// A write is under way: which of the changes that are seen is ours will be known when it is answered.
    writing: bool,
    /// The newest change that was seen meanwhile: version and digest.
    seen: Option<(u64, u64)>,
}

impl Written {
    /// The newest known status of `object`: what the cache holds, or what was written after it. A pass begins with it.
    pub fn newest<T: Object>(&self, object: &T) -> T::Status {
        let mut all = self.lock();
        let known = all.entry(object.uid().unwrap_or_default()).or_default();
        if known.version > version_of(object)
            && let Some(status) = &known.status
        {
            return serde_json::from_value(status.clone()).unwrap_or_else(|_| object.status());
        }
        let status = object.status();
        *known = Known { version: version_of(object), digest: digest(&status), ..Known::default() };
        status
    }

    /// Takes note of a change of the object. Answers whether its status is not what was last written: somebody else
    /// wrote to it, or a write whose answer was given up came late.
    pub fn is_overwritten<T: Object>(&self, object: &T) -> bool {
        let mut all = self.lock();
        let Some(known) = all.get_mut(&object.uid().unwrap_or_default()) else { return false };
        let change = (version_of(object), digest(&object.status()));
        if known.writing {
            known.seen = Some(change);
            return false;
        }
        known.is_other(change)
    }

    /// Forgets the object.
    pub fn forget(&self, uid: &str) {
        self.lock().remove(uid);
    }

    fn begin(&self, uid: &str) {
        self.lock().entry(uid.to_owned()).or_default().writing = true;
    }

    fn fail(&self, uid: &str) {
        if let Some(known) = self.lock().get_mut(uid) {
            known.writing = false;
        }
    }

    /// The write is answered with what is stored now. Answers whether that has been overwritten already.
    fn end<T: Object>(&self, uid: &str, stored: &T, status: Value) -> bool {
        let mut all = self.lock();
        let known = all.entry(uid.to_owned()).or_default();
        let seen = known.seen.take();
        *known = Known {
            version: version_of(stored),
            digest: digest(&stored.status()),
            status: Some(status),
            ..Known::default()
        };
        seen.is_some_and(|change| known.is_other(change))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn is_other(&self, (version, digest): (u64, u64)) -> bool {
        version > self.version && digest != self.digest
    }
}

fn digest<S: Serialize>(status: &S) -> u64 {
    let mut hasher = DefaultHasher::new();
    // A status that can't be written as JSON does not exist.
    serde_json::to_string(status).unwrap_or_default().hash(&mut hasher);
    hasher.finish()
}

/// Resource versions of one kind can be compared as numbers.
fn version_of<T: Object>(object: &T) -> u64 {
    object.resource_version().and_then(|version| version.parse().ok()).unwrap_or_default()
}

/// What is applied to `object`, still without what is to be said of it. The UID keeps it from landing on a namesake
/// that came after, and from making one.
pub(super) fn part_of<T: Object>(object: &T) -> Value {
    json!({
        "apiVersion": T::api_version(&()),
        "kind": T::kind(&()),
        "metadata": { "name": object.name_any(), "uid": object.uid() },
    })
}

/// The operator has the last word on what it writes.
pub(super) fn our_apply() -> PatchParams {
    PatchParams::apply(FIELD_MANAGER).force()
}

/// Writes the status of `object` by server-side apply. Answers whether it has been overwritten already.
pub async fn write<T: Object>(
    written: &Written,
    api: &Api<T>,
    object: &T,
    status: &T::Status,
) -> Result<bool, Error> {
    let name = object.name_any();
    let unexpected = |source: serde_json::Error| Error::Unexpected {
        doing: format!("writing the status of {} {name}", T::kind_name()),
        message: source.to_string(),
    };
    let status = serde_json::to_value(status).map_err(unexpected)?;
    let uid = object.uid().unwrap_or_default();
    let mut patch = part_of(object);
    patch["status"].clone_from(&status);
    written.begin(&uid);
    match api.patch_status(&name, &our_apply(), &Patch::Apply(&patch)).await {
        Ok(stored) => Ok(written.end(&uid, &stored, status)),
        Err(error) => {
            written.fail(&uid);
            Err(Error::kubernetes(format!("writing the status of {} {name}", T::kind_name()))(error))
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::api::AgentSpace;

    use super::*;

    fn space(version: u64, id: &str) -> AgentSpace {
        let object = json!({
            "apiVersion": "devopsagent.dev/v1alpha1",
            "kind": "AgentSpace",
            "metadata": {"name": "space", "uid": "1", "resourceVersion": version.to_string()},
            "spec": {},
            "status": {"id": id},
        });
        serde_json::from_value(object).expect("it is an AgentSpace")
    }

    fn id(status: &<AgentSpace as Object>::Status) -> Option<&str> {
        status.common.id.as_deref()
    }

    #[test]
    fn a_pass_begins_with_what_was_written_until_the_cache_shows_it() {
        let written = Written::default();
        assert_eq!(id(&written.newest(&space(1, "a"))), Some("a"));
        written.begin("1");
        assert!(!written.end("1", &space(3, "b"), json!({"id": "b"})));
        assert_eq!(id(&written.newest(&space(2, "a"))), Some("b"));
        assert_eq!(id(&written.newest(&space(4, "c"))), Some("c"), "what came later counts");
    }

    #[test]
    fn a_status_that_somebody_else_wrote_is_told_from_our_own() {
        let written = Written::default();
        assert!(!written.is_overwritten(&space(1, "a")), "nothing is known of it yet");
        written.newest(&space(1, "a"));
        assert!(!written.is_overwritten(&space(2, "a")), "something else has changed");
        assert!(written.is_overwritten(&space(3, "old")));
        written.newest(&space(3, "old"));
        assert!(!written.is_overwritten(&space(4, "old")), "a pass has begun with it");
    }

    #[test]
    fn a_change_that_is_seen_before_the_write_is_answered_is_judged_by_the_answer() {
        let written = Written::default();
        written.newest(&space(1, "a"));
        written.begin("1");
        assert!(!written.is_overwritten(&space(2, "b")));
        assert!(!written.end("1", &space(2, "b"), json!({"id": "b"})), "it was our own");
        written.begin("1");
        assert!(!written.is_overwritten(&space(4, "late")));
        assert!(written.end("1", &space(3, "c"), json!({"id": "c"})), "it came after our own");
    }

    #[test]
    fn after_a_write_without_an_answer_what_is_seen_counts_again() {
        let written = Written::default();
        written.newest(&space(1, "a"));
        written.begin("1");
        written.fail("1");
        assert!(written.is_overwritten(&space(2, "b")));
    }
}
