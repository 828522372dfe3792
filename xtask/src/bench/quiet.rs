//! When the operator has nothing left to do.

use std::time::{Duration, Instant};

use super::environment::Environment;
use crate::error::Error;
use crate::interrupt;

/// Nothing is left to do once no call has come for so long.
const QUIET: Duration = Duration::from_secs(2);
const INTERVAL: Duration = Duration::from_millis(20);

/// Follows the calls to AWS until they have ceased, and answers how long after `start` the last came. At least one has to
/// come after the first `before` of them.
pub fn until_quiet(environment: &mut Environment, start: Instant, before: u64) -> Result<Duration, Error> {
    let limit = environment.settings.limit();
    let mut total = environment.calls()?.total();
    let mut last = Instant::now();
    loop {
        let now = environment.calls()?.total();
        if now != total {
            (total, last) = (now, Instant::now());
        }
        if total > before && last.elapsed() >= QUIET {
            return Ok(last.saturating_duration_since(start));
        }
        if start.elapsed() > limit {
            let detail = environment.log_tail();
            return Err(Error::TimedOut { what: "the end of the calls to AWS".to_owned(), limit, detail });
        }
        environment.check()?;
        interrupt::sleep(INTERVAL)?;
    }
}
