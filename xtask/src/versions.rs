//! `cargo xtask versions`: everything that names the version names the same one.

use std::fs;
use std::path::Path;

use crate::error::{Doing, Error};
use crate::progress::result;
use crate::session::Session;

const CARGO: &str = "Cargo.toml";
const CHART: &str = "charts/devops-agent-operator/Chart.yaml";
const CHANGELOG: &str = "CHANGELOG.md";

/// Check that Cargo.toml, the chart and the changelog name the same version, and print what the changelog says of it.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The tag of a release, `v1.2.3`: the changelog must have a dated section for it.
    #[arg(long)]
    tag: Option<String>,
}

/// Runs the command.
pub fn run(session: &Session, arguments: &Arguments) -> Result<(), Error> {
    result(check(session.root(), arguments.tag.as_deref())?.trim());
    Ok(())
}

/// Fails where versions differ; gives what the changelog says of this one.
pub fn check(root: &Path, tag: Option<&str>) -> Result<String, Error> {
    let read = |name: &str| fs::read_to_string(root.join(name)).doing(|| format!("reading {name}"));
    let chart = if root.join(CHART).is_file() { Some(read(CHART)?) } else { None };
    agree(&read(CARGO)?, chart.as_deref(), &read(CHANGELOG)?, tag)
}

fn agree(cargo: &str, chart: Option<&str>, changelog: &str, tag: Option<&str>) -> Result<String, Error> {
    let version = value(cargo, "version =").ok_or_else(|| Error::Other(format!("{CARGO} has no version")))?;
    let mut differing = Vec::new();
    for member in ["version:", "appVersion:"] {
        match chart.map(|chart| value(chart, member).unwrap_or("none")) {
            Some(other) if other != version => differing.push(format!("{CHART}: {member} {other}")),
            _ => {}
        }
    }
    if let Some(tag) = tag.filter(|tag| tag.strip_prefix('v') != Some(version)) {
        differing.push(format!("the tag: {tag}"));
    }
    let notes =
        section(changelog, version).or_else(|| section(changelog, "Unreleased").filter(|_| tag.is_none()));
    if notes.is_none() {
        differing.push(format!("{CHANGELOG}: no section '## [{version}] - DATE'"));
    }
    if differing.is_empty() {
        return Ok(notes.unwrap_or_default().to_owned());
    }
    Err(Error::Other(format!("{CARGO} has the version {version}, but\n{}", differing.join("\n"))))
}

/// The value of the first member of this name that begins a line.
fn value<'a>(text: &'a str, member: &str) -> Option<&'a str> {
    let rest = text.lines().find_map(|line| line.strip_prefix(member))?;
    Some(rest.split('#').next().unwrap_or_default().trim().trim_matches('"'))
}

/// What stands under the heading of a version.
fn section<'a>(changelog: &'a str, version: &str) -> Option<&'a str> {
    let heading = format!("## [{version}]");
    let dated = |line: &str| version == "Unreleased" || line.contains(" - 2");
    let start = changelog.match_indices(&heading).map(|(at, _)| at).find(|at| {
        (*at == 0 || changelog.as_bytes()[at - 1] == b'\n')
            && changelog[*at..].lines().next().is_some_and(dated)
    })?;
    let body = changelog[start..].split_once('\n').map_or("", |(_, body)| body);
    Some(body.find("\n## ").map_or(body, |end| &body[..end]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CARGO: &str = "[workspace.package]\nversion = \"1.2.3\" # next\nrust-version = \"1.94\"\n";
    const CHART: &str = "apiVersion: v2\nversion: 1.2.3\nappVersion: \"1.2.3\"\n";
    const RELEASED: &str = "# Changelog\n\n## [Unreleased]\n\nx\n\n## [1.2.3] - 2026-01-02\n\n- News.\n\n## [1.2.2] - 2025-12-01\n";

    #[test]
    fn the_notes_of_a_release_are_its_section_of_the_changelog() {
        let notes = agree(CARGO, Some(CHART), RELEASED, Some("v1.2.3")).unwrap();
        assert_eq!(notes.trim(), "- News.");
        assert!(agree(CARGO, None, RELEASED, None).is_ok(), "there need not be a chart");
    }

    #[test]
    fn before_a_release_the_section_may_be_unreleased() {
        let unreleased = "## [Unreleased]\n\nNews.\n";
        assert_eq!(agree(CARGO, Some(CHART), unreleased, None).unwrap().trim(), "News.");
        let error = agree(CARGO, Some(CHART), unreleased, Some("v1.2.3")).unwrap_err().to_string();
        assert!(error.contains("[1.2.3]"), "{error}");
        assert!(agree(CARGO, None, "## [1.2.3]\n\nno date\n", Some("v1.2.3")).is_err());
    }

    #[test]
    fn every_other_version_is_named() {
        let chart = CHART.replace("\"1.2.3\"", "\"1.2.2\"");
        let error = agree(CARGO, Some(&chart), RELEASED, Some("v1.3.0")).unwrap_err().to_string();
        assert!(error.contains("appVersion: 1.2.2") && error.contains("v1.3.0"), "{error}");
        assert!(!error.contains("Chart.yaml: version:"), "{error}");
    }
}
