//! The deployment to the accounts of an AWS Organization, of an association with `sourceAwsOrg`.
//!
//! Two members aren't copied to status: the time of the last evaluation changes by itself, and the message of an issue
//! is sensitive.

use serde_json::Value;

use crate::api::association::{Deployment, DeploymentIssue};
use crate::api::{AssociationStatus, catalog};
use crate::document;
use crate::reconcile::kind::{ExtraCondition, State, Waiting};
use crate::reconcile::state::conditions::Reason;

/// The member that only AWS sets, of the configurations that are deployed.
const STATE: &str = "deploymentState";
/// Maximum issues in status, and maximum accounts of each: an organization may have thousands.
const MOST: usize = 20;

/// Whether AWS deploys to the accounts of an association with this configuration.
pub fn is_of(key: &str) -> bool {
    catalog::configuration(key).output_only.iter().any(|member| member.trim_start_matches('/') == STATE)
}

/// What AWS reports about the deployment, bounded and in a stable order.
pub fn of(configuration: &Value) -> Option<Deployment> {
    let state = document::variant(configuration)?.1.get(STATE)?;
    let mut deployment: Deployment = serde_json::from_value(state.clone()).ok()?;
    deployment.issues.sort_by(|one, other| one.reason_code.cmp(&other.reason_code));
    deployment.issues.truncate(MOST);
    for issue in &mut deployment.issues {
        issue.account_ids.sort();
        issue.account_ids.truncate(MOST);
    }
    Some(deployment)
}

/// The state that follows from the deployment of a valid association, if it isn't done.
///
/// Accounts that AWS can't deploy to are reported by a separate condition: an organization nearly always has some, such
/// as its management account, and the agent works in all others.
pub fn state(configuration: &Value) -> Option<State> {
    let deployment = of(configuration)?;
    if deployment.deployed_account_count > 0 {
        return None;
    }
    if deployment.issues.is_empty() {
        return Some(waiting());
    }
    Some(State::Failed(format!(
        "AWS has not deployed to any account of the organization: {}",
        told(&deployment)
    )))
}

/// AWS is still deploying.
pub fn waiting() -> State {
    State::Waiting(Waiting {
        reason: Reason::InTransition,
        message: "AWS is deploying to the accounts of the organization; none has finished yet".to_owned(),
        poll: true,
    })
}

/// Writes what AWS reports into status.
pub fn describe(observed: &Value, status: &mut AssociationStatus) {
    status.deployment = of(observed);
}

/// Whether AWS has deployed to all accounts.
pub fn condition(status: &AssociationStatus) -> Option<ExtraCondition> {
    let deployment = status.deployment.as_ref()?;
    let condition = |status, reason, message| ExtraCondition { kind: "Deployed", status, reason, message };
    let done = deployment.deployed_account_count;
    if !deployment.issues.is_empty() {
        let message = format!("{}; see status.deployment for the accounts", told(deployment));
        return Some(condition(false, Reason::Failed, message));
    }
    if done == 0 {
        return Some(condition(
            false,
            Reason::InTransition,
            "AWS has not deployed to any account yet".to_owned(),
        ));
    }
    Some(condition(true, Reason::Available, format!("AWS has deployed to {}", accounts(done))))
}

/// For example `12 accounts deployed, not: 3 accessDenied, 1 accountSuspended`.
fn told(deployment: &Deployment) -> String {
    let issue = |issue: &DeploymentIssue| format!("{} {}", issue.account_count, issue.reason_code);
    let issues: Vec<String> = deployment.issues.iter().map(issue).collect();
    format!("{} deployed, not: {}", accounts(deployment.deployed_account_count), issues.join(", "))
}

fn accounts(count: i64) -> String {
    if count == 1 { "1 account".to_owned() } else { format!("{count} accounts") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn configuration(deployed: i64, issues: &Value) -> Value {
        json!({"sourceAwsOrg": {
            "accountType": "source",
            "organizationalUnit": {"organizationalUnitId": "ou-ab12-c3d4e5f6"},
            "deploymentState": {
                "deployedAccountCount": deployed,
                "issues": issues,
                "lastEvaluatedAt": "2026-11-25T00:00:00Z",
            },
        }})
    }

    fn issue(code: &str, accounts: &[&str]) -> Value {
        json!({"reasonCode": code, "accountCount": accounts.len(), "accountIds": accounts,
            "message": "the role devops-agent-9f is missing"})
    }

    fn status(configuration: &Value) -> AssociationStatus {
        let mut status = AssociationStatus::default();
        describe(configuration, &mut status);
        status
    }

    #[test]
    fn status_has_counts_and_accounts_and_neither_words_nor_times_of_aws() {
        let issues = json!([
            issue("deploymentFailed", &["222222222222"]),
            issue("accessDenied", &["333333333333", "111111111111"])
        ]);
        let shown = serde_json::to_value(status(&configuration(7, &issues)).deployment).unwrap();
        let expected = json!({"deployedAccountCount": 7, "issues": [
            {"reasonCode": "accessDenied", "accountCount": 2, "accountIds": ["111111111111", "333333333333"]},
            {"reasonCode": "deploymentFailed", "accountCount": 1, "accountIds": ["222222222222"]},
        ]});
        assert_eq!(shown, expected);
    }

    #[test]
    fn status_stays_small_whatever_the_size_of_the_organization() {
        let many: Vec<String> = (0..1000).map(|number| format!("{number:012}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let issues: Vec<Value> = (0..30).map(|number| issue(&format!("code{number:02}"), &many)).collect();
        let deployment = of(&configuration(0, &json!(issues))).unwrap();
        assert_eq!(deployment.issues.len(), 20);
        assert!(
            deployment
                .issues
                .iter()
                .all(|issue| issue.account_ids.len() == 20 && issue.account_count == 1000)
        );
    }

    #[test]
    fn the_state_is_what_the_accounts_are_as_a_whole() {
        let denied = json!([issue("accessDenied", &["111111111111"])]);
        assert_eq!(state(&configuration(0, &json!([]))), Some(waiting()));
        assert_eq!(state(&configuration(1, &json!([]))), None);
        assert_eq!(state(&configuration(1, &denied)), None, "the agent works in the other account");
        let Some(State::Failed(message)) = state(&configuration(0, &denied)) else {
            panic!("it works nowhere")
        };
        assert!(message.contains("1 accessDenied"), "{message}");
        assert_eq!(state(&json!({"sourceAwsOrg": {}})), None, "AWS says nothing");
        assert_eq!(state(&json!({"aws": {}})), None);
    }

    #[test]
    fn the_condition_tells_what_is_broken() {
        let told = |configuration: &Value| {
            let condition = condition(&status(configuration))?;
            Some((condition.status, condition.reason, condition.message))
        };
        let issues = json!([issue("accountSuspended", &["1"]), issue("accessDenied", &["2", "3"])]);
        let message = "1 account deployed, not: 2 accessDenied, 1 accountSuspended; see status.deployment for the accounts";
        assert_eq!(told(&configuration(1, &issues)), Some((false, Reason::Failed, message.to_owned())));
        let done = (true, Reason::Available, "AWS has deployed to 12 accounts".to_owned());
        assert_eq!(told(&configuration(12, &json!([]))), Some(done));
        let none = told(&configuration(0, &json!([]))).unwrap();
        assert_eq!((none.0, none.1), (false, Reason::InTransition));
        assert_eq!(told(&json!({"aws": {}})), None);
    }
}
