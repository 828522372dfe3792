//! A service that is registered already.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Error};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::api::catalog::SERVICES;
use crate::api::scalars::{Guid, ServiceId};
use crate::api::schema;
use crate::api::union::union;

union! {
    /// How to find a service that is already registered: by its ID, or by its properties.
    pub enum Existing {
        /// ID of the service, as shown in the console or by `ListServices`.
        "serviceId" => ServiceId(ServiceId),
        /// Properties that the service must have. Exactly one service in the account must match.
        "match" => Match(ServiceMatch),
    }
}

/// Properties that a registered service must have; all that are set must match.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = only_for_their_type()))]
pub struct ServiceMatch {
    /// Type of the service, for example `github`.
    pub service_type: ServiceType,

    /// Name of the registration, as shown in the console.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub name: Option<String>,

    /// GitHub: the organization or user whose repositories the registration gives access to, for example
    /// `example-org`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    #[schemars(extend("x-standard" = "no-case"))]
    pub owner: Option<String>,

    /// Slack: ID of the workspace, for example `T0123ABCD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub workspace_id: Option<String>,

    /// Azure DevOps: name of the organization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    #[schemars(extend("x-standard" = "no-case"))]
    pub organization_name: Option<String>,

    /// Azure identity: ID of the Entra tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<Guid>,
}

/// CEL rules that a property is only set with a type that AWS returns it for, as the catalog says.
fn only_for_their_type() -> Vec<Value> {
    let mut types: Vec<(&str, Vec<&str>)> = Vec::new();
    for row in SERVICES {
        for (field, _) in row.matched_by {
            match types.iter_mut().find(|(known, _)| known == field) {
                Some((_, types)) => types.push(row.service_type),
                None => types.push((*field, vec![row.service_type])),
            }
        }
    }
    let rule = |(field, types): &(&str, Vec<&str>)| {
        let is_one: Vec<String> = types.iter().map(|of| format!("self.serviceType == '{of}'")).collect();
        schema::rule(
            &format!(".{field}"),
            &format!("!has(self.{field}) || {}", is_one.join(" || ")),
            &format!("{field} is only valid with serviceType {}", types.join(" or ")),
        )
    };
    types.iter().map(rule).collect()
}

/// A type that a registered service can have (`Service`): one of those in the catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ServiceType(&'static str);

impl ServiceType {
    /// The type as the API names it.
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl<'de> Deserialize<'de> for ServiceType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        let known = SERVICES.iter().find(|row| row.service_type == word);
        known.map(|row| Self(row.service_type)).ok_or_else(|| {
            D::Error::invalid_value(
                de::Unexpected::Str(&word),
                &"a type of service that AWS DevOps Agent has",
            )
        })
    }
}

impl JsonSchema for ServiceType {
    fn schema_name() -> Cow<'static, str> {
        "ServiceType".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let types: Vec<&str> = SERVICES.iter().map(|row| row.service_type).collect();
        json_schema!({ "type": "string", "enum": types })
    }
}
