//! What objects refer to: other objects, and keys of Secrets and ConfigMaps.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::ctl::manifests::Manifest;
use crate::ctl::manifests::located::{item, member};
use crate::reconcile::graph::references::{self, DOCUMENTS, FIELDS, WRITTEN};
use crate::reconcile::inputs::input_value::Form;
use crate::reconcile::state::subject::Subject;
use crate::text;

use super::finding::{Check, Finding};

/// A reference in an object.
#[derive(Debug)]
pub struct Link<'a> {
    /// The field.
    pub field: String,
    /// What it refers to.
    pub to: Subject,
    /// What stands there.
    value: &'a Value,
}

/// Every reference in a spec, except to Secrets that the operator writes.
pub fn of<'a>(namespace: &str, spec: &'a Value) -> Vec<Link<'a>> {
    let mut found = Vec::new();
    walk(namespace, spec, "spec", &mut found);
    found
}

fn walk<'a>(namespace: &str, value: &'a Value, path: &str, found: &mut Vec<Link<'a>>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let field = member(path, name);
                match FIELDS.iter().find(|(field, _)| field == name) {
                    Some((WRITTEN, _)) => {}
                    Some((_, kind)) => {
                        let to = references::reference(namespace, kind, value);
                        found.extend(to.map(|to| Link { field, to, value }));
                    }
                    None if DOCUMENTS.contains(&name.as_str()) => {}
                    None => walk(namespace, value, &field, found),
                }
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                walk(namespace, value, &item(path, index), found);
            }
        }
        _ => {}
    }
}

/// The objects that can be referred to.
pub struct Targets<'a> {
    ours: BTreeSet<(&'a str, &'a str, &'a str)>,
    inputs: BTreeMap<(&'a str, &'a str, &'a str), &'a Manifest>,
    /// Whether there is nothing but what is in the files.
    complete: bool,
}

impl<'a> Targets<'a> {
    /// All objects of the files. `cluster_scoped` are the kinds of ours without a namespace.
    pub fn new(objects: &'a [Manifest], cluster_scoped: &BTreeSet<String>, complete: bool) -> Self {
        let (mut ours, mut inputs) = (BTreeSet::new(), BTreeMap::new());
        for object in objects {
            let (kind, name) = (object.kind.as_str(), object.name.as_str());
            if object.is_ours() {
                let namespace = if cluster_scoped.contains(kind) { "" } else { object.namespace.as_str() };
                ours.insert((kind, namespace, name));
            } else if object.api_version == "v1" && ["Secret", "ConfigMap"].contains(&kind) {
                inputs.insert((kind, object.namespace.as_str(), name), object);
            }
        }
        Self { ours, inputs, complete }
    }

    /// What is wrong with the references of an object.
    pub fn check(&self, object: &Manifest) -> Vec<Finding> {
        let links = of(&object.namespace, object.spec());
        links.iter().filter_map(|link| self.broken(object, link)).collect()
    }

    fn broken(&self, object: &Manifest, link: &Link<'_>) -> Option<Finding> {
        let to = &link.to;
        let place = (to.kind, to.namespace.as_str(), to.name.as_str());
        if !["Secret", "ConfigMap"].contains(&to.kind) {
            let finding = || Finding::of(object, Check::Reference, &link.field, self.missing(to));
            return (!self.ours.contains(&place))
                .then(|| if self.complete { finding() } else { finding().warning() });
        }
        // Secrets are seldom among files, for a good reason.
        let input = self.inputs.get(&place)?;
        let key = link.value["key"].as_str()?;
        let said = match value(input, key) {
            Found::Nothing(keys) => format!("the {} {} has no key {key} ({keys})", to.kind, to.name),
            Found::Undecodable => format!("the key {key} of the {} {} isn't valid base64", to.kind, to.name),
            Found::Bytes(bytes) => {
                let problem = Form::of(&link.field).checked(bytes).err()?;
                format!("the key {key} of the {} {} {problem}", to.kind, to.name)
            }
        };
        Some(Finding::of(object, Check::Key, &link.field, said))
    }

    fn missing(&self, to: &Subject) -> String {
        let others =
            self.ours.iter().filter(|(kind, namespace, _)| *kind == to.kind && *namespace == to.namespace);
        let names: Vec<&str> = others.map(|(_, _, name)| *name).collect();
        let names = match &names[..] {
            [] => String::new(),
            names => format!(" (there are {})", text::some_of(names.iter().copied(), 5)),
        };
        if self.complete {
            format!("the {to} isn't among the files{names}")
        } else {
            format!("the {to} isn't among the files{names}; it must be in the cluster")
        }
    }

    /// What a Secret or ConfigMap among the files has under a key.
    pub fn bytes(&self, kind: &str, namespace: &str, name: &str, key: &str) -> Option<Vec<u8>> {
        match value(self.inputs.get(&(kind, namespace, name))?, key) {
            Found::Bytes(bytes) => Some(bytes),
            Found::Undecodable | Found::Nothing(_) => None,
        }
    }
}

enum Found {
    Bytes(Vec<u8>),
    Undecodable,
    /// The keys that there are, in words.
    Nothing(String),
}

/// What a Secret or ConfigMap in a file has under a key.
fn value(input: &Manifest, key: &str) -> Found {
    let (texts, encoded) =
        if input.kind == "Secret" { ("stringData", "data") } else { ("data", "binaryData") };
    let content = &input.document.value;
    if let Some(text) = content[texts][key].as_str() {
        return Found::Bytes(text.as_bytes().to_vec());
    }
    if let Some(text) = content[encoded][key].as_str() {
        let text: String = text.split_whitespace().collect();
        return STANDARD.decode(text).map_or(Found::Undecodable, Found::Bytes);
    }
    let keys = [texts, encoded].into_iter().filter_map(|place| content[place].as_object());
    let keys: BTreeSet<&str> = keys.flat_map(|members| members.keys().map(String::as_str)).collect();
    Found::Nothing(match keys.len() {
        0 => "it has no keys".to_owned(),
        _ => format!("its keys: {}", text::some_of(keys.into_iter(), 10)),
    })
}
