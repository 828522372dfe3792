//! Compiles everything for production, this program too, and lets that one measure: a client that is slow itself would
//! be measured with the operator.

use std::env;
use std::process::Command;

use crate::cargo;
use crate::error::Error;
use crate::progress::say;
use crate::session::Session;

/// Compiles and measures.
pub fn run(session: &Session) -> Result<(), Error> {
    say("Compiling the operator, the simulator and the benchmark for production.");
    let (programs, xtask) = cargo::build_with_xtask(session, &["--release"])?;
    let mut command = Command::new(xtask);
    command.args(env::args_os().skip(1));
    command.arg("--operator").arg(programs.operator).arg("--simulator").arg(programs.simulator);
    let status = session.stream(&mut command)?;
    // It has said why.
    if status.success() { Ok(()) } else { Err(Error::Reported(status.to_string())) }
}
