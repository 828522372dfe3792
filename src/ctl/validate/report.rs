//! The result of `validate`, in every format.

use std::fmt::Write;

use clap::ValueEnum;
use serde::Serialize;

use crate::ctl::Error;
use crate::ctl::manifests::Manifests;
use crate::ctl::output::{Paint, Versioned};
use crate::text;

use super::finding::{Finding, Level};
use super::{junit, sarif};

/// How to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A line for each finding, as compilers print them.
    #[value(alias = "table")]
    Text,
    /// For programs.
    Json,
    /// For programs.
    Yaml,
    /// For code scanning, for example on GitHub.
    Sarif,
    /// For the test reports of CI systems: a test case for each file.
    Junit,
}

/// What was found.
#[derive(Debug, Serialize)]
pub struct Report {
    /// What was wrong, by file and line.
    pub findings: Vec<Finding>,
    /// The files that were read or are found fault with.
    #[serde(skip)]
    pub files: Vec<String>,
    /// The same in numbers.
    #[serde(skip)]
    pub summary: Summary,
}

/// What was found, in numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// How many files were read.
    pub files: usize,
    /// How many objects of ours were checked.
    pub objects: usize,
    /// How many objects of other groups were passed over.
    pub passed_over: usize,
    /// How many skills in folders were checked.
    pub skills: usize,
    /// What won't work.
    pub errors: usize,
    /// What may work.
    pub warnings: usize,
}

impl Report {
    /// What was found in these files.
    pub fn new(manifests: &Manifests, mut findings: Vec<Finding>) -> Self {
        findings.sort_by(|one, other| {
            let key = |finding: &Finding| (finding.file.clone(), finding.line, finding.column, finding.level);
            key(one).cmp(&key(other))
        });
        let ours = manifests.objects.iter().filter(|object| object.is_ours()).count();
        let count = |level| findings.iter().filter(|finding| finding.level == level).count();
        let summary = Summary {
            files: manifests.files,
            objects: ours,
            passed_over: manifests.objects.len() - ours,
            skills: manifests.skills.len(),
            errors: count(Level::Error),
            warnings: count(Level::Warning),
        };
        let read = manifests.objects.iter().map(|object| object.file.clone());
        let skills = manifests.skills.iter().map(|(path, _)| path.display().to_string());
        let mut files: Vec<String> =
            read.chain(skills).chain(findings.iter().map(|finding| finding.file.clone())).collect();
        files.sort();
        files.dedup();
        Self { findings, files, summary }
    }

    /// The report in this format.
    pub fn rendered(&self, format: Format, paint: Paint) -> Result<String, Error> {
        let versioned = Versioned::new("Validation", &self.summary, self);
        match format {
            Format::Text => Ok(self.text(paint)),
            Format::Json => versioned.json(),
            Format::Yaml => versioned.yaml(),
            Format::Sarif => sarif::text(self),
            Format::Junit => Ok(junit::text(self)),
        }
    }

    fn text(&self, paint: Paint) -> String {
        let mut lines = String::new();
        for finding in &self.findings {
            let level = match finding.level {
                Level::Error => paint.bad("error"),
                Level::Warning => paint.warn("warning"),
            };
            let Finding { file, line, column, check, .. } = finding;
            let check = paint.dim(&format!("[{}]", check.name()));
            let sentence = text::plain(&finding.sentence()).into_owned();
            let _ = writeln!(lines, "{file}:{line}:{column}: {level}: {sentence} {check}");
        }
        let Summary { files, objects, passed_over, skills, errors, warnings } = self.summary;
        let mut sentence = format!(
            "{}, {}: {}, {}",
            counted(files, "file"),
            counted(objects, "object"),
            counted(errors, "error"),
            counted(warnings, "warning")
        );
        if skills > 0 {
            let _ = write!(sentence, "; {} checked", counted(skills, "skill"));
        }
        if passed_over > 0 {
            let _ = write!(sentence, "; {} of other groups passed over", counted(passed_over, "object"));
        }
        let sentence = if errors > 0 { paint.bad(&sentence) } else { paint.good(&sentence) };
        lines + &sentence + "\n"
    }
}

fn counted(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}
