//! The signed client for the AWS DevOps Agent API.
//!
//! [`operations`] says what can be asked, [`Client`] asks it: it builds the request from the operation's
//! [`Binding`], waits for its turn in the account's [`budget`], signs, sends, repeats where a repeat is safe, and
//! reads the answer. [`accounts`] makes one client for each account from the standard AWS settings.

mod operation;
pub mod operations;
mod redact;
mod wire;

pub use operation::{Binding, Operation, Paged, Plane, Repeat};
pub use wire::{Flags, Timestamp};
