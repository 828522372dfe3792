//! What becomes of the remotes of objects that are being deleted, or are about to describe something else. Where nothing is
//! changed, none of that happens, and what follows from it for others is told as if it had.

use kube::ResourceExt;

use crate::api::change::ChangeAction;
use crate::api::common::{DeletionPolicy, Object, Status};

use super::graph::marks::Mark;
use super::inputs::is_parting;
use super::kind::Kind;
use super::pass::Pass;
use super::state::annotations::HAND_OVER_TO;

/// What becomes of a remote that its object is about to part with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Departure {
    /// It is deleted, or becomes another.
    Deleted,
    /// It is left in AWS.
    Left,
    /// It is handed over to the object of this pass.
    Given,
}

impl<K: Kind> Pass<'_, K> {
    /// What becomes of a remote that another object has and is about to part with.
    pub(super) fn departing(&self, id: &str) -> Option<Departure> {
        if !self.cx.holds_back {
            return None;
        }
        let parting = |other: &K::Object| {
            self.departure(other).or_else(|| self.moves_on(other).then_some(Departure::Deleted))
        };
        let others = self.inputs(false).marked::<K::Object>(Mark::holds(id), |other| {
            other.uid() != self.object.uid() && parting(other).is_some()
        });
        others.first().and_then(|other| parting(other))
    }

    /// Whether the other object is about to replace or change what it has, since it describes something else now.
    fn moves_on(&self, other: &K::Object) -> bool {
        let status = other.status();
        let pending = status.common().pending_change.as_ref().map(|pending| pending.action);
        let changes = pending.is_some_and(|action| {
            matches!(action, ChangeAction::Replace | ChangeAction::Update)
                && !K::policies(other).change_policy.holds(action)
        });
        let (theirs, mine) = (K::natural_key(other), K::natural_key(&self.object));
        changes && theirs.is_some() && mine.is_some() && theirs != mine
    }

    /// What becomes of what the other object has, if that is about to happen.
    pub(super) fn departure(&self, other: &K::Object) -> Option<Departure> {
        let policies = K::policies(other);
        if !is_parting(self.cx, other, &policies) {
            return None;
        }
        let heir = other.annotations().get(HAND_OVER_TO).filter(|_| !K::ARN_TYPE.is_empty());
        match (policies.deletion_policy, heir) {
            (DeletionPolicy::Delete, _) => Some(Departure::Deleted),
            (DeletionPolicy::Retain, None) => Some(Departure::Left),
            (DeletionPolicy::Retain, Some(heir)) => (*heir == self.identity.namespace
                && other.name_any() == self.identity.name)
                .then_some(Departure::Given),
        }
    }
}
