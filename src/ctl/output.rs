//! How results are printed: as text for people, or versioned for programs.

use std::io::{self, IsTerminal, Write};

use clap::ValueEnum;
use serde::Serialize;

use super::Error;

/// The version of what `-o json` and `-o yaml` print. A member that is added doesn't change it.
pub const VERSION: &str = "ctl.devopsagent.dev/v1";

/// How to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Table,
    /// For programs.
    Json,
    /// For programs, and for people who like it.
    Yaml,
}

/// A result as programs get it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Versioned<'a, T, S> {
    api_version: &'static str,
    kind: &'static str,
    summary: &'a S,
    #[serde(flatten)]
    result: &'a T,
}

impl<'a, T: Serialize, S: Serialize> Versioned<'a, T, S> {
    /// A result of the command that prints `kind`, and its summary.
    pub fn new(kind: &'static str, summary: &'a S, result: &'a T) -> Self {
        Self { api_version: VERSION, kind, summary, result }
    }

    /// The document as JSON.
    pub fn json(&self) -> Result<String, Error> {
        Ok(serde_json::to_string_pretty(self).map_err(io::Error::from)? + "\n")
    }

    /// The document as JSON in a line.
    pub fn line(&self) -> Result<String, Error> {
        Ok(serde_json::to_string(self).map_err(io::Error::from)? + "\n")
    }

    /// The document as YAML.
    pub fn yaml(&self) -> Result<String, Error> {
        serde_saphyr::to_string(self).map_err(|error| io::Error::other(error.to_string()).into())
    }
}

/// Writes to standard output.
pub fn print(text: &str) -> Result<(), Error> {
    Ok(io::stdout().lock().write_all(text.as_bytes())?)
}

/// Writes to standard error, where nobody may be left to read it.
pub fn complain(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// Colors, if they are wanted.
#[derive(Clone, Copy, Debug)]
pub struct Paint(bool);

impl Paint {
    /// Colors on a terminal, unless the user doesn't want them.
    pub fn on_stdout(refused: bool) -> Self {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self(!refused && !unwanted && io::stdout().is_terminal())
    }

    /// No colors.
    pub const fn none() -> Self {
        Self(false)
    }

    fn with(self, code: &str, text: &str) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// What is wrong.
    pub fn bad(self, text: &str) -> String {
        self.with("31", text)
    }

    /// What may be wrong, or isn't done yet.
    pub fn warn(self, text: &str) -> String {
        self.with("33", text)
    }

    /// What is as it should be.
    pub fn good(self, text: &str) -> String {
        self.with("32", text)
    }

    /// What is less important.
    pub fn dim(self, text: &str) -> String {
        self.with("2", text)
    }
}
