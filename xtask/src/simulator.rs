//! The simulator of the API, as a program beside xtask.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::error::Error;
use crate::http;
use crate::ports;
use crate::service::Service;
use crate::session::Session;

/// The key pair that the simulator accepts; it isn't secret.
pub const ACCESS_KEY: &str = "simulator";

/// A running simulator.
#[derive(Debug)]
pub struct Simulator {
    service: Service,
    url: String,
}

impl Simulator {
    /// Starts it on a free port and waits until it listens. Its state and its log go into the folder.
    pub fn start(session: &Session, program: &Path, folder: &Path) -> Result<Self, Error> {
        let state = folder.join("simulator.json").display().to_string();
        Self::start_with(session, program, folder, &["--state-file".to_owned(), state])
    }

    /// The same with these options; its state is kept only if they say where.
    pub fn start_with(
        session: &Session,
        program: &Path,
        folder: &Path,
        options: &[String],
    ) -> Result<Self, Error> {
        let [port] = ports::free()?;
        let address = format!("127.0.0.1:{port}");
        let mut command = Command::new(program);
        command.args([
            "--listen",
            &address,
            "--access-key-id",
            ACCESS_KEY,
            "--secret-access-key",
            ACCESS_KEY,
        ]);
        command.args(options);
        let mut service =
            Service::start(session, "the simulator", &mut command, folder.join("simulator.log"))?;
        let url = format!("http://{address}");
        let health = format!("{url}/_simulator/health");
        service.wait_for("the simulator's readiness", Duration::from_secs(20), || {
            Ok(http::get(&health).is_ok_and(|answer| answer.status == 200))
        })?;
        Ok(Self { service, url })
    }

    /// The endpoint.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Everything in the simulated AWS.
    pub fn state(&self) -> Result<Value, Error> {
        http::get(&format!("{}/_simulator/state", self.url))?.json("reading the simulator's state")
    }

    /// Changes a resource as someone in the console would: unknown to the operator.
    pub fn mutate(&self, kind: &str, id: &str, set: &Value) -> Result<(), Error> {
        let body = json!({"kind": kind, "id": id, "set": set}).to_string();
        let answer = http::post(&format!("{}/_simulator/mutate", self.url), &[], &body)?;
        answer.require_success("changing the simulated AWS").map(drop)
    }

    /// Performs an operation of the API; it isn't counted.
    pub fn invoke(&self, operation: &str, input: &Value) -> Result<Value, Error> {
        let body = json!({"operation": operation, "input": input}).to_string();
        let answer = http::post(&format!("{}/_simulator/invoke", self.url), &[], &body)?;
        answer.json(&format!("calling {operation}"))
    }

    /// Counts of the calls so far.
    pub fn calls(&self) -> Result<Value, Error> {
        http::get(&format!("{}/_simulator/calls", self.url))?.json("reading the simulator's counts")
    }

    /// Adds a fault rule.
    pub fn add_fault(&self, rule: &Value) -> Result<(), Error> {
        let answer = http::post(&format!("{}/_simulator/faults", self.url), &[], &rule.to_string())?;
        answer.require_success("adding a fault").map(drop)
    }

    /// Removes all fault rules.
    pub fn clear_faults(&self) -> Result<(), Error> {
        let answer = http::delete(&format!("{}/_simulator/faults", self.url))?;
        answer.require_success("removing the faults").map(drop)
    }

    /// Fails when it has stopped.
    pub fn check(&mut self) -> Result<(), Error> {
        self.service.check()
    }
}
