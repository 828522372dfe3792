//! AWS DevOps Agent, simulated: the whole control-plane API on a local port.
//!
//! ```text
//! server ─┬─ /_simulator/…  control    state, calls, faults, switches, changes behind one's back
//!         ├─ /webhook/…     webhooks   signed incidents
//!         ├─ POST /         sts        temporary credentials for other accounts
//!         └─ the rest       api        signature → route → faults → input → operations → answer
//! ```
//!
//! `model` reads the service model and checks requests and answers against it; `operations` has the behaviour,
//! one file per group of resources; `store` is what exists. To start one in a test:
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use devops_agent_simulator::{Options, Simulator};
//! let simulator = Simulator::start(Options::on_free_port()).await?;
//! println!("{}", simulator.url());
//! simulator.stop().await
//! # }
//! ```

mod api;
mod calls;
pub mod catalog;
mod context;
mod control;
mod error;
mod faults;
mod input;
mod lists;
mod model;
mod operations;
mod options;
mod paging;
mod persist;
mod random;
pub mod seed;
mod server;
mod signature;
mod simulation;
mod spelling;
mod store;
mod sts;
pub mod switches;
mod throttle;
mod webhooks;
mod wire;

pub use calls::Call;
pub use error::ApiError;
pub use faults::{Effect, Rule};
pub use model::Violation;
pub use options::Options;
pub use server::{Running, Simulator};
pub use switches::Switches;
