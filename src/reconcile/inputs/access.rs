//! Consent follows the resource, not the way to it: to use a resource owned by an object of another namespace, or no
//! longer owned by any object, an object needs consent from its owner or from the owner of the account.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::api::AWSAccount;
use crate::api::aws_account::{Adoption, AdoptionRule, OtherClusters, Retained, Unowned};
use crate::api::common::Object;
use crate::reconcile::context::Context;
use crate::reconcile::state::ownership::Owner;
use crate::reconcile::state::subject::Subject;

use super::consent;

/// Whether an object may reach a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// It may.
    Granted,
    /// It may not: why, and who can allow it.
    Refused(String),
}

/// Tags of the resource, or of its space; read only if a rule needs them.
pub type ResourceTags = BTreeMap<String, String>;

/// What is asked for.
pub struct Request<'a> {
    /// Kind of the objects that may own the resource.
    pub kind: &'static str,
    /// The resource as named in messages: noun and id.
    pub resource: &'a str,
    /// Namespace of the object that asks.
    pub namespace: &'a str,
    /// Name of the AWSAccount; empty for the operator's own credentials.
    pub account: &'a str,
    /// Whether it only observes, or uses what it finds.
    pub observes: bool,
}

impl Request<'_> {
    /// Whether a resource that `owner` owns may be reached. `tags` are those that rules need.
    pub fn judge(&self, cx: &Context, owner: &Owner, tags: &ResourceTags) -> Access {
        match owner {
            Owner::Ours { .. } | Owner::Given { .. } => Access::Granted,
            // Nobody else manages what another owner has: that is a conflict, not a question of consent.
            Owner::Sibling { .. } | Owner::Foreign { .. } if !self.observes => Access::Granted,
            Owner::Sibling { namespace, name } => self.of_sibling(cx, namespace, name),
            Owner::Retained { namespace, name } => self.of_retained(cx, namespace, name, tags),
            Owner::Nobody | Owner::Inherited | Owner::Untagged => {
                let adoption = self.adoption(cx);
                if adoption.unowned == Unowned::All || self.is_listed(cx, &adoption, tags) {
                    return Access::Granted;
                }
                self.unlisted("has no owner tags")
            }
            Owner::Foreign { cluster } => {
                let adoption = self.adoption(cx);
                let granted = match adoption.other_clusters {
                    OtherClusters::None => false,
                    OtherClusters::Observe => true,
                    OtherClusters::Listed => self.is_listed(cx, &adoption, tags),
                };
                if granted {
                    return Access::Granted;
                }
                self.unlisted(&format!("belongs to the cluster {cluster}"))
            }
        }
    }

    /// Whether something in a space of another namespace that no object created may be adopted: it belongs to the
    /// space's owner.
    pub fn judge_in_space_of(&self, cx: &Context, namespace: &str, tags: &ResourceTags) -> Access {
        if self.is_listed(cx, &self.adoption(cx), tags) {
            return Access::Granted;
        }
        self.unlisted(&format!(
            "belongs to an agent space of the namespace {namespace} and was not created by this object"
        ))
    }

    fn of_sibling(&self, cx: &Context, namespace: &str, name: &str) -> Access {
        let owner = Subject::new(self.kind, namespace, name);
        // An object in a namespace that isn't watched can't give consent.
        if cx.hub.exists(&owner) && consent::permits(cx, &owner, self.namespace) {
            return Access::Granted;
        }
        Access::Refused(format!(
            "the {} belongs to the {owner}, which doesn't allow the namespace {}; its owner can allow it with \
             spec.allowedNamespaces",
            self.resource, self.namespace
        ))
    }

    fn of_retained(&self, cx: &Context, namespace: &str, name: &str, tags: &ResourceTags) -> Access {
        let adoption = self.adoption(cx);
        let granted = match adoption.retained {
            Retained::SameNamespace => namespace == self.namespace,
            Retained::Listed => self.is_listed(cx, &adoption, tags),
        };
        if granted {
            return Access::Granted;
        }
        Access::Refused(format!(
            "the {} was retained by {namespace}/{name}; create an object with that name there and delete it with \
             deletionPolicy: Retain and the annotation devopsagent.dev/hand-over-to: {}, or ask for the namespace to be \
             listed in spec.adoption of the AWSAccount{}",
            self.resource,
            self.namespace,
            self.account_name()
        ))
    }

    fn unlisted(&self, why: &str) -> Access {
        Access::Refused(format!(
            "the {} {why}, and spec.adoption of the AWSAccount{} doesn't list the namespace {} for it",
            self.resource,
            self.account_name(),
            self.namespace
        ))
    }

    fn account_name(&self) -> String {
        if self.account.is_empty() { String::new() } else { format!(" {}", self.account) }
    }

    fn adoption(&self, cx: &Context) -> Adoption {
        account(cx, self.account).and_then(|account| account.spec.adoption.clone()).unwrap_or_default()
    }

    fn is_listed(&self, cx: &Context, adoption: &Adoption, tags: &ResourceTags) -> bool {
        let labels = cx.hub.labels(self.namespace);
        adoption
            .rules
            .iter()
            .flatten()
            .any(|rule| consent::lists(&rule.namespaces, self.namespace, &labels) && carries(rule, tags))
    }
}

/// Whether a rule of the account needs the tags of what is adopted.
pub fn asks_for_tags(cx: &Context, name: &str) -> bool {
    let rules = account(cx, name).and_then(|account| account.spec.adoption.clone()?.rules);
    rules.iter().flatten().any(|rule| !rule.resource_tags.is_empty())
}

fn carries(rule: &AdoptionRule, tags: &ResourceTags) -> bool {
    rule.resource_tags.iter().all(|(key, value)| tags.get(&key.0).is_some_and(|found| *found == value.0))
}

/// The AWSAccount `name`, if there is one.
pub fn account(cx: &Context, name: &str) -> Option<Arc<AWSAccount>> {
    cx.cache()?.get(&Subject::new(AWSAccount::kind_name(), "", name))
}
