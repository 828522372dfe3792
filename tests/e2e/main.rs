//! The operator, end to end: a real API server, the simulated AWS, and the operator's own binary between them.
//!
//! `cargo xtask test` runs these tests on a cluster that it starts for them. The foundation is in [`harness`]; then
//! there is a file for each kind, and one for each concern that all kinds share.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that can not be set up has failed"
)]

mod harness;

use devops_agent_test_support::fixtures;

mod agent_space;
mod asset;
mod association;
mod aws_account;
mod configurations;
mod deletion;
mod doctor;
mod documentation;
mod every_kind;
mod everything;
mod gitops;
mod identity;
mod idle;
mod import;
mod inputs;
mod moves;
mod operator_app;
mod organization;
mod outages;
mod owned_fields;
mod plan;
mod private_connection;
mod references;
mod service_registration;
mod service_types;
mod standards;
mod status;
mod status_command;
mod tables;
mod trigger;
mod webhook_secret;
mod webhook_whole;
