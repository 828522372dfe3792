//! The steps that cargo does.

use std::process::Command;

use super::iam;
use super::report::Outcome;
use crate::cargo::{self, Programs};
use crate::cluster::{Cluster, Tool};
use crate::error::Error;
use crate::session::Session;

/// An integration test that needs a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnCluster {
    /// YAML that the API server must refuse.
    BadYaml,
    /// The operator against the API server and the simulator.
    EndToEnd,
    /// The operator as a process: metrics, probes, log, shutdown.
    Process,
    /// The same in namespace scope, as far as it needs no other namespace's labels and deletes no namespace.
    EndToEndInNamespaces,
    /// The chart, installed by helm.
    Chart,
    /// Several operators, and a cluster that fails them.
    Hardship,
    /// One namespace's attacks on others.
    Tenants,
}

/// The end-to-end tests that are run in namespace scope too: all kinds, inputs, Secrets, accounts.
const IN_NAMESPACES: [&str; 6] = [
    "is_created_and_told",
    "drift_is_corrected",
    "is_deleted_with_its_object",
    "webhook_secret::",
    "counted_in_one_event",
    "asset::",
];

/// Test targets that a plain `cargo test` leaves out: they need a cluster.
const APART: [&str; 7] = ["bad_yaml", "e2e", "process", "chart", "hardship", "tenants", FAULTS];
const FAULTS: &str = "faults";

impl OnCluster {
    /// Name of the test target.
    fn target(self) -> &'static str {
        match self {
            Self::BadYaml => "bad_yaml",
            Self::Process => "process",
            Self::EndToEnd | Self::EndToEndInNamespaces => "e2e",
            Self::Chart => "chart",
            Self::Hardship => "hardship",
            Self::Tenants => "tenants",
        }
    }
}

/// Tells tests to write what they would compare otherwise.
const WRITE_FIXTURES: &str = "DEVOPS_AGENT_WRITE_FIXTURES";

/// The code is formatted.
pub fn formatting(session: &Session) -> Result<Outcome, Error> {
    succeed(session, cargo::command(session).args(["fmt", "--all", "--check"]))
}

/// Clippy has nothing to say.
pub fn lints(session: &Session) -> Result<Outcome, Error> {
    let clippy = || {
        let mut command = cargo::command(session);
        command.args(["clippy", "--workspace"]);
        command
    };
    succeed(session, clippy().args(["--all-targets", "--", "-D", "warnings"]))?;
    // All targets are those of a plain `cargo test`: the others have to be named, and beside that flag a name is without
    // effect.
    let mut apart = clippy();
    for test in APART {
        apart.args(["--test", test]);
    }
    succeed(session, apart.args(["--", "-D", "warnings"]))
}

/// The programs and all tests are compiled, in one go: each of the large tests would occupy one processor for a while. The
/// fault enumeration has a profile of its own.
pub fn compile(session: &Session, fast: bool) -> Result<Programs, Error> {
    let mut tests = cargo::integration_tests(session)?;
    tests.retain(|name| name != FAULTS && !(fast && APART.contains(&name.as_str())));
    cargo::build_tests(session, &tests)
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

/// What is built in only when it is asked for: the traces.
pub fn features(session: &Session) -> Result<Outcome, Error> {
    // The whole workspace again: with one package alone, cargo would choose other features of shared dependencies, and
    // compile these and all that needs them once more.
    const TRACES: [&str; 5] = ["--workspace", "--features", "devops-agent-operator/otlp", "--test", "traces"];
    let mut lints = cargo::command(session);
    lints.arg("clippy").args(TRACES);
    succeed(session, lints.args(["--lib", "--bins", "--", "-D", "warnings"]))?;
    succeed(session, cargo::command(session).arg("test").args(TRACES))
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
    succeed(session, &mut on_cluster_command(test, session, cluster, programs, filter)?)
}

/// Has the end-to-end tests write the fixtures that they would compare otherwise.
pub fn write_fixtures(session: &Session, cluster: &Cluster, programs: &Programs) -> Result<Outcome, Error> {
    let filter = ["gitops::states", "tables::", "doctor::"].map(str::to_owned);
    let mut command = on_cluster_command(OnCluster::EndToEnd, session, cluster, programs, &filter)?;
    succeed(session, command.env(WRITE_FIXTURES, "1"))
}

/// Has the tests of Argo CD's scripts write their tables.
pub fn write_tables(session: &Session) -> Result<Outcome, Error> {
    let mut command = cargo::command(session);
    command.args(["test", "--workspace", "--test", "gitops"]).env(WRITE_FIXTURES, "1");
    succeed(session, &mut command)
}

fn on_cluster_command(
    test: OnCluster,
    session: &Session,
    cluster: &Cluster,
    programs: &Programs,
    filter: &[String],
) -> Result<Command, Error> {
    let mut command = cargo::command(session);
    command.args(["test", "--workspace", "--test", test.target(), "--"]).args(filter);
    if !matches!(test, OnCluster::BadYaml | OnCluster::Chart | OnCluster::Process) {
        // They wait more than they work.
        command.arg("--test-threads=12");
    }
    if test == OnCluster::EndToEnd {
        iam::record(session, &mut command)?;
    }
    if test == OnCluster::Process {
        // Some of them take a CRD away for a while.
        command.arg("--test-threads=1");
    }
    if test == OnCluster::EndToEndInNamespaces {
        command.args(IN_NAMESPACES).env("DEVOPS_AGENT_E2E_NAMESPACES", "90");
    }
    let programs_of_the_cluster =
        [("DEVOPS_AGENT_HELM_BIN", Tool::Helm), ("DEVOPS_AGENT_KUBECONFORM_BIN", Tool::Kubeconform)];
    for (variable, tool) in programs_of_the_cluster {
        command.env(variable, cluster.binaries().path(tool));
    }
    command.env("DEVOPS_AGENT_E2E", "1").env("KUBECONFIG", cluster.kubeconfig());
    command.env("DEVOPS_AGENT_OPERATOR_BIN", &programs.operator);
    command.env("DEVOPS_AGENT_SIMULATOR_BIN", &programs.simulator);
    command.env("DEVOPS_AGENT_KUBECTL_BIN", &cluster.kubectl().program);
    Ok(command)
}

fn succeed(session: &Session, command: &mut Command) -> Result<Outcome, Error> {
    if session.stream(command)?.success() {
        return Ok(Outcome::Passed);
    }
    let line: Vec<_> = command.get_args().map(|argument| argument.to_string_lossy()).collect();
    Err(Error::Other(format!("failed: cargo {}", line.join(" "))))
}
