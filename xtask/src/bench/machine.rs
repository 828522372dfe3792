//! The machine that is measured on.

use std::fs;
use std::thread;

use serde_json::{Value, json};

use super::figures::digits;

/// What the figures depend on beside the programs.
#[derive(Debug, Clone, PartialEq)]
pub struct Machine {
    cores: usize,
    processor: String,
    memory_gb: f64,
    /// How many processes wanted a processor in the last minute, when the measurement began.
    load: f64,
}

impl Machine {
    /// This machine, now.
    pub fn this() -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        Self {
            cores: thread::available_parallelism().map_or(1, usize::from),
            processor: processor(&read("/proc/cpuinfo")),
            memory_gb: memory_gb(&read("/proc/meminfo")),
            load: load(&read("/proc/loadavg")),
        }
    }

    /// As it is written to a file.
    pub fn json(&self) -> Value {
        json!({
            "cores": self.cores, "processor": self.processor, "memoryGb": self.memory_gb.round(),
            "loadBefore": self.load,
        })
    }

    /// As people read it.
    pub fn describe(&self) -> String {
        let Self { cores, processor, memory_gb, load } = self;
        let others = if *load > 0.5 { "shared with other work" } else { "otherwise idle" };
        format!(
            "{cores} cores ({processor}), {memory_gb:.0} GB, {others}: load {} before the start",
            digits(*load)
        )
    }
}

fn processor(text: &str) -> String {
    let line = text.lines().find_map(|line| line.strip_prefix("model name"));
    line.and_then(|line| line.split_once(':')).map_or("unknown", |(_, name)| name.trim()).to_owned()
}

fn memory_gb(text: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kilobytes.unwrap_or_default() * 1024.0 / 1e9
}

fn load(text: &str) -> f64 {
    text.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_linux_are_read() {
        assert_eq!(processor("processor\t: 0\nmodel name\t: Some CPU @ 2.4GHz\n"), "Some CPU @ 2.4GHz");
        assert!((memory_gb("MemTotal:       16000000 kB\nMemFree: 1 kB") - 16.384).abs() < 1e-9);
        assert!((load("7.80 12.15 11.68 3/400 123") - 7.8).abs() < 1e-9);
    }

    #[test]
    fn what_is_not_there_is_said_to_be_unknown() {
        assert_eq!((processor(""), memory_gb(""), load("")), ("unknown".to_owned(), 0.0, 0.0));
    }
}
