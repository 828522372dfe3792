//! What the tests on a cluster share.
//!
//! | module | what |
//! | --- | --- |
//! | [`wait`] | waiting for a condition, with a limit |
//! | [`runtime`] | the runtime of a test program, and what its tests need |
//! | [`cluster`] | ways to the API server: as an administrator, as a service account |
//! | [`crds`], [`resource`], [`yaml`], [`object`] | kinds, objects as YAML, objects as tests see them |
//! | [`world`], [`aws`] | a namespace and a simulated AWS for one test |
//! | [`operator`], [`guard`], [`cell`], [`ports`] | operators as processes |
//! | [`shared`] | one operator for all tests of a program, with the chart's rights |
//! | [`fixtures`] | objects that tests start from |
//! | [`webhook`] | an incident tool |
//! | [`plugin`] | the plugin of kubectl |
//! | [`kubectl`], [`server`], [`script`] | kubectl, HTTP servers on the loopback interface |

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that can't be set up has failed"
)]
#![allow(clippy::missing_panics_doc, reason = "that is how a test fails")]

pub mod aws;
pub mod cell;
pub mod cluster;
pub mod crds;
pub mod fixtures;
pub mod guard;
pub mod kubectl;
pub mod object;
pub mod operator;
pub mod plugin;
pub mod ports;
pub mod resource;
pub mod runtime;
pub mod script;
pub mod server;
pub mod shared;
pub mod wait;
pub mod webhook;
pub mod world;
pub mod yaml;

pub use cell::Cell;
pub use object::{Handle, condition, json_of, text};
pub use operator::{Built, Launch, Operator};
pub use resource::RESOURCES;
pub use runtime::block_on;
pub use shared::Test;
pub use wait::{wait_until, within};
pub use world::World;

use std::path::PathBuf;

/// The project's folder.
pub fn project() -> PathBuf {
    let mut folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    folder.pop();
    folder.pop();
    folder
}
