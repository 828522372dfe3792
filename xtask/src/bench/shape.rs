//! What is made: objects by shape and number.

use serde_json::{Value, json};

/// Each space of a mix, with what is in it, is so many objects in a namespace of its own.
const TEAM: usize = 50;

/// What the objects are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Shape {
    /// For each 50 objects a namespace with an agent space; in it assets, associations and triggers, as many of each.
    Mix,
    /// Agent spaces alone, 50 in a namespace.
    Spaces,
    /// One agent space; in it assets, associations and triggers, as many of each.
    OneSpace,
}

impl Shape {
    /// As on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mix => "mix",
            Self::Spaces => "spaces",
            Self::OneSpace => "one-space",
        }
    }
}

/// The kinds that are made, in the order in which they are applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    AgentSpace,
    Association,
    Asset,
    Trigger,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::AgentSpace, Self::Association, Self::Asset, Self::Trigger];

    /// As in YAML.
    pub fn name(self) -> &'static str {
        match self {
            Self::AgentSpace => "AgentSpace",
            Self::Association => "Association",
            Self::Asset => "Asset",
            Self::Trigger => "Trigger",
        }
    }

    /// As in URLs.
    pub fn plural(self) -> &'static str {
        match self {
            Self::AgentSpace => "agentspaces",
            Self::Association => "associations",
            Self::Asset => "assets",
            Self::Trigger => "triggers",
        }
    }

    /// The operation that creates one in AWS.
    pub fn create(self) -> &'static str {
        match self {
            Self::AgentSpace => "CreateAgentSpace",
            Self::Association => "AssociateService",
            Self::Asset => "CreateAsset",
            Self::Trigger => "CreateTrigger",
        }
    }
}

/// One object.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    pub kind: Kind,
    pub namespace: String,
    pub name: String,
    pub spec: Value,
}

impl Object {
    fn new(kind: Kind, namespace: &str, number: usize, spec: Value) -> Self {
        Self { kind, namespace: namespace.to_owned(), name: name(number), spec }
    }
}

fn name(number: usize) -> String {
    format!("bench-{number:05}")
}

/// So many objects of a shape, in namespaces whose names begin like this; kind by kind, as a GitOps tool applies them.
pub fn objects(shape: Shape, number: usize, namespace: &str) -> Vec<Object> {
    let mut objects = Vec::with_capacity(number);
    let team = if shape == Shape::OneSpace { number.max(1) } else { TEAM };
    // The space and the agent that the next objects belong to.
    let (mut space, mut agent) = (0, 0);
    for index in 0..number {
        let namespace = format!("{namespace}-{:03}", index / team);
        let place = index % team;
        let object = if shape == Shape::Spaces || place == 0 {
            space = index;
            Object::new(Kind::AgentSpace, &namespace, index, agent_space(index))
        } else {
            match place % 3 {
                1 => {
                    agent = index;
                    Object::new(Kind::Asset, &namespace, index, asset(space, index))
                }
                2 => Object::new(Kind::Trigger, &namespace, index, trigger(space, agent)),
                _ => Object::new(Kind::Association, &namespace, index, association(space, index)),
            }
        };
        objects.push(object);
    }
    objects.sort_by_key(|object| object.kind);
    objects
}

fn agent_space(number: usize) -> Value {
    json!({"name": name(number), "description": "A space of the benchmark"})
}

fn asset(space: usize, number: usize) -> Value {
    let text =
        "Compare the stock that the warehouses report with what the shop shows. Report what differs.\n";
    json!({
        "agentSpaceRef": {"name": name(space)},
        "assetType": "custom_agent",
        "metadata": {"name": name(number)},
        "content": {"files": [{"path": "AGENT.md", "text": text}]},
    })
}

fn association(space: usize, number: usize) -> Value {
    let account = format!("{:012}", 100_000_000_000 + number as u64);
    json!({
        "agentSpaceRef": {"name": name(space)},
        "configuration": {"sourceAws": {
            "accountId": account,
            "assumableRoleArn": format!("arn:aws:iam::{account}:role/DevOpsAgent"),
        }},
    })
}

fn trigger(space: usize, agent: usize) -> Value {
    json!({
        "agentSpaceRef": {"name": name(space)},
        "assetRef": {"name": name(agent)},
        "schedule": {"expression": "rate(1 day)"},
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn count(objects: &[Object], kind: Kind) -> usize {
        objects.iter().filter(|object| object.kind == kind).count()
    }

    #[test]
    fn a_mix_has_a_space_for_each_fifty_objects_and_a_third_of_each_other_kind() {
        let objects = objects(Shape::Mix, 500, "team");
        assert_eq!(objects.len(), 500);
        assert_eq!(Kind::ALL.map(|kind| count(&objects, kind)), [10, 160, 170, 160]);
        let namespaces: BTreeSet<&str> = objects.iter().map(|object| object.namespace.as_str()).collect();
        assert_eq!(namespaces.len(), 10);
        assert!(objects.is_sorted_by_key(|object| object.kind));
    }

    #[test]
    fn what_an_object_refers_to_is_in_its_namespace() {
        for shape in [Shape::Mix, Shape::Spaces, Shape::OneSpace] {
            let objects = objects(shape, 120, "team");
            let there = |kind: Kind, namespace: &str, name: &Value| {
                objects.iter().any(|one| one.kind == kind && one.namespace == namespace && *name == one.name)
            };
            for object in &objects {
                for (reference, kind) in [("agentSpaceRef", Kind::AgentSpace), ("assetRef", Kind::Asset)] {
                    let name = &object.spec[reference]["name"];
                    assert!(name.is_null() || there(kind, &object.namespace, name), "{object:?}");
                }
            }
        }
    }

    #[test]
    fn the_other_shapes_have_spaces_alone_or_one_space() {
        let spaces = objects(Shape::Spaces, 120, "team");
        assert_eq!(count(&spaces, Kind::AgentSpace), 120);
        assert_eq!(spaces.last().unwrap().namespace, "team-002");
        let one = objects(Shape::OneSpace, 120, "team");
        assert_eq!(count(&one, Kind::AgentSpace), 1);
        assert!(one.iter().all(|object| object.namespace == "team-000"));
    }
}
