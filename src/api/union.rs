//! Unions: objects of which exactly one member is set, as the API's own.
//!
//! rest-json writes a union as an object with one member, and so does serde an enum. In a CRD the
//! members are ordinary properties; that exactly one is set is said by a count and by a CEL rule, whose
//! error is one line that lists the members (a `oneOf` answers with a line for every member).

use schemars::Schema;
use serde_json::{Map, Value, json};

use super::schema;

/// Declares an enum that is a union on the wire, with the key of each member in one place.
macro_rules! union {
    (
        $(#[$meta:meta])*
        pub enum $name:ident {
            $($(#[$variant_meta:meta])* $key:literal => $variant:ident($content:ty),)+
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[schemars(transform = $crate::api::union::as_object)]
        pub enum $name {
            $($(#[$variant_meta])* #[serde(rename = $key)] $variant($content),)+
        }

        impl $name {
            /// The keys of all members.
            pub const KEYS: &'static [&'static str] = &[$($key),+];

            /// The key of the member that is set.
            pub const fn key(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $key,)+
                }
            }
        }
    };
}
pub(crate) use union;

/// Turns the `oneOf` that an enum derives into properties of which exactly one must be set.
///
/// Where the enum is flattened into a struct, the struct's own properties stay as they are.
pub fn as_object(schema: &mut Schema) {
    let Some(Value::Array(variants)) = schema.remove("oneOf") else { return };
    let mut members = Map::new();
    for variant in variants {
        let Value::Object(mut variant) = variant else { continue };
        let description = variant.remove("description");
        let Some(Value::Object(properties)) = variant.remove("properties") else { continue };
        for (key, mut member) in properties {
            if let Some(description) = &description {
                member["description"] = description.clone();
            }
            members.insert(key, member);
        }
    }
    let keys: Vec<String> = members.keys().cloned().collect();
    let object = schema.ensure_object();
    object.insert("type".into(), json!("object"));
    let properties = object.entry("properties").or_insert_with(|| json!({}));
    let alone = properties.as_object().is_none_or(Map::is_empty);
    if let Value::Object(properties) = properties {
        properties.extend(members);
    }
    if let [only] = keys.as_slice() {
        let required = object.entry("required").or_insert_with(|| json!([]));
        if let Value::Array(required) = required {
            required.push(json!(only));
        }
        return;
    }
    if alone {
        object.insert("minProperties".into(), json!(1));
        object.insert("maxProperties".into(), json!(1));
    }
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    schema::add_rule(schema, schema::exactly_one(&keys));
}

/// Forbids to change which member of the union in this field is set.
pub fn fixed(schema: &mut Schema) {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
    let same: Vec<String> =
        properties.keys().map(|key| format!("has(self.{key}) == has(oldSelf.{key})")).collect();
    let rule = json!({
        "rule": same.join(" && "),
        "message": "can't be switched to another type; delete and recreate the object",
    });
    schema::add_rule(schema, rule);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::api::association::Configuration;
    use crate::api::service_registration::Service;

    #[test]
    fn a_union_is_an_object_of_which_one_member_is_set() {
        let schema = schemars::schema_for!(Service).to_value();
        let members: BTreeSet<&str> =
            schema["properties"].as_object().into_iter().flatten().map(|(key, _)| key.as_str()).collect();
        assert_eq!(members, Service::KEYS.iter().copied().collect());
        assert_eq!((&schema["minProperties"], &schema["maxProperties"]), (&json!(1), &json!(1)));
        assert!(schema["oneOf"].is_null());
    }

    #[test]
    fn a_member_reads_and_writes_under_its_key() -> serde_json::Result<()> {
        let wire = json!({ "eventChannel": {} });
        let configuration: Configuration = serde_json::from_value(wire.clone())?;
        assert_eq!(configuration.key(), "eventChannel");
        assert_eq!(serde_json::to_value(&configuration)?, wire);
        Ok(())
    }

    #[test]
    fn a_flattened_union_leaves_the_other_properties_alone() {
        let schema = schemars::schema_for!(crate::api::asset::File).to_value();
        assert_eq!(schema["required"], json!(["path"]));
        assert!(schema["minProperties"].is_null());
        let rule = schema["x-kubernetes-validations"][0]["message"].as_str().unwrap_or_default();
        assert_eq!(rule, "exactly one of base64, configMapKeyRef, secretKeyRef, text must be set");
    }
}
