//! Whether the operator and the user may do what they have to: the API server is asked for every rule of the chart.

use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec, SubjectAccessReview,
    SubjectAccessReviewSpec,
};
use kube::api::PostParams;
use kube::{Api, Client};

use crate::ctl::cluster::failed;
use crate::generate::rbac::{self, Access};
use crate::text;

use super::checkup::Check;
use super::installation::Installed;

/// So many questions at a time.
const AT_ONCE: usize = 8;
/// So many refusals are named.
const NAMED: usize = 5;

/// What may be needed, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    access: Access,
    /// None is everywhere.
    namespace: Option<String>,
}

impl Question {
    fn shown(&self) -> String {
        let Access { group, resource, name, verb } = &self.access;
        let group = if group.is_empty() { String::new() } else { format!(".{group}") };
        let name = name.as_deref().map_or_else(String::new, |name| format!(" {name}"));
        let place =
            self.namespace.as_deref().map_or_else(String::new, |namespace| format!(" in {namespace}"));
        format!("{verb} {resource}{group}{name}{place}")
    }

    fn attributes(&self) -> ResourceAttributes {
        let Access { group, resource, name, verb } = self.access.clone();
        let (resource, subresource) = match resource.split_once('/') {
            Some((resource, part)) => (resource.to_owned(), Some(part.to_owned())),
            None => (resource, None),
        };
        ResourceAttributes {
            group: Some(group.to_owned()),
            resource: Some(resource),
            subresource,
            name,
            verb: Some(verb.to_owned()),
            namespace: self.namespace.clone(),
            ..ResourceAttributes::default()
        }
    }
}

fn questions(rule: &str, namespace: Option<&str>) -> Vec<Question> {
    let question = |access| Question { access, namespace: namespace.map(str::to_owned) };
    rbac::accesses(rule).into_iter().map(question).collect()
}

/// What the operator has to be allowed, by how it is installed. The chart grants it the same.
pub fn of_operator(operator: &Installed) -> Vec<Question> {
    let mut asked = Vec::new();
    if operator.watches.is_empty() {
        asked.extend(questions("objects", None));
        asked.extend(questions("namespaces", None));
    }
    for namespace in &operator.watches {
        asked.extend(questions("objects", Some(namespace)));
    }
    if operator.accounts {
        asked.extend(questions("accounts", None));
    }
    if !operator.namespace.is_empty() {
        asked.extend(questions("own", Some(&operator.namespace)));
    }
    if let Some(lease) = &operator.lease {
        let mut leases = questions("lease", Some(&operator.namespace));
        for question in leases.iter_mut().filter(|question| question.access.name.is_some()) {
            question.access.name = Some(lease.clone());
        }
        asked.extend(leases);
    }
    asked
}

/// Whether the operator's service account may do what it has to.
pub async fn operator(client: &Client, operator: &Installed) -> Check {
    let user = format!("system:serviceaccount:{}:{}", operator.namespace, operator.service_account);
    let asked = of_operator(operator);
    let review = async |question: Question| {
        let spec = SubjectAccessReviewSpec {
            user: Some(user.clone()),
            groups: Some(vec![
                "system:authenticated".to_owned(),
                "system:serviceaccounts".to_owned(),
                format!("system:serviceaccounts:{}", operator.namespace),
            ]),
            resource_attributes: Some(question.attributes()),
            ..SubjectAccessReviewSpec::default()
        };
        let review = SubjectAccessReview { spec, ..SubjectAccessReview::default() };
        let answer = Api::all(client.clone()).create(&PostParams::default(), &review).await?;
        Ok((question, answer.status.is_some_and(|status| status.allowed)))
    };
    let refused = refused(asked.clone(), review).await;
    verdict(
        &format!("the service account {}/{}", operator.namespace, operator.service_account),
        asked.len(),
        refused,
    )
}

fn verdict(who: &str, asked: usize, refused: Result<Vec<Question>, kube::Error>) -> Check {
    const NAME: &str = "operator's permissions";
    match refused.map_err(failed("asking what the operator may do")) {
        Ok(refused) if refused.is_empty() => {
            Check::ok(NAME, format!("{who} may do all that it has to ({asked} checked)"))
        }
        Ok(refused) => {
            let message = format!("{who} may not {}", named(&refused));
            Check::failed(
                NAME,
                message,
                "upgrade the chart's release, which grants it, or ask whoever manages its roles",
            )
        }
        Err(error) => {
            let mut check = Check::unreadable(NAME, &error);
            if error.is_forbidden() {
                "ask somebody who may create subjectaccessreviews".clone_into(&mut check.what_to_do);
            }
            check
        }
    }
}

