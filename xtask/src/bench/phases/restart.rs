//! The operator is started again, and something was changed in AWS meanwhile.

use std::time::Instant;

use crate::bench::drift::Drift;
use crate::bench::environment::{Environment, NEVER};
use crate::bench::figures::{
    RESTART_CALLS, RESTART_CPU, RESTART_IN_SYNC, RESTART_MEMORY, RESTART_WRITES, float,
};
use crate::bench::quiet::until_quiet;
use crate::bench::run_result::RunResult;
use crate::error::Error;
use crate::progress::Step;

/// Measures from the start of the process until its last call to AWS, by which the change has to be corrected.
pub fn measure(environment: &mut Environment, result: &mut RunResult) -> Result<(), Error> {
    let step = Step::start("Starting the operator again");
    environment.stop_operator();
    let spaces = environment.some_spaces(1);
    let mut drifts = Drift::begin(environment, &spaces)?;
    let (calls, writes) = (environment.calls()?, environment.writes()?);
    let start = Instant::now();
    environment.start_operator(NEVER)?;
    let in_sync = until_quiet(environment, start, calls.total())?;
    Drift::until_corrected(environment, &mut drifts)?;
    step.done();

    let usage = environment.usage()?;
    let calls = environment.calls()?.since(&calls);
    let writes = environment.writes()? - writes;
    result.counts.insert("restart.calls".to_owned(), calls.json());
    let objects = float(result.objects as u64);
    result.figures.set(RESTART_IN_SYNC, in_sync.as_secs_f64());
    result.figures.set(RESTART_CALLS, float(calls.total()) / objects);
    result.figures.set(RESTART_WRITES, float(writes.total()));
    result.figures.set(RESTART_CPU, usage.cpu.as_secs_f64() * 1000.0 / objects);
    result.figures.set(RESTART_MEMORY, usage.resident_mb);
    Ok(())
}
