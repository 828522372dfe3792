//! The operator as a process: what it reports about itself, and how it ends.
//!
//! Each test has operators, an AWS and a namespace of its own. `cargo xtask test` runs them on a cluster
//! of their own: each operator here sees the whole cluster's AWSAccounts.

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
