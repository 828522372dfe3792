//! Changes made in AWS, and their correction.

use std::time::{Duration, Instant};

use serde_json::json;

use super::environment::Environment;
use super::shape::Object;
use crate::error::Error;
use crate::poll;

const INTERVAL: Duration = Duration::from_millis(20);
const INTRUDER: &str = "Somebody changed this in the console";

/// An agent space that somebody has changed in AWS.
#[derive(Debug)]
pub struct Drift {
    id: String,
    wanted: String,
    since: Instant,
    corrected: Option<Duration>,
}

impl Drift {
    /// Changes the description of these spaces.
    pub fn begin(environment: &Environment, spaces: &[Object]) -> Result<Vec<Self>, Error> {
        spaces.iter().map(|space| Self::of(environment, space)).collect()
    }

    fn of(environment: &Environment, space: &Object) -> Result<Self, Error> {
        let object = environment.api.get(space)?;
        let text = |pointer: &str| {
            let value = object.pointer(pointer).and_then(|value| value.as_str());
            value.map(str::to_owned).ok_or_else(|| Error::Other(format!("{} has no {pointer}", space.name)))
        };
        let (id, wanted) = (text("/status/id")?, text("/spec/description")?);
        environment.simulator.mutate("agentSpace", &id, &json!({"description": INTRUDER}))?;
        Ok(Self { id, wanted, since: Instant::now(), corrected: None })
    }

    /// Waits until all are corrected, and answers how many seconds each took.
    pub fn until_corrected(environment: &mut Environment, drifts: &mut [Self]) -> Result<Vec<f64>, Error> {
        let limit = environment.settings.limit() + 2 * environment.settings.rest_period;
        poll::until("the correction of a change in AWS", limit, INTERVAL, || {
            environment.check()?;
            for drift in drifts.iter_mut().filter(|drift| drift.corrected.is_none()) {
                let answer =
                    environment.simulator.invoke("GetAgentSpace", &json!({"agentSpaceId": drift.id}))?;
                if answer["agentSpace"]["description"] == drift.wanted.as_str() {
                    drift.corrected = Some(drift.since.elapsed());
                }
            }
            Ok(drifts.iter().map(|drift| Some(drift.corrected?.as_secs_f64())).collect())
        })
    }
}
