//! Drift: where a remote differs from the spec, as a list of typed changes.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

use crate::api::standards::Standards;

/// How a difference can be corrected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// By an update of the remote.
    InPlace,
    /// By a new remote in place of the old one.
    Replace,
    /// Not at all: the service can't change it, and the schema couldn't reject it.
    Impossible,
    /// Not at all, and everything else continues: the spec no longer sets it. What a person can do.
    Stays(&'static str),
}

/// One field in which the remote differs from the spec.
#[derive(Clone, PartialEq)]
pub struct Change {
    /// Path of the field, as in the object's spec, for example `configuration.gitlab.projectPath`.
    pub path: String,
    /// What AWS has.
    pub observed: Option<Value>,
    /// What the spec asks for.
    pub desired: Option<Value>,
    /// Whether the values must not be shown.
    pub sensitive: bool,
    /// How it can be corrected.
    pub remedy: Remedy,
    /// The record's pointer to the field, if the spec set it before and no longer does.
    pub dropped: Option<String>,
    /// Whether only a Secret in the cluster differs: AWS isn't changed.
    pub local: bool,
}

impl Change {
    /// A difference at `path` that an update corrects.
    pub fn new(path: impl Into<String>, observed: Option<Value>, desired: Option<Value>) -> Self {
        Self {
            path: path.into(),
            observed,
            desired,
            sensitive: false,
            remedy: Remedy::InPlace,
            dropped: None,
            local: false,
        }
    }

    /// A difference whose values can't be seen or must not be shown.
    pub fn hidden(path: impl Into<String>) -> Self {
        Self::new(path, None, None).sensitive()
    }

    /// The same, with values that must not be shown.
    #[must_use]
    pub fn sensitive(mut self) -> Self {
        self.sensitive = true;
        self
    }

    /// The same, in a Secret in the cluster.
    #[must_use]
    pub fn local(mut self) -> Self {
        self.local = true;
        self
    }

    /// The same, corrected in another way.
    #[must_use]
    pub fn fixed_by(mut self, remedy: Remedy) -> Self {
        self.remedy = remedy;
        self
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        if self.sensitive || (self.observed.is_none() && self.desired.is_none()) {
            return Ok(());
        }
        let show = |value: &Option<Value>| value.as_ref().map_or("nothing".to_owned(), short);
        write!(f, " ({} → {})", show(&self.observed), show(&self.desired))
    }
}

/// Never shows values of sensitive fields.
impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// A value on one line, truncated to what someone reads in an Event.
fn short(value: &Value) -> String {
    const LIMIT: usize = 80;
    let text = value.to_string();
    match text.char_indices().nth(LIMIT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// All differences between a remote and the spec. Empty when it matches.
#[derive(Clone, Default, PartialEq)]
pub struct Drift(pub Vec<Change>);

impl Drift {
    /// Whether there is no difference.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a field at `path` or below it differs.
    pub fn touches(&self, path: &str) -> bool {
        self.under(path).next().is_some()
    }

    /// The changes at `path` or below it.
    pub fn under<'a>(&'a self, path: &'a str) -> impl Iterator<Item = &'a Change> {
        self.0.iter().filter(move |change| {
            change.path.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        })
    }

    /// The changes that are corrected by `remedy`.
    pub fn fixed_by(&self, remedy: Remedy) -> impl Iterator<Item = &Change> {
        self.0.iter().filter(move |change| change.remedy == remedy)
    }

    /// The paths that differ, in order.
    pub fn paths(&self) -> Vec<&str> {
        self.0.iter().map(|change| change.path.as_str()).collect()
    }
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, change) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{change}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{self}]")
    }
}

impl FromIterator<Change> for Drift {
    fn from_iter<I: IntoIterator<Item = Change>>(changes: I) -> Self {
        Self(changes.into_iter().collect())
    }
}

/// Compares two JSON values field by field, below `path`.
///
/// An empty list, map or null is the same as none: services omit them as they please. Lists of scalars are compared
/// regardless of order, because services return them in any.
pub fn compare(path: &str, observed: &Value, desired: &Value) -> Vec<Change> {
    compare_as(Standards::NONE, path, observed, desired)
}

/// The same, each value by the standard of its type.
pub fn compare_as(standards: Standards, path: &str, observed: &Value, desired: &Value) -> Vec<Change> {
    let mut changes = Vec::new();
    collect(standards, path, observed, desired, &mut changes);
    changes
}

/// The same, only in the fields that `desired` sets: what it omits isn't compared. Lists are compared as a whole.
pub fn compare_set(standards: Standards, path: &str, observed: &Value, desired: &Value) -> Vec<Change> {
    match (observed, desired) {
        (_, Value::Object(new)) => new
            .iter()
            .flat_map(|(key, wanted)| {
                let found = observed.get(key).unwrap_or(&Value::Null);
                compare_set(standards.member(key), &format!("{path}.{key}"), found, wanted)
            })
            .collect(),
        (_, Value::Null) => Vec::new(),
        _ => compare_as(standards, path, observed, desired),
    }
}

/// The same for an open document, to which the service adds its own members: only what is desired is compared.
pub fn compare_open(path: &str, observed: &Value, desired: &Value) -> Vec<Change> {
    compare(path, &common(observed, desired), desired)
}

/// `observed` without the members that `desired` doesn't have.
fn common(observed: &Value, desired: &Value) -> Value {
    match (observed, desired) {
        (Value::Object(old), Value::Object(new)) => {
            let member =
                |(key, wanted): (&String, &Value)| Some((key.clone(), common(old.get(key)?, wanted)));
            Value::Object(new.iter().filter_map(member).collect())
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            old.iter().zip(new).map(|(old, new)| common(old, new)).collect()
        }
        (observed, _) => observed.clone(),
    }
}

