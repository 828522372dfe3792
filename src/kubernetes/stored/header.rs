//! The metadata of an object, as far as it is needed and can be read. What can't be read is omitted.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use serde_json::value::RawValue;

use super::members::{member, members, read};

/// The annotations with which people control the operator. Others may be large, and don't matter to it.
const OUR_ANNOTATIONS: &str = "devopsagent.dev/";
/// This many bytes of an annotation are read.
const LONGEST_ANNOTATION: usize = 1024;

/// Reads the metadata of the object that `text` is.
fn read_metadata(text: &RawValue) -> ObjectMeta {
    let mut header = ObjectMeta::default();
    for (name, text) in members(text) {
        match name.as_str() {
            "name" => header.name = read(text),
            "namespace" => header.namespace = read(text),
            "uid" => header.uid = read(text),
            "resourceVersion" => header.resource_version = read(text),
            "generation" => header.generation = read(text),
            "creationTimestamp" => header.creation_timestamp = read(text),
            // Its presence means that the object is being deleted, whatever the date is.
            "deletionTimestamp" => header.deletion_timestamp = deletion(text),
            "labels" => header.labels = texts(text, |_| true),
            "annotations" => {
                header.annotations = texts(text, |name| name.starts_with(OUR_ANNOTATIONS));
            }
            "finalizers" => header.finalizers = read(text),
            // managedFields above all: most of an object, as deep as its writer wants, and irrelevant to us.
            _ => {}
        }
    }
    header
}

/// Reads the metadata of the object whose text this is.
pub fn read_of(object: &RawValue) -> ObjectMeta {
    member(object, "metadata").map(read_metadata).unwrap_or_default()
}

fn deletion(text: &RawValue) -> Option<Time> {
    let present = text.get() != "null";
    present.then(|| read(text).unwrap_or(Time(k8s_openapi::jiff::Timestamp::UNIX_EPOCH)))
}

fn texts(text: &RawValue, wanted: impl Fn(&str) -> bool) -> Option<BTreeMap<String, String>> {
    let texts: BTreeMap<String, String> = members(text)
        .into_iter()
        .filter(|(name, _)| wanted(name))
        .filter_map(|(name, text)| Some((name, shortened(read(text)?))))
        .collect();
    (!texts.is_empty()).then_some(texts)
}

fn shortened(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(LONGEST_ANNOTATION));
    text.shrink_to_fit();
    text
}
