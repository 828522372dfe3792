//! What a registration that gives way to another leaves behind until the associations have moved to the new one: then it
//! is deleted as well. Pure.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::api::change::FieldChange;
use crate::reconcile::state::conditions::Reason;
use crate::reconcile::state::subject::Subject;

use super::consequences::Referring;
use super::outlook::{Approval, Entry, Fate};
use super::preview::{Seen, Shown};

/// Where status remembers what was replaced.
const PREVIOUS: &str = "/status/previousId";

/// Says of each registration whether its old services can be deleted, and if not, because of whom.
pub fn settle(entries: &mut [Referring], shown: &Shown) {
    let uses = Uses::of(entries, shown);
    for ((entry, _), seen) in entries.iter_mut().zip(&shown.objects) {
        if entry.kind != "ServiceRegistration" {
            continue;
        }
        let left = left_behind(seen);
        match entry.action {
            Fate::Replace => {
                let all = left.into_iter().chain(entry.id.clone());
                entry.held_by = uses.of_those_who_stay(all);
            }
            Fate::Blocked
                if entry.reason == Reason::Progressing.as_str()
                    && !left.is_empty()
                    && uses.of_those_who_stay(left.iter().cloned()).is_empty() =>
            {
                let deleted = |id: &String| FieldChange {
                    path: PREVIOUS.to_owned(),
                    old: Some(Value::from(id.as_str()).to_string()),
                    new: None,
                    sensitive: false,
                };
                entry.action = Fate::Update;
                entry.changes = left.iter().map(deleted).collect();
                entry.reason.clear();
                entry.message.clear();
            }
            _ => {}
        }
    }
}

/// The services that were replaced, and aren't deleted yet.
fn left_behind(seen: &Seen) -> Vec<String> {
    let status = seen.after.as_ref().map_or(&seen.before["status"], |after| &after["status"]);
    let leftover = status["leftoverIds"].as_array().into_iter().flatten();
    let ids = std::iter::once(&status["previousId"]).chain(leftover);
    ids.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The associations that keep using a service, by its id.
struct Uses(BTreeMap<String, Vec<Subject>>);

impl Uses {
    fn of(entries: &[Referring], shown: &Shown) -> Self {
        let mut uses = Self(BTreeMap::new());
        for ((entry, _), seen) in entries.iter().zip(&shown.objects) {
            let Some(subject) = entry.subject().filter(|subject| subject.kind == "Association") else {
                continue;
            };
            let status = seen.after.as_ref().map_or(&Value::Null, |after| &after["status"]);
            for (member, stays) in [("serviceId", !leaves(entry)), ("previousServiceId", !clears(entry))] {
                if let Some(service) = status[member].as_str().filter(|_| stays) {
                    uses.0.entry(service.to_owned()).or_default().push(subject.clone());
                }
            }
        }
        uses
    }

    fn of_those_who_stay(&self, services: impl Iterator<Item = String>) -> Vec<String> {
        let users = services.flat_map(|service| self.0.get(&service).into_iter().flatten());
        users.map(ToString::to_string).collect()
    }
}

/// Whether an association stops using the service that it uses.
fn leaves(entry: &Entry) -> bool {
    let moves = matches!(entry.action, Fate::Create | Fate::Replace | Fate::Delete | Fate::Release);
    moves && entry.approval != Some(Approval::Required)
}

/// Whether an association deletes what it has replaced.
fn clears(entry: &Entry) -> bool {
    let updates = entry.action == Fate::Update && entry.changes.iter().any(|change| change.path == PREVIOUS);
    leaves(entry) || (updates && entry.approval != Some(Approval::Required))
}
