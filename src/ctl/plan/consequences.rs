//! What the change of one object means for those that refer to it: the preview holds changes back, so what follows them
//! doesn't happen there. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::api::change::{ChangeAction, FieldChange};
use crate::kinds;
use crate::reconcile::approval::webhook_of;
use crate::reconcile::graph::references::ACCOUNT;
use crate::reconcile::state::conditions::Reason;
use crate::reconcile::state::subject::Subject;

use super::claims::{self, Claims};
use super::concluded::condition_of;
use super::outlook::{Approval, Entry, Fate, change_policy, is_deleted};
use super::preview::{Seen, Shown};

/// An entry, and what its object refers to.
pub type Referring = (Entry, BTreeSet<Subject>);

/// Kinds whose resources are in an agent space: in a new one, there is nothing of what the old one had.
const INSIDE: &[&str] = &["Association", "Asset", "Trigger"];
/// Kinds whose resources have the id of what they refer to in them: if that is another, so are they, or they are changed.
const MOVING: &[(&str, &str, Fate)] = &[
    ("ServiceRegistration", "Association", Fate::Replace),
    ("Asset", "Trigger", Fate::Replace),
    ("Association", "Association", Fate::Update),
];
/// Kinds of which others need more than the id, as [`Inputs::ready_id_of`](crate::reconcile::inputs::Inputs::ready_id_of)
/// says.
const USED_WHEN_READY: &[&str] = &["PrivateConnection"];

/// The tags that hand something over, as a plan names them.
const NAMESPACE: &str = "/tags/devopsagent.dev~1namespace";
const HANDED_OVER: &str = "/tags/devopsagent.dev~1handed-over-by";

/// Lets each change have its consequences, until there are no more.
pub fn follow(entries: &mut [Referring], shown: &Shown) {
    let objects = shown.objects.iter().map(|seen| (seen.kind.as_str(), &seen.before));
    let claims = Claims::of(objects);
    loop {
        let fates = Fates::of(entries, shown);
        let mut changed = false;
        for ((entry, referred), seen) in entries.iter_mut().zip(&shown.objects) {
            let moved = || moves(entry, seen, referred, &fates);
            let next = moved().or_else(|| is_deleted_after(entry, seen, &fates));
            let Some((fate, after)) = next else { continue };
            match elder(entry, fate, seen, &claims, &fates) {
                Some(elder) => refuse(entry, elder),
                None => turn(entry, fate, after, seen),
            }
            changed = true;
        }
        if !changed {
            break;
        }
    }
    inherit(entries, shown, &claims);
}

/// Who creates in place of this object what both describe.
fn elder<'a>(
    entry: &Entry,
    fate: Fate,
    seen: &Seen,
    claims: &'a Claims,
    fates: &Fates,
) -> Option<&'a Subject> {
    let subject = entry.subject().filter(|_| fate == Fate::Create)?;
    claims.elder(&subject, &seen.before, |other| fates.actions.get(other) == Some(&Fate::Refused))
}

fn refuse(entry: &mut Entry, elder: &Subject) {
    entry.action = Fate::Refused;
    Reason::Conflict.as_str().clone_into(&mut entry.reason);
    entry.message = format!(
        "{elder} describes the same and is older; delete one of the two, or change what identifies it"
    );
}

