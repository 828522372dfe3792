//! Kinds whose remotes can be replaced.

use crate::reconcile::state::drift::Drift;

use super::{Reconciled, StatusOf, Waiting};

/// How a remote that can't be changed gives way to a new one. Without anything said, the old one goes first.
pub trait Replaced: Reconciled {
    /// How a remote gives way to a new one; for kinds whose drift may ask for it.
    fn replacement(
        _desired: &Self::Desired,
        _remote: &Self::Remote,
        _drift: &Drift,
        _status: &StatusOf<Self>,
    ) -> Replacement {
        Replacement::BreakBeforeMake
    }

    /// AWS refuses a second remote beside the old one. Whether the old one is in its way, so that it has to go
    /// first after all; the kind then notes that in status.
    fn yields(_desired: &Self::Desired, _remote: &Self::Remote, _status: &mut StatusOf<Self>) -> bool {
        false
    }

    /// Puts the old id aside when a make-before-break replacement has made the new remote.
    fn set_aside(_status: &mut StatusOf<Self>, _old: String) {}

    /// The ids that were put aside and are still to be deleted.
    fn aside(_status: &StatusOf<Self>) -> Vec<String> {
        Vec::new()
    }
}

/// How a remote gives way to a new one.
#[derive(Clone, Debug, PartialEq)]
pub enum Replacement {
    /// The new one first; the old one is put aside and deleted when nothing uses it any more.
    MakeBeforeBreak,
    /// The old one has to go first.
    BreakBeforeMake,
    /// Not yet.
    Wait(Waiting),
}
