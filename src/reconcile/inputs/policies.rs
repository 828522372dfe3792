//! What a namespace may use in an account: `spec.namespacePolicies` of the AWSAccount.

use crate::api::aws_account::NamespacePolicy;
use crate::api::common::Object;
use crate::api::scalars::ArnPattern;
use crate::reconcile::context::Context;
use crate::reconcile::graph::rooms::Room;
use crate::reconcile::kind::Scope;
use crate::reconcile::state::conditions::Reason;
use crate::reconcile::state::error::Error;
use crate::reconcile::state::subject::Subject;

use super::named::{self, Found, Named};
use super::{access, consent};

/// What all policies that select a namespace allow together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Limits {
    role_arns: Option<Vec<String>>,
    kms_key_arns: Option<Vec<String>>,
    max_resources: Option<usize>,
    /// Most API requests per second.
    pub requests_per_second: Option<i32>,
}

impl Limits {
    /// The limits of `namespace` in the AWSAccount `account`.
    pub fn of(cx: &Context, account: &str, namespace: &str) -> Self {
        let Some(account) = access::account(cx, account) else { return Self::default() };
        let labels = cx.hub.labels(namespace);
        let policies = account.spec.namespace_policies.iter().flatten();
        let mut limits = Self::default();
        for policy in policies.filter(|policy| consent::lists(&policy.namespaces, namespace, &labels)) {
            limits.add(policy);
        }
        limits
    }

    fn add(&mut self, policy: &NamespacePolicy) {
        let join = |into: &mut Option<Vec<String>>, more: &Option<Vec<ArnPattern>>| {
            if let Some(more) = more {
                into.get_or_insert_default().extend(more.iter().map(|pattern| pattern.0.clone()));
            }
        };
        join(&mut self.role_arns, &policy.role_arns);
        join(&mut self.kms_key_arns, &policy.kms_key_arns);
        let most = policy.max_resources.map(|most| usize::try_from(most).unwrap_or_default());
        self.max_resources = smaller(self.max_resources, most);
        self.requests_per_second = smaller(self.requests_per_second, policy.requests_per_second);
    }
}

fn smaller<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// Checks that the roles and keys that the spec of `object` names may be named from its namespace.
pub fn check<T: Object>(cx: &Context, scope: &Scope, object: &T) -> Result<(), Error> {
    let namespace = &scope.identity.namespace;
    let limits = Limits::of(cx, &scope.account, namespace);
    if limits.role_arns.is_none() && limits.kms_key_arns.is_none() {
        return Ok(());
    }
    let spec = serde_json::to_value(object).map(|mut object| object["spec"].take()).unwrap_or_default();
    for (what, member, named, allowed) in [
        ("role", "roleArns", Named::Role, &limits.role_arns),
        ("KMS key", "kmsKeyArns", Named::KmsKey, &limits.kms_key_arns),
    ] {
        let Some(allowed) = allowed else { continue };
        let found = named::of(T::kind_name(), &spec, named);
        let forbidden = found.iter().find(|found| !allowed.iter().any(|pattern| fits(pattern, found.value)));
        if let Some(Found { field, value: arn }) = forbidden {
            return Err(Error::wait(
                Reason::ReferenceNotAllowed,
                format!(
                    "{field}: the {what} {arn} is not in the {member} that spec.namespacePolicies of the AWSAccount {} \
                     allow the namespace {namespace}; use another, or ask for it to be added there",
                    scope.account
                ),
            ));
        }
    }
    Ok(())
}

/// Reserves room for one more resource of `subject` while it is created, or fails because its namespace has all that it
/// may have.
pub fn room(cx: &Context, scope: &Scope, subject: &Subject) -> Result<Option<Room>, Error> {
    let Some(most) = Limits::of(cx, &scope.account, &subject.namespace).max_resources else {
        return Ok(None);
    };
    match cx.hub.reserve(subject, &scope.account, most) {
        Ok(room) => Ok(Some(room)),
        Err(owned) => Err(Error::terminal(
            Reason::QuotaExceeded,
            format!(
                "the namespace {} owns {owned} resources in the AWSAccount {}, whose spec.namespacePolicies allow \
                 {most}; delete some, or ask for maxResources to be raised",
                subject.namespace, scope.account
            ),
        )),
    }
}

/// Whether `text` matches `pattern`, in which `*` means any characters and `?` one.
fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    p = at + 1;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn patterns_are_those_of_iam() {
        let role = "arn:aws:iam::123456789012:role/team-a/deploy";
        for (pattern, expected) in [
            ("*", true),
            ("arn:aws:iam::123456789012:role/team-*", true),
            ("arn:aws:iam::123456789012:role/*/deploy", true),
            ("arn:aws:iam::????????????:role/team-a/deploy", true),
            ("arn:aws:iam::123456789012:role/team-a", false),
            ("arn:aws:iam::123456789012:role/team-b*", false),
            ("", false),
        ] {
            assert_eq!(fits(pattern, role), expected, "{pattern}");
        }
        assert!(fits("a*b*c", "aXbYbZc") && !fits("a*b*c", "aXbYbZ"));
    }

    #[test]
    fn lists_of_several_policies_add_up_and_the_smallest_number_counts() {
        let policy = |roles: Option<&[&str]>, most| NamespacePolicy {
            role_arns: roles.map(|roles| roles.iter().map(|role| ArnPattern::from(*role)).collect()),
            max_resources: most,
            ..NamespacePolicy::default()
        };
        let mut limits = Limits::default();
        limits.add(&policy(None, Some(5)));
        assert_eq!((limits.role_arns.clone(), limits.max_resources), (None, Some(5)));
        limits.add(&policy(Some(&["a"]), Some(3)));
        limits.add(&policy(Some(&["b"]), None));
        assert_eq!(limits.role_arns, Some(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(limits.max_resources, Some(3));
    }

    proptest! {
        #[test]
        fn every_text_fits_itself_and_any_prefix_of_it_with_a_star(text in "[a-z:/-]{0,20}", cut in 0_usize..20) {
            prop_assert!(fits(&text, &text));
            let cut = cut.min(text.len());
            let prefix = format!("{}*", &text[..cut]);
            prop_assert!(fits(&prefix, &text));
        }
    }
}
