//! A change behind the operator's back, and its correction.

use std::time::Duration;

use serde_json::{Value, json};

use super::environment::Environment;
use super::objects::{self, Object};
use super::{aws, events, step};
use crate::error::Error;
use crate::poll;
use crate::progress::result;

/// What someone writes in the console.
const INTRUDER: &str = "Someone changed this in the console";
const LIMIT: Duration = Duration::from_mins(1);
const INTERVAL: Duration = Duration::from_millis(300);

/// Changes the description of an agent space in AWS and waits until the operator has changed it back.
pub fn correct(environment: &Environment) -> Result<(), Error> {
    let space = find(environment)?;
    result(&format!("Drift: the description of {} is changed in AWS to {INTRUDER:?}.", space.title()));
    let before = events::of(&environment.kubectl, &space)?.len();
    environment.simulator.mutate(
        "agentSpace",
        space.text("/status/id"),
        &json!({"description": INTRUDER}),
    )?;
    if !aws::mentions(&environment.simulator.state()?, INTRUDER) {
        return Err(Error::Other("the simulator did not make the change".to_owned()));
    }
    request_pass(environment, &space)?;
    let step = step("Waiting until the drift is corrected");
    poll::until("the correction of the drift", LIMIT, INTERVAL, || {
        Ok((!aws::mentions(&environment.simulator.state()?, INTRUDER)).then_some(()))
    })?;
    let event = wait_for_event(environment, &space, before)?;
    step.done();
    result(&format!(
        "  The description in AWS is the one in the YAML again: {:?}",
        space.text("/spec/description")
    ));
    result(&format!("  {}\n", events::line(&event)));
    Ok(())
}

/// A space that the operator manages and whose description is in YAML.
fn find(environment: &Environment) -> Result<Object, Error> {
    let suitable = |object: &Object| {
        object.kind() == "AgentSpace"
            && object.is_ready()
            && object.text("/spec/managementPolicy") != "Observe"
            && !object.text("/spec/description").is_empty()
    };
    objects::all(&environment.kubectl)?
        .into_iter()
        .find(suitable)
        .ok_or_else(|| Error::Other("no example is an AgentSpace with a description".to_owned()))
}

/// The operator would check by itself within minutes; this requests a check now.
fn request_pass(environment: &Environment, space: &Object) -> Result<(), Error> {
    let annotation = "devopsagent.dev/reconcile-requested-at=demo";
    let arguments = ["annotate", &space.resource(), "-n", space.namespace(), "--overwrite", annotation];
    environment.kubectl.run(&arguments).map(drop)
}

/// Events are written a moment after what they report.
fn wait_for_event(environment: &Environment, space: &Object, before: usize) -> Result<Value, Error> {
    poll::until("an Event about the drift", LIMIT, INTERVAL, || {
        Ok(events::of(&environment.kubectl, space)?.get(before..).and_then(|new| new.last()).cloned())
    })
}
