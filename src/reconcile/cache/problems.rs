//! What is wrong with objects, as the alerts see it: kept only of those that have a problem, so that nobody has to look
//! at all objects to count them.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use crate::api::common::CommonStatus;
use crate::reconcile::state::conditions;
use crate::reconcile::state::subject::Subject;

/// What can be wrong. Each has an alert that says for how long it may last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Nature {
    /// A person has to act.
    Stalled,
    /// It isn't ready, and waits for something other than a person.
    NotReady,
    /// It is ready, but AWS can't be asked whether it still is.
    NotSynced,
    /// The Secret of its webhook is lost.
    WebhookSecretLost,
    /// A person has to sign in.
    AuthorizationPending,
}

impl Nature {
    /// The word in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stalled => "Stalled",
            Self::NotReady => "NotReady",
            Self::NotSynced => "NotSynced",
            Self::WebhookSecretLost => "WebhookSecretLost",
            Self::AuthorizationPending => "AuthorizationPending",
        }
    }
}

/// Something that is wrong with an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What.
    pub nature: Nature,
    /// The reason of the condition that says so.
    pub reason: String,
    /// Since when, in seconds since 1970: the reason may have changed meanwhile.
    pub since: i64,
}

impl Problem {
    /// What is wrong with an object that has this status.
    pub fn all_of(common: &CommonStatus) -> Vec<Self> {
        let is = |type_, status| {
            conditions::get(&common.conditions, type_).filter(|condition| condition.status == status)
        };
        let reconciling = is("Reconciling", "True");
        let (stalled, pending) = (is("Stalled", "True"), is("Authorized", "False"));
        let mut problems = Vec::new();
        // It is a problem from when the last of the conditions that make it one came to be as it is.
        let mut add = |nature, condition: &Condition, others: &[Option<&Condition>]| {
            let since = |condition: &Condition| condition.last_transition_time.0.as_second();
            let since = others.iter().flatten().map(|other| since(other)).fold(since(condition), i64::max);
            problems.push(Self { nature, reason: condition.reason.clone(), since });
        };
        if let Some(stalled) = stalled {
            add(Nature::Stalled, stalled, &[]);
        }
        if let (Some(ready), None, None) = (is("Ready", "False"), stalled, pending) {
            add(Nature::NotReady, ready, &[reconciling, is("Authorized", "True")]);
        }
        if let (Some(synced), Some(ready), Some(_)) =
            (is("Synced", "False"), is("Ready", "True"), reconciling)
        {
            add(Nature::NotSynced, synced, &[Some(ready), reconciling]);
        }
        if let Some(webhook) = is("WebhookReady", "False") {
            add(Nature::WebhookSecretLost, webhook, &[]);
        }
        if let Some(pending) = pending {
            add(Nature::AuthorizationPending, pending, &[]);
        }
        problems
    }
}

/// What tells a problem from others in metrics: whose it is, what, and why. The name is empty if all objects of a
/// namespace are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Label<'a> {
    /// The object's namespace; empty for a cluster-scoped one.
    pub namespace: &'a str,
    /// The object's name.
    pub name: &'a str,
    /// What is wrong.
    pub nature: Nature,
    /// Why.
    pub reason: &'a str,
}

/// How many objects have a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// How many.
    pub count: usize,
    /// Since when the first of them has had it.
    pub since: i64,
}

/// The problems of the objects of a kind.
#[derive(Debug, Default)]
pub struct Problems(BTreeMap<Subject, Box<[Problem]>>);

impl Problems {
    /// This is what is wrong with the object now.
    pub fn put(&mut self, subject: &Subject, problems: Vec<Problem>) {
        if problems.is_empty() {
            self.0.remove(subject);
        } else {
            self.0.insert(subject.clone(), problems.into());
        }
    }

    /// The object is gone.
    pub fn remove(&mut self, subject: &Subject) {
        self.0.remove(subject);
    }

