//! Cargo, as the commands use it.

use std::collections::BTreeMap;
use std::env;
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::error::{Doing, Error};
use crate::process::Output;
use crate::session::Session;

/// The operator and the simulator, compiled.
#[derive(Debug, Clone)]
pub struct Programs {
    /// The operator.
    pub operator: PathBuf,
    /// The simulator of the API.
    pub simulator: PathBuf,
}

/// The cargo that runs xtask, in the project's folder.
///
/// `cargo run` has told xtask, by variables, about xtask's package. Build scripts that look at such variables (ring's)
/// would run again, and much would be compiled again, with every change between cargo and xtask.
pub fn command(session: &Session) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in env::vars_os().filter(|(name, _)| is_about_a_package(&name.to_string_lossy())) {
        command.env_remove(name);
    }
    // Its output goes through a pipe, behind which cargo would not see a terminal.
    if io::stderr().is_terminal() {
        let settings = [("COLOR", "always"), ("PROGRESS_WHEN", "always"), ("PROGRESS_WIDTH", "100")];
        command.envs(settings.map(|(name, value)| (format!("CARGO_TERM_{name}"), value)));
    }
    if let Some(shared) = session.shared_target() {
        shared.apply(&mut command);
    }
    command.current_dir(session.root());
    command
}

/// The same command at the lowest priority: it gets the time that nobody else wants.
pub fn patient(command: &Command) -> Command {
    let mut patient = Command::new("nice");
    patient.args(["-n", "19"]).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => patient.env(name, value),
            None => patient.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        patient.current_dir(folder);
    }
    patient
}

fn is_about_a_package(variable: &str) -> bool {
    variable.starts_with("CARGO_PKG_") || variable.starts_with("CARGO_MANIFEST_")
}

/// How cargo is asked to say what it has made.
const MESSAGES: &str = "--message-format=json-render-diagnostics";

/// Compiles the whole workspace and returns where the programs are. Cargo shows its own progress.
///
/// It is always the whole workspace, as in the tests: another selection of packages would be another selection of
/// features, and everything would be compiled twice.
pub fn build(session: &Session, options: &[&str]) -> Result<Programs, Error> {
    Programs::among(&made(session, &mut build_command(session, options))?)
}

/// The same, and this program as it was compiled with them.
pub fn build_with_xtask(session: &Session, options: &[&str]) -> Result<(Programs, PathBuf), Error> {
    let made = made(session, &mut build_command(session, options))?;
    Ok((Programs::among(&made)?, program(&made, "xtask")?))
}

fn build_command(session: &Session, options: &[&str]) -> Command {
    let mut command = command(session);
    command.args(["build", "--workspace", "--bins", MESSAGES]).args(options);
    command
}

/// Compiles these integration tests of the workspace with its unit tests and programs, side by side.
pub fn build_tests(session: &Session, tests: &[String]) -> Result<Programs, Error> {
    let mut command = command(session);
    command.args(["test", "--no-run", "--workspace", "--lib", "--bins", MESSAGES]);
    for test in tests {
        command.args(["--test", test]);
    }
    Programs::among(&made(session, &mut command)?)
}

/// The programs that this cargo makes, by name.
fn made(session: &Session, command: &mut Command) -> Result<BTreeMap<String, PathBuf>, Error> {
    Ok(executables(&messages(session.capture_stdout(command)?)?, false))
}

fn program(made: &BTreeMap<String, PathBuf>, name: &str) -> Result<PathBuf, Error> {
    made.get(name).cloned().ok_or_else(|| Error::Other(format!("cargo made no program {name}")))
}

impl Programs {
    fn among(made: &BTreeMap<String, PathBuf>) -> Result<Self, Error> {
        Ok(Self {
            operator: program(made, "devops-agent-operator")?,
            simulator: program(made, "devops-agent-simulator")?,
        })
    }
}

