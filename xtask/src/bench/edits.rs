//! Edits of objects, as a person makes them.

use std::time::Duration;

use serde_json::json;

use super::environment::Environment;
use super::readiness::is_ready;
use super::shape::Object;
use crate::error::Error;
use crate::poll;

const INTERVAL: Duration = Duration::from_millis(20);

/// Gives an agent space another description.
pub fn describe(environment: &Environment, space: &Object, text: &str) -> Result<(), Error> {
    environment.api.merge(space, &json!({"spec": {"description": text}}))
}

/// Waits until an object is Ready as it is now.
pub fn until_ready(environment: &mut Environment, object: &Object) -> Result<(), Error> {
    let what = format!("readiness of {}", object.name);
    poll::until(&what, environment.settings.limit(), INTERVAL, || {
        environment.check()?;
        Ok(is_ready(&environment.api.get(object)?).then_some(()))
    })
}
