//! What to fix first: the objects whose own trouble holds up others.

use std::collections::{BTreeMap, BTreeSet};

use crate::reconcile::state::conditions::Reason;
use crate::reconcile::state::subject::Subject;

use super::forest::{Forest, Node};
use super::standing::{Health, Standing};

/// An object with trouble of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// Which.
    pub subject: Subject,
    /// How it is.
    pub standing: Standing,
    /// What to do.
    pub way_out: String,
    /// What waits for it, directly or not.
    pub blocks: Vec<Subject>,
}

impl Cause {
    /// Whether it goes on by itself.
    pub fn is_in_progress(&self) -> bool {
        self.standing.health == Health::Progressing
    }
}

/// The causes of whatever isn't well among `shown`: first what a person has to fix, and of that what holds up most.
pub fn causes(forest: &Forest, shown: &BTreeSet<Subject>) -> Vec<Cause> {
    let mut held: BTreeMap<&Subject, BTreeSet<Subject>> = BTreeMap::new();
    for (subject, node) in forest.nodes.iter().filter(|(subject, _)| shown.contains(*subject)) {
        if !is_troubled(node) {
            continue;
        }
        for root in roots(forest, subject) {
            let blocked = held.entry(root).or_default();
            if root != subject {
                blocked.insert(subject.clone());
            }
        }
    }
    let cause = |(subject, blocks): (&Subject, BTreeSet<Subject>)| {
        let mut standing = forest.nodes.get(subject)?.standing.clone();
        if standing.health == Health::Missing {
            let names: Vec<String> = forest.referrers(subject).iter().map(ToString::to_string).collect();
            standing.message = format!("doesn't exist; {} to it", refer(&names));
        }
        let way_out = way_out(&standing);
        Some(Cause { subject: subject.clone(), standing, way_out, blocks: blocks.into_iter().collect() })
    };
    let mut causes: Vec<Cause> = held.into_iter().filter_map(cause).collect();
    causes.sort_by_key(|cause| (urgency(cause.standing.health), usize::MAX - cause.blocks.len()));
    causes
}

fn refer(names: &[String]) -> String {
    match names {
        [name] => format!("{name} refers"),
        names => format!("{} refer", crate::text::some_of(names.iter().map(String::as_str), 5)),
    }
}

/// Whether something has to be done or waited for.
fn is_troubled(node: &Node) -> bool {
    match node.standing.health {
        Health::Degraded | Health::Progressing | Health::Missing => true,
        // Whoever pauses an object knows. It counts if others wait for it.
        Health::Suspended => {
            let asks = [Reason::AuthorizationRequired, Reason::ApprovalRequired];
            asks.iter().any(|reason| node.standing.reason == reason.as_str())
        }
        Health::Healthy | Health::Unknown => false,
    }
}

fn urgency(health: Health) -> u8 {
    match health {
        Health::Missing | Health::Degraded | Health::Unknown => 0,
        Health::Suspended => 1,
        Health::Healthy | Health::Progressing => 2,
    }
}

/// Where the chain of objects that wait for each other ends. If they wait in a circle, the first of the circle.
fn roots<'a>(forest: &'a Forest, subject: &'a Subject) -> BTreeSet<&'a Subject> {
    let (mut seen, mut ends) = (BTreeSet::new(), BTreeSet::new());
    let mut open = vec![subject];
    while let Some(subject) = open.pop() {
        if !seen.insert(subject) {
            continue;
        }
        let blockers = blockers(forest, subject);
        if blockers.is_empty() {
            ends.insert(subject);
        }
        open.extend(blockers);
    }
    if ends.is_empty() { seen.into_iter().take(1).collect() } else { ends }
}

/// What an object waits for.
pub fn blockers<'a>(forest: &'a Forest, subject: &Subject) -> Vec<&'a Subject> {
    let Some(node) = forest.nodes.get(subject) else { return Vec::new() };
    // What is in a space also needs the account of the space.
    let space = node.parent.as_ref().and_then(|parent| forest.nodes.get(parent));
    let account = space.and_then(|space| space.parent.as_ref());
    let needed = node.refers().chain(account);
    let found = needed.filter_map(|subject| forest.nodes.get_key_value(subject));
    let waits_for: fn(&Node) -> bool = match node.standing.reason.as_str() {
        reason if reason == Reason::DependencyNotReady.as_str() => |node| !node.standing.usable,
        reason if reason == Reason::DependencyNotFound.as_str() || reason.is_empty() => {
            |node| matches!(node.standing.health, Health::Missing | Health::Unknown)
        }
        _ => return Vec::new(),
    };
    found.filter(|(_, node)| waits_for(node)).map(|(subject, _)| subject).collect()
}

/// What to do, in the words of the documentation.
fn way_out(standing: &Standing) -> String {
    match standing.health {
        Health::Missing => "create it, or correct the reference".to_owned(),
        Health::Unknown => "ask for the permission to get it, or somebody who may".to_owned(),
        _ if standing.reason.is_empty() => {
            "wait; if it takes longer than a minute, see whether the operator runs: kubectl devopsagent doctor"
                .to_owned()
        }
        _ => meaning(&standing.reason),
    }
}

/// What a reason means, and what to do.
pub fn meaning(reason: &str) -> String {
    let found = Reason::TABLE.iter().find(|(known, _)| known.as_str() == reason);
    found.map(|(_, meaning)| meaning.trim().replace('`', "")).unwrap_or_default()
}
