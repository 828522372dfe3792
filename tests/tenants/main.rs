//! Attacks of one namespace on others: as a service account with just the rights of a tenant, on a real API server.
//!
//! `cargo xtask test` runs these tests on a cluster of their own. One operator with the chart's rights serves them all;
//! each test has namespaces (`victim`, `mallory`, `platform`) and an AWS account of its own. What they stand on is in
//! [`world`] and in the harness of the end-to-end tests; then there is a file for each family of attacks.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that can not be set up has failed"
)]

#[allow(dead_code, reason = "it serves the end-to-end tests, which need more of it")]
#[path = "../e2e/fixtures.rs"]
mod fixtures;
#[allow(dead_code, unused_imports, reason = "it serves the end-to-end tests, which need more of it")]
#[path = "../e2e/harness/mod.rs"]
mod harness;
mod world;

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
