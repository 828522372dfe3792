//! Which object the operator made a call for: its log says so.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use devops_agent_simulator::Call;
use serde_json::Value;

use crate::harness::text;

/// An object: its kind, namespace and name.
pub type Name = (String, String, String);

/// What of AWS was changed, or was to be: by object, each operation, and whether it was refused.
#[derive(Debug, Default)]
pub struct Made(pub BTreeMap<Name, BTreeMap<String, Outcomes>>);

/// How the calls of an operation ended.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outcomes {
    /// It took effect, whether or not the answer arrived.
    pub done: usize,
    /// How many of those answers didn't arrive.
    pub lost: usize,
    /// AWS refused it.
    pub refused: usize,
    /// AWS repeated the answer to an earlier create with the same token, and created nothing.
    pub repeated: usize,
}

impl Made {
    /// The calls after a mark, by the operator whose log this is.
    pub fn by(log: &str, calls: &[Call], mark: u64) -> Self {
        let mut answered: BTreeMap<String, Name> = BTreeMap::new();
        let mut lost: BTreeMap<String, VecDeque<Name>> = BTreeMap::new();
        for line in log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
            if text(&line, "/message") != "called AWS" {
                continue;
            }
            let name = name(&line);
            match text(&line, "/request_id") {
                "" => lost.entry(text(&line, "/operation").to_owned()).or_default().push_back(name),
                id => drop(answered.insert(id.to_owned(), name)),
            }
        }
        let mut made = Self::default();
        let (before, after): (Vec<&Call>, Vec<&Call>) =
            calls.iter().filter(|call| call.mutating).partition(|call| call.sequence <= mark);
        let mut answers: BTreeSet<_> = before.into_iter().filter_map(created).collect();
        for call in after {
            let is_new = created(call).is_none_or(|answer| answers.insert(answer));
            let lost = || lost.get_mut(&call.operation).and_then(VecDeque::pop_front);
            let name = answered.get(&call.request_id).cloned().or_else(lost);
            let name = name.unwrap_or_else(|| panic!("the log doesn't have this call: {call:?}"));
            if is_futile(call) {
                continue;
            }
            let outcomes = made.0.entry(name).or_default().entry(call.operation.clone()).or_default();
            if call.status >= 400 {
                outcomes.refused += 1;
            } else if !is_new {
                outcomes.repeated += 1;
            } else {
                outcomes.done += 1;
                outcomes.lost += usize::from(call.status == 0);
            }
        }
        made
    }

    /// The operations that were called for an object.
    pub fn of(&self, name: &Name) -> BTreeSet<&str> {
        self.0.get(name).into_iter().flat_map(BTreeMap::keys).map(String::as_str).collect()
    }

    /// How the calls of an operation for an object ended.
    pub fn outcomes(&self, name: &Name, operation: &str) -> Outcomes {
        self.0.get(name).and_then(|made| made.get(operation)).copied().unwrap_or_default()
    }
}

/// Whether a call is forgiven that no plan names: what it was about didn't exist, so it has changed nothing. That happens
/// when the pass over an object in an agent space is faster than that over the space, which finds out that AWS has it no
/// more, and when something without tags is deleted, which isn't read before. The plan says what happens after that.
fn is_futile(call: &Call) -> bool {
    let is_lost = call.status == 0 && creates(call) && created_id(call).is_none();
    call.status == 404 || is_lost
}

fn creates(call: &Call) -> bool {
    let words = ["Create", "Register", "Associate"];
    words.iter().any(|word| call.operation.starts_with(word)) && call.operation != "CreateAssetFile"
}

/// The id of what a call has created.
fn created_id(call: &Call) -> Option<&Value> {
    let member = match call.operation.as_str() {
        "CreateAgentSpace" => "agentSpaceId",
        "RegisterService" => "serviceId",
        "AssociateService" => "associationId",
        "CreatePrivateConnection" => "name",
        "CreateAsset" => "assetId",
        "CreateTrigger" => "triggerId",
        _ => return None,
    };
    call.resource.get(member)
}

/// What a call has created. A create with a token that was used before creates nothing: AWS repeats its answer, even if
/// what it is about is gone by now.
fn created(call: &Call) -> Option<(String, String)> {
    let id = created_id(call).filter(|_| call.status < 400)?;
    // The name of a connection may be used again.
    (call.operation != "CreatePrivateConnection").then(|| (call.operation.clone(), id.to_string()))
}

/// The object that an entry of a plan, or a line of the log, is about.
pub fn name(value: &Value) -> Name {
    (text(value, "/kind").to_owned(), text(value, "/namespace").to_owned(), text(value, "/name").to_owned())
}
