//! Some objects are edited while everything is compared with AWS, as it is after a start.

use std::time::{Duration, Instant};

use crate::bench::edits;
use crate::bench::environment::{Environment, NEVER};
use crate::bench::figures::{EDIT_CALLS, EDIT_COUNT, EDIT_READY, EDIT_SLOWEST, float, largest, median};
use crate::bench::quiet::until_quiet;
use crate::bench::run_result::RunResult;
use crate::error::Error;
use crate::poll;
use crate::progress::Step;

/// One after the other, so that none waits for another.
const EDITS: usize = 5;
const INTERVAL: Duration = Duration::from_millis(10);

/// Starts the operator again and edits as soon as it compares.
pub fn measure(environment: &mut Environment, result: &mut RunResult) -> Result<(), Error> {
    let step = Step::start("Editing while everything is compared with AWS");
    environment.stop_operator();
    let before = environment.calls()?.total();
    let first = before + (result.objects as u64 / 50).max(1);
    let start = Instant::now();
    environment.start_operator(NEVER)?;
    poll::until("the first calls to AWS", environment.settings.limit(), INTERVAL, || {
        environment.check()?;
        Ok((environment.calls()?.total() >= first).then_some(()))
    })?;
    let begun = environment.calls()?.total();
    let mut seconds = Vec::new();
    let spaces = environment.some_spaces(EDITS);
    for (number, space) in spaces.iter().cycle().take(EDITS).enumerate() {
        let start = Instant::now();
        edits::describe(environment, space, &format!("Edited during a comparison, {number}"))?;
        edits::until_ready(environment, space)?;
        seconds.push(start.elapsed().as_secs_f64());
    }
    let meanwhile = environment.calls()?.total() - begun;
    until_quiet(environment, start, before)?;
    step.done();

    result.figures.set(EDIT_COUNT, float(seconds.len() as u64));
    result.figures.set(EDIT_CALLS, float(meanwhile));
    for (figure, value) in [(EDIT_READY, median(&seconds)), (EDIT_SLOWEST, largest(&seconds))] {
        if let Some(value) = value {
            result.figures.set(figure, value);
        }
    }
    Ok(())
}