/// What the user may do in a namespace, or everywhere.
pub async fn user(client: &Client, namespace: Option<&str>) -> Check {
    let review = async |question: Question| {
        let spec = SelfSubjectAccessReviewSpec {
            resource_attributes: Some(question.attributes()),
            ..SelfSubjectAccessReviewSpec::default()
        };
        let review = SelfSubjectAccessReview { spec, ..SelfSubjectAccessReview::default() };
        let answer = Api::all(client.clone()).create(&PostParams::default(), &review).await?;
        Ok((question, answer.status.is_some_and(|status| status.allowed)))
    };
    let view = refused(questions("view", namespace), review).await;
    let edit = refused(questions("edit", namespace), review).await;
    let place =
        namespace.map_or_else(|| "in all namespaces".to_owned(), |namespace| format!("in {namespace}"));
    of_user(&place, view.and_then(|view| Ok((view, edit?))))
}

fn of_user(place: &str, refused: Result<(Vec<Question>, Vec<Question>), kube::Error>) -> Check {
    const NAME: &str = "your permissions";
    match refused.map_err(failed("asking what you may do")) {
        Ok((view, edit)) if view.is_empty() && edit.is_empty() => {
            Check::ok(NAME, format!("you may view and edit the operator's objects {place}"))
        }
        Ok((view, _)) if view.is_empty() => Check::ok(
            NAME,
            format!("you may view the operator's objects {place}; you may not edit all of them"),
        ),
        Ok((view, _)) => {
            let what = "ask for the cluster's role `view`, which the chart adds the operator's kinds to";
            Check::failed(NAME, format!("you may not {}", named(&view)), what)
        }
        Err(error) => Check::unreadable(NAME, &error),
    }
}

fn named(refused: &[Question]) -> String {
    let names: Vec<String> = refused.iter().map(Question::shown).collect();
    text::some_of(names.iter().map(String::as_str), NAMED)
}

/// Those that the answer to is no.
async fn refused<F>(
    asked: Vec<Question>,
    review: impl Fn(Question) -> F,
) -> Result<Vec<Question>, kube::Error>
where
    F: Future<Output = Result<(Question, bool), kube::Error>>,
{
    let answers = stream::iter(asked).map(review).buffered(AT_ONCE);
    let refused =
        answers.try_filter_map(|(question, allowed)| async move { Ok((!allowed).then_some(question)) });
    refused.try_collect().await
}

/// An error to show why nothing is known.
#[cfg(test)]
fn forbidden() -> kube::Error {
    let status = kube::core::Status::failure("subjectaccessreviews is forbidden", "Forbidden").with_code(403);
    kube::Error::Api(Box::new(status))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ctl::doctor::checkup::Verdict;
    use crate::operator::FINGERPRINT_SECRET;

    fn installed(watches: &[&str]) -> Installed {
        Installed {
            namespace: "ops".to_owned(),
            accounts: true,
            lease: Some("x".to_owned()),
            watches: watches.iter().map(ToString::to_string).collect(),
            ..Installed::default()
        }
    }

    #[test]
    fn the_rules_of_the_chart_are_asked_for_where_it_grants_them() {
        let names = |watches: &[&str]| {
            of_operator(&installed(watches)).iter().map(Question::shown).collect::<Vec<_>>()
        };
        let everywhere = names(&[]);
        for one in [
            "list agentspaces.devopsagent.dev",
            "patch agentspaces/status.devopsagent.dev",
            "watch secrets",
            "list namespaces",
            "patch awsaccounts/status.devopsagent.dev",
            &format!("get secrets {FINGERPRINT_SECRET} in ops"),
            "update leases.coordination.k8s.io x in ops",
            "create leases.coordination.k8s.io in ops",
        ] {
            assert!(everywhere.iter().any(|name| name == one), "{one}: {everywhere:#?}");
        }
        let some = names(&["a", "b"]);
        assert!(
            some.contains(&"watch secrets in b".to_owned()) && !some.contains(&"watch secrets".to_owned())
        );
        let without = Installed { accounts: false, lease: None, ..installed(&[]) };
        assert!(!of_operator(&without).iter().any(|one| one.shown().contains("awsaccounts")));
        assert!(!of_operator(&without).iter().any(|one| one.shown().contains("leases")));
    }

    #[test]
    fn a_refusal_is_named_and_a_question_that_may_not_be_asked_is_unknown() {
        let refused = questions("namespaces", None);
        let check = verdict("it", 9, Ok(refused));
        assert_eq!(
            (check.verdict, &*check.message),
            (Verdict::Failed, "it may not list namespaces, watch namespaces")
        );
        assert_eq!(verdict("it", 9, Ok(Vec::new())).verdict, Verdict::Ok);
        let unknown = verdict("it", 9, Err(forbidden()));
        assert!(unknown.verdict == Verdict::Unknown && unknown.what_to_do.contains("subjectaccessreviews"));
    }

    #[test]
    fn a_user_has_to_view_and_need_not_edit() {
        let some = || questions("view", Some("team"));
        assert_eq!(of_user("here", Ok((Vec::new(), Vec::new()))).verdict, Verdict::Ok);
        let viewer = of_user("here", Ok((Vec::new(), some())));
        assert!(viewer.verdict == Verdict::Ok && viewer.message.contains("may not edit"), "{viewer:?}");
        assert_eq!(of_user("here", Ok((some(), some()))).verdict, Verdict::Failed);
    }
}
