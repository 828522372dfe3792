//! Programs from crates.io that some steps need: the user's, or one in the cache.

use std::path::PathBuf;

use crate::error::Error;
use crate::search::on_path;
use crate::session::Session;
use crate::{cache, cargo};

/// The program of the crate `name`; without one, it is compiled into the cache if `install` says so.
pub fn find(session: &Session, name: &str, install: bool) -> Result<Option<PathBuf>, Error> {
    let tools = cache::folder()?.join("tools");
    let cached = tools.join("bin").join(name);
    let found = Some(cached.clone()).filter(|file| file.is_file()).or_else(|| on_path(name));
    if found.is_some() || !install {
        return Ok(found);
    }
    let mut command = cargo::command(session);
    command.args(["install", "--locked", name, "--root"]).arg(&tools);
    // What it is made from is needed once, and goes with cargo's temporary folder.
    command.env_remove("CARGO_TARGET_DIR");
    if !session.stream(&mut command)?.success() {
        return Err(Error::Other(format!("failed: cargo install {name}")));
    }
    Ok(Some(cached))
}
