//! `--from`: which resources a tool for infrastructure manages, and what it calls them.
//!
//! Providers differ in what they call attributes and in how they compose ids, so no attribute is looked for: a resource is
//! recognized by any of its values, or a part of one, that is the id of something of its kind in AWS.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::{fs, io};

use clap::ValueEnum;
use serde_json::Value;

use crate::ctl::Error;
use crate::kinds::imported::{Connections, Services, SpaceAssets, SpaceAssociations, SpaceTriggers, Spaces};
use crate::reconcile::remote::collection::Collection;

use super::Troubles;
use super::account_tree::Tree;

/// The tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Tool {
    /// A state file of Terraform or OpenTofu.
    Terraform,
    /// What `aws cloudformation describe-stack-resources` or `list-stack-resources` prints.
    Cloudformation,
}

/// A resource as a tool knows it.
#[derive(Debug, PartialEq, Eq)]
struct Known {
    /// How messages name it, and its own name.
    address: String,
    name: String,
    /// What it is, in lower case and without separators: `agentspace`, for example.
    kind: String,
    /// Everything that may be its id.
    values: BTreeSet<String>,
}

/// Resources of AWS by collection and id, with the names that the tool has for them.
#[derive(Debug, Default)]
pub struct Migrated(BTreeMap<(&'static str, String), String>);

impl Migrated {
    /// The name that the tool has for a resource.
    pub fn name<C: Collection>(&self, id: &str) -> Option<&str> {
        self.0.get(&(C::NAME, id.to_owned())).map(String::as_str)
    }

    /// The resources, by collection and id.
    pub fn resources(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.keys().map(|(collection, id)| (*collection, id.as_str()))
    }

    /// Finds what the tool manages in the account. What isn't there is reported.
    pub fn read(tool: Tool, file: &Path, tree: &Tree, troubles: &mut Troubles) -> Result<Self, Error> {
        let failed = |error| Error::File { file: file.to_owned(), error };
        let text = if file.as_os_str() == "-" {
            io::read_to_string(io::stdin()).map_err(failed)?
        } else {
            fs::read_to_string(file).map_err(failed)?
        };
        let unusable = |why: &str| Error::Usage(format!("{}: {why}", file.display()));
        let document: Value = serde_json::from_str(&text).map_err(|error| unusable(&error.to_string()))?;
        let known = match tool {
            Tool::Terraform => terraform(&document),
            Tool::Cloudformation => cloudformation(&document),
        };
        let known = known.map_err(unusable)?;
        if known.is_empty() {
            return Err(unusable("it has no resources of AWS DevOps Agent"));
        }
        let mut found = Self::default();
        for resource in known {
            match located(&resource, tree) {
                Ok(Some((collection, id))) => {
                    found.0.insert((collection, id), resource.name);
                }
                // It is part of another one.
                Ok(None) => {}
                Err(why) => troubles.add(&resource.address, why),
            }
        }
        Ok(found)
    }
}

/// The collection and the id of a resource, if it is one of its own.
fn located(resource: &Known, tree: &Tree) -> Result<Option<(&'static str, String)>, &'static str> {
    let spaces = || tree.spaces.iter();
    let (collection, ids): (&'static str, Vec<&str>) = match resource.kind.as_str() {
        "agentspace" => (Spaces::NAME, spaces().map(|it| Spaces::id(&it.space)).collect()),
        "service" | "serviceregistration" | "registeredservice" => {
            (Services::NAME, tree.services.iter().map(|(it, _)| Services::id(it)).collect())
        }
        "privateconnection" => {
            (Connections::NAME, tree.connections.iter().map(|(it, _)| Connections::id(it)).collect())
        }
        "association" | "serviceassociation" => (
            SpaceAssociations::NAME,
            spaces().flat_map(|it| &it.associations).map(SpaceAssociations::id).collect(),
        ),
        "asset" => (SpaceAssets::NAME, spaces().flat_map(|it| &it.assets).map(SpaceAssets::id).collect()),
        "trigger" => {
            (SpaceTriggers::NAME, spaces().flat_map(|it| &it.triggers).map(SpaceTriggers::id).collect())
        }
        "assetfile" | "operatorapp" => return Ok(None),
        _ => return Err("import has no kind for resources of this type"),
    };
    let id = ids.into_iter().find(|id| resource.values.contains(*id));
    let id = id.ok_or("the account and region have no such resource")?;
    Ok(Some((collection, id.to_owned())))
}

/// The resources in a state file.
fn terraform(state: &Value) -> Result<Vec<Known>, &'static str> {
    if state["version"] != 4 {
        return Err("it is no state file of version 4; `terraform state pull` prints one");
    }
    let mut known = Vec::new();
    for resource in state["resources"].as_array().into_iter().flatten() {
        let text = |member: &str| resource[member].as_str().unwrap_or_default();
        let Some((_, kind)) = text("type").split_once("_devopsagent_").filter(|_| text("mode") != "data")
        else {
            continue;
        };
        for instance in resource["instances"].as_array().into_iter().flatten() {
            let index = match &instance["index_key"] {
                Value::Null => String::new(),
                Value::String(key) => key.clone(),
                key => key.to_string(),
            };
            let mut values = BTreeSet::new();
            collect(&instance["attributes"], &mut values);
            let place = [text("module"), text("type"), text("name")];
            let place: Vec<&str> = place.into_iter().filter(|part| !part.is_empty()).collect();
            let suffix = if index.is_empty() { String::new() } else { format!("[{index}]") };
            known.push(Known {
                address: format!("{}{suffix}", place.join(".")),
                name: format!("{} {index}", text("name")),
                kind: kind.replace('_', ""),
                values,
            });
        }
    }
    Ok(known)
}

/// The resources of a stack.
fn cloudformation(answer: &Value) -> Result<Vec<Known>, &'static str> {
    let resources =
        ["StackResources", "StackResourceSummaries"].iter().find_map(|list| answer[*list].as_array());
    let resources = resources.ok_or(
        "it is no answer of `aws cloudformation describe-stack-resources` or `list-stack-resources`, as JSON",
    )?;
    let text = |resource: &Value, member: &str| resource[member].as_str().unwrap_or_default().to_owned();
    let known = resources.iter().filter_map(|resource| {
        let kind = text(resource, "ResourceType").strip_prefix("AWS::DevOpsAgent::")?.to_lowercase();
        let name = text(resource, "LogicalResourceId");
        let mut values = BTreeSet::new();
        collect(&resource["PhysicalResourceId"], &mut values);
        Some(Known { address: name.clone(), name: words(&name), kind, values })
    });
    Ok(known.collect())
}

/// Every text in a value, and every part of one that may be an id: ids are joined by `|` or `,`, and end ARNs.
fn collect(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            found.insert(text.clone());
            found.extend(text.split(['|', ',', '/']).map(str::to_owned));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Object(members) => members.values().for_each(|member| collect(member, found)),
        _ => {}
    }
}

