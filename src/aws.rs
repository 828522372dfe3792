//! The signed client for the AWS DevOps Agent API.
//!
//! [`operations`] says what can be asked, [`Client`] asks it: it builds the request from the operation's
//! [`Binding`], waits for its turn in the account's [`budget`](client::budget), signs, sends, repeats where a repeat is
//! safe, and reads the answer. [`fleet`](client::fleet) makes one client for each account from the standard AWS settings.

pub mod client;
pub mod operations;

pub use client::{
    Account, Binding, CachedCredentials, Call, Caller, Client, ClientConfig, Effect, EndpointOverrides,
    Endpoints, Error, ErrorCode, FieldError, Flags, Gate, Observer, Operation, Paged, Partition, PlainHttp,
    Plane, Principal, Priority, Repeat, RetryPolicy, ServiceError, Timeouts, Timestamp, connections,
};