    /// Counts them. `named` is the name under which an object is counted: its own, none to be counted with the others
    /// of its namespace; nothing if it isn't counted.
    pub fn counts<'a>(
        &'a self,
        named: impl Fn(&'a Subject) -> Option<&'a str>,
    ) -> BTreeMap<Label<'a>, Extent> {
        let mut counts: BTreeMap<_, Extent> = BTreeMap::new();
        for (subject, problems) in &self.0 {
            let Some(name) = named(subject) else { continue };
            for Problem { nature, reason, since } in problems {
                let label = Label { namespace: &subject.namespace, name, nature: *nature, reason };
                let extent = counts.entry(label).or_insert(Extent { count: 0, since: *since });
                extent.count += 1;
                extent.since = extent.since.min(*since);
            }
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A status with these conditions: type, status, and when it came to be so.
    fn status(conditions: &[(&str, &str, u32)]) -> CommonStatus {
        let conditions: Vec<_> = conditions
            .iter()
            .map(|(type_, status, minute)| {
                json!({
                    "type": type_, "status": status, "reason": format!("{type_}{status}"), "message": "",
                    "lastTransitionTime": format!("1970-01-01T00:{minute:02}:00Z"),
                })
            })
            .collect();
        serde_json::from_value(json!({"conditions": conditions})).unwrap()
    }

    fn problems(conditions: &[(&str, &str, u32)]) -> Vec<(Nature, String, i64)> {
        let all = Problem::all_of(&status(conditions)).into_iter();
        all.map(|problem| (problem.nature, problem.reason, problem.since / 60)).collect()
    }

    #[test]
    fn what_is_as_it_should_be_or_rests_on_purpose_is_no_problem() {
        assert_eq!(problems(&[]), []);
        assert_eq!(problems(&[("Ready", "True", 1), ("Synced", "True", 1)]), []);
        // Paused, or only observed.
        assert_eq!(problems(&[("Ready", "True", 1), ("Synced", "False", 1)]), []);
        assert_eq!(
            problems(&[("Ready", "True", 1), ("WebhookReady", "True", 1), ("Authorized", "True", 1)]),
            []
        );
    }

    #[test]
    fn a_problem_has_lasted_since_the_last_of_its_conditions() {
        use Nature::{AuthorizationPending, NotReady, NotSynced, Stalled, WebhookSecretLost};
        let is = |nature, reason: &str, since| (nature, reason.to_owned(), since);
        let waits = [("Ready", "False", 1), ("Synced", "False", 1), ("Reconciling", "True", 1)];
        assert_eq!(problems(&waits), [is(NotReady, "ReadyFalse", 1)]);
        // It was stalled until a moment ago.
        let waits = [("Ready", "False", 1), ("Reconciling", "True", 5)];
        assert_eq!(problems(&waits), [is(NotReady, "ReadyFalse", 5)]);
        // Somebody has just signed in.
        let waits = [("Ready", "False", 1), ("Reconciling", "True", 1), ("Authorized", "True", 6)];
        assert_eq!(problems(&waits), [is(NotReady, "ReadyFalse", 6)]);
        let out_of_touch = [("Ready", "True", 1), ("Synced", "False", 2), ("Reconciling", "True", 3)];
        assert_eq!(problems(&out_of_touch), [is(NotSynced, "SyncedFalse", 3)]);
        // Each is one problem, not two.
        let stalled = [("Ready", "False", 1), ("Synced", "False", 1), ("Stalled", "True", 2)];
        assert_eq!(problems(&stalled), [is(Stalled, "StalledTrue", 2)]);
        let pending = [("Ready", "False", 1), ("Reconciling", "True", 1), ("Authorized", "False", 1)];
        assert_eq!(problems(&pending), [is(AuthorizationPending, "AuthorizedFalse", 1)]);
        // These are two.
        let both = [("Ready", "False", 1), ("Stalled", "True", 2), ("WebhookReady", "False", 3)];
        assert_eq!(
            problems(&both),
            [is(Stalled, "StalledTrue", 2), is(WebhookSecretLost, "WebhookReadyFalse", 3)]
        );
    }

    #[test]
    fn they_are_counted_by_namespace_or_by_object_and_forgotten_with_the_object() {
        let mut all = Problems::default();
        let subject = |namespace, name| Subject::new("Asset", namespace, name);
        let stalled = |minute| Problem::all_of(&status(&[("Stalled", "True", minute)]));
        let label =
            |namespace, name| Label { namespace, name, nature: Nature::Stalled, reason: "StalledTrue" };
        let extent = |count, minute: i64| Extent { count, since: minute * 60 };
        for (namespace, name, minute) in [("a", "one", 3), ("a", "two", 2), ("b", "one", 4)] {
            all.put(&subject(namespace, name), stalled(minute));
        }
        let together = [(label("a", ""), extent(2, 2)), (label("b", ""), extent(1, 4))];
        assert_eq!(all.counts(|_| Some("")), together.into());
        let each = [(label("a", "one"), extent(1, 3)), (label("a", "two"), extent(1, 2))];
        assert_eq!(all.counts(|subject| (subject.namespace == "a").then_some(&*subject.name)), each.into());
        all.put(&subject("a", "two"), Vec::new());
        all.remove(&subject("b", "one"));
        assert_eq!(all.counts(|_| Some("")), [(label("a", ""), extent(1, 3))].into());
    }
}
