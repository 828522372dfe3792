//! The control API under `/_simulator/`: unsigned, and not part of AWS.

mod mutate;
mod resources;
mod state;

use http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};

pub use mutate::{Mutation, Target, mutate, remove};
pub use resources::resources;
pub use state::state;

use crate::api;
use crate::context::Answer;
use crate::error::ApiError;
use crate::faults::Rule;
use crate::input::Input;
use crate::operations;
use crate::simulation::{Caller, Simulation};
use crate::wire::{Reply, Request};

/// Path of the control API.
pub const PREFIX: &str = "/_simulator/";

/// Answers a request to the control API.
pub fn serve(simulation: &Simulation, request: &Request) -> Reply {
    let path = request.path.strip_prefix(PREFIX).unwrap_or_default();
    let parts: Vec<&str> = path.split('/').collect();
    if let ("GET", ["authorize", token]) = (request.method.as_str(), &parts[..]) {
        return authorize(simulation, token);
    }
    match route(simulation, request, &parts) {
        Ok(body) => Reply::json(StatusCode::OK, &body),
        Err(error) => error.reply(&simulation.model),
    }
}

fn route(simulation: &Simulation, request: &Request, parts: &[&str]) -> Answer {
    match (request.method.as_str(), parts) {
        ("GET", _) => get(simulation, request, parts),
        ("POST", ["reset"]) => Ok(done(simulation, |simulation| simulation.lock().reset())),
        ("DELETE", ["calls"]) => Ok(done(simulation, |simulation| simulation.lock().calls.clear())),
        ("PUT" | "POST" | "PATCH", ["switches"]) => set_switches(simulation, request),
        ("POST", ["faults"]) => add_faults(simulation, request),
        ("DELETE", ["faults"]) => Ok(done(simulation, |simulation| simulation.lock().faults.clear())),
        ("DELETE", ["faults", id]) => remove_fault(simulation, id),
        ("POST" | "PUT" | "PATCH", ["mutate"]) => mutate(simulation, &read(request)?).map(|()| json!({})),
        ("DELETE", ["resources", kind, id]) => {
            let id = percent_encoding::percent_decode_str(id).decode_utf8_lossy();
            remove(simulation, &target(request, kind, &id)).map(|()| json!({}))
        }
        ("POST", ["invoke"]) => invoke(simulation, &read(request)?),
        _ => Err(unknown()),
    }
}

fn get(simulation: &Simulation, request: &Request, parts: &[&str]) -> Answer {
    let flag = |name: &str| request.query_value(name).is_some_and(|value| value == "true");
    Ok(match parts {
        ["health"] => json!({"status": "ok"}),
        ["state"] => state(simulation, flag("secrets")),
        ["resources"] => resources(simulation),
        ["incidents"] => json!(simulation.lock().world.incidents),
        ["calls"] => calls(simulation, request, flag("log")),
        ["calls", "log"] => log(simulation, request),
        ["switches"] => json!(simulation.lock().switches),
        ["faults"] => json!(simulation.lock().faults.rules()),
        _ => return Err(unknown()),
    })
}

fn unknown() -> ApiError {
    ApiError::protocol(404, "NotFound", "The control API has no such method and path")
}

fn done(simulation: &Simulation, action: impl FnOnce(&Simulation)) -> Value {
    action(simulation);
    simulation.changed.notify_one();
    json!({})
}

fn read<T: for<'de> Deserialize<'de>>(request: &Request) -> Result<T, ApiError> {
    serde_json::from_slice(&request.body).map_err(|error| ApiError::validation("", error.to_string()))
}

fn target(request: &Request, kind: &str, id: &str) -> Target {
    Target {
        account: request.query_value("account"),
        region: request.query_value("region"),
        kind: kind.to_owned(),
        id: id.to_owned(),
    }
}

fn calls(simulation: &Simulation, request: &Request, with_log: bool) -> Value {
    let mut summary = simulation.lock().calls.summary();
    if with_log {
        summary["log"] = log(simulation, request);
    }
    summary
}

fn log(simulation: &Simulation, request: &Request) -> Value {
    let since = request.query_value("since").and_then(|text| text.parse().ok()).unwrap_or_default();
    let operation = request.query_value("operation");
    let inner = simulation.lock();
    let wanted =
        inner.calls.since(since).filter(|call| operation.as_ref().is_none_or(|name| *name == call.operation));
    Value::Array(wanted.map(|call| json!(call)).collect())
}

fn set_switches(simulation: &Simulation, request: &Request) -> Answer {
    let changes: Map<String, Value> = read(request)?;
    let mut inner = simulation.lock();
    inner.switches = inner.switches.with(&changes).map_err(|message| ApiError::validation("", message))?;
    Ok(json!(inner.switches))
}

/// One rule, or a list of rules.
fn add_faults(simulation: &Simulation, request: &Request) -> Answer {
    let rules: Vec<Rule> = match read(request)? {
        Value::Array(rules) => serde_json::from_value(Value::Array(rules)),
        rule => serde_json::from_value(rule).map(|rule| vec![rule]),
    }
    .map_err(|error| ApiError::validation("", error.to_string()))?;
    let mut inner = simulation.lock();
    let ids: Vec<u64> = rules.into_iter().map(|rule| inner.faults.add(rule)).collect();
    Ok(json!({ "id": ids.first(), "ids": ids }))
}

fn remove_fault(simulation: &Simulation, id: &str) -> Answer {
    let known = id.parse().is_ok_and(|id| simulation.lock().faults.remove(id));
    if known { Ok(json!({})) } else { Err(ApiError::not_found("Fault rule", id)) }
}

/// What a person does in a browser.
fn authorize(simulation: &Simulation, token: &str) -> Reply {
    let now = Simulation::now();
    let mut inner = simulation.lock();
    let id = inner.world.regions_mut().find_map(|(_, _, region)| {
        region.settle(now);
        operations::complete_registration(region, token)
    });
    simulation.changed.notify_one();
    let (status, text) = match id {
        Some(id) => (StatusCode::OK, format!("The registration is complete: service {id}.")),
        None => (StatusCode::NOT_FOUND, "This authorization URL is invalid or no longer valid.".to_owned()),
    };
    Reply::text(
        status,
        "text/html; charset=utf-8",
        format!("<!doctype html><title>Authorize</title><p>{text}</p>\n"),
    )
}

/// A call of the API without a signature, for tests that prepare or disturb the simulated AWS. It is not counted.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Invocation {
    /// Account to act in; the simulator's own when absent.
    pub account: Option<String>,
    /// Region to act in; `us-east-1` when absent.
    pub region: Option<String>,
    /// Name of the operation.
    pub operation: String,
    /// Its members, wherever they are sent.
    #[serde(default)]
    pub input: Map<String, Value>,
}

/// Region of an invocation that names none.
pub const DEFAULT_REGION: &str = "us-east-1";

/// Performs an operation behind everyone's back.
pub fn invoke(simulation: &Simulation, invocation: &Invocation) -> Answer {
    let name = &invocation.operation;
    let operation =
        simulation.model.operations().get(name).ok_or_else(|| ApiError::not_found("Operation", name))?;
    let caller = Caller {
        account: invocation.account.clone().unwrap_or_else(|| simulation.options.account_id.clone()),
        region: invocation.region.clone().unwrap_or_else(|| DEFAULT_REGION.to_owned()),
        principal: "simulator".to_owned(),
    };
    api::invoke(simulation, &caller, operation, &Input(invocation.input.clone()))
}
