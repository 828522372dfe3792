//! Compares the IAM policies with what the operator called in the end-to-end tests.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use super::report::Outcome;
use crate::cargo::Programs;
use crate::error::{Doing, Error};
use crate::progress::say;
use crate::session::Session;

/// Actions of the service are `aidevops:` and the operation's name.
const PREFIX: &str = "aidevops:";
/// Calls to STS, which are recorded with the others: the first needs no permission, the second is a policy of its own.
const STS: [&str; 2] = ["GetCallerIdentity", "AssumeRole"];

/// In this clone, wherever cargo compiles.
fn recorded(session: &Session) -> Result<PathBuf, Error> {
    let folder = session.root().join("target");
    fs::create_dir_all(&folder).doing(|| format!("creating {}", folder.display()))?;
    Ok(folder.join("e2e-operations.txt"))
}

/// Makes the end-to-end tests record what the operator calls.
pub fn record(session: &Session, tests: &mut Command) -> Result<(), Error> {
    let path = recorded(session)?;
    fs::write(&path, "").doing(|| format!("writing {}", path.display()))?;
    tests.env("DEVOPS_AGENT_E2E_OPERATIONS", path);
    Ok(())
}

/// Everything that was called is allowed, and everything that is allowed was called.
pub fn check(session: &Session, programs: &Programs) -> Result<Outcome, Error> {
    let path = recorded(session)?;
    let text = fs::read_to_string(&path).doing(|| format!("reading {}", path.display()))?;
    let called: BTreeSet<&str> = text.lines().filter(|operation| !STS.contains(operation)).collect();
    let output = session.capture(Command::new(&programs.operator).arg("iam"))?;
    let policy = output.require_success("devops-agent-operator iam")?;
    let policy: Value = serde_json::from_str(&policy).map_err(|error| {
        Error::Other(format!("devops-agent-operator iam does not print valid JSON: {error}"))
    })?;
    let allowed = actions(&policy);
    let refused: Vec<_> = called.difference(&allowed).collect();
    let unused: Vec<_> = allowed.difference(&called).collect();
    if refused.is_empty() && unused.is_empty() {
        say(&format!("{} operations were called: exactly those that the policy allows.", called.len()));
        return Ok(Outcome::Passed);
    }
    Err(Error::Other(format!(
        "the end-to-end tests and the policy `all` differ: called but not allowed {refused:?}, allowed but never called \
         {unused:?}"
    )))
}

/// The service's own actions in a policy, without their prefix.
fn actions(policy: &Value) -> BTreeSet<&str> {
    let statements = policy["Statement"].as_array().into_iter().flatten();
    let all = statements.filter_map(|statement| statement["Action"].as_array()).flatten();
    all.filter_map(|action| action.as_str()?.strip_prefix(PREFIX)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_actions_of_the_service_count() {
        let policy = serde_json::json!({"Statement": [
            {"Action": ["aidevops:GetService", "iam:PassRole"]},
            {"Action": ["aidevops:ListServices"]},
        ]});
        assert_eq!(actions(&policy).into_iter().collect::<Vec<_>>(), ["GetService", "ListServices"]);
    }
}
