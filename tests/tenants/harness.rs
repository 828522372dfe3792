//! What every attack stands on: one operator for all of them.

pub use devops_agent_test_support::resource::resource;
pub use devops_agent_test_support::{Handle, Test, cluster, condition, text, wait_until, within};

use devops_agent_test_support::{built, shared};

/// Runs one test. When it fails, everything that may tell why is printed.
pub fn run(body: impl AsyncFnOnce(&Test)) {
    shared::run(&built!(), body);
}
