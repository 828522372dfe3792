//! The headings, durations and results of the steps.

use std::time::{Duration, Instant};

use crate::error::Error;
use crate::interrupt;
use crate::progress::{result, say, seconds};

/// How a step ended, if it did not fail.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Well.
    Passed,
    /// It could not be run, for this reason.
    Skipped(String),
}

#[derive(Debug)]
struct Line {
    name: String,
    took: Duration,
    outcome: Result<Outcome, String>,
}

/// All steps so far.
#[derive(Debug, Default)]
pub struct Report {
    lines: Vec<Line>,
}

impl Report {
    /// Runs a step and notes how it ended. Only an interruption ends the whole run.
    pub fn step(&mut self, name: &str, run: impl FnOnce() -> Result<Outcome, Error>) -> Result<(), Error> {
        interrupt::check()?;
        say(&format!("\n=== {name}"));
        let started = Instant::now();
        let outcome = match run() {
            Err(Error::Interrupted) => return Err(Error::Interrupted),
            Err(error) => {
                let text = error.to_string();
                say(&text);
                Err(text.lines().next().unwrap_or_default().to_owned())
            }
            Ok(outcome) => Ok(outcome),
        };
        self.lines.push(Line { name: name.to_owned(), took: started.elapsed(), outcome });
        Ok(())
    }

    /// Prints the summary; an error when a step failed.
    pub fn finish(self) -> Result<(), Error> {
        result(&format!("\n{}", self.table()));
        let failed: Vec<&str> =
            self.lines.iter().filter(|line| line.outcome.is_err()).map(|line| line.name.as_str()).collect();
        if failed.is_empty() {
            return Ok(());
        }
        Err(Error::Other(format!(
            "{} of {} steps failed: {}",
            failed.len(),
            self.lines.len(),
            failed.join("; ")
        )))
    }

    fn table(&self) -> String {
        let width = self.lines.iter().map(|line| line.name.chars().count()).max().unwrap_or_default();
        let rows = self.lines.iter().map(|line| {
            let (word, remark) = match &line.outcome {
                Ok(Outcome::Passed) => ("ok", ""),
                Ok(Outcome::Skipped(why)) => ("SKIPPED", why.as_str()),
                Err(why) => ("FAILED", why.as_str()),
            };
            format!("{:<width$}  {word:<7}  {:>8}  {remark}", line.name, seconds(line.took))
                .trim_end()
                .to_owned()
        });
        rows.collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let mut report = Report::default();
        report.step("short", || Ok(Outcome::Passed)).unwrap();
        report.step("a longer one", || Ok(Outcome::Skipped("no python3".to_owned()))).unwrap();
        report
    }

    #[test]
    fn the_table_says_why_a_step_was_skipped() {
        let table = report().table();
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines[0], "short         ok          0.0 s");
        assert_eq!(lines[1], "a longer one  SKIPPED     0.0 s  no python3");
    }

    #[test]
    fn a_skipped_step_is_no_failure() {
        assert!(report().finish().is_ok());
    }

    #[test]
    fn a_failed_step_does_not_keep_the_next_from_running_but_fails_the_run() {
        let mut report = Report::default();
        report.step("bad", || Err(Error::Other("it broke\nbadly".to_owned()))).unwrap();
        report.step("good", || Ok(Outcome::Passed)).unwrap();
        assert!(report.table().contains("FAILED      0.0 s  it broke\n"));
        assert_eq!(report.finish().unwrap_err().to_string(), "1 of 2 steps failed: bad");
    }
}