/// Compiles one integration test of the operator under a profile, and returns where it is. In the background it leaves the
/// processors to others, and says nothing unless it fails.
pub fn test_program(
    session: &Session,
    name: &str,
    profile: &str,
    in_background: bool,
) -> Result<PathBuf, Error> {
    let mut command = command(session);
    command.args(["test", "--no-run", "--package=devops-agent-operator", "--test", name]);
    command.args(["--profile", profile, MESSAGES]);
    let output = if in_background {
        session.capture(&mut patient(&command))?
    } else {
        session.capture_stdout(&mut command)?
    };
    let program = executables(&messages(output)?, true).remove(name);
    program.ok_or_else(|| Error::Other(format!("cargo built no test {name}")))
}

/// The messages of a cargo that succeeded. They are for programs: an error has only what cargo says to people.
fn messages(mut output: Output) -> Result<String, Error> {
    let messages = std::mem::take(&mut output.stdout);
    output.require_success("compiling")?;
    Ok(messages)
}

/// The programs that cargo's messages speak of, by name: test harnesses, or the others.
fn executables(messages: &str, harnesses: bool) -> BTreeMap<String, PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["profile"]["test"] == harnesses)
        .filter_map(|message| {
            let name = message["target"]["name"].as_str()?.to_owned();
            Some((name, PathBuf::from(message["executable"].as_str()?)))
        })
        .collect()
}

/// The names of all integration tests in the workspace.
pub fn integration_tests(session: &Session) -> Result<Vec<String>, Error> {
    let doing = "asking cargo for the workspace's tests";
    let output = session.capture(command(session).args(["metadata", "--no-deps", "--format-version=1"]))?;
    let metadata = serde_json::from_str(&output.require_success(doing)?).doing(|| doing.to_owned())?;
    Ok(test_targets(&metadata))
}

fn test_targets(metadata: &Value) -> Vec<String> {
    let packages = metadata["packages"].as_array().into_iter().flatten();
    packages
        .flat_map(|package| package["targets"].as_array().into_iter().flatten())
        .filter(|target| {
            target["kind"].as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == "test"))
        })
        // What needs a feature has a step of its own.
        .filter(|target| target["required-features"].as_array().is_none_or(Vec::is_empty))
        .filter_map(|target| target["name"].as_str().map(str::to_owned))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn programs_are_found_in_cargos_messages_and_harnesses_are_not() {
        let messages = [
            json!({"reason": "compiler-artifact", "target": {"name": "a"}, "profile": {"test": false}, "executable": "/t/a"}),
            json!({"reason": "compiler-artifact", "target": {"name": "a"}, "profile": {"test": true}, "executable": "/t/a-1"}),
            json!({"reason": "compiler-artifact", "target": {"name": "b"}, "profile": {"test": false}, "executable": null}),
            json!({"reason": "build-finished", "success": true}),
        ];
        let text = messages.map(|message| message.to_string()).join("\n");
        assert_eq!(executables(&text, false), BTreeMap::from([("a".to_owned(), PathBuf::from("/t/a"))]));
    }

    #[test]
    fn what_cargo_says_about_xtask_is_not_passed_on_but_the_users_settings_are() {
        assert!(is_about_a_package("CARGO_MANIFEST_DIR"));
        assert!(is_about_a_package("CARGO_PKG_VERSION"));
        assert!(!is_about_a_package("CARGO_TARGET_DIR"));
        assert!(!is_about_a_package("CARGO_HOME"));
    }

    #[test]
    fn a_patient_command_is_the_same_but_for_its_priority() {
        let mut command = Command::new("cargo");
        command.args(["test", "--no-run"]).env("A", "1").env_remove("B").current_dir("/");
        let patient = patient(&command);
        assert_eq!(patient.get_args().collect::<Vec<_>>(), ["-n", "19", "cargo", "test", "--no-run"]);
        assert_eq!(patient.get_envs().collect::<Vec<_>>(), command.get_envs().collect::<Vec<_>>());
        assert_eq!(patient.get_current_dir(), command.get_current_dir());
    }

    #[test]
    fn integration_tests_are_the_targets_of_kind_test() {
        let metadata = json!({"packages": [
            {"targets": [{"name": "x", "kind": ["lib"]}, {"name": "schema", "kind": ["test"]}]},
            {"targets": [{"name": "e2e", "kind": ["test"]}]},
            {"targets": [{"name": "traces", "kind": ["test"], "required-features": ["otlp"]}]},
        ]});
        assert_eq!(test_targets(&metadata), ["schema", "e2e"]);
    }
}
