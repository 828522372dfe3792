//! The operators' log at its most verbose: kept for a while, to look for secrets and to tell why a run failed.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// So many bytes are kept.
const KEPT: usize = 64 << 20;

static LINES: Mutex<Lines> = Mutex::new(Lines { kept: VecDeque::new(), bytes: 0, newest: 0 });

struct Lines {
    kept: VecDeque<(u64, Arc<String>)>,
    bytes: usize,
    newest: u64,
}

/// Starts to keep the log.
pub fn start() {
    let filter = EnvFilter::new("devops_agent_operator=trace,warn");
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(Keep).init();
}

/// The number of the newest line.
pub fn newest() -> u64 {
    LINES.lock().expect("nobody panics with the log in hand").newest
}

/// A line after `first` that contains one of these texts.
pub fn find(first: u64, texts: &[String]) -> Option<String> {
    let has_one = |line: &String| texts.iter().any(|text| line.contains(text));
    since(first).into_iter().find(|line| has_one(line)).map(|line| line.to_string())
}

/// The lines after `first` that contain `text`.
pub fn lines(first: u64, text: &str) -> Vec<String> {
    since(first).into_iter().filter(|line| line.contains(text)).map(|line| line.to_string()).collect()
}

/// The lines after `first`. They are searched without the lock, which every line of the log waits for.
fn since(first: u64) -> Vec<Arc<String>> {
    let lines = LINES.lock().expect("nobody panics with the log in hand");
    let since = lines.kept.partition_point(|(number, _)| *number <= first);
    lines.kept.range(since..).map(|(_, line)| Arc::clone(line)).collect()
}

struct Keep;

impl Write for Keep {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut lines = LINES.lock().expect("nobody panics with the log in hand");
        lines.newest += 1;
        let line = String::from_utf8_lossy(bytes).into_owned();
        lines.bytes += line.len();
        let number = lines.newest;
        lines.kept.push_back((number, Arc::new(line)));
        while lines.bytes > KEPT {
            let gone = lines.kept.pop_front();
            lines.bytes -= gone.map_or(0, |(_, line)| line.len());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Keep {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        Self
    }
}
