//! Writing status, and knowing what was written: while the watch cache hasn't caught up, and when someone else writes
//! to it.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};

use kube::api::{Patch, PatchParams};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use crate::api::common::{Object, Status};
use crate::kubernetes::stored::{self, Stored};

use super::error::Error;

/// The field manager of everything that the operator writes.
pub const FIELD_MANAGER: &str = "devops-agent-operator";

/// This many writes of an object that got no response are remembered.
const REMEMBERED: usize = 8;

/// What is known about the status of each object besides what the watch caches show.
#[derive(Default)]
pub struct Written(Mutex<HashMap<String, Known>>);

/// The last status of an object that a pass has begun with or written.
#[derive(Default)]
struct Known {
    version: u64,
    /// What distinguishes it from another.
    digest: u64,
    /// All of it, if it was written here and may be needed again.
    status: Option<Box<Value>>,
    /// Digests of what was sent after it and got no response.
    given_up: Vec<u64>,
    /// Digests of what was sent before it and got no response: if it arrives now, it arrives late.
    stale: Vec<u64>,
    /// A write is in progress: which of the observed changes is ours is known once it gets a response.
    writing: bool,
    /// The newest change seen in the meantime: version and digest.
    seen: Option<Box<(u64, u64)>>,
    /// Its finalizer was removed with this version.
    released: Option<u64>,
}

impl Written {
    /// The newest known status of `object`, which a pass begins with: what the cache holds, or what was written after
    /// it, or before it if a write of ours arrived late. The second value says that this is the case, and that it must
    /// be written again.
    pub fn newest<T: Object>(&self, object: &T) -> (T::Status, bool) {
        let mut all = self.lock();
        let known = all.entry(object.uid().unwrap_or_default()).or_default();
        let (version, shown) = (version_of(object), object.status());
        let digest = digest(&shown);
        let behind = known.version > version;
        let late = digest != known.digest && known.stale.contains(&digest);
        if let Some(status) = known.status.as_ref().filter(|_| behind || late) {
            let status = serde_json::from_value(Value::clone(status)).unwrap_or(shown);
            return (status, late && !behind);
        }
        // The cache has shown something newer before: that isn't unlearnt.
        if !behind && (known.stale.is_empty() || digest != known.digest) {
            let mut given_up = std::mem::take(&mut known.given_up);
            given_up.retain(|sent| *sent != digest);
            *known = Known { version, digest, given_up, ..Known::default() };
        }
        (shown, false)
    }

    /// From now on, changes of the object with this UID are noticed: what a pass will begin with is about to be read.
    pub fn expect(&self, uid: &str) {
        self.lock().entry(uid.to_owned()).or_default();
    }

    /// Notes a change of the object. Returns whether its status isn't what was last written: someone else wrote to it,
    /// or a write whose response was given up on arrived late.
    pub fn is_overwritten<T: Object>(&self, object: &T) -> bool {
        let mut all = self.lock();
        let Some(known) = all.get_mut(&object.uid().unwrap_or_default()) else { return false };
        let change = (version_of(object), digest(&object.status()));
        if known.writing {
            known.seen = Some(Box::new(change));
            return false;
        }
        known.shows(change);
        known.is_other(change)
    }

    /// The finalizer was removed from the object with this UID, which has the version of `stored` since.
    pub fn released(&self, uid: &str, stored: &Stored) {
        if let Some(known) = self.lock().get_mut(uid) {
            known.released = Some(version_of(stored));
        }
    }

    /// Whether `object` is as it was before its finalizer was removed: nothing is left to do, only the cache is behind.
    pub fn is_released<T: Object>(&self, object: &T) -> bool {
        let all = self.lock();
        let released = all.get(&object.uid().unwrap_or_default()).and_then(|known| known.released);
        released.is_some_and(|released| version_of(object) <= released)
    }

    /// Forgets the object.
    pub fn forget(&self, uid: &str) {
        self.lock().remove(uid);
    }

    fn begin(&self, uid: &str) {
        self.lock().entry(uid.to_owned()).or_default().writing = true;
    }

    /// The write of a status with this digest got no response, or was refused.
    fn fail(&self, uid: &str, digest: u64) {
        if let Some(known) = self.lock().get_mut(uid) {
            known.writing = false;
            known.given_up.push(digest);
            let older = known.given_up.len().saturating_sub(REMEMBERED);
            known.given_up.drain(..older);
        }
    }

