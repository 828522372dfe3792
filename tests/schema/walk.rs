//! Walks a shape of the API model and the schema of a CRD side by side.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::catalog::is_output_only;
use crate::deliberate::{Deliberate, ROOTS, Root, TABLE};

/// In which way a schema differs from the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A member of the model is not in the schema.
    Absent,
    /// A member of the model has another name or place: this one, relative to the struct that it is in.
    Moved(&'static str),
    /// Another property stands for the member and is not compared.
    StandsIn(&'static str),
    /// A property that the model does not know.
    Extra,
    /// The model requires the member, the schema does not.
    NotRequired,
    /// The schema requires the member, the model does not.
    Required,
    /// Another type.
    Type,
    /// A reference to a Secret instead of a string.
    Secret,
    /// A string that the model marks sensitive and that is not in a Secret.
    Inline,
    /// A document with properties of its own, or one that must be an object.
    Document,
    /// Another pattern.
    Pattern,
    /// Another least length, number or value: this one.
    Min(Option<i64>),
    /// Another greatest length, number or value: this one.
    Max(Option<i64>),
    /// Other enum values.
    Enum,
    /// Not exactly one member of a union, or of something that is none.
    Union,
    /// Other constraints on the keys of a map.
    Keys,
    /// A list whose entries must differ.
    Unique,
    /// Deprecated in only one of the two.
    Deprecated,
}

/// One difference, with what was found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    pub path: String,
    pub kind: Kind,
    pub detail: String,
}

/// What a walk found.
#[derive(Debug, Default)]
pub struct Findings {
    /// Differences that are in no table.
    pub unexplained: Vec<Difference>,
    /// Entries of the table that nothing made use of.
    pub unused: Vec<&'static Deliberate>,
    /// Shapes of the model that the walk came by.
    pub visited: BTreeSet<String>,
}

/// Compares all roots, and sorts what it finds by the table of deliberate differences.
pub fn compare(model: &Value, crds: &[Value]) -> Findings {
    let specs = specs(crds);
    let mut walk = Walk { model, found: Vec::new(), visited: BTreeSet::new() };
    for root in ROOTS {
        match find(&specs, root.at) {
            Some(schema) => walk.root(root, schema),
            None => walk.report(root.at, Kind::Absent, "the schema has no such place".into()),
        }
    }
    let mut used = BTreeSet::new();
    let mut unexplained = Vec::new();
    for difference in walk.found {
        // The test of the catalog says that these are absent on purpose.
        if difference.kind == Kind::Absent && is_output_only(&difference.path) {
            continue;
        }
        let entry = TABLE
            .iter()
            .position(|entry| entry.kind == difference.kind && matches(entry.path, &difference.path));
        match entry {
            Some(entry) => {
                used.insert(entry);
            }
            None => unexplained.push(difference),
        }
    }
    let unused = TABLE.iter().enumerate().filter(|(n, _)| !used.contains(n)).map(|(_, entry)| entry);
    Findings { unexplained, unused: unused.collect(), visited: walk.visited }
}

/// The schema of each kind's object, by kind.
fn specs(crds: &[Value]) -> BTreeMap<String, &Value> {
    let mut specs = BTreeMap::new();
    for crd in crds {
        let kind = crd["spec"]["names"]["kind"].as_str().unwrap_or_default();
        specs.insert(kind.to_owned(), &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]);
    }
    specs
}

/// The schema at a path such as `Asset.spec.content.files[]`.
fn find<'a>(specs: &BTreeMap<String, &'a Value>, path: &str) -> Option<&'a Value> {
    let (kind, rest) = path.split_once('.')?;
    rest.split('.').try_fold(*specs.get(kind)?, |schema, step| {
        let schema = schema.get("properties")?.get(step.trim_end_matches("[]"))?;
        if step.ends_with("[]") { schema.get("items") } else { Some(schema) }
    })
}

/// Whether a path fits one of the table, in which `*` is any step and `**` any number of them.
pub fn matches(pattern: &str, path: &str) -> bool {
    fn steps(pattern: &[&str], path: &[&str]) -> bool {
        match (pattern.split_first(), path.split_first()) {
            (None, None) => true,
            (Some((&"**", rest)), _) => {
                steps(rest, path) || path.split_first().is_some_and(|(_, left)| steps(pattern, left))
            }
            (Some((&"*", rest)), Some((_, left))) => steps(rest, left),
            (Some((step, rest)), Some((here, left))) => step == here && steps(rest, left),
            _ => false,
        }
    }
    let pattern: Vec<&str> = pattern.split('.').collect();
    let path: Vec<&str> = path.split('.').collect();
    steps(&pattern, &path)
}

