//! The steps of an API call: signature, route, faults, validation, behaviour, validation of the response.

use std::time::Duration;

use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::calls::Call;
use crate::context::Context;
use crate::error::ApiError;
use crate::faults::{Attempt, Effect};
use crate::input::Input;
use crate::model::{Matched, Model, Operation, Side, UnknownMembers};
use crate::operations;
use crate::random;
use crate::signature::hex;
use crate::simulation::{Caller, Inner, Simulation};
use crate::spelling;
use crate::store::UsedToken;
use crate::switches::{Spelling, Switches, TokenReuse, Unknown};
use crate::wire::{Outcome, Reply, Request};

const SERVICE: &str = "aidevops";
/// "Never", for a client that has any time-out at all.
const HANG: Duration = Duration::from_mins(10);
/// Members that say what a call is about.
const RESOURCE_MEMBERS: [&str; 10] = [
    "agentSpaceId",
    "associationId",
    "serviceId",
    "service",
    "assetId",
    "assetType",
    "triggerId",
    "resourceArn",
    "name",
    "path",
];

/// Answers a request to the API.
pub async fn serve(simulation: &Simulation, request: &Request) -> Outcome {
    let now = Simulation::now();
    let mut call = Call {
        time: now,
        operation: format!("{} {}", request.method, request.path),
        request_id: random::uuid(),
        ..Call::default()
    };
    let outcome = attempt(simulation, request, simulation.clock(), &mut call).await;
    let outcome = match outcome {
        Ok(Outcome::Answer(reply)) => {
            call.status = reply.status.as_u16();
            Outcome::Answer(reply.with_header("x-amzn-requestid", &call.request_id))
        }
        Ok(Outcome::Close) => Outcome::Close,
        Err(error) => {
            call.error = Some(error.code.clone());
            call.message = Some(error.message.clone());
            let reply = error.reply(&simulation.model).with_header("x-amzn-requestid", &call.request_id);
            call.status = reply.status.as_u16();
            Outcome::Answer(reply)
        }
    };
    tracing::info!(
        operation = call.operation,
        status = call.status,
        error = call.error,
        fault = call.fault,
        "call"
    );
    simulation.lock().calls.record(call);
    outcome
}

async fn attempt(
    simulation: &Simulation,
    request: &Request,
    now: Timestamp,
    call: &mut Call,
) -> Result<Outcome, ApiError> {
    let matched = simulation.model.route(request.method.as_str(), &request.path);
    if let Some(matched) = &matched {
        call.operation.clone_from(&matched.operation.name);
        call.mutating = !matched.operation.readonly;
    }
    let caller = simulation.authenticate(request, SERVICE, now)?;
    call.account.clone_from(&caller.account);
    call.region.clone_from(&caller.region);
    call.principal.clone_from(&caller.principal);
    let matched = matched.ok_or_else(|| {
        ApiError::protocol(404, "UnknownOperationException", "No operation has this method and path")
    })?;
    let input = Input::collect(&simulation.model, &matched, request);
    describe(&simulation.model, &matched, input.as_ref().ok(), call);
    let effect = before(simulation, request, &caller, call, input.as_ref().ok()).await?;
    let mut answer = match effect {
        Before::Close => return Ok(Outcome::Close),
        Before::Go(after) => {
            let reply = input.and_then(|input| run(simulation, &caller, matched.operation, &input, call));
            match after {
                None => reply?,
                Some(After::Drop) => return Ok(Outcome::Close),
                Some(After::Garble) => {
                    let mut cut = reply?;
                    cut.body.truncate(1);
                    cut
                }
                Some(After::Error(error)) => return reply.and(Err(error)),
            }
        }
    };
    if answer.status == StatusCode::NO_CONTENT {
        answer.body.clear();
    }
    Ok(Outcome::Answer(answer))
}

enum Before {
    Close,
    Go(Option<After>),
}

enum After {
    Drop,
    Garble,
    Error(ApiError),
}