    /// The write was answered with what is stored now. Returns whether that has already been overwritten.
    fn end(&self, uid: &str, (version, digest): (u64, u64), status: Value) -> bool {
        let mut all = self.lock();
        // The object is gone by now.
        let Some(known) = all.get_mut(uid) else { return false };
        let seen = known.seen.take();
        let mut stale = std::mem::take(&mut known.stale);
        // They may include what is stored now: it can come again, after something newer.
        stale.append(&mut known.given_up);
        let older = stale.len().saturating_sub(REMEMBERED);
        stale.drain(..older);
        let status = Some(Box::new(status));
        *known = Known { version, digest, status, stale, ..Known::default() };
        let Some(change) = seen else { return false };
        known.shows(*change);
        known.is_other(*change)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// The cache shows this change. Once it has caught up, and nothing older can come any more, it is enough to know what
    /// it shows.
    fn shows(&mut self, (version, _): (u64, u64)) {
        if version >= self.version && self.stale.is_empty() && self.given_up.is_empty() {
            self.status = None;
        }
    }

    fn is_other(&self, (version, digest): (u64, u64)) -> bool {
        version > self.version && digest != self.digest
    }
}

fn digest<S: Status>(status: &S) -> u64 {
    let mut status = status.clone();
    // The API server keeps conditions in its own order.
    status.common_mut().conditions.sort_by(|one, other| one.type_.cmp(&other.type_));
    let mut hasher = DefaultHasher::new();
    // A status that can't be written as JSON does not exist.
    serde_json::to_string(&status).unwrap_or_default().hash(&mut hasher);
    hasher.finish()
}

/// Resource versions of one kind can be compared as numbers.
fn version_of<T: ResourceExt>(object: &T) -> u64 {
    object.resource_version().and_then(|version| version.parse().ok()).unwrap_or_default()
}

/// What is applied to `object`, without the status yet. The UID prevents it from being applied to a later object of the
/// same name, and from creating one.
pub(super) fn part_of<T: Object>(object: &T) -> Value {
    json!({
        "apiVersion": T::api_version(&()),
        "kind": T::kind(&()),
        "metadata": { "name": object.name_any(), "uid": object.uid() },
    })
}

/// The operator overrides others in the fields that it writes.
pub(super) fn our_apply() -> PatchParams {
    PatchParams::apply(FIELD_MANAGER).force()
}

/// Writes the status of `object` by server-side apply. Returns whether it has already been overwritten.
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
    let sent = digest(status);
    let status = serde_json::to_value(status).map_err(unexpected)?;
    let uid = object.uid().unwrap_or_default();
    let mut patch = part_of(object);
    patch["status"].clone_from(&status);
    written.begin(&uid);
    match apply(api, &name, &patch, sent).await {
        Ok((stored, kept)) => Ok(written.end(&uid, (version_of(&stored), digest(&kept)), status)),
        Err(error) => {
            written.fail(&uid, sent);
            Err(Error::kubernetes(format!("writing the status of {} {name}", T::kind_name()))(error))
        }
    }
}

/// Applies `patch`, whose status has the digest `sent`; returns what is stored now, and its status. An apply leaves
/// fields of other field managers alone: they are removed with a second write.
///
/// Only the status is read from the response: the rest may have been changed to something unreadable.
async fn apply<T: Object>(
    api: &Api<T>,
    name: &str,
    patch: &Value,
    sent: u64,
) -> Result<(Stored, T::Status), kube::Error> {
    let api = stored::same(api);
    let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    let stored = match api.patch_status(name, &our_apply(), &Patch::Apply(patch)).await {
        // If two managers owned parts of it, an apply may leave a null that the schema rejects on every later attempt.
        Err(kube::Error::Api(refused)) if refused.code == 422 => {
            api.patch_status(name, &params, &whole(patch)?).await?
        }
        applied => applied?,
    };
    let shown = stored.status::<T>().unwrap_or_default();
    if digest(&shown) == sent {
        return Ok((stored, shown));
    }
    let shown = serde_json::to_value(&shown).unwrap_or_default();
    let mut bare = json!({ "metadata": { "uid": patch["metadata"]["uid"] } });
    bare["status"] = without_others(&shown, &patch["status"]);
    let stored = api.patch_status(name, &params, &Patch::Merge(&bare)).await?;
    let shown = stored.status::<T>().unwrap_or_default();
    Ok((stored, shown))
}

/// A patch that replaces whatever is there with the status of `patch`.
fn whole(patch: &Value) -> Result<Patch<Value>, kube::Error> {
    let steps = json!([
        { "op": "test", "path": "/metadata/uid", "value": patch["metadata"]["uid"] },
        { "op": "add", "path": "/status", "value": patch["status"] },
    ]);
    serde_json::from_value(steps).map(Patch::Json).map_err(kube::Error::SerdeError)
}

