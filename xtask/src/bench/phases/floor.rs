//! What the API server can do, without the operator: as many creates, writes to objects and writes to status, by a
//! client that does nothing else.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::bench::api_server::THREADS;
use crate::bench::environment::{Environment, namespaces};
use crate::bench::figures::{FLOOR, FLOOR_CREATES, FLOOR_METADATA, FLOOR_STATUS, float};
use crate::bench::parallel;
use crate::bench::run_result::RunResult;
use crate::bench::shape::{Object, objects};
use crate::error::Error;
use crate::progress::Step;

use super::delete;

/// Measures, and deletes what it made.
pub fn measure(environment: &mut Environment, result: &mut RunResult) -> Result<(), Error> {
    let step = Step::start("Floor: what the API server can do alone");
    let objects = objects(environment.settings.shape, environment.settings.objects, "floor");
    environment.create_namespaces(&objects)?;
    let api = environment.api.clone();
    let creating = time(&objects, |object| api.create(object))?;
    let writing = time(&objects, |object| api.apply(object, "", finalizer()))?;
    let reporting = time(&objects, |object| api.apply(object, "/status", status(object)))?;
    let rate = |took: Duration| float(objects.len() as u64) / took.as_secs_f64();
    result.figures.set(FLOOR_CREATES, rate(creating));
    result.figures.set(FLOOR_METADATA, rate(writing));
    result.figures.set(FLOOR_STATUS, rate(reporting));
    result.figures.set(FLOOR, (creating + writing + reporting).as_secs_f64());
    step.detail("deleting its objects");
    delete::all(&api, &namespaces(&objects))?;
    delete::until_gone(environment)?;
    step.done();
    Ok(())
}

fn time(objects: &[Object], work: impl Fn(&Object) -> Result<(), Error> + Sync) -> Result<Duration, Error> {
    let start = Instant::now();
    parallel::each(objects, THREADS, work)?;
    Ok(start.elapsed())
}

/// As long as the operator's finalizer is; a finalizer would have to be taken off before the object can go.
fn finalizer() -> Value {
    json!({"metadata": {"annotations": {"devopsagent.dev/finalizer": ""}}})
}

/// As long as a status of the operator's is.
fn status(object: &Object) -> Value {
    let condition = |kind: &str, reason: &str, message: &str| {
        json!({
            "type": kind, "status": "True", "reason": reason, "message": message, "observedGeneration": 1,
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        })
    };
    let id = "0b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0";
    json!({"status": {
        "observedGeneration": 1, "id": id, "accountId": "123456789012", "region": "us-east-1",
        "summary": format!("{} is as the spec says", object.name),
        "conditions": [
            condition("Ready", "Available", "The resource exists in AWS and is as the spec says"),
            condition("Synced", "Succeeded", "The last comparison with AWS succeeded"),
        ],
    }})
}
