//! The signed client for the AWS DevOps Agent API.
//!
//! [`operations`] says what can be asked, [`Client`] asks it: it builds the request from the operation's
//! [`Binding`], waits for its turn in the account's [`budget`], signs, sends, repeats where a repeat is safe, and
//! reads the answer. [`accounts`] makes one client for each account from the standard AWS settings.

mod account;
pub mod accounts;
pub mod budget;
mod client;
mod clock;
mod credentials;
pub mod endpoints;
mod error;
mod gate;
mod operation;
pub mod operations;
mod pages;
mod random;
mod redact;
mod request;
mod response;
mod retry;
mod signing;
pub mod trail;
mod transport;
mod wire;

pub use account::Account;
pub use budget::{Caller, Priority};
pub use client::{Call, Client, ClientConfig, Observer};
pub use credentials::CachedCredentials;
pub use endpoints::{EndpointOverrides, Endpoints, Partition, PlainHttp};
pub use error::{Effect, Error, ErrorCode, FieldError, ServiceError};
pub use gate::Gate;
pub use operation::{Binding, Operation, Paged, Plane, Repeat};
pub use retry::RetryPolicy;
pub use transport::{Timeouts, connections};
pub use wire::{Flags, Timestamp};
