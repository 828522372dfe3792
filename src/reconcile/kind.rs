//! What a kind is: what the engine must know about it to reconcile its objects.

mod completed;
mod issuing;
mod reconciled;
mod replaced;

pub use completed::Completed;
pub use issuing::{Issuing, OutputSecret, Secrets, Shown, Stale};
pub use reconciled::{
    Created, ExtraCondition, Observation, Reached, Reconciled, Remote, Removal, Resolved, Scope, State,
    StatusOf, Stranger, Updated, Waiting,
};
pub use replaced::{Replaced, Replacement};

/// A kind: what every kind is, and whichever of the rest it makes use of.
pub trait Kind: Replaced + Completed + Issuing {}

impl<K: Replaced + Completed + Issuing> Kind for K {}