/// Latency, throttling, and injected faults, as far as they come before the call.
async fn before(
    simulation: &Simulation,
    request: &Request,
    caller: &Caller,
    call: &mut Call,
    input: Option<&Input>,
) -> Result<Before, ApiError> {
    let latency = Duration::from_millis(simulation.lock().switches.latency_ms);
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    simulation.lock().admit(caller)?;
    let plan = simulation.lock().faults.plan(&Attempt {
        operation: &call.operation,
        account: &caller.account,
        region: &caller.region,
        principal: &caller.principal,
        path: &request.path,
        members: input.iter().flat_map(|input| input.0.values().filter_map(Value::as_str)).collect(),
        later_page: input.is_some_and(|input| input.0.contains_key("nextToken")),
    });
    if !plan.delay.is_zero() {
        call.fault = Some(format!("delay of {} ms", plan.delay.as_millis()));
        tokio::time::sleep(plan.delay).await;
    }
    let Some(effect) = plan.effect else { return Ok(Before::Go(None)) };
    call.fault = serde_json::to_value(effect).ok().and_then(|name| name.as_str().map(str::to_owned));
    let error =
        || ApiError { fields: plan.fields.clone(), ..ApiError::new(&plan.error, plan.message.clone()) };
    match effect {
        Effect::Delay => Ok(Before::Go(None)),
        Effect::Reset => Ok(Before::Close),
        Effect::DropAnswer => Ok(Before::Go(Some(After::Drop))),
        Effect::Garble => Ok(Before::Go(Some(After::Garble))),
        Effect::StaleLists => {
            let lasting = Duration::from_millis(plan.stale_ms);
            simulation.lock().hold_lists(caller, plan.lists, lasting, Simulation::now());
            Ok(Before::Go(None))
        }
        Effect::ErrorAfter => Ok(Before::Go(Some(After::Error(error())))),
        Effect::Throttle | Effect::Internal | Effect::Error => Err(error()),
        Effect::Hang => {
            simulation.lock().calls.record(call.clone());
            tokio::time::sleep(HANG).await;
            Ok(Before::Close)
        }
    }
}

fn describe(model: &Model, matched: &Matched<'_>, input: Option<&Input>, call: &mut Call) {
    let Some(input) = input else { return };
    call.resource = resource(&input.0);
    if call.mutating {
        call.request = Some(model.redact(matched.operation.input, &Value::Object(input.0.clone())));
    }
}

