//! The chart: rendered with many values, checked against the API server's schemas, and installed, upgraded and
//! uninstalled by helm on a real API server, where [`kubelet`] runs its pods as processes.
//!
//! `cargo xtask test` runs these tests on a cluster of their own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that can not be set up has failed"
)]

mod admission;
mod cluster;
mod console_to_git;
mod docs;
mod documentation;
mod helm;
mod kubelet;
mod leases;
mod life;
mod reader;
mod rebuild;
mod refusals;
mod relay;
mod rendering;
mod schemas;
