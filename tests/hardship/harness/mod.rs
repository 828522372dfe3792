//! The foundation of these tests: a namespace and a simulated AWS each, and operators as processes.

mod proxy;
mod world;

pub use devops_agent_test_support::wait::limit;
pub use devops_agent_test_support::{Cell, Handle, Operator, condition, text, wait_until, within};
pub use proxy::Proxy;
pub use world::{World, run};
