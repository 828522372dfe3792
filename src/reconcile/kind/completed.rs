//! Kinds whose remotes a person must complete.

use super::{Reconciled, StatusOf};

/// Whether a create is complete only when a person has opened an address. Without anything said, it never is.
pub trait Completed: Reconciled {
    /// Whether the request was sent, and is complete only once a person has opened an address.
    fn awaits_person(_desired: &Self::Desired, _status: &StatusOf<Self>) -> bool {
        false
    }

    /// Records the address that a person must open, or that there no longer is one.
    fn set_authorization_url(_status: &mut StatusOf<Self>, _url: Option<String>) {}
}
