//! The process itself, from `/proc`; nothing if there is none.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::encoding::DescriptorEncoder;

use super::table;
use super::vector::{counters, gauges};

/// Ticks per second in `/proc`: the same on every architecture for which there is an image.
const TICKS: f64 = 100.0;

pub(super) fn encode(encoder: &mut DescriptorEncoder, started: SystemTime) -> std::fmt::Result {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kibibytes = |name| field(&status, name).map(|value| value * 1024.0);
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let open = fs::read_dir("/proc/self/fd").ok().and_then(|files| u32::try_from(files.count()).ok());
    let started = started.duration_since(UNIX_EPOCH).ok().map(|since| since.as_secs_f64());
    let plain = |value: Option<f64>| value.map(|value| ([], value));
    counters(encoder, table::PROCESS_CPU, plain(cpu_seconds()))?;
    gauges(encoder, table::PROCESS_MEMORY, plain(kibibytes("VmRSS:")))?;
    gauges(encoder, table::PROCESS_VIRTUAL_MEMORY, plain(kibibytes("VmSize:")))?;
    gauges(encoder, table::PROCESS_FDS, plain(open.map(f64::from)))?;
    gauges(encoder, table::PROCESS_MAX_FDS, plain(field(&limits, "Max open files")))?;
    gauges(encoder, table::PROCESS_START, plain(started))
}

/// The first number of the line that starts with `name`.
fn field(text: &str, name: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

/// CPU time, of the program and of the system on its behalf.
fn cpu_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program, in brackets, may have spaces in it.
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<f64>().ok();
    Some((ticks()? + ticks()?) / TICKS)
}
