//! The YAML contract: one file per kind, and what the kinds have in common. Data only.
//!
//! One Rust struct serves the CRD's schema and the body of the API call: rest-json unions are
//! externally tagged, which is serde's default. Where YAML refers to a Secret or to another object,
//! the struct holds the reference, and `crate::json` puts the value in its place.

pub mod agent_space;
pub mod asset;
pub mod association;
pub mod aws_account;
pub mod catalog;
pub mod change;
pub mod common;
pub mod placeholder;
pub mod private_connection;
pub mod scalars;
pub mod schema;
pub mod service_registration;
pub mod standards;
pub mod trigger;
pub mod union;

pub use agent_space::{AgentSpace, AgentSpaceSpec, AgentSpaceStatus};
pub use asset::{Asset, AssetSpec, AssetStatus};
pub use association::{Association, AssociationSpec, AssociationStatus};
pub use aws_account::{AWSAccount, AWSAccountSpec, AWSAccountStatus};
pub use private_connection::{PrivateConnection, PrivateConnectionSpec, PrivateConnectionStatus};
pub use service_registration::{ServiceRegistration, ServiceRegistrationSpec, ServiceRegistrationStatus};
pub use trigger::{Trigger, TriggerSpec, TriggerStatus};

/// API group of every kind.
pub const GROUP: &str = "devopsagent.dev";
/// API version of every kind.
pub const VERSION: &str = "v1alpha1";
