//! What omitting a field means, in every kind, as with server-side apply: a field that the object set and no longer
//! sets goes back to AWS's default; one that it never set is left alone. Pure.
//!
//! Status remembers the fields that the spec set at the last write (`ownedFields`). A kind says which fields of a spec are
//! AWS's, and how each goes back ([`reset`](super::kind::Reconciled::reset)). Tags and ways of signing in have records of their own.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::api::common::CommonStatus;
use crate::document;

use super::kind::{Kind, State, StatusOf};
use super::state::drift::{Change, Drift, Remedy};

/// Maximum fields that status remembers. Those beyond it are never reset.
pub const MOST: usize = 128;
/// Maximum bytes of a remembered pointer.
const LONGEST: usize = 256;

/// How a field that the spec no longer sets goes back to AWS's default.
#[derive(Clone, Debug, PartialEq)]
pub enum Reset {
    /// By being set to the default.
    To(Value),
    /// By an update that omits it.
    Clear,
    /// By a new remote, created without it.
    Replace,
    /// It doesn't: AWS can't reset it. What a person can do instead.
    Stays(&'static str),
    /// By the kind's own comparison, which always has a value for it.
    Compared,
}

/// The fields of a spec that are set, as JSON pointers below `spec`.
pub type Fields = BTreeSet<String>;

/// The fields of `object` that AWS stores.
pub fn fields<K: Kind>(object: &K::Object) -> Fields {
    let mut fields = leaves(&K::settings(object));
    fields.retain(|pointer| K::reset(pointer, &StatusOf::<K>::default()).is_some());
    fields
}

/// Every value of `document` that isn't an object, by its pointer. Nothing is set by a null or by an empty object.
pub fn leaves(document: &Value) -> Fields {
    let mut found = Fields::new();
    collect(document, "", &mut found);
    found
}

fn collect(value: &Value, pointer: &str, found: &mut Fields) {
    match value {
        Value::Null => {}
        // The Secret and key that it comes from aren't AWS's.
        Value::Object(members) if !members.contains_key("secretKeyRef") => {
            for (key, member) in members {
                collect(member, &format!("{pointer}/{}", document::step(key)), found);
            }
        }
        _ => {
            found.insert(pointer.to_owned());
        }
    }
}

/// The path of a pointer's field as drift names it.
fn path(pointer: &str) -> String {
    pointer.split('/').skip(1).map(document::member).collect::<Vec<_>>().join(".")
}

/// Whether the field is set, in part, or as part of something that is set as a whole.
fn is_set(fields: &Fields, pointer: &str) -> bool {
    let below = format!("{pointer}/");
    let within = |field: &String| field == pointer || field.starts_with(&below);
    let above = pointer.match_indices('/').skip(1).any(|(end, _)| fields.contains(&pointer[..end]));
    above || fields.range(pointer.to_owned()..).take_while(|field| field.starts_with(pointer)).any(within)
}

/// The fields of the record that the spec no longer sets.
pub fn dropped<'a>(recorded: &'a [String], fields: &'a Fields) -> impl Iterator<Item = &'a String> {
    recorded.iter().filter(|pointer| !is_set(fields, pointer))
}

/// What has to change so that the dropped fields are at their defaults. `observed` has what AWS has, in the shape of the spec.
pub fn changes(
    recorded: &[String],
    fields: &Fields,
    observed: &Value,
    reset: impl Fn(&str) -> Option<Reset>,
) -> Vec<Change> {
    let mut changes = Vec::new();
    for pointer in dropped(recorded, fields) {
        let Some(found) = observed.pointer(pointer).filter(|found| !found.is_null()) else { continue };
        let change = |desired: Option<Value>, remedy| Change {
            dropped: Some(pointer.clone()),
            ..Change::new(path(pointer), Some(found.clone()), desired).fixed_by(remedy)
        };
        changes.extend(match reset(pointer) {
            Some(Reset::To(default)) if *found == default => None,
            Some(Reset::To(default)) => Some(change(Some(default), Remedy::InPlace)),
            Some(Reset::Clear) => Some(change(None, Remedy::InPlace).sensitive()),
            Some(Reset::Replace) => Some(change(None, Remedy::Replace).sensitive()),
            Some(Reset::Stays(way_out)) => Some(change(None, Remedy::Stays(way_out)).sensitive()),
            Some(Reset::Compared) | None => None,
        });
    }
    changes
}

/// The state of a remote, with what was dropped from the spec. What AWS is still working on, or what is waiting, isn't
/// disturbed.
pub fn with_dropped(state: State, dropped: Vec<Change>) -> State {
    if dropped.is_empty() {
        return state;
    }
    match state {
        State::Matching => State::Drifted(Drift(dropped)),
        // What fails may be what was dropped.
        State::Failed(_) if dropped.iter().any(|change| !matches!(change.remedy, Remedy::Stays(_))) => {
            State::Drifted(Drift(dropped))
        }
        State::Drifted(mut drift) => {
            let new = dropped.into_iter().filter(|change| !drift.paths().contains(&change.path.as_str()));
            let new: Vec<Change> = new.collect();
            drift.0.extend(new);
            State::Drifted(drift)
        }
        State::Failed(_) | State::InTransition(_) | State::Waiting(_) => state,
    }
}

/// Before a write: the record contains what was set before and what is about to be set, whatever happens to the
/// response. Returns the earlier record if that is a change.
pub fn extend(status: &mut CommonStatus, fields: &Fields) -> Option<Vec<String>> {
    let more = bounded(status.owned_fields.iter().chain(fields));
    (more != status.owned_fields).then(|| std::mem::replace(&mut status.owned_fields, more))
}

/// The fields that an update may set which corrects `drift`: whole members of the spec.
pub fn touched(fields: &Fields, drift: &Drift) -> Fields {
    let of_drift: BTreeSet<&str> =
        drift.0.iter().filter_map(|change| change.path.split(['.', '[']).next()).collect();
    let is_touched =
        |pointer: &&String| pointer.split('/').nth(1).is_some_and(|member| of_drift.contains(member));
    fields.iter().filter(is_touched).cloned().collect()
}

/// After a write: what was dropped and has been reset with it is AWS's own again.
pub fn release(status: &mut CommonStatus, drift: &Drift, changed: &[String]) {
    let reset = |pointer: &String| {
        let mut of_it = drift.0.iter().filter(|change| change.dropped.as_ref() == Some(pointer));
        of_it.any(|change| changed.contains(&change.path))
    };
    status.owned_fields.retain(|pointer| !reset(pointer));
}

/// The remote is as the spec says: its fields are the record, and what was dropped and can't be reset.
pub fn settle(status: &mut CommonStatus, fields: &Fields, left: &Drift) {
    let kept: Vec<&String> = left.0.iter().filter_map(|change| change.dropped.as_ref()).collect();
    status.owned_fields = bounded(fields.iter().chain(kept));
}

fn bounded<'a>(fields: impl Iterator<Item = &'a String>) -> Vec<String> {
    let sorted: BTreeSet<&String> = fields.filter(|pointer| pointer.len() <= LONGEST).collect();
    sorted.into_iter().take(MOST).cloned().collect()
}

/// What to report about dropped fields that keep their values.
pub fn told(left: &Drift) -> String {
    let words = left.0.iter().filter_map(|change| match change.remedy {
        Remedy::Stays(way_out) => Some(format!("the spec no longer sets {}, and {way_out}", change.path)),
        _ => None,
    });
    words.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests;
