//! Compares shapes, wherever requests and responses lead to them.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Changes, Effect, Side, keys, shown};

/// A walk through two models at once.
pub struct Walk<'m> {
    old: &'m Value,
    new: &'m Value,
    /// What has been found.
    pub changes: Changes,
    /// Pairs of shapes that were compared.
    compared: BTreeSet<(String, String, Side)>,
    /// New shapes whose members have been listed.
    listed: BTreeSet<(String, Side)>,
}

impl<'m> Walk<'m> {
    pub fn new(old: &'m Value, new: &'m Value) -> Self {
        Self { old, new, changes: Changes::default(), compared: BTreeSet::new(), listed: BTreeSet::new() }
    }

    /// Compares what both shapes refer to under `key`.
    pub fn reference(&mut self, place: &str, key: &str, (old, new): (&Value, &Value), side: Side) {
        match (name(&old[key]), name(&new[key])) {
            (Some(before), Some(after)) => self.pair(before, after, side),
            (Some(before), None) => {
                self.changes.add(Some(side), place, Effect::Gone, format!("{key} {before}"));
            }
            (None, Some(after)) => {
                self.changes.add(Some(side), place, Effect::New, format!("{key} {after}"));
                self.appeared(&new[key], side);
            }
            (None, None) => {}
        }
    }

    /// Compares a shape with the one in its place; their names may differ.
    pub fn pair(&mut self, before: &str, after: &str, side: Side) {
        if !self.compared.insert((before.to_owned(), after.to_owned(), side)) {
            return;
        }
        let (old, new) = (&self.old["shapes"][before], &self.new["shapes"][after]);
        if old["type"] != new["type"] {
            let detail = format!("type: {} → {}", shown(&old["type"]), shown(&new["type"]));
            self.changes.add(Some(side), after, Effect::Changed, detail);
            return;
        }
        let elsewhere = ["member", "members", "key", "value", "required", "min", "max", "pattern", "enum"];
        self.changes.attributes(Some(side), after, (old, new), &elsewhere);
        self.bound(after, "min", (old, new), side);
        self.bound(after, "max", (old, new), side);
        self.pattern(after, (old, new), side);
        self.values(after, (old, new), side);
        for key in ["member", "key", "value"] {
            self.reference(after, key, (old, new), side);
        }
        self.members(after, (old, new), side);
    }

    fn bound(&mut self, place: &str, key: &str, (old, new): (&Value, &Value), side: Side) {
        let number = |shape: &Value| shape[key].as_f64().filter(|number| key == "max" || *number != 0.0);
        let effect = match (number(old), number(new)) {
            (before, after) if before == after => return,
            (Some(_), None) => Effect::Looser,
            (Some(before), Some(after)) if (after < before) == (key == "min") => Effect::Looser,
            _ => Effect::Tighter,
        };
        self.changes.add(
            Some(side),
            place,
            effect,
            format!("{key}: {} → {}", shown(&old[key]), shown(&new[key])),
        );
    }

    fn pattern(&mut self, place: &str, (old, new): (&Value, &Value), side: Side) {
        let (old, new) = (&old["pattern"], &new["pattern"]);
        let effect = match (old.as_str(), new.as_str()) {
            (before, after) if before == after => return,
            (None, _) => Effect::Tighter,
            (_, None) => Effect::Looser,
            _ => Effect::Changed,
        };
        self.changes.add(Some(side), place, effect, format!("pattern: `{}` → `{}`", shown(old), shown(new)));
    }

    fn values(&mut self, place: &str, (old, new): (&Value, &Value), side: Side) {
        let (before, after) = (strings(&old["enum"]), strings(&new["enum"]));
        if before.is_empty() != after.is_empty() {
            let (effect, list) =
                if before.is_empty() { (Effect::Tighter, &after) } else { (Effect::Looser, &before) };
            let list: Vec<&str> = list.iter().copied().collect();
            let verb = if before.is_empty() { "now one of" } else { "no longer one of" };
            self.changes.add(Some(side), place, effect, format!("{verb} {}", list.join(", ")));
            return;
        }
        for value in after.difference(&before) {
            self.changes.add(Some(side), place, Effect::New, format!("value {value}"));
        }
        for value in before.difference(&after) {
            self.changes.add(Some(side), place, Effect::Gone, format!("value {value}"));
        }
    }

