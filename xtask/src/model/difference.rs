//! What differs between two models, by what it means to a client. Pure.

mod shapes;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use self::shapes::Walk;

/// What a change means. In the order in which they matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// It was there and no longer is.
    Gone,
    /// Less is accepted, or more is required.
    Tighter,
    /// It is neither: read it.
    Changed,
    /// It wasn't there.
    New,
    /// More is accepted, or less is required.
    Looser,
}

/// Where something is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// In what a client sends.
    Input,
    /// In what it receives.
    Output,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The operation, or the shape and its member.
    pub place: String,
    /// What it means.
    pub effect: Effect,
    /// Which side it affects; none for a whole operation.
    pub sides: BTreeSet<Side>,
    /// What it is.
    pub detail: String,
}

impl Change {
    /// For example `new input, output`.
    fn meaning(&self) -> String {
        let effect = match self.effect {
            Effect::Gone => "gone",
            Effect::Tighter => "tighter",
            Effect::Changed => "changed",
            Effect::New => "new",
            Effect::Looser => "looser",
        };
        let side = |side: &Side| match side {
            Side::Input => "input",
            Side::Output => "output",
        };
        let sides: Vec<&str> = self.sides.iter().map(side).collect();
        format!("{effect} {}", sides.join(", ")).trim_end().to_owned()
    }
}

/// The changes found, each once, with every side that it affects.
#[derive(Default)]
struct Changes(BTreeMap<(Effect, String, String), BTreeSet<Side>>);

impl Changes {
    fn add(&mut self, side: Option<Side>, place: &str, effect: Effect, detail: impl Into<String>) {
        self.0.entry((effect, place.to_owned(), detail.into())).or_default().extend(side);
    }

    /// Any difference in members that are compared as they are.
    fn attributes(
        &mut self,
        side: Option<Side>,
        place: &str,
        (old, new): (&Value, &Value),
        compared_elsewhere: &[&str],
    ) {
        for key in keys(old).union(&keys(new)).filter(|key| !compared_elsewhere.contains(key)) {
            let (old, new) = (&old[*key], &new[*key]);
            if old != new {
                self.add(side, place, Effect::Changed, format!("{key}: {} → {}", shown(old), shown(new)));
            }
        }
    }
}

/// How `new` differs from `old`; both as the rule cuts them.
pub fn between(old: &Value, new: &Value) -> Vec<Change> {
    let mut walk = Walk::new(old, new);
    walk.changes.attributes(None, "metadata", (&old["metadata"], &new["metadata"]), &[]);
    let (before, after) = (&old["operations"], &new["operations"]);
    for name in keys(before).union(&keys(after)) {
        match (before.get(name), after.get(name)) {
            (Some(before), Some(after)) => operation(&mut walk, name, before, after),
            (Some(_), None) => walk.changes.add(None, name, Effect::Gone, "operation"),
            (None, Some(after)) => {
                let detail = format!(
                    "operation, {} {}",
                    shown(&after["http"]["method"]),
                    shown(&after["http"]["requestUri"])
                );
                walk.changes.add(None, name, Effect::New, detail);
                walk.appeared(&after["input"], Side::Input);
                walk.appeared(&after["output"], Side::Output);
            }
            (None, None) => {}
        }
    }
    let changes = walk.changes.0.into_iter();
    changes.map(|((effect, place, detail), sides)| Change { place, effect, sides, detail }).collect()
}

fn operation(walk: &mut Walk, name: &str, before: &Value, after: &Value) {
    walk.changes.attributes(None, name, (before, after), &["errors", "input", "output"]);
    walk.reference(name, "input", (before, after), Side::Input);
    walk.reference(name, "output", (before, after), Side::Output);
    let errors = |operation: &Value| -> BTreeSet<String> {
        let errors = operation["errors"].as_array().into_iter().flatten();
        errors.filter_map(|error| error["shape"].as_str()).map(str::to_owned).collect()
    };
    let (before, after) = (errors(before), errors(after));
    for error in after.difference(&before) {
        walk.changes.add(Some(Side::Output), name, Effect::New, format!("error {error}"));
    }
    for error in before.difference(&after) {
        walk.changes.add(Some(Side::Output), name, Effect::Gone, format!("error {error}"));
    }
    for error in before.intersection(&after) {
        walk.pair(error, error, Side::Output);
    }
}

/// The changes as a table in Markdown; empty if there are none.
pub fn table(changes: &[Change]) -> String {
    if changes.is_empty() {
        return String::new();
    }
    let cell = |text: &str| text.replace('|', "\\|");
    let row = |change: &Change| {
        format!("| `{}` | {} | {} |\n", change.place, change.meaning(), cell(&change.detail))
    };
    let rows: String = changes.iter().map(row).collect();
    format!("| where | meaning | what |\n| --- | --- | --- |\n{rows}")
}

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().into_iter().flat_map(Map::keys).map(String::as_str).collect()
}

/// A value in readable form.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
