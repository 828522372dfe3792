//! What a process has used, as Linux counts it.

use std::fs;
use std::time::Duration;

use crate::error::{Doing, Error};

/// Linux counts processor time in hundredths of a second for every program, whatever the kernel's own tick is.
const TICK: Duration = Duration::from_millis(10);

/// What a process has used so far.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Usage {
    /// Processor time of all its threads.
    pub cpu: Duration,
    /// Memory that it occupies.
    pub resident_mb: f64,
    /// The most that it has occupied.
    pub peak_mb: f64,
}

impl Usage {
    /// That of a running process.
    pub fn of(process: u32) -> Result<Self, Error> {
        let read = |file: &str| {
            let path = format!("/proc/{process}/{file}");
            fs::read_to_string(&path).doing(|| format!("reading {path}"))
        };
        let (stat, status) = (read("stat")?, read("status")?);
        Self::parse(&stat, &status)
            .ok_or_else(|| Error::Other(format!("the files of process {process} have an unknown form")))
    }

    /// Seconds of processor time since `before`.
    pub fn cpu_since(&self, before: &Self) -> f64 {
        self.cpu.saturating_sub(before.cpu).as_secs_f64()
    }

    fn parse(stat: &str, status: &str) -> Option<Self> {
        // The name is in parentheses and may have any character in it.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let ticks = |place: usize| fields.get(place)?.parse::<u32>().ok();
        Some(Self {
            cpu: TICK * (ticks(11)? + ticks(12)?),
            resident_mb: kilobytes(status, "VmRSS:")? / 1000.0,
            peak_mb: kilobytes(status, "VmHWM:")? / 1000.0,
        })
    }
}

/// A size in thousands of bytes; the file has it in units of 1,024.
fn kilobytes(status: &str, name: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let number: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(number * 1.024)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &str =
        "4242 (a (strange) name) S 1 4242 4242 0 -1 4194304 9 0 0 0 150 25 3 4 20 0 5 0 99 1 2";

    #[test]
    fn processor_time_is_that_of_user_and_system() {
        let usage = Usage::parse(STAT, "Name:\tx\nVmHWM:\t   50000 kB\nVmRSS:\t   31250 kB\n").unwrap();
        assert_eq!(usage.cpu, Duration::from_millis(1750));
        assert!((usage.resident_mb - 32.0).abs() < 1e-9 && (usage.peak_mb - 51.2).abs() < 1e-9);
    }

    #[test]
    fn an_unknown_form_is_no_number() {
        assert_eq!(Usage::parse("4242", "VmHWM: 1 kB\nVmRSS: 1 kB"), None);
        assert_eq!(Usage::parse(STAT, "VmHWM: 1 kB"), None);
    }

    #[test]
    fn this_process_has_used_something() {
        let usage = Usage::of(std::process::id()).unwrap();
        assert!(usage.resident_mb > 0.0 && usage.peak_mb >= usage.resident_mb);
    }
}
