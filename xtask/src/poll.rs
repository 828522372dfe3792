//! Polling for something, with a limit.

use std::time::{Duration, Instant};

use crate::error::Error;
use crate::interrupt;

/// Polls until there is a result; fails if it takes longer than the limit.
pub fn until<T>(
    what: &str,
    limit: Duration,
    interval: Duration,
    mut ask: impl FnMut() -> Result<Option<T>, Error>,
) -> Result<T, Error> {
    let end = Instant::now() + limit;
    loop {
        if let Some(answer) = ask()? {
            return Ok(answer);
        }
        if Instant::now() >= end {
            return Err(Error::TimedOut { what: what.to_owned(), limit, detail: String::new() });
        }
        interrupt::sleep(interval)?;
    }
}
