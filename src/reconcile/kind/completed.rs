//! Kinds whose remotes a person must complete.

use super::{Reconciled, StatusOf};

/// Whether a create is complete only when a person has opened an address. Without anything said, it never is.
pub trait Completed: Reconciled {
    /// Whether what is desired was sent, and is complete only when a person has opened an address.
    fn awaits_person(_desired: &Self::Desired, _status: &StatusOf<Self>) -> bool {
        false
    }

    /// Records the address that a person must open, or that there is none any more.
    fn set_authorization_url(_status: &mut StatusOf<Self>, _url: Option<String>) {}
}