fn collect(standards: Standards, path: &str, observed: &Value, desired: &Value, changes: &mut Vec<Change>) {
    match (observed, desired) {
        (Value::Object(old), Value::Object(new)) => {
            let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            for key in keys {
                let below = format!("{path}.{key}");
                let none = Value::Null;
                let (old, new) = (old.get(key).unwrap_or(&none), new.get(key).unwrap_or(&none));
                collect(standards.member(key), &below, old, new, changes);
            }
        }
        (old, new) if same(old, new) || same(&standards.normal(old), &standards.normal(new)) => {}
        (old, new) => {
            let some = |value: &Value| (!is_none(value)).then(|| value.clone());
            changes.push(Change::new(path, some(old), some(new)));
        }
    }
}

fn is_none(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.values().all(is_none),
        _ => false,
    }
}

fn same(old: &Value, new: &Value) -> bool {
    if is_none(old) && is_none(new) {
        return true;
    }
    match (old, new) {
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            let sorted = |items: &[Value]| {
                let mut texts: Vec<String> = items.iter().map(Value::to_string).collect();
                texts.sort();
                texts
            };
            sorted(old) == sorted(new)
        }
        (Value::Number(old), Value::Number(new)) => old.as_f64() == new.as_f64(),
        _ => old == new,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn paths(observed: &Value, desired: &Value) -> Vec<String> {
        compare("spec", observed, desired).into_iter().map(|change| change.path).collect()
    }

    #[test]
    fn a_difference_is_named_by_its_path() {
        let observed = json!({ "a": { "b": 1, "c": "x" } });
        let desired = json!({ "a": { "b": 2, "c": "x" } });
        assert_eq!(paths(&observed, &desired), ["spec.a.b"]);
    }

    #[test]
    fn a_field_that_only_one_side_has_is_a_difference() {
        assert_eq!(paths(&json!({ "a": 1 }), &json!({})), ["spec.a"]);
        assert_eq!(paths(&json!({}), &json!({ "a": 1 })), ["spec.a"]);
    }

    #[test]
    fn empty_and_absent_are_the_same() {
        assert!(paths(&json!({ "a": [], "b": {}, "c": null }), &json!({})).is_empty());
    }

    #[test]
    fn the_order_of_a_list_of_scalars_does_not_matter() {
        assert!(paths(&json!({ "a": ["x", "y"] }), &json!({ "a": ["y", "x"] })).is_empty());
        assert_eq!(paths(&json!({ "a": ["x", "x"] }), &json!({ "a": ["x", "y"] })), ["spec.a"]);
    }

    #[test]
    fn a_sensitive_change_never_shows_its_values() {
        let change =
            Change::new("spec.token", Some(json!("old-secret")), Some(json!("new-secret"))).sensitive();
        let drift = Drift(vec![change]);
        for text in [format!("{drift}"), format!("{drift:?}")] {
            assert!(!text.contains("secret"), "{text}");
        }
    }

    #[test]
    fn a_path_touches_what_is_below_it_and_not_its_longer_namesakes() {
        let drift = Drift(vec![Change::hidden("tags.team"), Change::hidden("nameOfSomething")]);
        assert!(drift.touches("tags"));
        assert!(!drift.touches("name"));
    }

    #[test]
    fn of_an_open_document_only_what_is_desired_is_compared() {
        let observed =
            json!({ "a": { "b": 1, "added": true }, "list": [{ "x": 1, "added": 2 }], "added": "x" });
        let desired = json!({ "a": { "b": 1 }, "list": [{ "x": 1 }] });
        assert!(compare_open("action", &observed, &desired).is_empty());
        let desired = json!({ "a": { "b": 2, "c": 3 }, "list": [{ "x": 1 }] });
        let changes: Vec<String> =
            compare_open("action", &observed, &desired).into_iter().map(|change| change.path).collect();
        assert_eq!(changes, ["action.a.b", "action.a.c"]);
    }

    #[test]
    fn what_is_not_set_is_not_compared() {
        let observed = json!({ "a": { "b": 1, "theirs": 2 }, "list": [1, 2], "theirs": 3 });
        let paths = |desired: &Value| -> Vec<String> {
            let changes = compare_set(Standards::NONE, "spec", &observed, desired);
            changes.into_iter().map(|change| change.path).collect()
        };
        assert!(paths(&json!({ "a": { "b": 1 }, "theirs": null, "none": {} })).is_empty());
        assert_eq!(
            paths(&json!({ "a": { "b": 2, "c": 1 }, "list": [1] })),
            ["spec.a.b", "spec.a.c", "spec.list"]
        );
    }

    #[test]
    fn values_compare_by_the_standard_of_their_type() {
        let service = Standards::of("ServiceRegistration", "service");
        let of = |tenant: &str| json!({ "azureidentity": { "tenantId": tenant } });
        assert!(compare_as(service, "service", &of("ab"), &of("AB")).is_empty());
        assert_eq!(compare_as(service, "service", &of("ab"), &of("AC"))[0].desired, Some(json!("AC")));
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "[a-c]{0,2}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::btree_map("[a-c]", inner, 0..3)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn nothing_differs_from_itself(value in any_json()) {
            prop_assert!(compare("spec", &value, &value).is_empty());
        }

        #[test]
        fn a_difference_is_seen_from_both_sides(a in any_json(), b in any_json()) {
            prop_assert_eq!(compare("spec", &a, &b).is_empty(), compare("spec", &b, &a).is_empty());
        }
    }
}
