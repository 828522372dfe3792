//! The headings, durations and results of the steps.

use std::cmp::Reverse;
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::interrupt;
use crate::progress::{result, say, seconds};

/// How a step ended, if it did not fail.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Well.
    Passed,
    /// Well, with these figures.
    Counted(String),
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
#[derive(Debug)]
pub struct Report {
    started: Instant,
    lines: Vec<Line>,
}

impl Report {
    /// Begins with no steps; the whole time counts from now.
    pub fn start() -> Self {
        Self { started: Instant::now(), lines: Vec::new() }
    }

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
        self.note(name, started.elapsed(), outcome);
        Ok(())
    }

    /// Prints the summary; an error when a step failed.
    pub fn finish(&self) -> Result<(), Error> {
        result(&format!("\n{}\n{}", self.table(), self.whole(self.started.elapsed())));
        self.verdict()
    }

    fn note(&mut self, name: &str, took: Duration, outcome: Result<Outcome, String>) {
        self.lines.push(Line { name: name.to_owned(), took, outcome });
    }

    fn verdict(&self) -> Result<(), Error> {
        let failed = self.lines.iter().filter(|line| line.outcome.is_err());
        let failed: Vec<&str> = failed.map(|line| line.name.as_str()).collect();
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

    /// The whole time, and the steps in which most of it went.
    fn whole(&self, took: Duration) -> String {
        const NAMED: usize = 5;
        let mut longest: Vec<&Line> = self.lines.iter().collect();
        longest.sort_by_key(|line| Reverse(line.took));
        let share = |line: &&Line| {
            let percent = line.took.as_millis() * 100 / took.as_millis().max(1);
            format!("{} {percent} %", line.name)
        };
        let longest: Vec<String> = longest.iter().take(NAMED).map(share).collect();
        format!("\n{} min {:02} s in total: {}", took.as_secs() / 60, took.as_secs() % 60, longest.join(", "))
    }

    fn table(&self) -> String {
        let width = self.lines.iter().map(|line| line.name.chars().count()).max().unwrap_or_default();
        let rows = self.lines.iter().map(|line| {
            let (word, remark) = match &line.outcome {
                Ok(Outcome::Passed) => ("ok", ""),
                Ok(Outcome::Counted(figures)) => ("ok", figures.as_str()),
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

    fn report(outcomes: [(&str, Result<Outcome, String>); 2]) -> Report {
        let mut report = Report::start();
        for (name, outcome) in outcomes {
            report.note(name, Duration::from_millis(1500), outcome);
        }
        report
    }

    #[test]
    fn the_table_says_why_a_step_was_skipped() {
        let skipped = Ok(Outcome::Skipped("no python3".to_owned()));
        let report = report([("short", Ok(Outcome::Passed)), ("a longer one", skipped)]);
        let expected = "short         ok          1.5 s\na longer one  SKIPPED     1.5 s  no python3";
        assert_eq!(report.table(), expected);
        assert!(report.verdict().is_ok(), "a skipped step is no failure");
    }

    #[test]
    fn the_whole_time_comes_with_where_most_of_it_went() {
        let mut report = Report::start();
        for (name, took) in [("lints", 10), ("hard times", 60), ("a", 1), ("b", 2), ("c", 3), ("d", 4)] {
            report.note(name, Duration::from_secs(took), Ok(Outcome::Passed));
        }
        assert_eq!(
            report.whole(Duration::from_secs(100)),
            "\n1 min 40 s in total: hard times 60 %, lints 10 %, d 4 %, c 3 %, b 2 %"
        );
    }

    #[test]
    fn one_failed_step_fails_the_run() {
        let report = report([("bad", Err("it broke".to_owned())), ("good", Ok(Outcome::Passed))]);
        assert_eq!(report.table(), "bad   FAILED      1.5 s  it broke\ngood  ok          1.5 s");
        assert_eq!(report.verdict().unwrap_err().to_string(), "1 of 2 steps failed: bad");
    }
}
