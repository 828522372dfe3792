//! All objects are applied, until all are Ready.

use std::time::{Duration, Instant};

use crate::bench::api_server::THREADS;
use crate::bench::environment::{Environment, NEVER};
use crate::bench::figures::{
    APPLIED, CREATE_CALLS, CREATE_CPU, CREATE_EVENTS, CREATE_METADATA, CREATE_SECRETS, CREATE_STATUS,
    CREATE_WRITES, EMPTY_MEMORY, FLOOR, FLOOR_CREATES, FLOOR_METADATA, FLOOR_STATUS, Figures, OBJECT_MEMORY,
    PEAK_MEMORY, READY, READY_TO_FLOOR, RESTING_MEMORY, WRITES_FLOOR, float,
};
use crate::bench::kubernetes_writes::Writes;
use crate::bench::parallel;
use crate::bench::quiet::until_quiet;
use crate::bench::readiness::ready_rows;
use crate::bench::run_result::RunResult;
use crate::bench::shape::Kind;
use crate::error::Error;
use crate::interrupt;
use crate::progress::Step;

/// Between two looks at what is Ready; a table of thousands costs the API server some time.
const INTERVAL: Duration = Duration::from_millis(200);
/// An operator that has just started still allocates.
const SETTLE: Duration = Duration::from_secs(1);

/// Starts the operator and measures.
pub fn measure(environment: &mut Environment, result: &mut RunResult) -> Result<(), Error> {
    environment.create_namespaces(&environment.objects)?;
    environment.start_operator(NEVER)?;
    environment.wait_until_ready()?;
    interrupt::sleep(SETTLE)?;
    let empty = environment.usage()?;
    let (calls, writes) = (environment.calls()?, environment.writes()?);

    let step = Step::start(format!("Creating {} objects", environment.objects.len()));
    let start = Instant::now();
    parallel::each(&environment.objects, THREADS, |object| environment.api.create(object))?;
    let applied = start.elapsed();
    until_ready(environment, &step, start)?;
    let ready = start.elapsed();
    // Some Events are written a moment later.
    until_quiet(environment, start, calls.total())?;
    step.done();

    let usage = environment.usage()?;
    let calls = environment.calls()?.since(&calls);
    let writes = environment.writes()? - writes;
    result.counts.insert("create.calls".to_owned(), calls.json());
    result.counts.insert("create.kubernetes_writes".to_owned(), writes.json());
    let objects = float(result.objects as u64);
    let figures = &mut result.figures;
    figures.set(APPLIED, applied.as_secs_f64());
    figures.set(READY, ready.as_secs_f64());
    figures.set(CREATE_CALLS, float(calls.total()) / objects);
    figures.set(CREATE_CPU, usage.cpu_since(&empty) * 1000.0 / objects);
    figures.set(EMPTY_MEMORY, empty.resident_mb);
    figures.set(PEAK_MEMORY, usage.peak_mb);
    figures.set(RESTING_MEMORY, usage.resident_mb);
    figures.set(OBJECT_MEMORY, (usage.resident_mb - empty.resident_mb) * 1000.0 / objects);
    set_writes(figures, writes, objects);
    Ok(())
}

fn set_writes(figures: &mut Figures, writes: Writes, objects: f64) {
    figures.set(CREATE_WRITES, float(writes.total()) / objects);
    figures.set(CREATE_METADATA, float(writes.metadata) / objects);
    figures.set(CREATE_STATUS, float(writes.status) / objects);
    figures.set(CREATE_EVENTS, float(writes.events) / objects);
    figures.set(CREATE_SECRETS, float(writes.secrets) / objects);
    if let (Some(ready), Some(floor)) = (figures.get(READY), figures.get(FLOOR)) {
        figures.set(READY_TO_FLOOR, ready / floor);
    }
    if let Some(seconds) = writes_floor(figures, writes, objects) {
        figures.set(WRITES_FLOOR, seconds);
    }
}

/// How long the API server takes for these writes at the rates that it reached alone. Events and Secrets are created, as
/// objects are.
fn writes_floor(figures: &Figures, writes: Writes, objects: f64) -> Option<f64> {
    let created = objects + float(writes.events + writes.secrets);
    Some(
        created / figures.get(FLOOR_CREATES)?
            + float(writes.metadata) / figures.get(FLOOR_METADATA)?
            + float(writes.status) / figures.get(FLOOR_STATUS)?,
    )
}

/// Waits until all objects are Ready. Nobody asks the API server before AWS has had all creates: it has enough to do.
fn until_ready(environment: &mut Environment, step: &Step, start: Instant) -> Result<(), Error> {
    let number = |kind: Kind| environment.objects.iter().filter(|object| object.kind == kind).count();
    let mut left: Vec<(Kind, usize)> = Kind::ALL.map(|kind| (kind, number(kind))).to_vec();
    let all = environment.objects.len();
    let limit = environment.settings.limit();
    loop {
        let calls = environment.calls()?;
        let created: u64 = Kind::ALL.iter().map(|kind| calls.count(kind.create())).sum();
        step.detail(format!("{created} creates in AWS"));
        if created >= all as u64 {
            let mut waiting = Vec::new();
            for (kind, number) in left {
                let ready = if number == 0 { 0 } else { ready_rows(&environment.api.table(kind)?) };
                if ready < number {
                    waiting.push((kind, number));
                }
            }
            left = waiting;
        }
        if left.is_empty() {
            return Ok(());
        }
        if start.elapsed() > limit {
            let kinds: Vec<&str> = left.iter().map(|(kind, _)| kind.name()).collect();
            let detail = format!("not all are Ready: {}\n{}", kinds.join(", "), environment.log_tail());
            return Err(Error::TimedOut { what: "readiness of all objects".to_owned(), limit, detail });
        }
        environment.check()?;
        interrupt::sleep(INTERVAL)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_floor_of_the_writes_is_their_time_at_the_rates_of_the_api_server_alone() {
        let mut figures = Figures::default();
        figures.set(READY, 9.0);
        let writes = Writes { metadata: 100, status: 300, events: 200, secrets: 0 };
        set_writes(&mut figures, writes, 100.0);
        assert_eq!(figures.get(CREATE_WRITES), Some(6.0));
        assert_eq!((figures.get(WRITES_FLOOR), figures.get(READY_TO_FLOOR)), (None, None));
        for (figure, value) in
            [(FLOOR_CREATES, 300.0), (FLOOR_METADATA, 50.0), (FLOOR_STATUS, 100.0), (FLOOR, 3.0)]
        {
            figures.set(figure, value);
        }
        set_writes(&mut figures, writes, 100.0);
        assert_eq!((figures.get(WRITES_FLOOR), figures.get(READY_TO_FLOOR)), (Some(6.0), Some(3.0)));
    }
}
