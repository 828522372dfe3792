//! From features to the statements of a policy.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::features::{Also, Condition, Effect, Part, authorization};
use super::statement::{Access, Resource};

/// The account of the examples, to be replaced by the reader.
pub const ACCOUNT: &str = "123456789012";

/// One statement.
#[derive(Debug)]
pub struct Statement {
    /// Its id.
    pub sid: &'static str,
    /// What it does.
    pub effect: Effect,
    /// The actions, sorted.
    pub actions: Vec<String>,
    /// The resources.
    pub resources: Vec<String>,
    /// The conditions, all of which must hold.
    pub conditions: &'static [Condition],
}

/// The statements that allow all `parts`: one for each type of resource, then what else AWS requires.
pub fn statements(parts: &[Part]) -> Vec<Statement> {
    let mut by_resource: BTreeMap<Resource, BTreeSet<String>> = BTreeMap::new();
    let mut also: BTreeMap<&str, &Also> = BTreeMap::new();
    for part in parts {
        for operation in part.feature.operations {
            let Some((access, resource)) = authorization(operation) else { continue };
            if part.reads_only && access == Access::Write {
                continue;
            }
            let resource = if resource == Resource::Tagged { part.feature.resource } else { resource };
            by_resource.entry(resource).or_default().insert(format!("aidevops:{operation}"));
        }
        if !part.reads_only {
            also.extend(part.feature.also.iter().map(|also| (also.sid, also)));
        }
    }
    let own = by_resource.into_iter().map(|(resource, actions)| {
        let (sid, resource) = place(resource);
        let actions = actions.into_iter().collect();
        Statement { sid, effect: Effect::Allow, actions, resources: vec![resource], conditions: &[] }
    });
    let others = also.into_values().map(|also| Statement {
        sid: also.sid,
        effect: also.effect,
        actions: also.actions.iter().map(|action| (*action).to_owned()).collect(),
        resources: also.resources.iter().map(|resource| (*resource).to_owned()).collect(),
        conditions: also.conditions,
    });
    own.chain(others).collect()
}

/// The id of the statement for a type of resource, and the ARN of all of them.
fn place(resource: Resource) -> (&'static str, String) {
    let arn = |what: &str| format!("arn:aws:aidevops:*:{ACCOUNT}:{what}/*");
    match resource {
        Resource::Any | Resource::Tagged => ("Find", "*".to_owned()),
        Resource::AgentSpace => ("AgentSpaces", arn("agentspace")),
        Resource::Service => ("Services", arn("service")),
        Resource::PrivateConnection => ("PrivateConnections", arn("private-connection")),
    }
}

/// A policy document, with its members in the usual order.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Document<'a> {
    version: &'static str,
    statement: Vec<Written<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Written<'a> {
    sid: &'static str,
    effect: String,
    action: &'a [String],
    resource: Value,
    #[serde(skip_serializing_if = "Map::is_empty")]
    condition: Map<String, Value>,
}

/// The statements as a policy document.
pub fn document(statements: &[Statement]) -> Document<'_> {
    let statement = statements.iter().map(|statement| Written {
        sid: statement.sid,
        effect: format!("{:?}", statement.effect),
        action: &statement.actions,
        resource: one_or_many(&statement.resources),
        condition: conditions(statement.conditions),
    });
    Document { version: "2012-10-17", statement: statement.collect() }
}

/// Conditions by their operator and key.
pub fn conditions(conditions: &[Condition]) -> Map<String, Value> {
    let mut found = Map::new();
    for (operator, key, values) in conditions {
        let by_key = found.entry(*operator).or_insert_with(|| json!({}));
        by_key[*key] = one_or_many(values);
    }
    found
}

/// A single value, or a list of several.
pub fn one_or_many<T: Serialize>(values: &[T]) -> Value {
    match values {
        [one] => json!(one),
        many => json!(many),
    }
}