/// Who is about to get what another object parts with gets it after that, and not at all if that has to wait.
fn inherit(entries: &mut [Referring], shown: &Shown, claims: &Claims) {
    let parting = entries.iter().zip(&shown.objects).filter(|(_, seen)| is_deleted(&seen.before));
    let parting: BTreeMap<Subject, Entry> =
        parting.filter_map(|((entry, _), _)| Some((entry.subject()?, entry.clone()))).collect();
    for ((entry, _), seen) in entries.iter_mut().zip(&shown.objects) {
        let gets = (entry.action == Fate::Create || entry.adopts) && !is_deleted(&seen.before);
        let Some(subject) = entry.subject().filter(|_| gets) else { continue };
        let mut alike: Vec<&Entry> = claims.alike(&subject).filter_map(|other| parting.get(other)).collect();
        alike.extend(parting.values().filter(|other| entry.id.is_some() && other.id == entry.id));
        let Some(giver) = alike.into_iter().find(|other| other.kind == entry.kind && other.id.is_some())
        else {
            continue;
        };
        if matches!(giver.action, Fate::Delete | Fate::HandOver | Fate::Release) {
            entry.after.push(giver.shown());
        } else {
            let message = format!("it belongs to {}, whose deletion isn't finished", giver.shown());
            turn(entry, Fate::Refused, Vec::new(), seen);
            (entry.adopts, entry.id, entry.changes, entry.approval) = (false, None, Vec::new(), None);
            (entry.reason, entry.message) = (Reason::Conflict.as_str().to_owned(), message);
        }
        if giver.action == Fate::HandOver {
            entry.changes.retain(|change| change.path != NAMESPACE);
            if entry.action == Fate::Update {
                let old = Some(Value::from(giver.namespace.as_str()).to_string());
                entry.changes.push(FieldChange {
                    path: HANDED_OVER.to_owned(),
                    old,
                    new: None,
                    sensitive: false,
                });
            }
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
    /// What is refused or blocked, and can be used all the same: AWS refused to say how it is, for example.
    working: BTreeSet<Subject>,
}

impl Fates {
    fn of(entries: &[Referring], shown: &Shown) -> Self {
        let mut all = Self::default();
        for ((entry, referred), seen) in entries.iter().zip(&shown.objects) {
            let Some(subject) = entry.subject() else { continue };
            for target in referred {
                all.users.entry(target.clone()).or_default().insert(subject.clone());
            }
            // What waits for approval doesn't happen, and others wait for it.
            let waits = entry.approval == Some(Approval::Required);
            if !waits && matches!(entry.action, Fate::Create | Fate::Replace) {
                all.renewed.insert(subject.clone());
            }
            if matches!(entry.action, Fate::Refused | Fate::Blocked) && still_works(seen) {
                all.working.insert(subject.clone());
            }
            let fate = if waits && entry.action != Fate::Update { Fate::Blocked } else { entry.action };
            all.actions.insert(subject, fate);
        }
        all
    }

    /// Whether others can use it, as soon as all is done. Inputs aren't known here, and there need not be an account.
    fn is_usable(&self, subject: &Subject) -> bool {
        if self.working.contains(subject) {
            return true;
        }
        let optional = subject.kind == ACCOUNT || !kinds::names().contains(&subject.kind);
        self.actions.get(subject).map_or(optional, |fate| {
            !matches!(fate, Fate::Blocked | Fate::Refused | Fate::Delete | Fate::HandOver | Fate::Release)
        })
    }

    fn goes(&self, subject: &Subject) -> bool {
        matches!(self.actions.get(subject), Some(Fate::Delete | Fate::HandOver | Fate::Release))
    }
}

/// Whether the object has its resource, and others can use it as it is.
fn still_works(seen: &Seen) -> bool {
    let Some(after) = &seen.after else { return false };
    let is_ready = || condition_of(after, "Ready").is_some_and(|ready| ready["status"] == "True");
    !after["status"]["id"].is_null()
        && !is_deleted(&seen.before)
        && (!USED_WHEN_READY.contains(&seen.kind.as_str()) || is_ready())
}

/// What refers to something that is created is created or moved after it; what refers to something that is replaced moves
/// to the new one.
fn moves(
    entry: &Entry,
    seen: &Seen,
    referred: &BTreeSet<Subject>,
    fates: &Fates,
) -> Option<(Fate, Vec<String>)> {
    let waits = [Reason::DependencyNotReady, Reason::DependencyNotFound].map(Reason::as_str);
    let blocked = entry.action == Fate::Blocked && waits.contains(&entry.reason.as_str());
    let settled = matches!(entry.action, Fate::Unchanged | Fate::Update | Fate::Incomparable | Fate::Adopt);
    if !(settled || (blocked && referred.iter().all(|target| fates.is_usable(target)))) {
        return None;
    }
    let renewed: Vec<&Subject> = referred.intersection(&fates.renewed).collect();
    let (spec, status) = (&seen.before["spec"], &seen.before["status"]);
    let inside =
        INSIDE.contains(&entry.kind.as_str()) && renewed.iter().any(|target| target.kind == "AgentSpace");
    if spec["managementPolicy"] == "Observe" {
        let differs = entry.id.is_some() && !renewed.is_empty();
        let after = renewed.iter().map(ToString::to_string).collect();
        return differs.then_some((Fate::Differs, after));
    }
    if entry.id.is_none() || inside {
        // Only what was adopted already is recreated.
        if !spec["externalId"].is_null() && spec["externalId"] != status["adoptedFrom"] {
            return None;
        }
        let created = renewed.iter().filter(|target| fates.actions.get(**target) == Some(&Fate::Create));
        let after: Vec<String> = created.map(ToString::to_string).collect();
        return ((blocked || inside) && !after.is_empty()).then_some((Fate::Create, after));
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
fn is_deleted_after(entry: &mut Entry, seen: &Seen, fates: &Fates) -> Option<(Fate, Vec<String>)> {
    let subject = entry.subject()?;
    if entry.action != Fate::Blocked || entry.reason != Reason::DeletionBlocked.as_str() {
        return None;
    }
    let users = fates.users.get(&subject).filter(|users| users.iter().all(|user| fates.goes(user)))?;
    let spec = &seen.before["spec"];
    let deletes = spec["deletionPolicy"] != "Retain" && spec["managementPolicy"] != "Observe";
    let heir = claims::heir(&subject, &seen.before).filter(|_| kinds::has_owner_tags(subject.kind));
    let fate = match (&entry.id, heir) {
        (Some(_), _) if deletes => Fate::Delete,
        (Some(_), Some(heir)) => {
            entry.heir = Some(format!("{}/{}", heir.namespace, heir.name));
            entry.changes =
                [(NAMESPACE, Some(&entry.namespace), &heir.namespace), (HANDED_OVER, None, &entry.namespace)]
                    .map(|(path, old, new)| FieldChange {
                        path: path.to_owned(),
                        old: old.map(|old| Value::from(old.as_str()).to_string()),
                        new: Some(Value::from(new.as_str()).to_string()),
                        sensitive: false,
                    })
                    .to_vec();
            Fate::HandOver
        }
        _ => Fate::Release,
    };
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
    if fate == Fate::Create {
        entry.id = None;
    }
    if matches!(fate, Fate::Create | Fate::Replace) {
        let secret = seen.before.pointer("/status/webhook/secretName").and_then(Value::as_str);
        let told = secret.map(|name| webhook_of(&entry.namespace, name));
        entry.disrupts.extend(told.filter(|told| !entry.disrupts.contains(told)));
    }
}
