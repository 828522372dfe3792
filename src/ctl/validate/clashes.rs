//! Objects that are there twice, and objects that describe the same resource in AWS.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::api::common::{ManagementPolicy, Object};
use crate::ctl::manifests::Manifest;
use crate::kinds::{self, Visitor};
use crate::reconcile::kind::Kind;

use super::finding::{Check, Finding};

/// Objects that are there twice.
pub fn duplicates(objects: &[Manifest]) -> Vec<Finding> {
    let mut seen: BTreeMap<(&str, &str, &str, &str), &Manifest> = BTreeMap::new();
    let mut findings = Vec::new();
    for object in objects.iter().filter(|object| object.is_ours() && !object.name.is_empty()) {
        let key = (object.group(), &object.kind[..], &object.namespace[..], &object.name[..]);
        if let Some(first) = seen.get(&key) {
            let message = format!("the object is there twice: also in {}", place(first));
            findings.push(Finding::of(object, Check::Duplicate, "metadata.name", message));
        } else {
            seen.insert(key, object);
        }
    }
    findings
}

/// Objects that describe the same resource: the operator creates it for one of them only. `sound` are the objects that
/// the API server would take, with their defaults.
pub fn clashes(sound: &[(&Manifest, Value)]) -> Vec<Finding> {
    let mut clashes = Clashes { sound, findings: Vec::new() };
    kinds::each(&mut clashes);
    clashes.findings
}

struct Clashes<'a> {
    sound: &'a [(&'a Manifest, Value)],
    findings: Vec<Finding>,
}

impl Visitor for Clashes<'_> {
    fn visit<K: Kind>(&mut self) {
        let mut first: BTreeMap<String, &Manifest> = BTreeMap::new();
        for (manifest, value) in self.sound.iter().filter(|(object, _)| object.kind == K::Object::kind_name())
        {
            let mut value = value.clone();
            value["metadata"]["namespace"] = Value::from(manifest.namespace.as_str());
            let Ok(object) = serde_json::from_value::<K::Object>(value) else { continue };
            // One that only observes creates nothing.
            if K::policies(&object).management_policy != ManagementPolicy::Manage {
                continue;
            }
            let Some(key) = K::natural_key(&object) else { continue };
            if let Some(first) = first.get(&key) {
                let message = format!(
                    "describes the same {} as {} in {}: delete one of the two, or change what identifies it",
                    K::NOUN,
                    first.shown(),
                    place(first)
                );
                self.findings.push(Finding::of(manifest, Check::Clash, "", message));
            } else {
                first.insert(key, manifest);
            }
        }
    }
}

fn place(manifest: &Manifest) -> String {
    format!("{}:{}", manifest.file, manifest.document.start.line)
}
