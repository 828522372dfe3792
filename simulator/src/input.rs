//! The members of a request, gathered from path, query, headers and body into one object.

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::error::ApiError;
use crate::model::{Kind, Location, Matched, Model, ShapeId};
use crate::wire::Request;

/// The members of one request by name.
#[derive(Debug, Clone, Default)]
pub struct Input(pub Map<String, Value>);

impl Input {
    /// Collects the members. Their validity is checked afterwards; only a body that isn't a JSON object fails.
    pub fn collect(model: &Model, matched: &Matched<'_>, request: &Request) -> Result<Self, ApiError> {
        let members = model.members(matched.operation.input);
        let takes_body = members.iter().any(|member| member.location == Location::Body);
        let mut found = if takes_body { body(request)? } else { Map::new() };
        for member in members.iter().filter(|member| member.location != Location::Body) {
            if found.remove(&member.name).is_some() {
                return Err(ApiError::validation(
                    &format!("/{}", member.name),
                    "Member does not belong in the body",
                ));
            }
        }
        let query = request.query_pairs();
        for member in members {
            let value = match &member.location {
                Location::Body => None,
                Location::Path => matched
                    .labels
                    .iter()
                    .find(|(name, _)| *name == member.name)
                    .map(|(_, value)| from_text(model, member.shape, value)),
                Location::Query(name) => from_query(model, member.shape, name, &query),
                Location::Header(name) => {
                    request.header(name).map(|value| from_text(model, member.shape, value))
                }
            };
            if let Some(value) = value {
                found.insert(member.name.clone(), value);
            }
        }
        Ok(Self(found))
    }

    /// A member, unless it is absent or null.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A text member; empty when absent.
    pub fn text(&self, name: &str) -> &str {
        self.optional(name).unwrap_or_default()
    }

    /// A text member, if present.
    pub fn optional(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_str)
    }

    /// The same as an owned text.
    pub fn owned(&self, name: &str) -> Option<String> {
        self.optional(name).map(str::to_owned)
    }

    /// A whole number, if present.
    pub fn integer(&self, name: &str) -> Option<i64> {
        self.get(name).and_then(Value::as_i64)
    }

    /// A member as a Rust type; the default when absent.
    pub fn read<T: DeserializeOwned + Default>(&self, name: &str) -> Result<T, ApiError> {
        match self.get(name) {
            None => Ok(T::default()),
            Some(value) => serde_json::from_value(value.clone())
                .map_err(|error| ApiError::validation(&format!("/{name}"), error.to_string())),
        }
    }

    /// The one member of a union and its value.
    pub fn union(&self, name: &str) -> Result<(&str, &Value), ApiError> {
        self.get(name)
            .and_then(Value::as_object)
            .and_then(|object| object.iter().find(|(_, value)| !value.is_null()))
            .map(|(key, value)| (key.as_str(), value))
            .ok_or_else(|| ApiError::validation(&format!("/{name}"), "Exactly one member must be set"))
    }
}

fn body(request: &Request) -> Result<Map<String, Value>, ApiError> {
    if request.body.is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_slice(&request.body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(ApiError::validation("", "The body must be a JSON object")),
        Err(error) => Err(ApiError::validation("", format!("The body is not JSON: {error}"))),
    }
}

fn from_query(model: &Model, shape: ShapeId, name: &str, query: &[(String, String)]) -> Option<Value> {
    let mut values = query.iter().filter(|(key, _)| key == name).map(|(_, value)| value);
    if let Kind::List { member, .. } = model.shape(shape).kind {
        let items: Vec<Value> = values.map(|value| from_text(model, member, value)).collect();
        return (!items.is_empty()).then_some(Value::Array(items));
    }
    values.next().map(|value| from_text(model, shape, value))
}

/// Text that doesn't match its type is left unchanged, so that validation names it.
fn from_text(model: &Model, shape: ShapeId, text: &str) -> Value {
    let converted = match model.shape(shape).kind {
        Kind::Integer { .. } => text.parse::<i64>().ok().map(|number| json!(number)),
        Kind::Boolean => text.parse::<bool>().ok().map(|flag| json!(flag)),
        Kind::Timestamp { iso: false } => text.parse::<Timestamp>().ok().map(epoch),
        _ => None,
    };
    converted.unwrap_or_else(|| json!(text))
}

/// A point in time as the data plane writes it: seconds since 1970, with a fraction.
pub fn epoch(at: Timestamp) -> Value {
    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds since 1970 fit a double until the year 287,396"
    )]
    let seconds = at.as_millisecond() as f64 / 1000.0;
    json!(seconds)
}
