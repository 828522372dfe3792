//! Consent to references is given by the owner of the referenced object, as in the Gateway API.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::core::{Expression, Selector, SelectorExt};

use crate::api::common::{AllowedNamespaces, ConsentFrom};
use crate::reconcile::context::Context;
use crate::reconcile::graph::references::ACCOUNT;
use crate::reconcile::state::conditions::Reason;
use crate::reconcile::state::error::Error;
use crate::reconcile::state::subject::Subject;

/// Checks that `subject` exists and may be referred to from `namespace`. Seen from another namespace, a missing object
/// looks like one that doesn't allow it: nobody can find out by guessing what others have.
pub fn check(cx: &Context, subject: &Subject, namespace: &str, field: &str) -> Result<(), Error> {
    if subject.kind == ACCOUNT && !cx.reach.accounts {
        return Err(Error::wait(
            Reason::DependencyNotFound,
            format!(
                "{field}: this operator was started without AWSAccounts (--without-accounts), so there is no {subject}; \
                 remove the reference"
            ),
        ));
    }
    let exists = cx.hub.allowed(subject).is_some();
    if exists && permits(cx, subject, namespace) {
        return Ok(());
    }
    if subject.namespace != namespace && !subject.namespace.is_empty() {
        return Err(Error::wait(
            Reason::ReferenceNotAllowed,
            format!(
                "{field}: the {subject} doesn't exist or doesn't allow the namespace {namespace}; its owner can allow it \
                 with spec.allowedNamespaces"
            ),
        ));
    }
    if !exists {
        return Err(missing(subject, field));
    }
    Err(Error::wait(Reason::ReferenceNotAllowed, format!("{field}: {}", refusal(subject, namespace))))
}

/// What is said of a reference that the owner of `subject` doesn't allow.
pub fn refusal(subject: &Subject, namespace: &str) -> String {
    format!(
        "the {subject} doesn't allow the namespace {namespace}; its owner can allow it with spec.allowedNamespaces"
    )
}

/// The error for a reference to what doesn't exist.
pub fn missing(subject: &Subject, field: &str) -> Error {
    Error::wait(
        Reason::DependencyNotFound,
        format!("{field}: the {subject} doesn't exist; create it or correct the reference"),
    )
}

/// Whether `list`, which belongs to no namespace, names `namespace` with these `labels`.
pub fn lists(list: &AllowedNamespaces, namespace: &str, labels: &BTreeMap<String, String>) -> bool {
    allows(Some(list), ConsentFrom::All, "", namespace, labels)
}

/// Whether `subject` may be referred to from `namespace`, if it exists.
pub fn permits(cx: &Context, subject: &Subject, namespace: &str) -> bool {
    let allowed = cx.hub.allowed(subject);
    allowed.is_none_or(|allowed| given(subject, allowed.as_ref(), namespace, &cx.hub.labels(namespace)))
}

/// Whether `subject`, which says that of namespaces, may be referred to from `namespace` with these `labels`.
pub fn given(
    subject: &Subject,
    allowed: Option<&AllowedNamespaces>,
    namespace: &str,
    labels: &BTreeMap<String, String>,
) -> bool {
    let default = if subject.kind == ACCOUNT { ConsentFrom::All } else { ConsentFrom::Same };
    allows(allowed, default, &subject.namespace, namespace, labels)
}

fn allows(
    allowed: Option<&AllowedNamespaces>,
    default: ConsentFrom,
    owner: &str,
    from: &str,
    labels: &BTreeMap<String, String>,
) -> bool {
    if owner == from {
        return true;
    }
    let Some(allowed) = allowed else { return default == ConsentFrom::All };
    match allowed.from {
        ConsentFrom::Same => false,
        ConsentFrom::All => true,
        ConsentFrom::Names => allowed.names.iter().flatten().any(|name| **name == *from),
        ConsentFrom::Selector => allowed.selector.as_ref().is_some_and(|selector| matches(selector, labels)),
    }
}

fn matches(selector: &LabelSelector, labels: &BTreeMap<String, String>) -> bool {
    let expressions: Option<Vec<Expression>> =
        Selector::try_from(selector.clone()).ok().map(|selector| selector.into_iter().collect());
    expressions.is_some_and(|expressions| expressions.iter().all(|expression| expression.matches(labels)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn consent(from: ConsentFrom) -> AllowedNamespaces {
        AllowedNamespaces { from, ..AllowedNamespaces::default() }
    }

    #[test]
    fn without_a_word_only_the_own_namespace_may_refer() {
        let none = labels(&[]);
        assert!(allows(None, ConsentFrom::Same, "a", "a", &none));
        assert!(!allows(None, ConsentFrom::Same, "a", "b", &none));
        assert!(allows(None, ConsentFrom::All, "", "b", &none));
    }

    #[test]
    fn names_and_labels_open_the_door_to_those_meant() {
        let mut names = consent(ConsentFrom::Names);
        names.names = Some(vec!["b".into()]);
        assert!(allows(Some(&names), ConsentFrom::Same, "a", "b", &labels(&[])));
        assert!(!allows(Some(&names), ConsentFrom::Same, "a", "c", &labels(&[])));

        let mut selector = consent(ConsentFrom::Selector);
        selector.selector =
            Some(LabelSelector { match_labels: Some(labels(&[("team", "sre")])), match_expressions: None });
        assert!(allows(
            Some(&selector),
            ConsentFrom::Same,
            "a",
            "b",
            &labels(&[("team", "sre"), ("x", "y")])
        ));
        assert!(!allows(Some(&selector), ConsentFrom::Same, "a", "b", &labels(&[("team", "dev")])));
    }
}