fn resource(members: &Map<String, Value>) -> Map<String, Value> {
    let wanted =
        members.iter().filter(|(name, value)| RESOURCE_MEMBERS.contains(&name.as_str()) && value.is_string());
    wanted.map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn run(
    simulation: &Simulation,
    caller: &Caller,
    operation: &Operation,
    input: &Input,
    call: &mut Call,
) -> Result<Reply, ApiError> {
    let answer = invoke(simulation, caller, operation, input)?;
    for value in answer.as_object().into_iter().flat_map(Map::values).filter_map(Value::as_object) {
        call.resource.extend(resource(value));
    }
    call.resource.extend(resource(answer.as_object().unwrap_or(&Map::new())));
    let status = StatusCode::from_u16(operation.status).unwrap_or(StatusCode::OK);
    Ok(if operation.output.is_some() { Reply::json(status, &answer) } else { Reply::empty(status) })
}

/// Performs an operation for a caller whose signature has been dealt with.
pub fn invoke(
    simulation: &Simulation,
    caller: &Caller,
    operation: &Operation,
    input: &Input,
) -> Result<Value, ApiError> {
    let now = Simulation::now();
    let mut inner = simulation.lock();
    check_input(&simulation.model, &inner.switches, operation, input)?;
    let mut answer = perform(simulation, &mut inner, caller, operation, input, now)?;
    if inner.switches.spelling == Spelling::Other {
        spelling::change(&mut answer);
    }
    if !operation.readonly {
        inner.snapshot(caller, now);
        simulation.changed.notify_one();
    }
    check_answer(&simulation.model, operation, &answer)?;
    Ok(answer)
}

fn check_input(
    model: &Model,
    switches: &Switches,
    operation: &Operation,
    input: &Input,
) -> Result<(), ApiError> {
    let unknown = match switches.unknown_members {
        Unknown::Reject => UnknownMembers::Refuse,
        Unknown::Ignore => UnknownMembers::Ignore,
    };
    let found = model.check(operation.input, &Value::Object(input.0.clone()), Side::Request(unknown));
    if found.is_empty() { Ok(()) } else { Err(ApiError::violations(found)) }
}

/// A mistake of the simulator must be noticed.
fn check_answer(model: &Model, operation: &Operation, answer: &Value) -> Result<(), ApiError> {
    let Some(shape) = operation.output else { return Ok(()) };
    let found = model.check(shape, answer, Side::Answer);
    if found.is_empty() {
        return Ok(());
    }
    let list: Vec<String> =
        found.iter().map(|violation| format!("{}: {}", violation.path, violation.message)).collect();
    let message =
        format!("The simulator's own response to {} violates the model: {}", operation.name, list.join("; "));
    tracing::error!("{message}");
    Err(ApiError::internal(message))
}

fn perform(
    simulation: &Simulation,
    inner: &mut Inner,
    caller: &Caller,
    operation: &Operation,
    input: &Input,
    now: Timestamp,
) -> Result<Value, ApiError> {
    let handler = operations::handler(&operation.name)
        .ok_or_else(|| ApiError::internal(format!("{} is not implemented", operation.name)))?;
    inner.world.region(&caller.account, &caller.region, now).settle(now);
    let is_list = operation.name.starts_with("List") && operation.name != "ListTagsForResource";
    let lagging = inner.lagging(caller, is_list, now);
    let mut cx = Context {
        account: &caller.account,
        region_name: &caller.region,
        region: inner.world.region(&caller.account, &caller.region, now),
        lagging,
        switches: &inner.switches,
        base_url: &simulation.base_url,
        now,
    };
    let Some(token) = token(&simulation.model, operation, input) else { return handler(&mut cx, input) };
    let digest = digest(input);
    cx.region.client_tokens.retain(|name, used| *name != token || used.expires_at > now);
    if let Some(used) = cx.region.client_tokens.get(&token) {
        return repeated(used, &digest, cx.switches.token_reuse);
    }
    let answer = handler(&mut cx, input)?;
    let expires_at = cx.after(cx.switches.token_lifetime_ms);
    cx.region
        .client_tokens
        .insert(token, UsedToken { input_digest: digest, answer: answer.clone(), expires_at });
    Ok(answer)
}

/// The scope within which a client token is unique: the operation and what its path names.
fn token(model: &Model, operation: &Operation, input: &Input) -> Option<String> {
    let member = model.members(operation.input).iter().find(|member| member.idempotency_token)?;
    let token = input.optional(&member.name).filter(|token| !token.is_empty())?;
    let place = ["agentSpaceId", "assetId", "triggerId", "path"].map(|name| input.text(name)).join("/");
    Some(format!("{}/{place}/{token}", operation.name))
}

fn repeated(used: &UsedToken, digest: &str, reuse: TokenReuse) -> Result<Value, ApiError> {
    let message = "The client token was used before with other parameters";
    match reuse {
        _ if used.input_digest == digest => Ok(used.answer.clone()),
        TokenReuse::FirstAnswer => Ok(used.answer.clone()),
        TokenReuse::Conflict => Err(ApiError::conflict(message)),
        TokenReuse::Validation => Err(ApiError::validation("/clientToken", message)),
    }
}

fn digest(input: &Input) -> String {
    let mut hash = Sha256::new();
    feed(&Value::Object(input.0.clone()), &mut hash);
    hex(&hash.finalize())
}

/// Hashes a value regardless of the order of its members.
fn feed(value: &Value, hash: &mut Sha256) {
    match value {
        Value::Object(object) => {
            let mut members: Vec<_> = object.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            hash.update(b"{");
            for (name, item) in members {
                hash.update(Value::String(name.clone()).to_string());
                feed(item, hash);
            }
            hash.update(b"}");
        }
        Value::Array(items) => {
            hash.update(b"[");
            for item in items {
                feed(item, hash);
            }
            hash.update(b"]");
        }
        other => hash.update(format!("{other},")),
    }
}
