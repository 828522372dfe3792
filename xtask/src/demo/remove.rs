//! Deleting the examples, and what is left of them.

use std::time::{Duration, Instant};

use super::apply;
use super::aws::Inventory;
use super::environment::Environment;
use super::objects::{self, Object};
use super::step;
use crate::error::Error;
use crate::interrupt;
use crate::progress::{Step, result};

const LIMIT: Duration = Duration::from_mins(2);

/// Deletes the examples and shows that nothing is left in AWS.
pub fn everything(environment: &mut Environment) -> Result<(), Error> {
    examples(environment)?;
    environment.applied = false;
    let inventory = Inventory::of(&environment.simulator.state()?);
    result(&format!("Left in AWS: {}\n", inventory.describe()));
    if inventory.others.is_empty() {
        return Ok(());
    }
    Err(Error::Other("the operator has left something in AWS".to_owned()))
}

/// Deletes all examples and waits until the last is gone.
pub fn examples(environment: &Environment) -> Result<(), Error> {
    let step = step("Deleting everything");
    apply::kubectl(environment, &["delete", "--ignore-not-found", "--wait=false"])?;
    wait_until_gone(environment, &step)?;
    if environment.in_users_cluster {
        step.detail("namespaces");
        apply::kubectl(environment, &["delete", "--ignore-not-found", "--timeout=120s"])?;
    }
    step.done();
    Ok(())
}

fn wait_until_gone(environment: &Environment, step: &Step) -> Result<(), Error> {
    let end = Instant::now() + LIMIT;
    loop {
        let left = objects::all(&environment.kubectl)?;
        if left.is_empty() {
            return Ok(());
        }
        step.detail(format!("{} left: {}", left.len(), names(&left, 3)));
        if Instant::now() >= end {
            let detail = format!("{}\n{}", names(&left, left.len()), environment.operator.log_tail(40));
            return Err(Error::TimedOut {
                what: "deletion of the examples".to_owned(),
                limit: LIMIT,
                detail,
            });
        }
        interrupt::sleep(Duration::from_millis(500))?;
    }
}

fn names(objects: &[Object], most: usize) -> String {
    let name = |object: &Object| format!("{} ({})", object.title(), object.reason());
    objects.iter().take(most).map(name).collect::<Vec<_>>().join(", ")
}