    fn members(&mut self, place: &str, (old, new): (&Value, &Value), side: Side) {
        let (must, must_now) = (strings(&old["required"]), strings(&new["required"]));
        for member in keys(&old["members"]).union(&keys(&new["members"])) {
            let here = format!("{place}.{member}");
            match (old["members"].get(member), new["members"].get(member)) {
                (Some(before), Some(after)) => {
                    self.changes.attributes(Some(side), &here, (before, after), &["shape"]);
                    match (must.contains(member), must_now.contains(member)) {
                        (false, true) => self.changes.add(Some(side), &here, Effect::Tighter, "now required"),
                        (true, false) => {
                            self.changes.add(Some(side), &here, Effect::Looser, "no longer required");
                        }
                        _ => {}
                    }
                    if let (Some(before), Some(after)) = (name(before), name(after)) {
                        self.pair(before, after, side);
                    }
                }
                (Some(_), None) => self.changes.add(Some(side), &here, Effect::Gone, "member"),
                (None, Some(after)) => {
                    let required = must_now.contains(member);
                    // What was complete before is now rejected.
                    let breaks = required && side == Side::Input;
                    let effect = if breaks { Effect::Tighter } else { Effect::New };
                    self.changes.add(Some(side), &here, effect, self.described(after, required));
                    self.appeared(after, side);
                }
                (None, None) => {}
            }
        }
    }

    /// Lists the members of the shapes that a new reference leads to, as far as they are new too.
    pub fn appeared(&mut self, reference: &Value, side: Side) {
        let Some(shape_name) = name(reference) else { return };
        let known = self.old["shapes"].get(shape_name).is_some();
        if known || !self.listed.insert((shape_name.to_owned(), side)) {
            return;
        }
        let shape = &self.new["shapes"][shape_name];
        let required = strings(&shape["required"]);
        for (member, target) in shape["members"].as_object().into_iter().flatten() {
            let detail = self.described(target, required.contains(member.as_str()));
            self.changes.add(Some(side), &format!("{shape_name}.{member}"), Effect::New, detail);
            self.appeared(target, side);
        }
        for key in ["member", "key", "value"] {
            self.appeared(&shape[key], side);
        }
    }

    /// What a new member is, for example `required string, 1..64`.
    fn described(&self, reference: &Value, required: bool) -> String {
        let shape_name = name(reference).unwrap_or_default();
        let must = if required { "required " } else { "" };
        format!("{must}{}", self.kind(shape_name))
    }

    fn kind(&self, shape_name: &str) -> String {
        let shape = &self.new["shapes"][shape_name];
        let kind = shown(&shape["type"]);
        let mut words = vec![match kind.as_str() {
            "structure" => format!("structure {shape_name}"),
            "list" => format!("list of {}", self.kind(name(&shape["member"]).unwrap_or_default())),
            "map" => format!("map to {}", name(&shape["value"]).unwrap_or_default()),
            _ => kind,
        }];
        if !shape["min"].is_null() || !shape["max"].is_null() {
            let end = |value: &Value| if value.is_null() { String::new() } else { shown(value) };
            words.push(format!("{}..{}", end(&shape["min"]), end(&shape["max"])));
        }
        words.extend(shape["pattern"].as_str().map(|pattern| format!("`{pattern}`")));
        let values: Vec<&str> =
            shape["enum"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if !values.is_empty() {
            words.push(format!("one of {}", values.join(", ")));
        }
        if shape["sensitive"] == true {
            words.push("sensitive".to_owned());
        }
        words.join(", ")
    }
}

fn name(reference: &Value) -> Option<&str> {
    reference["shape"].as_str()
}

fn strings(list: &Value) -> BTreeSet<&str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}
