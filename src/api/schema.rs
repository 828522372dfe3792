//! Pieces of CRD schema that derives can't express.

use kube::CustomResourceExt;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use super::scalars::{TagKey, TagValue};

/// A CEL rule on an object that forbids to change one of its fields, to add it, or to remove it.
pub fn immutable(field: &str, way_out: &str) -> Value {
    json!({
        "rule": format!(
            "has(self.{field}) == has(oldSelf.{field}) && (!has(self.{field}) || self.{field} == oldSelf.{field})"
        ),
        "message": format!("{field} can't be changed; {way_out}"),
        "fieldPath": format!(".{field}"),
    })
}

/// A CEL rule on an object that forbids to remove one of its fields; it may be added and changed.
pub fn stays(field: &str, why: &str) -> Value {
    json!({
        "rule": format!("!has(oldSelf.{field}) || has(self.{field})"),
        "message": format!("{field} can't be removed; {why}"),
        "fieldPath": format!(".{field}"),
    })
}

/// A CEL rule with its message, shown at the field `path` (such as `.names`).
pub fn rule(path: &str, rule: &str, message: &str) -> Value {
    json!({ "rule": rule, "message": message, "fieldPath": path })
}

/// A CEL rule with its message, shown at the object that it is on.
pub fn rule_here(rule: &str, message: &str) -> Value {
    json!({ "rule": rule, "message": message })
}

/// A CEL rule that exactly one of these optional members is set.
pub fn exactly_one(members: &[&str]) -> Value {
    let all = members.join(", ");
    json!({ "rule": format!("{} == 1", count(members)), "message": format!("exactly one of {all} must be set") })
}

/// A CEL rule that at most one of these optional members is set, shown at the first.
pub fn at_most_one(members: &[&str]) -> Value {
    let all = members.join(", ");
    let first = members.first().copied().unwrap_or_default();
    rule(
        &format!(".{first}"),
        &format!("{} <= 1", count(members)),
        &format!("at most one of {all} may be set"),
    )
}

/// A CEL rule that forbids `field` where `other` is set.
pub fn excludes(other: &str, field: &str, why: &str) -> Value {
    rule(
        &format!(".{field}"),
        &format!("!has(self.{other}) || !has(self.{field})"),
        &format!("{field} can't be set with {other}: {why}"),
    )
}

/// A CEL rule that the role in `field`, if there is one, is of the account whose number is in `account`.
pub fn role_of(field: &str, account: &str) -> Value {
    rule(
        &format!(".{field}"),
        &format!("!has(self.{field}) || self.{field}.split(':')[4] == self.{account}"),
        &format!("{field} must be a role of the account in {account}"),
    )
}

/// CEL that at least one of these members of `object` is set.
pub fn any_of(object: &str, members: &[&str]) -> String {
    let set: Vec<String> = members.iter().map(|member| format!("has({object}.{member})")).collect();
    set.join(" || ")
}

/// CEL that counts which of these members are set.
fn count(members: &[&str]) -> String {
    let set: Vec<String> = members.iter().map(|member| format!("has(self.{member})")).collect();
    format!("[{}].filter(set, set).size()", set.join(", "))
}

/// Puts a CEL rule beside those that the schema has.
pub fn add_rule(schema: &mut Schema, rule: Value) {
    let rules = schema.ensure_object().entry("x-kubernetes-validations").or_insert_with(|| json!([]));
    if let Value::Array(rules) = rules {
        rules.push(rule);
    }
}

/// Makes a list of scalars a set: an entry may be there once, and its place means nothing.
pub fn set(schema: &mut Schema) {
    schema.insert("x-kubernetes-list-type".into(), json!("set"));
}

/// A list of objects that `name` tells apart, at most `max` of them.
pub fn map_by_name<T: JsonSchema>(generator: &mut SchemaGenerator, max: usize) -> Schema {
    let mut schema = generator.subschema_for::<Vec<T>>();
    schema.insert("maxItems".into(), json!(max));
    schema.insert("x-kubernetes-list-type".into(), json!("map"));
    schema.insert("x-kubernetes-list-map-keys".into(), json!(["name"]));
    schema
}

