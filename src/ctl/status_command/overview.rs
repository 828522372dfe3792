//! What is shown, and how programs get it.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::reconcile::graph::references::ACCOUNT;
use crate::reconcile::state::subject::Subject;
use crate::text;

use super::causes::{self, Cause};
use super::forest::{Forest, Node};
use super::standing::{Health, Standing};

/// Everything that is known, and which part of it is shown.
pub struct Picture<'a> {
    /// What is known.
    pub forest: &'a Forest,
    /// The object that was asked for; else everything is shown.
    pub chosen: Option<&'a Subject>,
    /// What is shown.
    pub shown: BTreeSet<Subject>,
    /// What is to be fixed.
    pub causes: Vec<Cause>,
}

/// How many objects are how healthy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    objects: usize,
    healthy: usize,
    progressing: usize,
    suspended: usize,
    degraded: usize,
    missing: usize,
    unknown: usize,
    causes: usize,
}

/// The objects and causes, as programs get them.
#[derive(Debug, Serialize)]
pub struct Report {
    objects: Vec<Entry>,
    causes: Vec<CauseEntry>,
}

/// An object.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    #[serde(flatten)]
    name: Named,
    health: Health,
    #[serde(skip_serializing_if = "String::is_empty")]
    reason: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<Named>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    uses: Vec<Named>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    waits_for: Vec<Named>,
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook: Option<Webhook>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Webhook {
    secret_name: String,
    health: Health,
    #[serde(skip_serializing_if = "String::is_empty")]
    reason: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    message: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct CauseEntry {
    #[serde(flatten)]
    name: Named,
    health: Health,
    reason: String,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    what_to_do: String,
    holds_up: Vec<Named>,
}

#[derive(Debug, PartialEq, Serialize)]
struct Named {
    kind: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    namespace: String,
    name: String,
}

impl From<&Subject> for Named {
    fn from(subject: &Subject) -> Self {
        Self { kind: subject.kind, namespace: subject.namespace.clone(), name: subject.name.clone() }
    }
}

impl<'a> Picture<'a> {
    /// All of it, or what is in an object.
    pub fn of(forest: &'a Forest, chosen: Option<&'a Subject>) -> Self {
        let shown = match chosen {
            Some(chosen) => forest.below(chosen),
            None => forest.nodes.keys().cloned().collect(),
        };
        let causes = causes::causes(forest, &shown);
        Self { forest, chosen, shown, causes }
    }

    /// Where trees begin.
    pub fn roots(&self) -> Vec<&'a Subject> {
        let mut roots = self.chosen.map_or_else(|| self.forest.roots(), |chosen| vec![chosen]);
        roots.sort_by_key(|root| self.is_in_own_account(root));
        roots
    }

    /// Whether the root of a tree names no AWSAccount, and there is no default one.
    pub fn is_in_own_account(&self, root: &Subject) -> bool {
        let absent = |node: &Node| matches!(node.standing.health, Health::Missing | Health::Unknown);
        self.chosen.is_none()
            && root.kind != ACCOUNT
            && self.forest.nodes.get(root).is_some_and(|node| !absent(node) && node.parent.is_none())
    }

    /// How many are how healthy.
    pub fn summary(&self) -> Summary {
        let mut summary = Summary { causes: self.causes.len(), ..Summary::default() };
        for node in self.nodes().map(|(_, node)| node) {
            let count = match node.standing.health {
                Health::Healthy => &mut summary.healthy,
                Health::Progressing => &mut summary.progressing,
                Health::Suspended => &mut summary.suspended,
                Health::Degraded => &mut summary.degraded,
                Health::Missing => &mut summary.missing,
                Health::Unknown => &mut summary.unknown,
            };
            *count += 1;
        }
        summary.objects = self.nodes().count() - summary.missing - summary.unknown;
        summary
    }

    fn nodes(&self) -> impl Iterator<Item = (&Subject, &Node)> {
        self.forest.nodes.iter().filter(|(subject, _)| self.shown.contains(*subject))
    }

    /// As programs get it.
    pub fn report(&self) -> Report {
        let objects = self.nodes().map(|(subject, node)| self.entry(subject, node)).collect();
        let causes = self.causes.iter().map(|cause| {
            let Standing { health, reason, message, since, .. } = cause.standing.clone();
            CauseEntry {
                name: (&cause.subject).into(),
                health,
                reason,
                message,
                since,
                what_to_do: cause.way_out.clone(),
                holds_up: cause.blocks.iter().map(Named::from).collect(),
            }
        });
        Report { objects, causes: causes.collect() }
    }

    /// An object, as programs get it.
    pub fn entry(&self, subject: &Subject, node: &Node) -> Entry {
        let Standing { health, reason, message, since, .. } = node.standing.clone();
        let webhook = node.webhook.as_ref().map(|(secret, standing)| Webhook {
            secret_name: secret.name.clone(),
            health: standing.health,
            reason: standing.reason.clone(),
            message: standing.message.clone(),
        });
        Entry {
            name: subject.into(),
            health,
            reason,
            message,
            since,
            parent: node.parent.as_ref().map(Named::from),
            uses: node.uses.iter().map(Named::from).collect(),
            waits_for: causes::blockers(self.forest, subject).into_iter().map(Named::from).collect(),
            webhook,
        }
    }
}

impl Summary {
    /// In a line.
    pub fn shown(&self) -> String {
        let counts = [
            (self.healthy, "healthy"),
            (self.progressing, "progressing"),
            (self.suspended, "suspended"),
            (self.degraded, "degraded"),
        ];
        let absent = [(self.missing, "missing"), (self.unknown, "not readable")];
        let some = |counts: &[(usize, &str)]| {
            let some = counts.iter().filter(|(count, _)| *count > 0);
            some.map(|(count, what)| format!("{count} {what}")).collect::<Vec<_>>().join(", ")
        };
        let objects = if self.objects == 1 { "object" } else { "objects" };
        let mut line = format!("{} {objects}", self.objects);
        for (part, between) in [(some(&counts), ": "), (some(&absent), "; ")] {
            if !part.is_empty() {
                line = format!("{line}{between}{part}");
            }
        }
        text::plain(&line).into_owned()
    }
}
