//! The steps that cargo does.

use std::process::Command;

use super::report::Outcome;
use crate::cargo::{self, Programs};
use crate::cluster::Cluster;
use crate::error::Error;
use crate::session::Session;

/// The integration test that needs a cluster.
const END_TO_END: &str = "e2e";

/// The code is formatted.
pub fn formatting(session: &Session) -> Result<Outcome, Error> {
    succeed(session, cargo::command(session).args(["fmt", "--all", "--check"]))
}

/// Clippy has nothing to say.
pub fn lints(session: &Session) -> Result<Outcome, Error> {
    let arguments = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
    succeed(session, cargo::command(session).args(arguments))
}

/// All tests that need nothing but the code.
pub fn unit(session: &Session, filter: &[String]) -> Result<Outcome, Error> {
    let mut command = cargo::command(session);
    command.args(["test", "--workspace", "--no-fail-fast", "--lib", "--bins"]);
    for name in cargo::integration_tests(session)?.iter().filter(|name| *name != END_TO_END) {
        command.args(["--test", name]);
    }
    succeed(session, command.arg("--").args(filter))
}

/// The code in doc comments works.
pub fn documentation(session: &Session) -> Result<Outcome, Error> {
    succeed(session, cargo::command(session).args(["test", "--workspace", "--doc"]))
}

/// The operator against a real API server and the simulator.
pub fn end_to_end(
    session: &Session,
    cluster: &Cluster,
    programs: &Programs,
    filter: &[String],
) -> Result<Outcome, Error> {
    let mut command = cargo::command(session);
    command.args(["test", "--workspace", "--test", END_TO_END, "--"]).args(filter);
    command.env("DEVOPS_AGENT_E2E", "1").env("KUBECONFIG", cluster.kubeconfig());
    command.env("DEVOPS_AGENT_OPERATOR_BIN", &programs.operator);
    command.env("DEVOPS_AGENT_SIMULATOR_BIN", &programs.simulator);
    command.env("DEVOPS_AGENT_KUBECTL_BIN", &cluster.kubectl().program);
    succeed(session, &mut command)
}

fn succeed(session: &Session, command: &mut Command) -> Result<Outcome, Error> {
    if session.stream(command)?.success() {
        return Ok(Outcome::Passed);
    }
    let line: Vec<_> = command.get_args().map(|argument| argument.to_string_lossy()).collect();
    Err(Error::Other(format!("failed: cargo {}", line.join(" "))))
}
