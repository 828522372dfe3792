//! All objects are deleted.

use std::time::{Duration, Instant};

use crate::bench::api_server::{ApiServer, THREADS};
use crate::bench::environment::{Environment, namespaces};
use crate::bench::figures::{DELETE_CALLS, DELETE_CPU, DELETE_GONE, DELETE_WRITES, float};
use crate::bench::parallel;
use crate::bench::readiness::number_of_rows;
use crate::bench::run_result::RunResult;
use crate::bench::shape::Kind;
use crate::error::Error;
use crate::interrupt;
use crate::progress::Step;

const INTERVAL: Duration = Duration::from_millis(200);

/// Measures until the last is gone.
pub fn measure(environment: &mut Environment, result: &mut RunResult) -> Result<(), Error> {
    let step = Step::start("Deleting all objects");
    let (calls, writes, usage) = (environment.calls()?, environment.writes()?, environment.usage()?);
    let start = Instant::now();
    all(&environment.api, &namespaces(&environment.objects))?;
    until_gone(environment)?;
    let gone = start.elapsed();
    step.done();

    let cpu = environment.usage()?.cpu_since(&usage);
    let calls = environment.calls()?.since(&calls);
    let writes = environment.writes()? - writes;
    result.counts.insert("delete.calls".to_owned(), calls.json());
    result.counts.insert("delete.kubernetes_writes".to_owned(), writes.json());
    let objects = float(result.objects as u64);
    result.figures.set(DELETE_GONE, gone.as_secs_f64());
    result.figures.set(DELETE_CALLS, float(calls.total()) / objects);
    result.figures.set(DELETE_WRITES, float(writes.total()) / objects);
    result.figures.set(DELETE_CPU, cpu * 1000.0 / objects);
    Ok(())
}

/// Asks for the deletion of everything in these namespaces.
pub fn all(api: &ApiServer, namespaces: &[String]) -> Result<(), Error> {
    let collections: Vec<(Kind, &String)> =
        namespaces.iter().flat_map(|namespace| Kind::ALL.map(|kind| (kind, namespace))).collect();
    parallel::each(&collections, THREADS, |(kind, namespace)| api.delete_all(*kind, namespace))
}

/// Waits until there is no object left.
pub fn until_gone(environment: &mut Environment) -> Result<(), Error> {
    let limit = environment.settings.limit();
    let start = Instant::now();
    let mut left = Kind::ALL.to_vec();
    loop {
        let mut remaining = Vec::new();
        for kind in left {
            if number_of_rows(&environment.api.table(kind)?) > 0 {
                remaining.push(kind);
            }
        }
        left = remaining;
        if left.is_empty() {
            return Ok(());
        }
        if start.elapsed() > limit {
            let detail = environment.log_tail();
            return Err(Error::TimedOut { what: "the end of all objects".to_owned(), limit, detail });
        }
        environment.check()?;
        interrupt::sleep(INTERVAL)?;
    }
}
