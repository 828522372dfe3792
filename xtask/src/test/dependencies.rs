//! cargo-deny over the dependencies.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::report::Outcome;
use crate::error::Error;
use crate::session::Session;
use crate::{cache, cargo};

/// Licences, banned crates and sources are as `deny.toml` says.
///
/// Advisories are left out: they come from a repository on the internet that changes by itself, and a test that fails
/// without a change helps nobody.
pub fn check(session: &Session, install: bool) -> Result<Outcome, Error> {
    let tools = cache::folder()?.join("tools");
    let mut program = find(session, &tools.join("bin/cargo-deny"))?;
    if program.is_none() && install {
        let mut command = cargo::command(session);
        command.args(["install", "--locked", "cargo-deny", "--root"]).arg(&tools);
        if !session.stream(&mut command)?.success() {
            return Err(Error::Other("failed: cargo install cargo-deny".to_owned()));
        }
        program = Some(tools.join("bin/cargo-deny"));
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

/// The one in the cache, or one that the user has.
fn find(session: &Session, cached: &Path) -> Result<Option<PathBuf>, Error> {
    if cached.is_file() {
        return Ok(Some(cached.to_owned()));
    }
    let on_path = env::var_os("PATH")
        .is_some_and(|path| env::split_paths(&path).any(|folder| folder.join("cargo-deny").is_file()));
    if !on_path {
        return Ok(None);
    }
    let mut command = Command::new("cargo-deny");
    let works = session.stream(command.arg("--version").stdout(Stdio::null()))?.success();
    Ok(works.then(|| PathBuf::from("cargo-deny")))
}
