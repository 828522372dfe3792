//! What the hub keeps of one of our objects.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::Value;

use crate::api::common::AllowedNamespaces;
use crate::reconcile::state::existence::Existence;
use crate::reconcile::state::finalizer::FINALIZER;
use crate::reconcile::state::subject::Subject;

use super::marks::Mark;
use super::references;

/// What the hub keeps of one of our objects.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Profile {
    /// What its spec refers to, sorted.
    pub references: Box<[Subject]>,
    /// Who may refer to it from another namespace.
    pub allowed: Option<Box<AllowedNamespaces>>,
    /// Whether it has, or may have, a remote of its own.
    pub has_remote: bool,
    /// Whether it waits for others to let go of it: it is being deleted, or its remote replaced.
    pub attentive: bool,
    /// The AWSAccount that its remote is in, if it has one.
    pub account: Option<Box<str>>,
    /// What it can be found by.
    pub marks: Box<[Mark]>,
    /// A hash of everything that others see of it: when this changes, they are woken.
    pub exposed: u64,
}

impl Profile {
    /// Reads the profile from an object as JSON.
    pub fn of(subject: &Subject, object: &Value) -> Self {
        let at = |pointer| object.pointer(pointer).unwrap_or(&Value::Null);
        let (spec, status) = (at("/spec"), at("/status"));
        let deleting = !at("/metadata/deletionTimestamp").is_null();
        let ready = status["conditions"]
            .as_array()
            .and_then(|conditions| conditions.iter().find(|condition| condition["type"] == "Ready"));
        // Who waits for a person says so, also through what refers to it.
        let awaits_person = ready.is_some_and(|ready| ready["reason"] == "AuthorizationRequired");
        let ready = ready.map(|condition| condition["status"].clone());
        let whole_spec = if subject.kind == references::ACCOUNT { spec.clone() } else { Value::Null };
        let mut references = references::of(subject, spec);
        // What was created in another account doesn't use the default one, though it names none.
        if !status["id"].is_null()
            && status["account"].as_str().is_some_and(|made| made != references::DEFAULT_ACCOUNT)
            && spec["accountRef"].is_null()
        {
            references.remove(&Subject::new(references::ACCOUNT, "", references::DEFAULT_ACCOUNT));
        }
        let has_remote =
            may_exist(object) && spec["managementPolicy"] != "Observe" && spec["existing"].is_null();
        Self {
            references: references.into_iter().collect(),
            allowed: serde_json::from_value(spec["allowedNamespaces"].clone()).ok(),
            has_remote,
            attentive: deleting
                || !status["previousId"].is_null()
                || !status["leftoverIds"].is_null()
                || status["released"] == true,
            account: status["account"].as_str().filter(|_| has_remote).map(Box::from),
            marks: marks(status, has_remote).into_iter().collect(),
            exposed: hash(&serde_json::json!([
                at("/metadata/uid"),
                deleting,
                // What is in it may go once it is known that it never existed, and it may go once they have.
                deleting && has_remote,
                whole_spec,
                spec["allowedNamespaces"],
                spec["managementPolicy"],
                status["id"],
                status["serviceId"],
                status["previousServiceId"],
                status["released"],
                ready,
                awaits_person,
            ])),
        }
    }

    /// The same, of an object whose spec describes a resource with this natural key.
    #[must_use]
    pub fn describing(mut self, natural_key: Option<&str>) -> Self {
        let described = natural_key.map(Mark::describes);
        self.marks = std::mem::take(&mut self.marks).into_iter().chain(described).collect();
        self
    }
}

fn hash(value: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// What an object with this status can be found by.
fn marks(status: &Value, has_remote: bool) -> BTreeSet<Mark> {
    let named = |names: [&Value; 2], mark: fn(&str) -> Mark| names.map(|id| id.as_str().map(mark));
    let services = named([&status["serviceId"], &status["previousServiceId"]], Mark::uses);
    let space = status["agentSpaceId"].as_str().map(Mark::within);
    let mut marks: BTreeSet<Mark> = services.into_iter().chain([space]).flatten().collect();
    if has_remote {
        // Those that are put aside are its own as well.
        let leftover = status["leftoverIds"].as_array().into_iter().flatten();
        let ids = [&status["id"], &status["previousId"]].into_iter().chain(leftover);
        marks.extend(ids.filter_map(|id| id.as_str().map(Mark::holds)));
    }
    marks
}

/// Whether an object has a remote, or may have one.
fn may_exist(object: &Value) -> bool {
    let status = &object["status"];
    let known = |key: &str| !status[key].is_null();
    let held = object.pointer("/metadata/finalizers").and_then(Value::as_array);
    let held = held.is_some_and(|finalizers| finalizers.iter().any(|finalizer| finalizer == FINALIZER));
    Existence::of(known("id") || known("intent"), known("account")).is_possible(held)
}
