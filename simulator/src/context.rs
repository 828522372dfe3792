//! What an operation sees: the region that it acts in, the switches, the time.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use crate::error::ApiError;
use crate::input::Input;
use crate::store::{AgentSpace, Region};
use crate::switches::{DeleteMissing, Switches};

/// The response of an operation: the members of its output, or an error.
pub type Answer = Result<Value, ApiError>;

/// What an operation works with.
pub struct Context<'a> {
    /// Account of the caller.
    pub account: &'a str,
    /// Region of the call.
    pub region_name: &'a str,
    /// What exists there.
    pub region: &'a mut Region,
    /// What lists show, when they lag behind.
    pub lagging: Option<Arc<Region>>,
    /// The undocumented choices.
    pub switches: &'a Switches,
    /// Where the simulator is reached, without a slash at the end.
    pub base_url: &'a str,
    /// The time of the call.
    pub now: Timestamp,
}

impl Context<'_> {
    /// The region as lists show it.
    pub fn listed(&self) -> &Region {
        self.lagging.as_deref().unwrap_or(self.region)
    }

    /// The space that the input names.
    pub fn space(&self, input: &Input) -> Result<&AgentSpace, ApiError> {
        let id = input.text("agentSpaceId");
        self.region.agent_spaces.get(id).ok_or_else(|| ApiError::not_found("Agent space", id))
    }

    /// The same, to change it.
    pub fn space_mut(&mut self, input: &Input) -> Result<&mut AgentSpace, ApiError> {
        let id = input.text("agentSpaceId");
        self.region.agent_spaces.get_mut(id).ok_or_else(|| ApiError::not_found("Agent space", id))
    }

    /// The space of a data-plane call, whose absence may be reported differently.
    pub fn data_space(&self, input: &Input) -> Result<&AgentSpace, ApiError> {
        let gone = self.switches.gone_space;
        self.space(input).map_err(|error| gone.error(error.message))
    }

    /// The space as lists show it: `None` while they don't know it yet. One that is gone is gone for lists too.
    pub fn listed_space(&self, input: &Input) -> Result<Option<&AgentSpace>, ApiError> {
        let now = self.space(input)?;
        Ok(self.listed().agent_spaces.get(&now.agent_space_id))
    }

    /// Some milliseconds from now.
    pub fn after(&self, milliseconds: u64) -> Timestamp {
        let wait = SignedDuration::from_millis(i64::try_from(milliseconds).unwrap_or(i64::MAX));
        self.now.checked_add(wait).unwrap_or(Timestamp::MAX)
    }

    /// The end of a delete whose target doesn't exist.
    pub fn missing(&self, what: &str, id: &str) -> Answer {
        match self.switches.delete_missing {
            DeleteMissing::NotFound => Err(ApiError::not_found(what, id)),
            DeleteMissing::Succeed => Ok(Object::new().build()),
        }
    }

    /// IAM changes take time to spread: a role that is new to the service may not be assumable yet.
    pub fn check_roles(&mut self, value: &Value) -> Result<(), ApiError> {
        let mut roles = Vec::new();
        collect_roles(value, &mut roles);
        let mut refused = None;
        for role in roles {
            let first = *self.region.roles.entry(role.clone()).or_insert(self.now);
            let age = first.duration_until(self.now).as_millis();
            if age < i128::from(self.switches.role_check_fails_ms) {
                refused = Some(role);
            }
        }
        match refused {
            None => Ok(()),
            Some(role) => {
                let message = format!("The role {role} can't be assumed by aidevops.amazonaws.com");
                Err(ApiError::new("ValidationException", message))
            }
        }
    }
}

fn collect_roles(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text)
            if text.starts_with("arn:") && text.contains(":iam::") && text.contains(":role/") =>
        {
            found.push(text.clone());
        }
        Value::Array(items) => items.iter().for_each(|item| collect_roles(item, found)),
        Value::Object(object) => object.values().for_each(|item| collect_roles(item, found)),
        _ => {}
    }
}

/// A JSON object that is built member by member, without nulls.
#[derive(Debug, Default)]
pub struct Object(Map<String, Value>);

impl Object {
    /// An object without members.
    pub fn new() -> Self {
        Self::default()
    }

    /// With one more member.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// With one more member, if there is a value.
    #[must_use]
    pub fn maybe(self, name: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// With a map of text, such as tags.
    #[must_use]
    pub fn map<T: Clone + Into<Value>>(
        self,
        name: &str,
        map: &std::collections::BTreeMap<String, T>,
    ) -> Self {
        let object: Map<_, _> = map.iter().map(|(key, value)| (key.clone(), value.clone().into())).collect();
        self.with(name, object)
    }

    /// The finished object.
    pub fn build(self) -> Value {
        Value::Object(self.0)
    }
}

/// A point in time as the control plane writes it.
pub fn iso(at: Timestamp) -> String {
    at.to_string()
}
