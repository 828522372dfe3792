//! What a check says, and how it is printed.

use std::fmt::Write;

use serde::Serialize;

use crate::ctl::Error;
use crate::ctl::output::{Paint, Versioned};
use crate::text::plain;

use super::Format;

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It is as it should be.
    Ok,
    /// It isn't.
    Failed,
    /// There is nothing to check.
    Skipped,
    /// It couldn't be checked.
    Unknown,
}

/// A check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// What was checked.
    pub name: String,
    /// How it ended.
    pub verdict: Verdict,
    /// What was found, in a line.
    pub message: String,
    /// What to do; nothing if it is as it should be.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub what_to_do: String,
}

impl Check {
    /// It is as it should be.
    pub fn ok(name: &str, message: impl AsRef<str>) -> Self {
        Self::new(name, Verdict::Ok, message.as_ref(), "")
    }

    /// It isn't.
    pub fn failed(name: &str, message: impl AsRef<str>, what_to_do: &str) -> Self {
        Self::new(name, Verdict::Failed, message.as_ref(), what_to_do)
    }

    /// There is nothing to check.
    pub fn skipped(name: &str, message: impl AsRef<str>) -> Self {
        Self::new(name, Verdict::Skipped, message.as_ref(), "")
    }

    /// It couldn't be checked.
    pub fn unknown(name: &str, message: impl AsRef<str>, what_to_do: &str) -> Self {
        Self::new(name, Verdict::Unknown, message.as_ref(), what_to_do)
    }

    /// It couldn't be checked because of an error.
    pub fn unreadable(name: &str, error: &Error) -> Self {
        let what_to_do =
            if error.is_forbidden() { "ask for the permission, or somebody who has it" } else { "" };
        Self::unknown(name, error.to_string(), what_to_do)
    }

    fn new(name: &str, verdict: Verdict, message: &str, what_to_do: &str) -> Self {
        Self {
            name: name.to_owned(),
            verdict,
            message: plain(message).into_owned(),
            what_to_do: what_to_do.to_owned(),
        }
    }
}

/// All checks.
#[derive(Debug, Default, Serialize)]
pub struct Checkup {
    checks: Vec<Check>,
}

#[derive(Debug, Serialize)]
struct Summary {
    checks: usize,
    ok: usize,
    failed: usize,
    skipped: usize,
    unknown: usize,
}

impl Checkup {
    /// Adds checks.
    pub fn add(&mut self, checks: impl IntoIterator<Item = Check>) {
        self.checks.extend(checks);
    }

    /// Whether one failed.
    pub fn has_failed(&self) -> bool {
        self.count(Verdict::Failed) > 0
    }

    fn count(&self, verdict: Verdict) -> usize {
        self.checks.iter().filter(|check| check.verdict == verdict).count()
    }

    fn summary(&self) -> Summary {
        Summary {
            checks: self.checks.len(),
            ok: self.count(Verdict::Ok),
            failed: self.count(Verdict::Failed),
            skipped: self.count(Verdict::Skipped),
            unknown: self.count(Verdict::Unknown),
        }
    }

    /// As it is printed.
    pub fn printed(&self, format: Format, paint: Paint) -> Result<String, Error> {
        let summary = self.summary();
        let document = Versioned::new("Checkup", &summary, self);
        match format {
            Format::Text => Ok(self.text(&summary, paint)),
            Format::Json => document.json(),
            Format::Yaml => document.yaml(),
        }
    }

    fn text(&self, summary: &Summary, paint: Paint) -> String {
        let mut text = String::new();
        for Check { name, verdict, message, what_to_do } in &self.checks {
            let word = match verdict {
                Verdict::Ok => paint.good("ok     "),
                Verdict::Failed => paint.bad("failed "),
                Verdict::Skipped => paint.dim("skipped"),
                Verdict::Unknown => paint.warn("unknown"),
            };
            let _ = writeln!(text, "{word} {name}: {message}");
            if !what_to_do.is_empty() {
                let _ = writeln!(text, "        What to do: {what_to_do}");
            }
        }
        let Summary { checks, ok, failed, skipped, unknown } = summary;
        let _ = writeln!(
            text,
            "\n{checks} checks: {ok} ok, {failed} failed, {skipped} skipped, {unknown} unknown"
        );
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkup(checks: &[Check]) -> Checkup {
        Checkup { checks: checks.to_vec() }
    }

    #[test]
    fn every_check_is_a_line_and_what_is_to_be_done_another() {
        let all = checkup(&[
            Check::ok("cluster", "v1.33.1"),
            Check::failed("lease", "nobody\nholds \u{1b}[2Jit", "see the log"),
            Check::skipped("EKS", "isn't EKS"),
        ]);
        assert!(all.has_failed());
        assert_eq!(
            all.printed(Format::Text, Paint::none()).unwrap(),
            "ok      cluster: v1.33.1\n\
             failed  lease: nobody holds \u{FFFD}[2Jit\n        What to do: see the log\n\
             skipped EKS: isn't EKS\n\n\
             3 checks: 1 ok, 1 failed, 1 skipped, 0 unknown\n"
        );
        let json: serde_json::Value =
            serde_json::from_str(&all.printed(Format::Json, Paint::none()).unwrap()).unwrap();
        assert_eq!((&json["kind"], &json["summary"]["failed"]), (&"Checkup".into(), &1.into()));
        assert_eq!(json["checks"][1]["whatToDo"], "see the log");
        assert!(!checkup(&[Check::unknown("x", "y", "z")]).has_failed());
    }
}
