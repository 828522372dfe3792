//! The exit codes of all commands.

use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It did what was asked; there is nothing to report.
    Done,
    /// It failed.
    Error,
    /// With `--exit-code`: something would change, or there is something to fix.
    Changes,
    /// What was given to it is invalid: arguments, files, objects.
    Invalid,
}

/// Every exit code, and what it means.
pub const TABLE: &[(Exit, u8, &str)] = &[
    (Exit::Done, 0, "done, or nothing to do"),
    (Exit::Error, 1, "an error"),
    (Exit::Changes, 2, "changes, or something to fix, with --exit-code"),
    (Exit::Invalid, 3, "invalid input or usage"),
];

/// The table in `--help`.
pub const HELP: &str = "Exit codes: 0 done, or nothing to do; 1 an error; 2 changes, or something to fix, with --exit-code; 3 invalid input or usage.";

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        let row = TABLE.iter().find(|(of, ..)| *of == exit);
        Self::from(row.map_or(1, |(_, code, _)| *code))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_has_the_whole_table() {
        let rows: Vec<String> = TABLE.iter().map(|(_, code, what)| format!("{code} {what}")).collect();
        assert_eq!(HELP, format!("Exit codes: {}.", rows.join("; ")));
    }
}
