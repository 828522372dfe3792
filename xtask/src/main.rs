//! The project's own commands, run as `cargo xtask <command>`.
//!
//! - `demo`: the operator at work, from building it to an empty AWS.
//! - `test`: everything that has to pass before a change lands.
//! - `faults`: the fault enumeration, of which `test` runs a part.
//! - `bench`: what the operator costs, with many objects.
//! - `generate`: what the operator's own code writes: CRDs and tables in the documentation.
//! - `fixtures`: objects as the running operator writes them, for the tests of GitOps tools.
//! - `cluster`: a real API server for a while.
//! - `model`: the simulator's model of the API, from a release of botocore.
//! - `versions`: whether the same version is used everywhere, and what is new in it.
//!
//! How it fits together: a [`session::Session`] starts every process, in one process group that a small guard process
//! ends whatever happens to xtask; [`cluster`] starts a control plane in it, and [`demo`] and [`test`] put the operator
//! and the simulator next to that.

mod bench;
mod cache;
mod cargo;
mod cli;
mod cluster;
mod demo;
mod error;
mod faults;
mod folder;
mod forward;
mod generate;
mod guard;
mod http;
mod interrupt;
mod kubectl;
mod lock;
mod model;
mod operator;
mod poll;
mod ports;
mod process;
mod progress;
mod python;
mod search;
mod service;
mod session;
mod simulator;
mod target;
mod test;
mod versions;
mod walk;
mod workspace;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match cli::run(cli::Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error::Error::Interrupted) => {
            progress::say("Stopped.");
            ExitCode::from(130)
        }
        Err(error::Error::Reported(_)) => ExitCode::FAILURE,
        Err(error) => {
            progress::say(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}
