//! Waiting until everything is Ready, and saying why it is not.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::environment::Environment;
use super::objects::{self, Object};
use super::{events, step};
use crate::error::Error;
use crate::progress::{Step, say};
use crate::{http, interrupt};

const LIMIT: Duration = Duration::from_mins(2);
const INTERVAL: Duration = Duration::from_millis(500);

/// Waits until every object is Ready; opens the URLs that a person would open meanwhile.
pub fn until_all_ready(environment: &mut Environment) -> Result<(), Error> {
    let step = step("Waiting until everything is Ready");
    let end = Instant::now() + LIMIT;
    let mut opened = BTreeSet::new();
    loop {
        environment.check()?;
        let objects = objects::all(&environment.kubectl)?;
        let waiting: Vec<&Object> = objects.iter().filter(|object| !object.is_ready()).collect();
        if waiting.is_empty() && !objects.is_empty() {
            step.done();
            return Ok(());
        }
        step.detail(progress(objects.len(), &waiting));
        open_authorization_urls(&step, &waiting, &mut opened)?;
        if Instant::now() >= end {
            drop(step);
            report(environment, &waiting);
            let detail = format!("{} of {} objects are not Ready", waiting.len(), objects.len());
            return Err(Error::TimedOut {
                what: "readiness of the examples".to_owned(),
                limit: LIMIT,
                detail,
            });
        }
        interrupt::sleep(INTERVAL)?;
    }
}

/// How many are Ready, and which are the last ones.
fn progress(all: usize, waiting: &[&Object]) -> String {
    const NAMED: usize = 3;
    let mut names: Vec<String> = waiting
        .iter()
        .take(NAMED)
        .map(|object| format!("{} ({})", object.title(), object.reason()))
        .collect();
    if waiting.len() > NAMED {
        names.push("…".to_owned());
    }
    format!("{}/{all} Ready, waiting for {}", all - waiting.len(), names.join(", "))
}

/// Does what a person does with an interactive registration, as far as it leads to this machine.
fn open_authorization_urls(
    step: &Step,
    waiting: &[&Object],
    opened: &mut BTreeSet<String>,
) -> Result<(), Error> {
    for object in waiting {
        let url = object.text("/status/authorizationUrl");
        if http::is_loopback(url) && opened.insert(url.to_owned()) {
            let answer = http::get(url)?;
            step.say(&format!(
                "Opened the authorization URL of {}: status {}",
                object.title(),
                answer.status
            ));
        }
    }
    Ok(())
}

/// Prints everything that helps to find out why objects aren't Ready.
fn report(environment: &Environment, waiting: &[&Object]) {
    for object in waiting {
        say(&format!("\n{} is not Ready:", object.title()));
        for condition in object.conditions() {
            let text = |name: &str| condition[name].as_str().unwrap_or_default();
            say(&format!("  {}={} {}: {}", text("type"), text("status"), text("reason"), text("message")));
        }
        for event in events::of(&environment.kubectl, object).unwrap_or_default() {
            say(&format!("  Event {}", events::line(&event)));
        }
    }
    say(&format!("\nThe end of the operator's log:\n{}\n", environment.operator.log_tail(40)));
}
