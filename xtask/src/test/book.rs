//! mdBook over the documentation. What the pages say is checked by ordinary tests, which need no mdBook.

use std::process::Command;

use super::report::Outcome;
use super::tool;
use crate::error::Error;
use crate::session::Session;

/// The book can be built.
pub fn check(session: &Session, install: bool) -> Result<Outcome, Error> {
    let Some(program) = tool::find(session, "mdbook", install)? else {
        return Ok(Outcome::Skipped("mdbook is not installed; --book installs it".to_owned()));
    };
    let mut command = Command::new(program);
    command.args(["build", "docs"]).current_dir(session.root());
    if session.stream(&mut command)?.success() {
        return Ok(Outcome::Passed);
    }
    Err(Error::Other("failed: mdbook build docs".to_owned()))
}
