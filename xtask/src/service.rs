//! Programs that run beside xtask until they are no longer needed.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread;
use std::time::Duration;

use crate::error::{Doing, Error};
use crate::poll;
use crate::process;
use crate::progress::say;
use crate::session::Session;

/// How long a program may take to end when it is asked to.
const PATIENCE: Duration = Duration::from_secs(5);

/// A running program whose output goes to a file; it ends when this is dropped.
#[derive(Debug)]
pub struct Service {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

impl Service {
    /// Starts the program.
    pub fn start(
        session: &Session,
        name: &'static str,
        command: &mut Command,
        log: PathBuf,
    ) -> Result<Self, Error> {
        let doing = || format!("creating the log {}", log.display());
        let out = File::create(&log).doing(doing)?;
        let err = out.try_clone().doing(doing)?;
        let child = session.spawn(command.stdout(out).stderr(err))?;
        Ok(Self { name, child, log })
    }

    /// The number of its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Fails, with the end of the log, if the program is no longer running.
    pub fn check(&mut self) -> Result<(), Error> {
        match self.child.try_wait().doing(|| format!("checking on {}", self.name))? {
            None => Ok(()),
            Some(status) => Err(Error::Died {
                name: self.name.to_owned(),
                status: status.to_string(),
                log: self.log_tail(20),
            }),
        }
    }

    /// Waits for something that the program has to do; fails, with the end of the log, when the program stops or takes
    /// longer than the limit.
    pub fn wait_for(
        &mut self,
        what: &str,
        limit: Duration,
        mut reached: impl FnMut() -> Result<bool, Error>,
    ) -> Result<(), Error> {
        let outcome = poll::until(what, limit, Duration::from_millis(50), || {
            self.check()?;
            Ok(reached()?.then_some(()))
        });
        outcome.map_err(|error| match error {
            Error::TimedOut { what, limit, .. } => {
                let detail = format!("The end of the log of {}:\n{}", self.name, self.log_tail(20));
                Error::TimedOut { what, limit, detail }
            }
            other => other,
        })
    }

    /// The last lines that the program wrote.
    pub fn log_tail(&self, lines: usize) -> String {
        tail(&fs::read_to_string(&self.log).unwrap_or_default(), lines)
    }

    /// Shows the user what the program writes, from now on.
    pub fn echo_log(&self, prefix: &'static str) {
        if let Ok(file) = File::open(&self.log) {
            thread::spawn(move || echo(file, prefix));
        }
    }

    /// Where the program's output goes.
    pub fn log(&self) -> &Path {
        &self.log
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        process::stop(&mut self.child, PATIENCE);
    }
}

/// Copies a growing file, line by line, for as long as xtask runs.
fn echo(file: File, prefix: &str) {
    let mut reader = BufReader::new(file);
    let mut line = String::new();
    loop {
        match reader.read_line(&mut line) {
            Ok(0) => thread::sleep(Duration::from_millis(100)),
            // A line that is not complete yet is read on.
            Ok(_) if !line.ends_with('\n') => {}
            Ok(_) => {
                say(&format!("{prefix} | {}", line.trim_end()));
                line.clear();
            }
            Err(_) => return,
        }
    }
}

/// The last lines of a text.
pub fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::tail;

    #[test]
    fn the_tail_is_the_last_lines() {
        assert_eq!(tail("a\nb\nc\n", 2), "b\nc");
    }

    #[test]
    fn the_tail_of_a_short_text_is_all_of_it() {
        assert_eq!(tail("a\n", 20), "a");
        assert_eq!(tail("", 20), "");
    }
}