/// Any JSON object, kept as it is (an API document such as an asset's metadata).
pub fn free_object(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true })
}

/// Conditions as a list that several writers can share, keyed by `type`.
pub fn conditions(generator: &mut SchemaGenerator) -> Schema {
    let mut schema =
        generator.subschema_for::<Vec<k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition>>();
    schema.insert("x-kubernetes-list-type".into(), json!("map"));
    schema.insert("x-kubernetes-list-map-keys".into(), json!(["type"]));
    schema
}

/// A map whose keys are checked by CEL, since a structural schema knows no constraint on keys.
///
/// `max` bounds what the rule can cost; the API server refuses an unbounded one.
pub fn map_of<K: JsonSchema, V: JsonSchema>(generator: &mut SchemaGenerator, max: usize) -> Schema {
    let key = K::json_schema(generator).to_value();
    let mut checks = Vec::new();
    let mut wanted = Vec::new();
    if let Some(min) = key["minLength"].as_u64().filter(|min| *min > 0) {
        checks.push(format!("size(key) >= {min}"));
        wanted.push(format!("have at least {min} characters"));
    }
    if let Some(max) = key["maxLength"].as_u64() {
        checks.push(format!("size(key) <= {max}"));
        wanted.push(format!("have at most {max} characters"));
    }
    if let Some(pattern) = key["pattern"].as_str() {
        checks.push(format!("key.matches(r'{pattern}')"));
        wanted.push(format!("match `{pattern}`"));
    }
    json_schema!({
        "type": "object",
        "x-standard-of-keys": key["x-standard"],
        "maxProperties": max,
        "additionalProperties": generator.subschema_for::<V>(),
        "x-kubernetes-validations": [
            rule_here(&format!("self.all(key, {})", checks.join(" && ")), &format!("each key must {}", wanted.join(", "))),
        ],
    })
}

/// Tags: 46 at most, since AWS allows 50 and four are the operator's own.
pub fn tags(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = map_of::<TagKey, TagValue>(generator, 46);
    if let Some(rules) = schema.get_mut("x-kubernetes-validations").and_then(Value::as_array_mut) {
        rules.push(json!({
            "rule": "self.all(key, !key.startsWith('devopsagent.dev/') && !key.lowerAscii().startsWith('aws:'))",
            "message": "the prefixes devopsagent.dev/ and aws: (in any case) are reserved",
        }));
    }
    schema
}

/// Takes `nullable` and the null of an optional enum out everywhere: the API server then drops an
/// explicit null, as users expect, instead of storing it. Descriptions lose the line breaks of the source
/// code, so that `kubectl explain` can set them as it likes.
fn tidy(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if members.get("nullable").is_some_and(Value::is_boolean) {
                members.remove("nullable");
            }
            if let Some(Value::Array(values)) = members.get_mut("enum") {
                values.retain(|value| !value.is_null());
            }
            if let Some(Value::String(text)) = members.get_mut("description") {
                let paragraphs: Vec<String> =
                    text.split("\n\n").map(|lines| lines.replace('\n', " ")).collect();
                *text = paragraphs.join("\n\n");
            }
            members.values_mut().for_each(tidy);
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        _ => {}
    }
}

/// The CRD of `K` as it is installed: the derive's, with the default that makes a new object count
/// as in progress (kstatus takes an object without status for done).
pub fn crd<K: CustomResourceExt>() -> Result<Value, serde_json::Error> {
    let mut crd = serde_json::to_value(K::crd())?;
    tidy(&mut crd);
    let versions = crd.pointer_mut("/spec/versions").and_then(Value::as_array_mut);
    for version in versions.into_iter().flatten() {
        if let Some(status) = version.pointer_mut("/schema/openAPIV3Schema/properties/status") {
            status["default"] = json!({ "observedGeneration": -1 });
        }
    }
    crd["metadata"]["annotations"] =
        json!({ "argocd.argoproj.io/sync-options": "ServerSideApply=true,Prune=false" });
    Ok(crd)
}