struct Walk<'m> {
    model: &'m Value,
    found: Vec<Difference>,
    visited: BTreeSet<String>,
}

impl<'m> Walk<'m> {
    fn report(&mut self, path: &str, kind: Kind, detail: String) {
        self.found.push(Difference { path: path.to_owned(), kind, detail });
    }

    fn shape(&mut self, name: &str) -> &'m Value {
        self.visited.insert(name.to_owned());
        let shape = &self.model["shapes"][name];
        assert!(shape.is_object(), "the model has no shape {name}");
        shape
    }

    /// Several shapes can share one place: where YAML is flatter than the API.
    fn root(&mut self, root: &Root, schema: &Value) {
        let shapes: Vec<&Value> = root.shapes.iter().map(|name| self.shape(name)).collect();
        if shapes.iter().all(|shape| shape["type"] == "structure") {
            self.structures(&shapes, schema, root.at);
        } else {
            for name in root.shapes {
                self.value(name, schema, root.at);
            }
        }
    }

    fn value(&mut self, name: &str, schema: &Value, path: &str) {
        let shape = self.shape(name);
        let expected = match shape["type"].as_str().unwrap_or_default() {
            "structure" | "map" => "object",
            "list" => "array",
            "blob" => "string",
            scalar => scalar,
        };
        if shape["sensitive"] == true && expected == "string" {
            if is_secret(schema) {
                self.report(path, Kind::Secret, format!("a Secret holds {name}"));
                return;
            }
            self.report(path, Kind::Inline, format!("{name} is sensitive"));
        }
        if schema["type"] != expected {
            self.report(
                path,
                Kind::Type,
                format!("{name} is {expected}, the schema says {}", schema["type"]),
            );
            return;
        }
        match shape["type"].as_str().unwrap_or_default() {
            "structure" if shape["document"] == true => self.document(schema, path),
            "structure" => self.structures(&[shape], schema, path),
            "map" => self.map(shape, schema, path),
            "list" => {
                self.bounds(shape, schema, path, ["minItems", "maxItems"]);
                if let Some(list_type) = schema["x-kubernetes-list-type"].as_str() {
                    self.report(path, Kind::Unique, format!("the list is a {list_type}"));
                }
                self.value(member(shape, "member"), &schema["items"], &format!("{path}[]"));
            }
            "string" => self.string(shape, schema, path),
            "blob" => self.blob(shape, schema, path),
            "integer" => self.bounds(shape, schema, path, ["minimum", "maximum"]),
            "boolean" => {}
            other => panic!("{name} has the type {other}, which this test does not know"),
        }
    }

    fn document(&mut self, schema: &Value, path: &str) {
        if schema["x-kubernetes-preserve-unknown-fields"] != true {
            self.report(path, Kind::Document, "unknown members are lost".into());
        }
        self.report(path, Kind::Document, "only an object, perhaps with known members".into());
    }

    fn string(&mut self, shape: &Value, schema: &Value, path: &str) {
        self.bounds(shape, schema, path, ["minLength", "maxLength"]);
        // RE2 knows no `\u`: such a range is written with its characters.
        let expected = shape["pattern"].as_str().map(|pattern| pattern.replace(r"\u0020-\u007E", " -~"));
        let expected = expected.map(|pattern| format!("^(?:{pattern})$"));
        let actual = schema["pattern"].as_str();
        if expected.as_deref() != actual {
            self.report(path, Kind::Pattern, format!("model {expected:?}, schema {actual:?}"));
        }
        if !schema["format"].is_null() {
            self.report(path, Kind::Pattern, format!("format {}", schema["format"]));
        }
        let (expected, actual) = (strings(&shape["enum"]), strings(&schema["enum"]));
        if expected != actual {
            self.report(path, Kind::Enum, format!("model {expected:?}, schema {actual:?}"));
        }
    }

    /// Bytes are in base64: four characters for three of them. The pattern says so, since the API server's CEL
    /// takes `format: byte` for the URL-safe alphabet and refuses what has a `/` or `+`.
    fn blob(&mut self, shape: &Value, schema: &Value, path: &str) {
        const BASE64: &str = "^(?:([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?)$";
        if schema["pattern"] != BASE64 || !schema["format"].is_null() {
            self.report(
                path,
                Kind::Type,
                "bytes that are not said to be in base64 by the pattern alone".into(),
            );
        }
        let most = shape["max"].as_u64().map(|bytes| bytes.div_ceil(3) * 4);
        let (least, actual) = (schema["minLength"].as_i64(), schema["maxLength"].as_u64());
        if actual != most {
            let kind = Kind::Max(schema["maxLength"].as_i64());
            self.report(path, kind, format!("model {most:?}, schema {actual:?}"));
        }
        if least.unwrap_or(0) != 0 {
            self.report(path, Kind::Min(least), format!("model none, schema {least:?}"));
        }
    }

    fn bounds(&mut self, shape: &Value, schema: &Value, path: &str, [least, most]: [&str; 2]) {
        // A length of at least 0 is none.
        let floor = |value: &Value| integer(value).filter(|number| least == "minimum" || *number != 0);
        if floor(&shape["min"]) != floor(&schema[least]) {
            let kind = Kind::Min(integer(&schema[least]));
            self.report(path, kind, format!("model {}, schema {}", shape["min"], schema[least]));
        }
        if integer(&shape["max"]) != integer(&schema[most]) {
            let kind = Kind::Max(integer(&schema[most]));
            self.report(path, kind, format!("model {}, schema {}", shape["max"], schema[most]));
        }
    }

    fn map(&mut self, shape: &Value, schema: &Value, path: &str) {
        let key = self.shape(member(shape, "key"));
        let value = member(shape, "value");
        let names = strings(&key["enum"]);
        if names.is_empty() {
            self.bounds(shape, schema, path, ["minProperties", "maxProperties"]);
            let (expected, actual) = (key_checks(key), key_rule(schema));
            if expected != actual {
                self.report(path, Kind::Keys, format!("model {expected:?}, schema {actual:?}"));
            }
            self.value(value, &schema["additionalProperties"], &format!("{path}.*"));
            return;
        }
        // A map with known keys is an object with known properties.
        let properties = properties(schema);
        for name in &names {
            match properties.get(name) {
                Some(property) => self.value(value, property, &format!("{path}.{name}")),
                None => self.report(&format!("{path}.{name}"), Kind::Absent, "a key of the map".into()),
            }
        }
        self.extras(&properties, &names, path);
    }

    fn structures(&mut self, shapes: &[&Value], schema: &Value, path: &str) {
        let properties = properties(schema);
        let mut known = BTreeSet::new();
        for shape in shapes {
            let members = shape["members"].as_object();
            let mut required = strings(&shape["required"]);
            if let (true, Some(members)) = (shape["union"] == true, members.filter(|all| all.len() == 1)) {
                required.extend(members.keys().cloned());
            }
            let mut set = BTreeSet::new();
            for (name, member) in members.into_iter().flatten() {
                let target = self.member(name, member, required.contains(name), schema, path);
                set.extend(target.clone());
                known.extend(target);
            }
            if shape["union"] == true {
                self.union(&set, schema, path);
            }
        }
        let counted = schema["minProperties"].is_number() || schema["maxProperties"].is_number();
        if counted && !shapes.iter().any(|shape| shape["union"] == true) {
            self.report(path, Kind::Union, "members are counted that are no union".into());
        }
        self.extras(&properties, &known, path);
    }

    /// Compares a member of a structure, and says which property is it.
    fn member(
        &mut self,
        name: &str,
        member: &Value,
        required: bool,
        schema: &Value,
        path: &str,
    ) -> Option<String> {
        let shape = member["shape"].as_str().unwrap_or_default();
        let here = format!("{path}.{name}");
        let entry = TABLE.iter().find(|entry| {
            matches!(entry.kind, Kind::Absent | Kind::Moved(_) | Kind::StandsIn(_))
                && matches(entry.path, &here)
        });
        let target = match entry.map(|entry| entry.kind) {
            Some(kind @ Kind::Absent) => {
                self.report(&here, kind, "not there, on purpose".into());
                return None;
            }
            Some(kind @ (Kind::Moved(target) | Kind::StandsIn(target))) => {
                self.report(&here, kind, format!("it is {target}"));
                target
            }
            _ => name,
        };
        let steps: Vec<&str> = target.split('.').collect();
        let found = steps.iter().try_fold(schema, |schema, step| schema.get("properties")?.get(*step));
        let Some(found) = found else {
            self.report(&here, Kind::Absent, format!("the schema has no {target}"));
            return None;
        };
        let first = steps.first().copied().unwrap_or_default();
        let must = strings(&schema["required"]).contains(first);
        if required && !must {
            self.report(&here, Kind::NotRequired, "the model requires it".into());
        }
        if must && !required {
            self.report(&here, Kind::Required, "the model does not require it".into());
        }
        if matches!(entry.map(|entry| entry.kind), Some(Kind::StandsIn(_))) {
            return Some(first.to_owned());
        }
        let says = found["description"].as_str().is_some_and(|text| text.starts_with("Deprecated: "));
        if says != (member["deprecated"] == true) {
            self.report(&here, Kind::Deprecated, format!("the description says so: {says}"));
        }
        self.value(shape, found, &here);
        Some(first.to_owned())
    }

    /// A union of one member requires it; of several, counts them and has a rule that names them.
    fn union(&mut self, members: &BTreeSet<String>, schema: &Value, path: &str) {
        let required = strings(&schema["required"]);
        if members.len() == 1 && members.is_subset(&required) {
            return;
        }
        let all: BTreeSet<String> = properties(schema).keys().cloned().collect();
        let counted = schema["minProperties"] == 1 && schema["maxProperties"] == 1;
        let ruled = rules(schema)
            .iter()
            .filter_map(|rule| exactly_one(rule))
            .any(|named| members.is_subset(&named) && (named == all || !counted));
        if !ruled || (members == &all && !counted) {
            self.report(path, Kind::Union, format!("not exactly one of {members:?}"));
        }
    }

    fn extras(&mut self, properties: &Map<String, Value>, known: &BTreeSet<String>, path: &str) {
        for name in properties.keys().filter(|name| !known.contains(*name)) {
            self.report(&format!("{path}.{name}"), Kind::Extra, "the model has no such member".into());
        }
    }
}

