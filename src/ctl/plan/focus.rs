//! What a plan has to look at. Pure.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::reconcile::state::subject::Subject;

use super::claims::{self, Claims};
use super::relations::{Relations, subject_of};

/// The objects that a plan is about, those that use them, those with a claim to the same, and everything that these refer
/// to.
pub fn concerned(objects: &[(String, Value)], is_meant: impl Fn(&str, &Value) -> bool) -> BTreeSet<Subject> {
    let each = || objects.iter().map(|(kind, object)| (kind.as_str(), object));
    let mut relations = Relations::default();
    for (kind, object) in each() {
        relations.add(kind, object, is_meant(kind, object));
    }
    let mut concerned = relations.concerned();
    // Who describes the same may come first, and who hands something over makes room.
    let rivals = Claims::of(each()).rivals(&concerned);
    let givers = each().filter_map(|(kind, object)| {
        let giver = subject_of(kind, object)?;
        concerned.contains(&claims::heir(&giver, object)?).then_some(giver)
    });
    let givers: BTreeSet<Subject> = givers.collect();
    concerned.extend(rivals.into_iter().chain(givers));
    relations.with_targets(concerned)
}
