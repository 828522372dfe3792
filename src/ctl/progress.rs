//! Progress of long work, on standard error and only on a terminal.

use std::io::{self, IsTerminal, Write};

/// A line that is written over and over, and cleared at the end.
#[derive(Debug, Default)]
pub struct Line {
    shown: String,
}

impl Line {
    /// Shows this instead of what was shown before.
    pub fn show(&mut self, text: &str) {
        if self.shown == text || !io::stderr().is_terminal() {
            return;
        }
        text.clone_into(&mut self.shown);
        // Nobody is left to tell.
        let _ = write!(io::stderr(), "\r\x1b[2K{text}");
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if !self.shown.is_empty() {
            let _ = write!(io::stderr(), "\r\x1b[2K");
        }
    }
}