fn member<'a>(shape: &'a Value, role: &str) -> &'a str {
    shape[role]["shape"].as_str().unwrap_or_default()
}

/// A whole number, which a schema may write as `1` or `1.0`.
#[allow(clippy::cast_possible_truncation, reason = "the bounds of the model are small whole numbers")]
fn integer(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_f64().map(|number| number as i64))
}

fn properties(schema: &Value) -> Map<String, Value> {
    schema["properties"].as_object().cloned().unwrap_or_default()
}

fn strings(list: &Value) -> BTreeSet<String> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn rules(schema: &Value) -> Vec<String> {
    let rules = schema["x-kubernetes-validations"].as_array().into_iter().flatten();
    rules.filter_map(|rule| rule["rule"].as_str()).map(str::to_owned).collect()
}

/// Whether a schema is `{secretKeyRef: {name, key}}`, or the reference itself.
fn is_secret(schema: &Value) -> bool {
    let names = |schema: &Value| properties(schema).keys().cloned().collect::<Vec<_>>();
    names(schema) == ["key", "name"] || {
        names(schema) == ["secretKeyRef"] && names(&schema["properties"]["secretKeyRef"]) == ["key", "name"]
    }
}

/// The members that a rule wants exactly one of.
fn exactly_one(rule: &str) -> Option<BTreeSet<String>> {
    let list = rule.strip_prefix('[')?.strip_suffix("].filter(set, set).size() == 1")?;
    list.split(", ").map(|term| Some(term.strip_prefix("has(self.")?.strip_suffix(')')?.to_owned())).collect()
}

/// What the rule on a map's keys must check.
fn key_checks(key: &Value) -> BTreeSet<String> {
    let mut checks = BTreeSet::new();
    if let Some(min) = key["min"].as_u64().filter(|min| *min > 0) {
        checks.insert(format!("size(key) >= {min}"));
    }
    if let Some(max) = key["max"].as_u64() {
        checks.insert(format!("size(key) <= {max}"));
    }
    if let Some(pattern) = key["pattern"].as_str() {
        checks.insert(format!("key.matches(r'^(?:{pattern})$')"));
    }
    checks
}

/// What the rules on a map's keys do check.
fn key_rule(schema: &Value) -> BTreeSet<String> {
    let mut checks = BTreeSet::new();
    for rule in rules(schema) {
        let all = rule.strip_prefix("self.all(key, ").and_then(|rule| rule.strip_suffix(')'));
        checks.extend(all.into_iter().flat_map(|all| all.split(" && ")).map(str::to_owned));
    }
    checks
}
