//! Completion: a script for a shell, or the program that kubectl runs to complete `kubectl devopsagent …`.

use std::ffi::OsString;
use std::io;

use clap::ValueEnum;
use clap_complete::{Shell, engine, generate};

use super::exit::Exit;
use super::{Error, output};

/// The program's own name: kubectl finds a plugin by it.
const PROGRAM: &str = "kubectl-devopsagent";

/// Tells kubectl's script that files may be completed too, as if nothing had been said: the default directive of Cobra.
const DEFAULT: &str = ":0";
/// Tells kubectl that nothing else can be completed.
const NO_FILES: &str = ":4";

/// What is to be completed.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum For {
    /// `kubectl devopsagent …`, in whichever shell kubectl completes.
    Kubectl,
    /// `kubectl-devopsagent …`, in bash.
    Bash,
    /// `kubectl-devopsagent …`, in elvish.
    Elvish,
    /// `kubectl-devopsagent …`, in fish.
    Fish,
    /// `kubectl-devopsagent …`, in PowerShell.
    #[value(name = "powershell")]
    PowerShell,
    /// `kubectl-devopsagent …`, in zsh.
    Zsh,
}

/// Arguments of `completion`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// What the completion is for. What is printed for `kubectl` is a program: put it on the PATH as
    /// `kubectl_complete-devopsagent`.
    #[arg(value_enum)]
    shell: For,
}

/// What kubectl asks: the words after `kubectl devopsagent`, the last of which is to be completed.
#[derive(Debug, clap::Args)]
pub struct Asked {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<OsString>,
}

/// Prints a script.
pub fn print(arguments: &Arguments, command: &mut clap::Command) -> Result<Exit, Error> {
    let shell = match arguments.shell {
        For::Kubectl => {
            output::print(&format!("#!/bin/sh\nexec {PROGRAM} __complete \"$@\"\n"))?;
            return Ok(Exit::Done);
        }
        For::Bash => Shell::Bash,
        For::Elvish => Shell::Elvish,
        For::Fish => Shell::Fish,
        For::PowerShell => Shell::PowerShell,
        For::Zsh => Shell::Zsh,
    };
    let mut script = Vec::new();
    generate(shell, command, PROGRAM, &mut script);
    output::print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}

/// Answers kubectl, as a program that uses Cobra would: a candidate a line, then a directive.
pub fn answer(asked: Asked, command: &mut clap::Command) -> Result<Exit, Error> {
    output::print(&candidates(asked.words, command)?)?;
    Ok(Exit::Done)
}

fn candidates(words: Vec<OsString>, command: &mut clap::Command) -> Result<String, io::Error> {
    let words: Vec<OsString> = [OsString::from(PROGRAM)].into_iter().chain(words).collect();
    let last = words.len().saturating_sub(1);
    let found = engine::complete(command, words, last, None)?;
    let shown = found.iter().filter(|candidate| !candidate.is_hide_set());
    let lines: Vec<String> = shown
        .map(|candidate| {
            let value = candidate.get_value().to_string_lossy();
            let help = candidate.get_help().map(ToString::to_string).unwrap_or_default();
            match help.lines().next() {
                Some(help) => format!("{value}\t{help}\n"),
                None => format!("{value}\n"),
            }
        })
        .collect();
    let directive = if lines.is_empty() { DEFAULT } else { NO_FILES };
    Ok(lines.concat() + directive + "\n")
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::super::Plugin;
    use super::*;

    fn ask(words: &[&str]) -> String {
        let words = words.iter().map(OsString::from).collect();
        candidates(words, &mut Plugin::command()).unwrap()
    }

    #[test]
    fn kubectl_is_told_commands_flags_and_values() {
        assert!(ask(&["compl"]).starts_with("completion\t"), "{}", ask(&["compl"]));
        assert!(ask(&["completion", "--no-c"]).starts_with("--no-color\t"));
        let shells = ask(&["completion", ""]);
        assert!(shells.contains("kubectl\t") && shells.contains("\nzsh\t"), "{shells}");
        assert!(shells.ends_with(":4\n"));
        assert!(!ask(&[""]).contains("__complete"));
    }

    #[test]
    fn the_words_to_complete_may_be_flags() {
        assert!(Plugin::try_parse_from(["x", "__complete", "validate", "--help", "-"]).is_ok());
    }
}
