//! Kinds whose remotes can be replaced.

use crate::reconcile::state::drift::Drift;

use super::{Reconciled, StatusOf, Waiting};

/// How a remote that can't be changed gives way to a new one. Without anything said, the old one goes first.
pub trait Replaced: Reconciled {
    /// How a remote is replaced; for kinds whose drift may require it.
    fn replacement(
        _desired: &Self::Desired,
        _remote: &Self::Remote,
        _drift: &Drift,
        _status: &StatusOf<Self>,
    ) -> Replacement {
        Replacement::BreakBeforeMake
    }

    /// AWS refused a second remote next to the old one. Returns whether the old one is in the way, so that it must be
    /// deleted first after all; the kind then notes that in status.
    fn yields(_desired: &Self::Desired, _remote: &Self::Remote, _status: &mut StatusOf<Self>) -> bool {
        false
    }

    /// Sets the old id aside when a make-before-break replacement has created the new remote.
    fn set_aside(_status: &mut StatusOf<Self>, _old: String) {}

    /// The ids that were set aside and still have to be deleted.
    fn aside(_status: &StatusOf<Self>) -> Vec<String> {
        Vec::new()
    }
}

/// How a remote is replaced.
#[derive(Clone, Debug, PartialEq)]
pub enum Replacement {
    /// The new one is created first; the old one is set aside and deleted once nothing uses it.
    MakeBeforeBreak,
    /// The old one is deleted first.
    BreakBeforeMake,
    /// Not yet.
    Wait(Waiting),
}
