//! From what AWS has to the spec that describes it: what is the same for every kind. Each kind's own part is next to the
//! comparison that it is the inverse of.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::api::common::Tags;
use crate::api::scalars::{TagKey, TagValue};
use crate::reconcile::state::ownership::{self, CLUSTER_TAG, NAME_TAG, NAMESPACE_TAG};
use crate::reconcile::tagging::TagMap;

pub use super::agent_space::imported_space as space;
pub use super::agent_space::operator_app;
pub use super::agent_space::spaces::Spaces;
pub use super::asset::imported_asset as asset;
pub use super::asset::space_assets::SpaceAssets;
pub use super::association::imported_association as association;
pub use super::association::space_associations::SpaceAssociations;
pub use super::private_connection::account_connections::Connections;
pub use super::private_connection::imported_connection as connection;
pub use super::service_registration::account_services::Services;
pub use super::service_registration::imported_service as service;
pub use super::trigger::imported_trigger as trigger;
pub use super::trigger::space_triggers::SpaceTriggers;

/// Tags that AWS sets by itself, and that nobody else can set.
const OF_AWS: &str = "aws:";

/// Which object describes which remote.
#[derive(Debug, Default)]
pub struct Names(BTreeMap<(&'static str, String), String>);

impl Names {
    /// The remote `id` is described by the object `name` of `kind`.
    pub fn add(&mut self, kind: &'static str, id: &str, name: String) {
        self.0.insert((kind, id.to_owned()), name);
    }

    /// Name of the object of `kind` that describes the remote `id`.
    pub fn of(&self, kind: &'static str, id: &str) -> Option<&str> {
        self.0.get(&(kind, id.to_owned())).map(String::as_str)
    }

    /// A reference to that object.
    pub fn reference(&self, kind: &'static str, id: &str) -> Option<Value> {
        self.of(kind, id).map(|name| json!({ "name": name }))
    }
}

/// A remote as a spec, without policies and account.
#[derive(Debug, Default)]
pub struct Described {
    /// The spec, as far as AWS tells it.
    pub spec: Value,
    /// What whoever applies it should know.
    pub notes: Vec<String>,
    /// Optional parts of the spec for credentials, as JSON pointers: without them, a registration that has to be made again
    /// would be made without credentials.
    pub credentials: Vec<String>,
    /// Whether the object can only ever observe.
    pub is_existing: bool,
    /// ConfigMaps for what is too large for the object: by name, base64 by key.
    pub config_maps: BTreeMap<String, BTreeMap<String, String>>,
}

impl Described {
    /// A spec of what is set in `spec`: null, and an empty object in `optional`, mean that it isn't.
    pub fn new(spec: Value, optional: &[&str]) -> Self {
        let mut spec = without_nulls(spec);
        if let Some(members) = spec.as_object_mut() {
            let is_empty = |value: &Value| value.as_object().is_some_and(Map::is_empty);
            members.retain(|name, value| !(optional.contains(&name.as_str()) && is_empty(value)));
        }
        Self { spec, ..Self::default() }
    }

    /// The same with a note.
    #[must_use]
    pub fn noting(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// The same with a note, if there is one.
    #[must_use]
    pub fn noting_if(self, note: Option<String>) -> Self {
        match note {
            Some(note) => self.noting(note),
            None => self,
        }
    }
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => members
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| (key, without_nulls(value)))
            .collect(),
        Value::Array(items) => items.into_iter().map(without_nulls).collect(),
        scalar => scalar,
    }
}

/// The tags that a spec can set: not the operator's, and not AWS's own.
pub fn tags(observed: &TagMap) -> Tags {
    let others = observed.iter().filter(|(key, _)| !ownership::is_owner_tag(key) && !key.starts_with(OF_AWS));
    others.map(|(key, value)| (TagKey(key.clone()), TagValue(value.clone()))).collect()
}

/// Whose the remote is, if owner tags say so.
pub fn owner(tags: &TagMap) -> Option<String> {
    let cluster = tags.get(CLUSTER_TAG)?;
    let part = |key: &str| tags.get(key).map_or("?", String::as_str);
    Some(format!(
        "It belongs to the object {}/{} of the cluster {cluster}: no other object can manage it until that one is deleted \
         with deletionPolicy: Retain.",
        part(NAMESPACE_TAG),
        part(NAME_TAG)
    ))
}
