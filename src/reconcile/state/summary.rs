//! The summary of an object's state: the worst condition in a few words, for the column next to the reason.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use crate::api::common::CommonStatus;
use crate::text;

use super::conditions::{self, Reason};
use super::error::Error;

/// Maximum characters: what fits in a line of `kubectl get` after name, conditions and reason.
const LONGEST: usize = 80;

/// Sets the summary that follows from the conditions. `error` is what the pass ended with: it says the same as its
/// condition in fewer words.
pub fn set(error: Option<&Error>, status: &mut CommonStatus) {
    status.summary = worst(&status.conditions).map(|condition| {
        let words = match error {
            Some(error) if error.classify().1.as_str() == condition.reason => error.brief(),
            _ => condition.message.clone(),
        };
        let words = if words.is_empty() { condition.reason.clone() } else { words };
        // The column before shows the reason of Ready.
        let ready = conditions::get(&status.conditions, "Ready");
        let shown = ready.is_some_and(|ready| ready.reason == condition.reason) || words == condition.reason;
        let words = if shown { words } else { format!("{}: {words}", condition.reason) };
        text::headline(&words, LONGEST)
    });
}

/// The condition that matters most; none if everything is fine.
fn worst(conditions: &[Condition]) -> Option<&Condition> {
    let stalled = conditions::get(conditions, "Stalled").filter(|stalled| stalled.status == "True");
    let mut bad: Vec<&Condition> = conditions
        .iter()
        .filter(|condition| !matches!(condition.type_.as_str(), "Stalled" | "Reconciling"))
        .filter(|condition| condition.status != "True")
        .collect();
    // What is known about a paused object may be outdated, and nothing continues until it is resumed.
    bad.sort_by_key(|condition| match condition.type_.as_str() {
        _ if condition.reason == Reason::Paused.as_str() => 0,
        "Ready" => 1,
        "Synced" => 2,
        _ => 3,
    });
    stalled.or_else(|| bad.first().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(conditions: &[(&str, bool, Reason, &str)], error: Option<&Error>) -> Option<String> {
        let mut status = CommonStatus::default();
        for (kind, is_true, reason, message) in conditions {
            conditions::set(&mut status.conditions, None, kind, *is_true, *reason, *message);
        }
        set(error, &mut status);
        status.summary
    }

    #[test]
    fn nothing_is_said_of_what_is_well() {
        let well = [("Synced", true, Reason::Available, ""), ("Ready", true, Reason::Available, "")];
        assert_eq!(summary(&well, None), None);
        assert_eq!(summary(&[], None), None);
    }

    #[test]
    fn the_worst_condition_is_told_with_its_reason_where_no_other_column_shows_it() {
        let ready = ("Ready", true, Reason::Available, "");
        let lost = ("WebhookReady", false, Reason::WebhookSecretLost, "the Secret is gone");
        let drifted = ("Synced", false, Reason::Drifted, "name differs");
        let waiting = ("Ready", false, Reason::DependencyNotReady, "the space is not ready");
        let paused = ("Synced", false, Reason::Paused, "remove it");
        let stalled = ("Stalled", true, Reason::Invalid, "no such locale");
        for (conditions, expected) in [
            (&[ready, lost][..], "WebhookSecretLost: the Secret is gone"),
            (&[ready, lost, drifted], "Drifted: name differs"),
            (&[lost, drifted, waiting], "the space is not ready"),
            (&[waiting, paused], "Paused: remove it"),
            (&[("Ready", false, Reason::Invalid, "no such locale"), lost, stalled], "no such locale"),
            (&[("Ready", false, Reason::Progressing, "")], "Progressing"),
        ] {
            assert_eq!(summary(conditions, None).as_deref(), Some(expected), "{conditions:?}");
        }
    }

    #[test]
    fn an_error_is_told_in_few_words() {
        let source = crate::aws::Error::Credentials { message: "the token has expired".into() };
        let error = Error::Aws { doing: "looking for the agent space of the object".into(), source };
        let condition = ("Ready", false, error.classify().1, &*error.to_string());
        assert_eq!(
            summary(&[condition], Some(&error)).as_deref(),
            Some("no AWS credentials: the token has expired")
        );
        assert_eq!(
            summary(&[("Ready", false, Reason::Invalid, &*"x".repeat(100))], None).unwrap().chars().count(),
            LONGEST
        );
    }
}
