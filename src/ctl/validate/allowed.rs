//! References from one namespace to another, which the owner of what is referred to has to allow.

use std::collections::{BTreeMap, BTreeSet};

use crate::api::common::{AllowedNamespaces, ConsentFrom};
use crate::ctl::manifests::Manifest;
use crate::reconcile::graph::references::{ACCOUNT, DEFAULT_ACCOUNT, uses_default_account};
use crate::reconcile::inputs::consent;
use crate::reconcile::state::subject::Subject;

use super::finding::{Check, Finding};
use super::links;

/// The label that the API server gives each namespace.
const NAME_LABEL: &str = "kubernetes.io/metadata.name";

/// What the owners among the files allow, and the namespaces among the files.
pub struct Owners<'a> {
    allowed: BTreeMap<(&'a str, &'a str, &'a str), Option<AllowedNamespaces>>,
    labels: BTreeMap<&'a str, BTreeMap<String, String>>,
    cluster_scoped: &'a BTreeSet<String>,
}

impl<'a> Owners<'a> {
    /// The owners among all objects of the files. `cluster_scoped` are the kinds of ours without a namespace.
    pub fn new(objects: &'a [Manifest], cluster_scoped: &'a BTreeSet<String>) -> Self {
        let (mut allowed, mut labels) = (BTreeMap::new(), BTreeMap::new());
        for object in objects {
            let (kind, name) = (object.kind.as_str(), object.name.as_str());
            if object.is_ours() {
                let namespace = if cluster_scoped.contains(kind) { "" } else { object.namespace.as_str() };
                // What the schema refuses is reported as that.
                let Ok(says) = serde_json::from_value(object.spec()["allowedNamespaces"].clone()) else {
                    continue;
                };
                allowed.insert((kind, namespace, name), says);
            } else if object.api_version == "v1" && kind == "Namespace" {
                let own = object.document.value["metadata"]["labels"].clone();
                let mut own: BTreeMap<String, String> = serde_json::from_value(own).unwrap_or_default();
                own.insert(NAME_LABEL.to_owned(), name.to_owned());
                labels.insert(name, own);
            }
        }
        Self { allowed, labels, cluster_scoped }
    }

    /// The references of an object that their owners don't allow.
    pub fn check(&self, object: &Manifest) -> Vec<Finding> {
        if self.cluster_scoped.contains(&object.kind) {
            return Vec::new();
        }
        let named = links::of(&object.namespace, object.spec()).into_iter().map(|link| (link.field, link.to));
        let default = uses_default_account(&object.kind, object.spec())
            .then(|| ("spec".to_owned(), Subject::new(ACCOUNT, "", DEFAULT_ACCOUNT)));
        named.chain(default).filter_map(|(field, to)| self.refused(object, &field, &to)).collect()
    }

    fn refused(&self, object: &Manifest, field: &str, to: &Subject) -> Option<Finding> {
        let from = object.namespace.as_str();
        let allowed = self.allowed.get(&(to.kind, &*to.namespace, &*to.name))?.as_ref();
        let known = self.labels.get(from);
        let name_only = || BTreeMap::from([(NAME_LABEL.to_owned(), from.to_owned())]);
        if consent::given(to, allowed, from, &known.cloned().unwrap_or_else(name_only)) {
            return None;
        }
        let by_labels = allowed.is_some_and(|allowed| allowed.from == ConsentFrom::Selector);
        if by_labels && known.is_none() {
            let message = format!(
                "the {to} only allows namespaces with certain labels (spec.allowedNamespaces.selector); the namespace \
                 {from}, which isn't among the files, must have them"
            );
            return Some(Finding::of(object, Check::Consent, field, message).warning());
        }
        Some(Finding::of(object, Check::Consent, field, consent::refusal(to, from)))
    }
}
