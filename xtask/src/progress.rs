//! What the user sees while something takes long. All of it goes to standard error; results go to standard output.

use std::io::{self, IsTerminal, Write};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Between two lines where there is no terminal to redraw one.
const BETWEEN_LINES: Duration = Duration::from_secs(10);
const BETWEEN_LIVELY_LINES: Duration = Duration::from_secs(2);
const BETWEEN_DRAWINGS: Duration = Duration::from_millis(200);

/// Back to the beginning of the line, and nothing in it.
const CLEAR: &str = "\r\x1b[K";

/// Writes a line for the user. A closed standard error is no reason to stop.
pub fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Writes a line of the result.
pub fn result(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// A duration in readable form.
pub fn seconds(duration: Duration) -> String {
    let tenths = duration.as_millis() / 100;
    if tenths < 1000 { format!("{}.{} s", tenths / 10, tenths % 10) } else { format!("{} s", tenths / 10) }
}

/// A step that is in progress: one line that is redrawn on a terminal, a line now and then elsewhere.
#[derive(Debug)]
pub struct Step {
    what: String,
    detail: Arc<Mutex<String>>,
    started: Instant,
    redraw: bool,
    ticker: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Step {
    /// Starts a step that has the screen to itself.
    pub fn start(what: impl Into<String>) -> Self {
        Self::new(what.into(), io::stderr().is_terminal(), BETWEEN_LINES)
    }

    /// Starts a step in which something happens all the time.
    pub fn start_lively(what: impl Into<String>) -> Self {
        Self::new(what.into(), io::stderr().is_terminal(), BETWEEN_LIVELY_LINES)
    }

    /// Starts a step while something else writes too: no line is redrawn.
    pub fn start_in_background(what: impl Into<String>) -> Self {
        Self::new(what.into(), false, BETWEEN_LINES)
    }

    fn new(what: String, redraw: bool, between_lines: Duration) -> Self {
        let detail = Arc::new(Mutex::new(String::new()));
        let started = Instant::now();
        let (stop, stopped) = mpsc::channel();
        let text = { (what.clone(), Arc::clone(&detail)) };
        let ticker = thread::spawn(move || {
            let pause = if redraw { BETWEEN_DRAWINGS } else { between_lines };
            while stopped.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                draw(&text.0, &text.1, started, redraw);
            }
        });
        Self { what, detail, started, redraw, ticker: Some((stop, ticker)) }
    }

    /// Says how far it is.
    pub fn detail(&self, detail: impl Into<String>) {
        if let Ok(mut current) = self.detail.lock() {
            *current = detail.into();
        }
    }

    /// Writes a line for the user without spoiling the one that is redrawn.
    pub fn say(&self, line: &str) {
        let clear = if self.redraw { CLEAR } else { "" };
        say(&format!("{clear}{line}"));
    }

    /// The step has succeeded.
    pub fn done(mut self) {
        self.stop_drawing();
        say(&format!("{}: {}", self.what, seconds(self.started.elapsed())));
    }

    fn stop_drawing(&mut self) {
        if let Some((stop, ticker)) = self.ticker.take() {
            drop(stop);
            let _ = ticker.join();
            if self.redraw {
                let _ = write!(io::stderr(), "{CLEAR}");
            }
        }
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        self.stop_drawing();
    }
}

fn draw(what: &str, detail: &Mutex<String>, started: Instant, redraw: bool) {
    let detail = detail.lock().map(|detail| detail.clone()).unwrap_or_default();
    let line = line(what, &detail, started.elapsed());
    if redraw {
        let _ = write!(io::stderr(), "{CLEAR}{}", cut(&line, 100));
        let _ = io::stderr().flush();
    } else {
        say(&line);
    }
}

fn line(what: &str, detail: &str, elapsed: Duration) -> String {
    let separator = if detail.is_empty() { "" } else { ": " };
    format!("{what} … {} s{separator}{detail}", elapsed.as_secs())
}

/// A line that is longer than the terminal is wide can't be redrawn.
fn cut(line: &str, width: usize) -> String {
    if line.chars().count() <= width {
        return line.to_owned();
    }
    line.chars().take(width - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_how_long_and_how_far() {
        assert_eq!(
            line("Compiling", "12 packages", Duration::from_millis(4200)),
            "Compiling … 4 s: 12 packages"
        );
        assert_eq!(line("Compiling", "", Duration::ZERO), "Compiling … 0 s");
    }

    #[test]
    fn a_long_line_is_cut_between_characters() {
        assert_eq!(cut("äöü", 3), "äöü");
        assert_eq!(cut("äöüß", 3), "äö…");
    }

    #[test]
    fn short_durations_have_tenths_and_long_ones_do_not() {
        assert_eq!(seconds(Duration::from_millis(3149)), "3.1 s");
        assert_eq!(seconds(Duration::from_secs(125)), "125 s");
    }
}
