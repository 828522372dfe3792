//! cargo-deny over the dependencies.

use std::process::Command;

use super::report::Outcome;
use super::tool;
use crate::error::Error;
use crate::session::Session;

/// Licences, banned crates and sources are as `deny.toml` says.
///
/// Advisories aren't checked: they come from a repository on the internet that changes by itself, and a test that fails
/// without a change helps no one.
pub fn check(session: &Session, install: bool) -> Result<Outcome, Error> {
    let Some(program) = tool::find(session, "cargo-deny", install)? else {
        return Ok(Outcome::Skipped("cargo-deny is not installed; --deny installs it".to_owned()));
    };
    let mut command = Command::new(program);
    command.args(["check", "licenses", "bans", "sources"]).current_dir(session.root());
    if session.stream(&mut command)?.success() {
        return Ok(Outcome::Passed);
    }
    Err(Error::Other("failed: cargo deny check licenses bans sources".to_owned()))
}
