//! The YAML contract: one file a kind, and what the kinds have in common. Data only.
//!
//! One Rust struct serves the CRD's schema and the body of the API call: rest-json unions are
//! externally tagged, which is serde's default. Where YAML refers to a Secret or to another object,
//! the struct holds the reference, and `crate::wire` puts the value in its place.

pub mod agent_space;
pub mod aws_account;
pub mod common;
pub mod scalars;
pub mod schema;

pub use agent_space::{AgentSpace, AgentSpaceSpec, AgentSpaceStatus};
pub use aws_account::{AWSAccount, AWSAccountSpec, AWSAccountStatus};

/// API group of every kind.
pub const GROUP: &str = "devopsagent.dev";
/// API version of every kind.
pub const VERSION: &str = "v1alpha1";
