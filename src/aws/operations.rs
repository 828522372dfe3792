//! The operations an operator needs, one file per group of resources.
//!
//! Inputs are the API's own: unions and documents (`configuration`, `content`, `metadata` and so on) are JSON values in
//! wire form. Outputs contain what an operator uses; anything the service adds is ignored.

mod agent_spaces;
mod assets;
mod associations;
mod operator_apps;
mod private_connections;
mod services;
mod tags;
mod triggers;

#[cfg(test)]
mod model_test;

pub use agent_spaces::*;
pub use assets::*;
pub use associations::*;
pub use operator_apps::*;
pub use private_connections::*;
pub use services::*;
pub use tags::*;
pub use triggers::*;

use super::client::operation::output;

output! {
    /// The response of an operation that returns nothing.
    Empty {}
}
