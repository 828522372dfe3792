//! `cargo xtask model`: the simulator's copy of the service's model, made from a release of botocore.
//!
//! [`rule`] selects what is kept of the release, [`difference`] says what changes mean to the operator.

mod difference;
mod released;
mod rule;

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::error::{Doing, Error};
use crate::progress::{result, say};
use crate::session::Session;

/// The only place that pins botocore; the dependency bot reads it too.
pub const PIN: &str = "simulator/tests/requirements.txt";
const MODEL: &str = "simulator/model.json";
const PACKAGE: &str = "botocore==";

/// Write simulator/model.json from a release of botocore, pin that release, and print what has changed.
///
/// The table says what each change means: a new input or output, a looser or tighter bound, something that is gone.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The release to take, for example 1.44.8; the newest by default.
    #[arg(long, value_name = "VERSION")]
    release: Option<String>,
    /// Write nothing. Say which release is the newest, and fail if it changes the service, or if simulator/model.json
    /// doesn't match the pinned release.
    #[arg(long, conflicts_with = "release")]
    check: bool,
}

/// Runs the command.
pub fn run(session: &Session, arguments: &Arguments) -> Result<(), Error> {
    if arguments.check { check(session) } else { write(session, arguments.release.as_deref()) }
}

/// Fails if the model isn't what the rule makes of the pinned release.
pub fn check_pinned(session: &Session) -> Result<(), Error> {
    let version = pinned(session.root())?;
    let expected = text(&rule::cut(&released::model(session, &version)?)?)?;
    if read(session.root(), MODEL)? == expected {
        return Ok(());
    }
    Err(Error::Other(format!(
        "{MODEL} does not match botocore {version}, which {PIN} pins; run `cargo xtask model --release {version}` and \
         commit the result"
    )))
}

fn check(session: &Session) -> Result<(), Error> {
    let newest = released::newest(session)?;
    let ours = pinned(session.root())?;
    check_pinned(session)?;
    if !is_older(&ours, &newest) {
        say(&format!("botocore {ours} is the newest release."));
        return Ok(());
    }
    let table = changes(session, &newest)?.1;
    if table.is_empty() {
        say(&format!(
            "botocore {newest} is the newest release; the service is unchanged since {ours}, which is pinned."
        ));
        return Ok(());
    }
    result(&format!("botocore {newest} changes the service's model since {ours}\n\n{table}"));
    Err(Error::Reported("the model is older than the service".to_owned()))
}

fn write(session: &Session, version: Option<&str>) -> Result<(), Error> {
    let version = match version {
        Some(version) => version.to_owned(),
        None => released::newest(session)?,
    };
    let ours = pinned(session.root())?;
    let (model, table) = changes(session, &version)?;
    let put = |name: &str, text: &str| {
        fs::write(session.root().join(name), text).doing(|| format!("writing {name}"))
    };
    put(MODEL, &text(&model)?)?;
    put(PIN, &pin(&read(session.root(), PIN)?, &version))?;
    if table.is_empty() {
        say(&format!("botocore {version} has the same model of the service as {ours}."));
    } else {
        result(&format!("botocore {version} changes the service's model since {ours}\n\n{table}"));
    }
    Ok(())
}

/// The model of a release, and how it differs from ours.
fn changes(session: &Session, version: &str) -> Result<(Value, String), Error> {
    let ours: Value =
        serde_json::from_str(&read(session.root(), MODEL)?).doing(|| format!("reading {MODEL}"))?;
    let model = rule::cut(&released::model(session, version)?)?;
    let table = difference::table(&difference::between(&ours, &model));
    Ok((model, table))
}

fn read(root: &Path, name: &str) -> Result<String, Error> {
    fs::read_to_string(root.join(name)).doing(|| format!("reading {name}"))
}

/// The model as it is written: the same for the same release, byte for byte.
fn text(model: &Value) -> Result<String, Error> {
    let text = serde_json::to_string_pretty(model).doing(|| "writing the model".to_owned())?;
    Ok(format!("{text}\n"))
}

fn pinned(root: &Path) -> Result<String, Error> {
    let requirements = read(root, PIN)?;
    let version = requirements.lines().find_map(|line| line.strip_prefix(PACKAGE)).map(str::trim);
    version.map(str::to_owned).ok_or_else(|| Error::Other(format!("{PIN} has no line {PACKAGE}VERSION")))
}

/// The requirements with another version.
fn pin(requirements: &str, version: &str) -> String {
    let line = |line: &str| match line.strip_prefix(PACKAGE) {
        Some(_) => format!("{PACKAGE}{version}\n"),
        None => format!("{line}\n"),
    };
    requirements.lines().map(line).collect()
}

/// Whether one version comes before another, number by number.
fn is_older(one: &str, other: &str) -> bool {
    let numbers = |version: &str| -> Vec<u64> {
        version.split('.').map(|number| number.parse().unwrap_or_default()).collect()
    };
    numbers(one) < numbers(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(is_older("1.44.8", "1.44.10"));
        assert!(is_older("1.44.8", "1.45.0"));
        assert!(!is_older("1.44.8", "1.44.8"));
        assert!(!is_older("2.0.0", "1.99.99"));
    }

    #[test]
    fn only_the_version_changes_in_the_requirements() {
        assert_eq!(pin("# why\nbotocore==1.0.0\n", "1.2.3"), "# why\nbotocore==1.2.3\n");
    }
}
