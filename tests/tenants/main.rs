//! Attacks of one namespace on others: as a service account with just the rights of a tenant, on a real API server.
//!
//! `cargo xtask test` runs these tests on a cluster of their own. One operator with the chart's rights serves them all;
//! each test has namespaces (`victim`, `mallory`, `platform`) and an AWS account of its own. What they stand on is in
//! [`world`]; then there is a file for each family of attacks.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that can not be set up has failed"
)]

mod harness;
mod world;

use devops_agent_test_support::fixtures;

mod connections;
mod existing;
mod forged;
mod handover;
mod held;
mod hinder;
mod observe;
mod oracle;
mod policies;
mod references;
mod rights;
mod squat;
mod takeover;
