//! Which parts of botocore's model the project keeps.
//!
//! Every operation except those in [`LEFT_OUT`], so that a new one shows; every shape that the kept operations reach; all
//! that is said of them except the documentation, which is long and changes without the service.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::error::Error;

/// Operations that no spec can represent: they are what people and agents do in a space, or what AWS counts.
const LEFT_OUT: &[&str] = &[
    "CreateBacklogTask",
    "CreateChat",
    "GetAccountUsage",
    "GetBacklogTask",
    "GetChat",
    "GetRecommendation",
    "ListBacklogTasks",
    "ListChats",
    "ListExecutions",
    "ListGoals",
    "ListJournalRecords",
    "ListPendingMessages",
    "ListRecommendations",
    "SendMessage",
    "UpdateApprovalAction",
    "UpdateBacklogTask",
    "UpdateChat",
    "UpdateGoal",
    "UpdateRecommendation",
];

/// The model cut by the rule, with sorted keys.
pub fn cut(model: &Value) -> Result<Value, Error> {
    let operations = model["operations"].as_object();
    let operations = operations.ok_or_else(|| Error::Other("the model has no operations".to_owned()))?;
    let kept = operations.iter().filter(|(name, _)| !LEFT_OUT.contains(&name.as_str()));
    let operations: BTreeMap<&str, Value> = kept.map(|(name, it)| (name.as_str(), plain(it))).collect();
    let mut shapes = BTreeMap::new();
    for operation in operations.values() {
        reach(model, operation, &mut shapes)?;
    }
    Ok(sorted([
        ("metadata", plain(&model["metadata"])),
        ("operations", sorted(operations)),
        ("shapes", sorted(shapes)),
        ("version", model["version"].clone()),
    ]))
}

/// Adds the shapes that `value` refers to, and those that they refer to.
fn reach(model: &Value, value: &Value, shapes: &mut BTreeMap<String, Value>) -> Result<(), Error> {
    match value {
        Value::Array(items) => items.iter().try_for_each(|item| reach(model, item, shapes)),
        Value::Object(members) => members.iter().try_for_each(|(key, inner)| match inner {
            Value::String(name) if key == "shape" => {
                if shapes.contains_key(name) {
                    return Ok(());
                }
                let shape = model["shapes"].get(name);
                let shape = shape.ok_or_else(|| Error::Other(format!("the model has no shape {name}")))?;
                let shape = plain(shape);
                shapes.insert(name.clone(), shape.clone());
                reach(model, &shape, shapes)
            }
            inner => reach(model, inner, shapes),
        }),
        _ => Ok(()),
    }
}

/// A value without its documentation. The members of a structure are kept whatever they are called.
fn plain(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(plain).collect(),
        Value::Object(members) => {
            let kept = members.iter().filter(|(key, _)| *key != "documentation");
            sorted(kept.map(|(key, inner)| match inner {
                Value::Object(named) if key == "members" => {
                    (key.clone(), sorted(named.iter().map(|(name, member)| (name.clone(), plain(member)))))
                }
                inner => (key.clone(), plain(inner)),
            }))
        }
        scalar => scalar.clone(),
    }
}

/// An object with its keys in order, whatever order the JSON library keeps them in.
fn sorted<K: Into<String>>(members: impl IntoIterator<Item = (K, Value)>) -> Value {
    let sorted: BTreeMap<String, Value> =
        members.into_iter().map(|(key, value)| (key.into(), value)).collect();
    Value::Object(sorted.into_iter().collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn model() -> Value {
        json!({
            "version": "2.0",
            "documentation": "D",
            "metadata": {"uid": "u"},
            "operations": {
                "GetThing": {"name": "GetThing", "documentation": "D", "output": {"shape": "Thing"},
                    "errors": [{"shape": "Gone", "documentation": "D"}]},
                "SendMessage": {"name": "SendMessage", "input": {"shape": "Message"}},
            },
            "shapes": {
                "Gone": {"type": "structure", "members": {}, "exception": true},
                "Message": {"type": "string"},
                "Text": {"type": "string", "min": 1},
                "Thing": {"type": "structure", "documentation": "D", "members": {
                    "self": {"shape": "Thing"},
                    "documentation": {"shape": "Text", "documentation": "D"},
                }},
                "Unused": {"type": "string"},
            },
        })
    }

    #[test]
    fn what_is_kept_is_what_the_operations_reach_without_its_documentation() {
        let cut = cut(&model()).unwrap();
        assert_eq!(
            cut,
            json!({
                "version": "2.0",
                "metadata": {"uid": "u"},
                "operations": {
                    "GetThing": {"name": "GetThing", "output": {"shape": "Thing"}, "errors": [{"shape": "Gone"}]},
                },
                "shapes": {
                    "Gone": {"type": "structure", "members": {}, "exception": true},
                    "Text": {"type": "string", "min": 1},
                    "Thing": {"type": "structure",
                        "members": {"self": {"shape": "Thing"}, "documentation": {"shape": "Text"}}},
                },
            })
        );
    }

    #[test]
    fn the_rule_changes_nothing_of_what_it_has_made() {
        let ours = include_str!("../../../simulator/model.json");
        let model: Value = serde_json::from_str(ours).unwrap();
        assert_eq!(super::super::text(&cut(&model).unwrap()).unwrap(), ours);
    }

    #[test]
    fn a_shape_that_is_missing_is_named() {
        let mut model = model();
        model["shapes"].as_object_mut().unwrap().remove("Text");
        assert!(cut(&model).unwrap_err().to_string().contains("Text"));
    }
}