/// A merge patch that turns `shown` into `ours`: members that only others wrote become null.
fn without_others(shown: &Value, ours: &Value) -> Value {
    let (Value::Object(shown), Value::Object(ours)) = (shown, ours) else { return ours.clone() };
    let kept = ours.iter().map(|(name, value)| {
        let value = shown.get(name).map_or_else(|| value.clone(), |shown| without_others(shown, value));
        (name.clone(), value)
    });
    let others =
        shown.keys().filter(|name| !ours.contains_key(*name)).map(|name| (name.clone(), Value::Null));
    kept.chain(others).collect()
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

    /// The id that a pass would begin with, and whether it has to be written again.
    fn begins(written: &Written, version: u64, id: &str) -> (String, bool) {
        let (status, again) = written.newest(&space(version, id));
        (status.common.id.unwrap_or_default(), again)
    }

    fn seen(space: &AgentSpace) -> (u64, u64) {
        (version_of(space), digest(&space.status()))
    }

    fn id(text: &str) -> (String, bool) {
        (text.to_owned(), false)
    }

    #[test]
    fn an_object_without_its_finalizer_is_released_until_it_changes_again() {
        let written = Written::default();
        let stored = |version: u64| {
            let object = serde_json::to_value(space(version, "a")).expect("it can be written");
            serde_json::from_value::<Stored>(object).expect("it is an object")
        };
        written.released("1", &stored(7));
        assert!(!written.is_released(&space(6, "a")), "no pass over it was begun");
        written.expect("1");
        written.released("1", &stored(7));
        let released = |version| written.is_released(&space(version, "a"));
        assert_eq!([released(6), released(7), released(8)], [true, true, false]);
        written.forget("1");
        assert!(!released(6));
    }

    #[test]
    fn what_others_wrote_beside_ours_is_taken_away_at_any_depth() {
        let shown = json!({"id": "a", "theirs": 1, "webhook": {"id": "w", "url": "u"}, "conditions": [1, 2]});
        let ours = json!({"id": "a", "webhook": {"id": "w"}, "conditions": [1], "new": {"x": 1}});
        assert_eq!(
            without_others(&shown, &ours),
            json!({"id": "a", "theirs": null, "webhook": {"id": "w", "url": null}, "conditions": [1], "new": {"x": 1}})
        );
    }

    #[test]
    fn a_pass_begins_with_what_was_written_until_the_cache_shows_it() {
        let written = Written::default();
        assert_eq!(begins(&written, 1, "a"), id("a"));
        written.begin("1");
        assert!(!written.end("1", seen(&space(3, "b")), json!({"id": "b"})));
        assert_eq!(begins(&written, 2, "a"), id("b"));
        assert_eq!(begins(&written, 4, "c"), id("c"), "what came later counts");
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
        assert!(!written.end("1", seen(&space(2, "b")), json!({"id": "b"})), "it was our own");
        written.begin("1");
        assert!(!written.is_overwritten(&space(4, "late")));
        assert!(written.end("1", seen(&space(3, "c")), json!({"id": "c"})), "it came after our own");
    }

    #[test]
    fn after_a_write_without_an_answer_what_is_seen_counts_again() {
        let written = Written::default();
        written.newest(&space(1, "a"));
        written.begin("1");
        written.fail("1", digest(&space(0, "b").status()));
        assert!(written.is_overwritten(&space(2, "b")));
        assert_eq!(begins(&written, 2, "b"), id("b"), "it is the last that was sent");
    }

    #[test]
    fn what_was_repeated_with_success_may_come_again_later() {
        let written = Written::default();
        written.newest(&space(1, "a"));
        written.begin("1");
        written.fail("1", digest(&space(0, "same").status()));
        for (version, text) in [(2, "same"), (3, "newer")] {
            written.begin("1");
            assert!(!written.end("1", seen(&space(version, text)), json!({ "id": text })));
            assert_eq!(begins(&written, version, text), id(text));
        }
        assert!(written.is_overwritten(&space(4, "same")));
        assert_eq!(begins(&written, 4, "same"), ("newer".to_owned(), true));
    }

    #[test]
    fn what_comes_late_does_not_count_and_what_somebody_else_writes_does() {
        let written = Written::default();
        written.newest(&space(1, "a"));
        written.begin("1");
        written.fail("1", digest(&space(0, "old").status()));
        assert_eq!(begins(&written, 1, "a"), id("a"));
        written.begin("1");
        assert!(!written.end("1", seen(&space(2, "new")), json!({"id": "new"})));
        assert_eq!(begins(&written, 2, "new"), id("new"));
        assert!(written.is_overwritten(&space(3, "old")), "it came after what is right");
        assert_eq!(begins(&written, 3, "old"), ("new".to_owned(), true));
        written.begin("1");
        assert!(!written.end("1", seen(&space(4, "new")), json!({"id": "new"})));
        assert_eq!(begins(&written, 4, "new"), id("new"));
        assert_eq!(begins(&written, 5, "theirs"), id("theirs"));
        assert_eq!(begins(&written, 6, "old"), id("old"), "it was let go");
    }
}
