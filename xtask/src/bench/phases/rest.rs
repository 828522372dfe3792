//! Nothing happens but the periodic comparison; then something is changed in AWS.

use std::time::Instant;

use crate::bench::drift::Drift;
use crate::bench::environment::Environment;
use crate::bench::figures::{
    DRIFT, DRIFT_SLOWEST, REST_CALLS, REST_CALLS_EACH, REST_CALLS_MINUTE, REST_CHANGING, REST_CPU,
    REST_CPU_MINUTE, REST_PERIOD, REST_WRITES, float, largest, median,
};
use crate::bench::run_result::RunResult;
use crate::error::Error;
use crate::interrupt;
use crate::progress::Step;

/// How many objects are changed in AWS.
const DRIFTS: usize = 5;

/// Starts the operator again with the period of the settings, and measures one.
///
/// A start compares everything at once, and so does each period after it. From the middle of one to the middle of the next,
/// everything is compared exactly once.
pub fn measure(environment: &mut Environment, result: &mut RunResult) -> Result<(), Error> {
    let period = environment.settings.rest_period;
    let step = Step::start(format!("At rest, with a comparison in {} s", period.as_secs()));
    environment.stop_operator();
    environment.start_operator(period)?;
    environment.wait_until_ready()?;
    interrupt::sleep(period / 2)?;

    let (calls, writes, usage) = (environment.calls()?, environment.writes()?, environment.usage()?);
    let start = Instant::now();
    interrupt::sleep(period)?;
    let minutes = start.elapsed().as_secs_f64() / 60.0;
    let cpu = environment.usage()?.cpu_since(&usage);
    let calls = environment.calls()?.since(&calls);
    let writes = environment.writes()? - writes;
    result.counts.insert("rest.calls".to_owned(), calls.json());

    step.detail("waiting for corrections");
    let mut drifts = Drift::begin(environment, &environment.some_spaces(DRIFTS))?;
    let corrected = Drift::until_corrected(environment, &mut drifts)?;
    step.done();

    let objects = float(result.objects as u64);
    let figures = &mut result.figures;
    figures.set(REST_PERIOD, period.as_secs_f64());
    figures.set(REST_CALLS, float(calls.total()));
    figures.set(REST_CALLS_EACH, float(calls.total()) / objects);
    figures.set(REST_CALLS_MINUTE, float(calls.total()) / minutes);
    figures.set(REST_CHANGING, float(calls.changing));
    figures.set(REST_WRITES, float(writes.total()));
    figures.set(REST_CPU, cpu * 1000.0 / objects);
    figures.set(REST_CPU_MINUTE, cpu / minutes);
    for (figure, value) in [(DRIFT, median(&corrected)), (DRIFT_SLOWEST, largest(&corrected))] {
        if let Some(value) = value {
            figures.set(figure, value);
        }
    }
    Ok(())
}
