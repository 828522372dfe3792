//! The CRDs as JSON Schemas, for editors and linters: in the layout of the catalogue of CRDs, which is
//! `GROUP/KIND_VERSION.json`.
//!
//! JSON Schema has neither CEL nor the API server's rule that unknown fields are refused: rules are left out, and objects
//! are closed.

use serde_json::{Map, Value, json};

use crate::kinds;

/// Where the schemas are published, as the comment on top of an example names it.
pub const ADDRESS: &str =
    "https://raw.githubusercontent.com/devops-agent-operator/devops-agent-operator/main/schemas";

/// The schema of one kind.
pub struct KindSchema {
    /// The kind.
    pub kind: String,
    /// Its file within the catalogue.
    pub file: String,
    /// The schema.
    pub schema: Value,
}

/// The schemas of all kinds.
pub fn all() -> Result<Vec<KindSchema>, serde_json::Error> {
    Ok(kinds::crds()?.iter().filter_map(of_crd).collect())
}

fn of_crd(crd: &Value) -> Option<KindSchema> {
    let kind = crd["spec"]["names"]["kind"].as_str()?;
    let group = crd["spec"]["group"].as_str()?;
    let version = &crd["spec"]["versions"][0];
    let name = version["name"].as_str()?;
    let mut schema = closed(&version["schema"]["openAPIV3Schema"]);
    let members = schema.as_object_mut()?;
    members.insert("$schema".to_owned(), json!("http://json-schema.org/draft-07/schema#"));
    members.insert("title".to_owned(), json!(kind));
    let properties = members.get_mut("properties")?.as_object_mut()?;
    properties.insert("apiVersion".to_owned(), json!({"enum": [format!("{group}/{name}")]}));
    properties.insert("kind".to_owned(), json!({"enum": [kind]}));
    properties.insert("metadata".to_owned(), json!({"type": "object"}));
    let required = ["apiVersion", "kind", "metadata"].map(Value::from).into_iter();
    let more = members.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    members.insert("required".to_owned(), required.chain(more).collect());
    Some(KindSchema {
        kind: kind.to_owned(),
        file: format!("{group}/{}_{name}.json", kind.to_lowercase()),
        schema,
    })
}

/// The schema without what only Kubernetes understands, and with what it takes for granted.
fn closed(schema: &Value) -> Value {
    let Some(members) = schema.as_object() else { return schema.clone() };
    let mut closed = Map::new();
    for (name, value) in members.iter().filter(|(name, _)| !name.starts_with("x-kubernetes-")) {
        let value = match name.as_str() {
            "properties" => match value.as_object() {
                Some(properties) => {
                    properties.iter().map(|(name, schema)| (name.clone(), self::closed(schema))).collect()
                }
                None => value.clone(),
            },
            "items" | "additionalProperties" => self::closed(value),
            _ => value.clone(),
        };
        closed.insert(name.clone(), value);
    }
    let is = |extension: &str, value: &Value| members.get(extension) == Some(value);
    let open = members.contains_key("additionalProperties")
        || is("x-kubernetes-preserve-unknown-fields", &json!(true));
    if is("type", &json!("object")) && !open {
        closed.insert("additionalProperties".to_owned(), json!(false));
    }
    if is("x-kubernetes-list-type", &json!("set")) {
        closed.insert("uniqueItems".to_owned(), json!(true));
    }
    Value::Object(closed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_schema_in_the_layout_of_the_catalogue() {
        let schemas = all().unwrap();
        assert_eq!(schemas.len(), kinds::names().len());
        for KindSchema { kind, file, schema } in schemas {
            assert_eq!(file, format!("devopsagent.dev/{}_v1alpha1.json", kind.to_lowercase()));
            assert_eq!(schema["additionalProperties"], json!(false));
            assert_eq!(schema["properties"]["spec"]["additionalProperties"], json!(false), "{kind}");
            assert!(!schema.to_string().contains("x-kubernetes-"), "{kind}");
        }
    }

    #[test]
    fn maps_and_free_objects_stay_open_and_sets_are_unique() {
        let schema = json!({
            "type": "object",
            "properties": {
                "tags": {"type": "object", "additionalProperties": {"type": "string"}},
                "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
                "nothing": {"type": "object"},
                "set": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
                "x-kubernetes-is-a-field-here": {"type": "string"},
            },
        });
        assert_eq!(
            closed(&schema),
            json!({
                "type": "object",
                "additionalProperties": false,
                "properties": {
                    "tags": {"type": "object", "additionalProperties": {"type": "string"}},
                    "free": {"type": "object"},
                    "nothing": {"type": "object", "additionalProperties": false},
                    "set": {"type": "array", "uniqueItems": true, "items": {"type": "string"}},
                    "x-kubernetes-is-a-field-here": {"type": "string"},
                },
            })
        );
    }
}
