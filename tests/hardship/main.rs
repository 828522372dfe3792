//! Hard times: other replicas, other clusters, an API server that comes and goes, many neighbours, and a search for
//! leaked secrets.
//!
//! `cargo xtask test` runs these tests on a cluster of their own. Each test has a namespace, a simulated AWS and as many
//! operators, processes of their own, as it wants; they look after nothing but the test's namespace.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that can not be set up has failed"
)]

mod harness;

use devops_agent_test_support::fixtures;

mod apiserver;
mod budget;
mod clocks;
mod clusters;
mod crds;
mod dry_run;
mod fair;
mod hostile;
mod memory;
mod neighbours;
mod own_account;
mod pictures;
mod plans;
mod replicas;
mod secrets;
mod shards;
mod sharing;