/// A name in CamelCase as words.
fn words(name: &str) -> String {
    let mut words = String::new();
    let mut after_small = false;
    for letter in name.chars() {
        if after_small && letter.is_ascii_uppercase() {
            words.push(' ');
        }
        after_small = letter.is_ascii_lowercase() || letter.is_ascii_digit();
        words.push(letter);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_state_file_tells_what_there_is_and_how_it_is_called() {
        let state = json!({"version": 4, "resources": [
            {"mode": "managed", "type": "awscc_devopsagent_agent_space", "name": "payments", "module": "module.agent",
             "instances": [{"attributes": {"id": "space-1", "name": "Payments"}}]},
            {"mode": "managed", "type": "awscc_devopsagent_association", "name": "aws",
             "instances": [{"index_key": "prod", "attributes": {"id": "space-1|assoc-1"}},
                           {"index_key": 0, "attributes": {"arn": "arn:aws:aidevops:us-east-1:1:association/assoc-2"}}]},
            {"mode": "data", "type": "awscc_devopsagent_association", "name": "other", "instances": [{}]},
            {"mode": "managed", "type": "aws_s3_bucket", "name": "logs", "instances": [{}]},
        ]});
        let known = terraform(&state).unwrap();
        let seen: Vec<_> =
            known.iter().map(|it| (it.address.as_str(), it.name.as_str(), it.kind.as_str())).collect();
        assert_eq!(
            seen,
            [
                ("module.agent.awscc_devopsagent_agent_space.payments", "payments ", "agentspace"),
                ("awscc_devopsagent_association.aws[prod]", "aws prod", "association"),
                ("awscc_devopsagent_association.aws[0]", "aws 0", "association"),
            ]
        );
        assert!(known[0].values.contains("space-1"));
        assert!(known[1].values.contains("assoc-1") && known[2].values.contains("assoc-2"));
        assert!(terraform(&json!({"version": 3})).is_err());
    }

    #[test]
    fn a_stack_tells_the_same() {
        let answer = json!({"StackResources": [
            {"LogicalResourceId": "PaymentsSpace", "PhysicalResourceId": "space-1",
             "ResourceType": "AWS::DevOpsAgent::AgentSpace"},
            {"LogicalResourceId": "Role", "PhysicalResourceId": "role", "ResourceType": "AWS::IAM::Role"},
        ]});
        let known = cloudformation(&answer).unwrap();
        assert_eq!(known.len(), 1);
        assert_eq!((known[0].name.as_str(), known[0].kind.as_str()), ("Payments Space", "agentspace"));
        assert!(cloudformation(&json!({})).is_err());
        assert_eq!(words("MyEC2Space"), "My EC2 Space");
    }
}
