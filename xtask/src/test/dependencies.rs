//! cargo-deny over the dependencies.

use std::process::Command;

use super::report::Outcome;
use crate::error::Error;
use crate::search::on_path;
use crate::session::Session;
use crate::{cache, cargo};

/// Licences, banned crates and sources are as `deny.toml` says.
///
/// Advisories are left out: they come from a repository on the internet that changes by itself, and a test that fails
/// without a change helps nobody.
pub fn check(session: &Session, install: bool) -> Result<Outcome, Error> {
    let tools = cache::folder()?.join("tools");
    let cached = tools.join("bin/cargo-deny");
    let mut program = Some(cached.clone()).filter(|file| file.is_file()).or_else(|| on_path("cargo-deny"));
    if program.is_none() && install {
        let mut command = cargo::command(session);
        command.args(["install", "--locked", "cargo-deny", "--root"]).arg(&tools);
        if !session.stream(&mut command)?.success() {
            return Err(Error::Other("failed: cargo install cargo-deny".to_owned()));
        }
        program = Some(cached);
    }
    let Some(program) = program else {
        return Ok(Outcome::Skipped("cargo-deny is not installed; --deny installs it".to_owned()));
    };
    let mut command = Command::new(program);
    command.args(["check", "licenses", "bans", "sources"]).current_dir(session.root());
    if session.stream(&mut command)?.success() {
        return Ok(Outcome::Passed);
    }
    Err(Error::Other("failed: cargo deny check licenses bans sources".to_owned()))
}
