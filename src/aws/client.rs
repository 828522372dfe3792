//! The client: from an operation to a signed request, and from its answer to a value.

mod account;
mod api_error;
pub mod budget;
mod call;
mod clock;
mod credentials;
pub mod eks;
pub mod endpoints;
pub mod fleet;
mod gate;
pub(super) mod operation;
mod pages;
mod principal;
mod random;
pub(super) mod redact;
mod request;
pub(super) mod response;
mod retry;
pub mod shared_budgets;
mod signing;
pub mod trail;
mod transport;
pub(super) mod wire;

pub use self::account::Account;
pub use self::api_error::{Effect, Error, ErrorCode, FieldError, ServiceError};
pub use self::budget::{Caller, Priority};
pub use self::call::{Call, Client, ClientConfig, Observer};
pub use self::credentials::CachedCredentials;
pub use self::endpoints::{EndpointOverrides, Endpoints, Partition, PlainHttp};
pub use self::gate::Gate;
pub use self::operation::{Binding, Operation, Paged, Plane, Repeat};
pub use self::principal::Principal;
pub use self::retry::RetryPolicy;
pub use self::transport::{Timeouts, chain, connections};
pub use self::wire::{Flags, Timestamp};
