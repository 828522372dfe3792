//! The control API under `/_simulator/`: unsigned, and no part of AWS.

mod mutate;
mod state;

use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};

pub use mutate::{Mutation, Target, mutate, remove};
pub use state::state;

use crate::api;
use crate::error::ApiError;
use crate::faults::Rule;
use crate::input::Input;
use crate::operations;
use crate::simulation::{Caller, Simulation};
use crate::wire::{Reply, Request};

/// Path under which the control API lives.
pub const PREFIX: &str = "/_simulator/";

/// Answers a request to the control API.
pub fn serve(core: &Simulation, request: &Request) -> Reply {
    let path = request.path.strip_prefix(PREFIX).unwrap_or_default();
    let parts: Vec<&str> = path.split('/').collect();
    route(core, request, &parts).unwrap_or_else(|error| error.reply(&core.model))
}

fn route(core: &Simulation, request: &Request, parts: &[&str]) -> Result<Reply, ApiError> {
    let flag = |name: &str| request.query_value(name).is_some_and(|value| value == "true");
    match (request.method.clone(), parts) {
        (Method::GET, ["health"]) => ok(&json!({"status": "ok"})),
        (Method::GET, ["state"]) => ok(&state(core, flag("secrets"))),
        (Method::GET, ["incidents"]) => ok(&json!(core.lock().world.incidents)),
        (Method::GET, ["calls"]) => ok(&calls(core, request, flag("log"))),
        (Method::GET, ["calls", "log"]) => ok(&log(core, request)),
        (Method::DELETE, ["calls"]) => done(core, |core| core.lock().calls.clear()),
        (Method::POST, ["reset"]) => done(core, |core| core.lock().reset()),
        (Method::GET, ["authorize", token]) => Ok(authorize(core, token)),
        (Method::GET, ["switches"]) => ok(&json!(core.lock().switches)),
        (Method::PUT | Method::POST | Method::PATCH, ["switches"]) => set_switches(core, request),
        (Method::GET, ["faults"]) => ok(&json!(core.lock().faults.rules())),
        (Method::POST, ["faults"]) => add_faults(core, request),
        (Method::DELETE, ["faults"]) => done(core, |core| core.lock().faults.clear()),
        (Method::DELETE, ["faults", id]) => remove_fault(core, id),
        (Method::POST | Method::PUT | Method::PATCH, ["mutate"]) => {
            ok(&mutate(core, &read::<Mutation>(request)?)?)
        }
        (Method::DELETE, ["resources", kind, id]) => {
            let id = percent_encoding::percent_decode_str(id).decode_utf8_lossy();
            remove(core, &target(request, kind, &id))?;
            ok(&json!({}))
        }
        (Method::POST, ["invoke"]) => ok(&invoke(core, &read::<Invocation>(request)?)?),
        _ => Err(ApiError::protocol(404, "NotFound", "The control API has no such method and path")),
    }
}

fn ok(body: &Value) -> Result<Reply, ApiError> {
    Ok(Reply::json(StatusCode::OK, body))
}

fn done(core: &Simulation, action: impl FnOnce(&Simulation)) -> Result<Reply, ApiError> {
    action(core);
    core.changed.notify_one();
    ok(&json!({}))
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

fn calls(core: &Simulation, request: &Request, with_log: bool) -> Value {
    let mut summary = core.lock().calls.summary();
    if with_log {
        summary["log"] = log(core, request);
    }
    summary
}

fn log(core: &Simulation, request: &Request) -> Value {
    let since = request.query_value("since").and_then(|text| text.parse().ok()).unwrap_or_default();
    let operation = request.query_value("operation");
    let inner = core.lock();
    let wanted =
        inner.calls.since(since).filter(|call| operation.as_ref().is_none_or(|name| *name == call.operation));
    Value::Array(wanted.map(|call| json!(call)).collect())
}

fn set_switches(core: &Simulation, request: &Request) -> Result<Reply, ApiError> {
    let changes: Map<String, Value> = read(request)?;
    let mut inner = core.lock();
    inner.switches = inner.switches.with(&changes).map_err(|message| ApiError::validation("", message))?;
    ok(&json!(inner.switches))
}

/// One rule, or a list of rules.
fn add_faults(core: &Simulation, request: &Request) -> Result<Reply, ApiError> {
    let rules: Vec<Rule> = match read(request)? {
        Value::Array(rules) => serde_json::from_value(Value::Array(rules)),
        rule => serde_json::from_value(rule).map(|rule| vec![rule]),
    }
    .map_err(|error| ApiError::validation("", error.to_string()))?;
    let mut inner = core.lock();
    let ids: Vec<u64> = rules.into_iter().map(|rule| inner.faults.add(rule)).collect();
    ok(&json!({ "id": ids.first(), "ids": ids }))
}

fn remove_fault(core: &Simulation, id: &str) -> Result<Reply, ApiError> {
    let known = id.parse().is_ok_and(|id| core.lock().faults.remove(id));
    if known { ok(&json!({})) } else { Err(ApiError::not_found("Fault rule", id)) }
}

/// What a person does in a browser.
fn authorize(core: &Simulation, token: &str) -> Reply {
    let now = Simulation::now();
    let mut inner = core.lock();
    let id = inner.world.regions_mut().find_map(|(_, _, region)| {
        region.settle(now);
        operations::complete_registration(region, token)
    });
    core.changed.notify_one();
    let (status, text) = match id {
        Some(id) => (StatusCode::OK, format!("The registration is complete: service {id}.")),
        None => (StatusCode::NOT_FOUND, "This authorization URL is not valid, or not any more.".to_owned()),
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
    /// Its members, wherever they travel.
    #[serde(default)]
    pub input: Map<String, Value>,
}

/// Region of an invocation that names none.
pub const DEFAULT_REGION: &str = "us-east-1";

/// Performs an operation behind everybody's back.
pub fn invoke(core: &Simulation, invocation: &Invocation) -> Result<Value, ApiError> {
    let name = &invocation.operation;
    let operation =
        core.model.operations().get(name).ok_or_else(|| ApiError::not_found("Operation", name))?;
    let caller = Caller {
        account: invocation.account.clone().unwrap_or_else(|| core.options.account_id.clone()),
        region: invocation.region.clone().unwrap_or_else(|| DEFAULT_REGION.to_owned()),
        principal: "simulator".to_owned(),
    };
    api::invoke(core, &caller, operation, &Input(invocation.input.clone()))
}
