//! AWS throttles every call for a while, and edits wait for it to end.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::bench::edits;
use crate::bench::environment::Environment;
use crate::bench::figures::{STORM_RECOVERY, STORM_REFUSED, float};
use crate::bench::run_result::RunResult;
use crate::error::Error;
use crate::interrupt;
use crate::progress::Step;

const STORM: Duration = Duration::from_secs(10);
const EDITS: usize = 10;

/// Throttles, edits, and measures from the end of the throttling until all edits are Ready.
pub fn measure(environment: &mut Environment, result: &mut RunResult) -> Result<(), Error> {
    let step = Step::start("Throttling every call");
    let calls = environment.calls()?;
    environment.simulator.add_fault(&json!({"effect": "429", "times": 0, "message": "Rate exceeded"}))?;
    let spaces = environment.some_spaces(EDITS);
    for space in &spaces {
        edits::describe(environment, space, "Edited in a storm")?;
    }
    interrupt::sleep(STORM)?;
    let refused = environment.calls()?.since(&calls).throttled;
    environment.simulator.clear_faults()?;
    let start = Instant::now();
    for space in &spaces {
        edits::until_ready(environment, space)?;
    }
    result.figures.set(STORM_RECOVERY, start.elapsed().as_secs_f64());
    result.figures.set(STORM_REFUSED, float(refused));
    step.done();
    Ok(())
}
