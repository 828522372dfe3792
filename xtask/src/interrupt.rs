//! Ctrl-C, SIGTERM and SIGHUP, turned into an error that unwinds everything.

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::Error;

static COUNT: AtomicU32 = AtomicU32::new(0);

/// How often something that waits checks whether it should stop.
const STEP: Duration = Duration::from_millis(25);

/// Starts listening. The first signal requests a graceful end; the second ends at once and leaves the rest to the guard
/// process.
pub fn install() -> Result<(), Error> {
    ctrlc::set_handler(|| {
        if COUNT.fetch_add(1, Ordering::SeqCst) > 0 {
            std::process::exit(130);
        }
    })
    .map_err(|error| Error::Other(format!("listening for Ctrl-C: {error}")))
}

/// Fails once a signal has come.
pub fn check() -> Result<(), Error> {
    if COUNT.load(Ordering::SeqCst) > 0 { Err(Error::Interrupted) } else { Ok(()) }
}

/// Forgets the signals so far, to clean up what needs programs to be run.
pub fn forgive() {
    COUNT.store(0, Ordering::SeqCst);
}

/// Sleeps, unless a signal comes.
pub fn sleep(duration: Duration) -> Result<(), Error> {
    let end = Instant::now() + duration;
    loop {
        check()?;
        let rest = end.saturating_duration_since(Instant::now());
        if rest.is_zero() {
            return Ok(());
        }
        thread::sleep(rest.min(STEP));
    }
}
