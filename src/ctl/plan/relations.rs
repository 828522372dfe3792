//! Who refers to whom, among the objects of a plan. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::kinds;
use crate::reconcile::graph::references;
use crate::reconcile::state::subject::Subject;

/// An object of ours as others refer to it.
pub fn subject_of(kind: &str, object: &Value) -> Option<Subject> {
    let kind = kinds::names().into_iter().find(|name| *name == kind)?;
    let text = |member: &str| object["metadata"][member].as_str().unwrap_or_default();
    Some(Subject::new(kind, text("namespace"), text("name")))
}

/// What the spec of an object refers to.
pub fn referred(kind: &str, object: &Value) -> BTreeSet<Subject> {
    subject_of(kind, object).map(|subject| references::of(&subject, &object["spec"])).unwrap_or_default()
}

/// References in both directions, and the objects that a plan is about.
#[derive(Debug, Default)]
pub struct Relations {
    targets: BTreeMap<Subject, BTreeSet<Subject>>,
    users: BTreeMap<Subject, BTreeSet<Subject>>,
    meant: BTreeSet<Subject>,
}

impl Relations {
    /// Adds an object.
    pub fn add(&mut self, kind: &str, object: &Value, is_meant: bool) {
        let Some(subject) = subject_of(kind, object) else { return };
        let targets = referred(kind, object);
        for target in &targets {
            self.users.entry(target.clone()).or_default().insert(subject.clone());
        }
        self.targets.insert(subject.clone(), targets);
        if is_meant {
            self.meant.insert(subject);
        }
    }

    /// The objects that the plan is about and those that use them, through any number of references; and everything that
    /// these refer to.
    pub fn concerned(&self) -> BTreeSet<Subject> {
        let using = closure(&self.users, self.meant.clone());
        self.with_targets(using)
    }

    /// These objects, and everything that they refer to.
    pub fn with_targets(&self, objects: BTreeSet<Subject>) -> BTreeSet<Subject> {
        closure(&self.targets, objects)
    }

    /// The objects that the plan is about, and those that use them.
    pub fn touched(&self) -> BTreeSet<Subject> {
        closure(&self.users, self.meant.clone())
    }
}

fn closure(links: &BTreeMap<Subject, BTreeSet<Subject>>, mut found: BTreeSet<Subject>) -> BTreeSet<Subject> {
    let mut open: Vec<Subject> = found.iter().cloned().collect();
    while let Some(subject) = open.pop() {
        for next in links.get(&subject).into_iter().flatten() {
            if found.insert(next.clone()) {
                open.push(next.clone());
            }
        }
    }
    found
}
