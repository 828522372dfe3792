//! What the change of one object means for those that refer to it: the preview holds changes back, so what follows them
//! doesn't happen there. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::api::change::ChangeAction;
use crate::kinds;
use crate::reconcile::approval::webhook_of;
use crate::reconcile::graph::references::ACCOUNT;
use crate::reconcile::state::conditions::Reason;
use crate::reconcile::state::subject::Subject;

use super::outlook::{Approval, Entry, Fate, change_policy};
use super::preview::{Seen, Shown};

/// An entry, and what its object refers to.
pub type Referring = (Entry, BTreeSet<Subject>);

/// Kinds whose resources have the id of what they refer to in them: if that is another, so are they, or they are changed.
const MOVING: &[(&str, &str, Fate)] = &[
    ("AgentSpace", "Association", Fate::Replace),
    ("AgentSpace", "Asset", Fate::Replace),
    ("AgentSpace", "Trigger", Fate::Replace),
    ("ServiceRegistration", "Association", Fate::Replace),
    ("Asset", "Trigger", Fate::Replace),
    ("Association", "Association", Fate::Update),
];

/// Lets each change have its consequences, until there are no more.
pub fn follow(entries: &mut [Referring], shown: &Shown) {
    loop {
        let fates = Fates::of(entries);
        let mut changed = false;
        for ((entry, referred), seen) in entries.iter_mut().zip(&shown.objects) {
            let next = is_deleted_after(entry, seen, &fates).or_else(|| moves(entry, referred, &fates));
            let Some((fate, after)) = next else { continue };
            turn(entry, fate, after, seen);
            changed = true;
        }
        if !changed {
            return;
        }
    }
}

/// What happens to the objects, as far as it matters to others.
#[derive(Default)]
struct Fates {
    actions: BTreeMap<Subject, Fate>,
    /// What gets another id.
    renewed: BTreeSet<Subject>,
    users: BTreeMap<Subject, BTreeSet<Subject>>,
}

impl Fates {
    fn of(entries: &[Referring]) -> Self {
        let mut all = Self::default();
        for (entry, referred) in entries {
            let Some(subject) = entry.subject() else { continue };
            for target in referred {
                all.users.entry(target.clone()).or_default().insert(subject.clone());
            }
            // What waits for approval doesn't happen, and others wait for it.
            let waits = entry.approval == Some(Approval::Required);
            if !waits && matches!(entry.action, Fate::Create | Fate::Replace) {
                all.renewed.insert(subject.clone());
            }
            let fate = if waits && entry.action != Fate::Update { Fate::Blocked } else { entry.action };
            all.actions.insert(subject, fate);
        }
        all
    }

    /// Whether others can use it, as soon as all is done. Inputs aren't known here, and there need not be an account.
    fn is_usable(&self, subject: &Subject) -> bool {
        let optional = subject.kind == ACCOUNT || !kinds::names().contains(&subject.kind);
        self.actions.get(subject).map_or(optional, |fate| {
            !matches!(fate, Fate::Blocked | Fate::Refused | Fate::Delete | Fate::Release)
        })
    }

    fn goes(&self, subject: &Subject) -> bool {
        matches!(self.actions.get(subject), Some(Fate::Delete | Fate::Release))
    }
}

/// What refers to something that is created is created or moved after it; what refers to something that is replaced moves
/// to the new one.
fn moves(entry: &Entry, referred: &BTreeSet<Subject>, fates: &Fates) -> Option<(Fate, Vec<String>)> {
    let waits = [Reason::DependencyNotReady, Reason::DependencyNotFound].map(Reason::as_str);
    let blocked = entry.action == Fate::Blocked && waits.contains(&entry.reason.as_str());
    let settled = matches!(entry.action, Fate::Unchanged | Fate::Update | Fate::Incomparable | Fate::Adopt);
    if !(settled || (blocked && referred.iter().all(|target| fates.is_usable(target)))) {
        return None;
    }
    let renewed: Vec<&Subject> = referred.intersection(&fates.renewed).collect();
    if entry.id.is_none() {
        let created = renewed.iter().filter(|target| fates.actions.get(**target) == Some(&Fate::Create));
        let after: Vec<String> = created.map(ToString::to_string).collect();
        return (blocked && !after.is_empty()).then_some((Fate::Create, after));
    }
    let row = |target: &&Subject| {
        let row = MOVING.iter().find(|(of, user, _)| *of == target.kind && *user == entry.kind)?;
        Some((row.2, vec![target.to_string()]))
    };
    // `Fate` is ordered: a replacement is more than an update.
    let next = renewed.iter().filter_map(row).max_by_key(|(fate, _)| *fate)?;
    (next.0 != entry.action).then_some(next)
}

/// What waits only for its users to go is deleted after them.
fn is_deleted_after(entry: &Entry, seen: &Seen, fates: &Fates) -> Option<(Fate, Vec<String>)> {
    let subject = entry.subject()?;
    if entry.action != Fate::Blocked || entry.reason != Reason::DeletionBlocked.as_str() {
        return None;
    }
    let users = fates.users.get(&subject).filter(|users| users.iter().all(|user| fates.goes(user)))?;
    let spec = &seen.before["spec"];
    let deletes = spec["deletionPolicy"] != "Retain" && spec["managementPolicy"] != "Observe";
    let fate = if deletes && entry.id.is_some() { Fate::Delete } else { Fate::Release };
    Some((fate, users.iter().map(ToString::to_string).collect()))
}

fn turn(entry: &mut Entry, fate: Fate, after: Vec<String>, seen: &Seen) {
    entry.action = fate;
    entry.after.extend(after);
    entry.message.clear();
    entry.reason.clear();
    let action = match fate {
        Fate::Create => ChangeAction::Create,
        Fate::Update => ChangeAction::Update,
        Fate::Replace => ChangeAction::Replace,
        Fate::Delete => ChangeAction::Delete,
        _ => return,
    };
    if change_policy(&seen.before).holds(action) {
        entry.approval = Some(Approval::Required);
        // Of a change that isn't the whole one yet, there is nothing to approve.
        (entry.hash, entry.waits) = (None, false);
    }
    if fate == Fate::Replace {
        let secret = seen.before.pointer("/status/webhook/secretName").and_then(Value::as_str);
        let told = secret.map(|name| webhook_of(&entry.namespace, name));
        entry.disrupts.extend(told.filter(|told| !entry.disrupts.contains(told)));
    }
}
