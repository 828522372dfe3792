//! The steps that cargo does.

use std::process::Command;

use super::report::Outcome;
use crate::cargo::{self, Programs};
use crate::cluster::Cluster;
use crate::error::Error;
use crate::session::Session;

/// An integration test that needs a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnCluster {
    /// YAML that the API server must refuse.
    BadYaml,
    /// The operator against the API server and the simulator.
    EndToEnd,
}

/// Test targets that a plain `cargo test` leaves out: they need a cluster.
const APART: [&str; 3] = ["bad_yaml", "e2e", "faults"];

impl OnCluster {
    /// Name of the test target.
    fn target(self) -> &'static str {
        match self {
            Self::BadYaml => "bad_yaml",
            Self::EndToEnd => "e2e",
        }
    }
}

/// The code is formatted.
pub fn formatting(session: &Session) -> Result<Outcome, Error> {
    succeed(session, cargo::command(session).args(["fmt", "--all", "--check"]))
}

/// Clippy has nothing to say.
pub fn lints(session: &Session) -> Result<Outcome, Error> {
    let mut command = cargo::command(session);
    command.args(["clippy", "--workspace", "--all-targets"]);
    // Targets that a plain `cargo test` leaves out are left out here too, unless they are named.
    for test in APART {
        command.args(["--test", test]);
    }
    succeed(session, command.args(["--", "-D", "warnings"]))
}

/// All tests that need nothing but the code.
pub fn unit(session: &Session, filter: &[String]) -> Result<Outcome, Error> {
    let mut command = cargo::command(session);
    command.args(["test", "--workspace", "--no-fail-fast", "--lib", "--bins"]);
    for name in cargo::integration_tests(session)? {
        if !APART.contains(&name.as_str()) {
            command.args(["--test", &name]);
        }
    }
    succeed(session, command.arg("--").args(filter))
}

/// The code in doc comments works.
pub fn documentation(session: &Session) -> Result<Outcome, Error> {
    succeed(session, cargo::command(session).args(["test", "--workspace", "--doc"]))
}

/// Runs a test against a real API server; those that run the operator do it with the simulator.
pub fn on_cluster(
    test: OnCluster,
    session: &Session,
    cluster: &Cluster,
    programs: &Programs,
    filter: &[String],
) -> Result<Outcome, Error> {
    let mut command = cargo::command(session);
    command.args(["test", "--workspace", "--test", test.target(), "--"]).args(filter);
    if test == OnCluster::EndToEnd {
        // They wait more than they work.
        command.arg("--test-threads=12");
    }
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
