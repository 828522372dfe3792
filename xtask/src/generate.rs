//! `cargo xtask generate`: the files that the operator's own code writes.

mod argocd;
mod chart;
mod crds;
mod iam;
mod schemas;
mod tables;
mod typed;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cargo;
use crate::error::{Doing, Error};
use crate::progress::{result, say};
use crate::session::Session;

/// Write the generated files: the CRDs in crds/, their JSON Schemas in schemas/ and the comments in examples/ that name them,
/// templates of the chart, what Argo CD reads in argocd/, the IAM policies in docs/iam/, and the tables between `<!-- generated:NAME -->` and `<!-- /generated -->` in README.md, docs/ and charts/.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Write nothing; fail when a file is not what would be written.
    #[arg(long)]
    check: bool,
}

/// What a file should be: its text, or absent.
type Wanted = BTreeMap<PathBuf, Option<String>>;

/// Runs the command.
pub fn run(session: &Session, arguments: &Arguments) -> Result<(), Error> {
    let operator = cargo::build(session, &[])?.operator;
    if arguments.check { check(session, &operator) } else { write(session, &operator) }
}

/// Fails when a generated file is not what the operator would write.
pub fn check(session: &Session, operator: &Path) -> Result<(), Error> {
    let differing = differing(session, operator)?;
    if differing.is_empty() {
        say("All generated files are up to date.");
        return Ok(());
    }
    let names: Vec<String> = differing.keys().map(|path| format!("  {}", shown(session, path))).collect();
    Err(Error::Other(format!(
        "these files are out of date; run `cargo xtask generate` and commit them:\n{}",
        names.join("\n")
    )))
}

/// Writes the generated files that are not what the operator would write.
pub fn write(session: &Session, operator: &Path) -> Result<(), Error> {
    let differing = differing(session, operator)?;
    for (path, text) in &differing {
        match text {
            Some(text) => write_file(path, text)?,
            None => fs::remove_file(path).doing(|| format!("removing {}", path.display()))?,
        }
        let verb = if text.is_some() { "wrote" } else { "removed" };
        result(&format!("{verb} {}", shown(session, path)));
    }
    if differing.is_empty() {
        say("All generated files were up to date.");
    }
    Ok(())
}

fn write_file(path: &Path, text: &str) -> Result<(), Error> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).doing(|| format!("creating {}", folder.display()))?;
    }
    fs::write(path, text).doing(|| format!("writing {}", path.display()))
}

fn shown(session: &Session, path: &Path) -> String {
    path.strip_prefix(session.root()).unwrap_or(path).display().to_string()
}

/// The generated files that aren't up to date.
fn differing(session: &Session, operator: &Path) -> Result<Wanted, Error> {
    let ask = |arguments: &[&str]| {
        let output = session.capture(Command::new(operator).args(arguments))?;
        output.require_success(&format!("devops-agent-operator {}", arguments.join(" ")))
    };
    let root = session.root();
    let stream = ask(&["crds"])?;
    let mut wanted = crds::wanted(&root.join("crds"), &stream)?;
    wanted.extend(argocd::wanted(root, &stream)?);
    wanted.extend(chart::templates(root, &stream, ask(&["docs", "chart-rules"])?)?);
    wanted.extend(schemas::wanted(root, &mut |arguments| ask(arguments))?);
    wanted.extend(iam::wanted(&root.join("docs/iam"), &mut |arguments| ask(arguments))?);
    let values = root.join(chart::FOLDER).join("values.yaml");
    wanted.extend(tables::wanted(root, &mut |name| match name {
        "chart-values" => {
            let text = fs::read_to_string(&values).doing(|| format!("reading {}", values.display()))?;
            chart::values_table(&text)
        }
        name if typed::is_typed(name) => typed::shown(session, operator, name),
        name => {
            let arguments: Vec<&str> = ["docs"].into_iter().chain(name.split(' ')).collect();
            ask(&arguments)
        }
    })?);
    wanted.retain(|path, text| fs::read_to_string(path).ok() != *text);
    Ok(wanted)
}
