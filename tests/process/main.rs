//! The operator as a process: what it reports about itself, and how it ends.
//!
//! Each test has its own operators, AWS and namespace. `cargo xtask test` runs them on the cluster of the end-to-end
//! tests, when those are through: each operator here sees the whole cluster's AWSAccounts.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that can not be set up has failed"
)]

mod harness;
mod metrics;
mod probes;
mod servers;
mod shutdown;
