//! Objects as trees: from an AWSAccount to what is in it, to what is in an AgentSpace.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::kinds;
use crate::reconcile::graph::references::{self, ACCOUNT, DEFAULT_ACCOUNT};
use crate::reconcile::state::subject::Subject;

use super::standing::{Health, Standing, condition};

/// The kind of which others are inside.
const SPACE: &str = "AgentSpace";

/// An object, or what is referred to and isn't there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// How it is.
    pub standing: Standing,
    /// What it is in.
    pub parent: Option<Subject>,
    /// What else it refers to, among our kinds.
    pub uses: BTreeSet<Subject>,
    /// The Secret of its webhook, and how that is.
    pub webhook: Option<(Subject, Standing)>,
}

/// All objects that are known, and how they hang together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forest {
    /// By kind, namespace and name.
    pub nodes: BTreeMap<Subject, Node>,
}

/// Which object an object is; `None` if it is of another kind.
pub fn subject_of(object: &Value) -> Option<Subject> {
    let kind = kinds::names().into_iter().find(|kind| object["kind"] == *kind)?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let namespace = if kind == ACCOUNT { String::new() } else { text(&object["metadata"]["namespace"]) };
    Some(Subject::new(kind, namespace, text(&object["metadata"]["name"])))
}

/// What an object of ours refers to, among our kinds. An AWSAccount that isn't named is left out.
pub fn references_of(subject: &Subject, object: &Value) -> BTreeSet<Subject> {
    let spec = &object["spec"];
    let mut found = references::of(subject, spec);
    found.retain(|found| kinds::names().contains(&found.kind) && found != subject);
    if spec["accountRef"].is_null() {
        found.remove(&default_account());
    }
    found
}

/// The AWSAccount of whatever names none.
pub fn default_account() -> Subject {
    Subject::new(ACCOUNT, "", DEFAULT_ACCOUNT)
}

impl Forest {
    /// The trees of these objects. What they refer to and isn't among them is missing, unless it is `unreadable`.
    pub fn of<'a>(objects: impl IntoIterator<Item = &'a Value>, unreadable: &BTreeSet<Subject>) -> Self {
        let ours = objects.into_iter().filter_map(|object| Some((subject_of(object)?, object)));
        let ours: BTreeMap<Subject, &Value> = ours.collect();
        let known = |subject: &Subject| ours.contains_key(subject) || unreadable.contains(subject);
        let default = Some(default_account()).filter(known);
        let nodes = ours.iter().map(|(subject, object)| {
            let parent = parent_of(subject, object)
                .or_else(|| default.clone().filter(|_| is_in_account(subject, object)));
            let mut uses = references_of(subject, object);
            if let Some(parent) = &parent {
                uses.remove(parent);
            }
            let node =
                Node { standing: Standing::of(object), parent, uses, webhook: webhook_of(subject, object) };
            (subject.clone(), node)
        });
        let mut forest = Self { nodes: nodes.collect() };
        let referred: Vec<Subject> = forest.nodes.values().flat_map(Node::refers).cloned().collect();
        for subject in referred {
            forest.nodes.entry(subject).or_insert_with_key(|subject| Node {
                standing: if unreadable.contains(subject) {
                    Standing::absent(Health::Unknown, "you may not read it")
                } else {
                    Standing::absent(Health::Missing, "doesn't exist")
                },
                parent: None,
                uses: BTreeSet::new(),
                webhook: None,
            });
        }
        forest
    }

    /// What is in an object, in the order in which it is shown.
    pub fn children(&self) -> BTreeMap<&Subject, Vec<&Subject>> {
        let mut children: BTreeMap<&Subject, Vec<&Subject>> = BTreeMap::new();
        for (subject, node) in &self.nodes {
            if let Some(parent) = &node.parent {
                children.entry(parent).or_default().push(subject);
            }
        }
        for found in children.values_mut() {
            found.sort_by_key(|subject| (rank(subject.kind), *subject));
        }
        children
    }

    /// Where trees begin.
    pub fn roots(&self) -> Vec<&Subject> {
        let mut roots: Vec<&Subject> =
            self.nodes.iter().filter(|(_, node)| node.parent.is_none()).map(|(subject, _)| subject).collect();
        roots.sort_by_key(|subject| (subject.kind != ACCOUNT, rank(subject.kind), *subject));
        roots
    }

    /// An object and everything in it.
    pub fn below(&self, root: &Subject) -> BTreeSet<Subject> {
        let children = self.children();
        let mut found = BTreeSet::new();
        let mut open = vec![root];
        while let Some(subject) = open.pop() {
            if found.insert(subject.clone()) {
                open.extend(children.get(subject).into_iter().flatten());
            }
        }
        found
    }

    /// What refers to an object without being in it.
    pub fn users(&self, used: &Subject) -> Vec<&Subject> {
        self.nodes.iter().filter(|(_, node)| node.uses.contains(used)).map(|(subject, _)| subject).collect()
    }

    /// What refers to an object.
    pub fn referrers(&self, referred: &Subject) -> Vec<&Subject> {
        let refers = |node: &Node| node.refers().any(|subject| subject == referred);
        self.nodes.iter().filter(|(_, node)| refers(node)).map(|(subject, _)| subject).collect()
    }
}

impl Node {
    /// Everything that it refers to.
    pub fn refers(&self) -> impl Iterator<Item = &Subject> {
        self.parent.iter().chain(&self.uses)
    }
}

/// What an object is in, if it names it. Never in a circle: accounts are in nothing, and spaces in accounts.
fn parent_of(subject: &Subject, object: &Value) -> Option<Subject> {
    let spec = &object["spec"];
    if !is_in_account(subject, object) {
        if subject.kind == ACCOUNT {
            return None;
        }
        return references::reference(&subject.namespace, SPACE, &spec["agentSpaceRef"]);
    }
    references::reference(&subject.namespace, ACCOUNT, &spec["accountRef"])
}

fn is_in_account(subject: &Subject, object: &Value) -> bool {
    subject.kind == SPACE || (subject.kind != ACCOUNT && object["spec"]["agentSpaceRef"].is_null())
}

/// The order among siblings: what others refer to comes first, and spaces, which have most in them, last.
fn rank(kind: &str) -> usize {
    let position = kinds::names().iter().position(|name| *name == kind).unwrap_or_default();
    if kind == SPACE { usize::MAX } else { position }
}

fn webhook_of(subject: &Subject, object: &Value) -> Option<(Subject, Standing)> {
    let ready = condition(object, "WebhookReady");
    let written = &object["status"]["webhook"]["secretName"];
    if ready.is_null() && written.is_null() {
        return None;
    }
    let asked = object["spec"]["webhook"]["secretName"].as_str();
    let name =
        written.as_str().or(asked).map_or_else(|| references::webhook_secret(&subject.name), str::to_owned);
    let text = |member: &str| ready[member].as_str().unwrap_or_default().to_owned();
    let health = match text("status").as_str() {
        // That of an association that was taken over was never handed out, and may be in use as it is.
        "False" if object["status"]["webhook"].is_null() => Health::Unknown,
        "False" => Health::Degraded,
        "True" => Health::Healthy,
        _ => Health::Unknown,
    };
    let standing = Standing {
        health,
        reason: text("reason"),
        message: text("message"),
        since: ready["lastTransitionTime"].as_str().map(str::to_owned),
        usable: health == Health::Healthy,
    };
    Some((Subject::new("Secret", &*subject.namespace, name), standing))
}
