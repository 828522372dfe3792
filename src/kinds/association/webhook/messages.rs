//! Messages about a webhook: its condition, and what a person has to enter where.

use crate::api::association::{DefaultKeys, SecretTemplate, WebhookPolicy};
use crate::api::common::{ManagementPolicy, Object};
use crate::api::{Association, AssociationStatus};
use crate::reconcile::kind::{ExtraCondition, OutputSecret};
use crate::reconcile::state::conditions::Reason;

use super::{comes_with, template};

/// The condition of a webhook.
pub const CONDITION: &str = "WebhookReady";

/// What a person has to enter where when a webhook has a new address.
pub fn to_be_entered(by: &SecretTemplate, key: &str, secret: &OutputSecret) -> String {
    let facts = &secret.shown.facts;
    let kind = facts.get("type").map(String::as_str);
    let address = facts.get("url").map_or("", String::as_str);
    let credential = template::name_of_secret(kind);
    let (to, how) = match (comes_with(key).and_then(|webhook| webhook.entered), kind) {
        (Some(entered), _) => entered,
        (None, Some("apikey")) => ("in whatever posts incidents", "as the bearer token (bearer_v2)"),
        (None, _) => ("in whatever posts incidents", "as the key that it signs with (hmac_v1)"),
    };
    let omitted = by.default_keys == DefaultKeys::Omit;
    let place = if omitted {
        format!("the secret from the Secret {} {how}", secret.name)
    } else {
        format!("the key {credential} of the Secret {} {how}", secret.name)
    };
    format!(
        "the webhook has a new address, and calls to the old one are refused: enter {address} {to}, and {place}. Clients \
         that read the Secret for every call need no change"
    )
}

/// Whether the condition doesn't apply to the object.
pub fn is_needless(object: &Association) -> bool {
    let ignored = object.spec.webhook.as_ref().is_some_and(|webhook| webhook.policy == WebhookPolicy::Ignore);
    ignored
        || object.policies().management_policy == ManagementPolicy::Observe
        || object.spec.configuration.row().webhook.is_none()
}

/// Whether the webhook's Secret can be used.
pub fn condition(object: &Association, status: &AssociationStatus) -> Option<ExtraCondition> {
    let condition = |status, reason, message| ExtraCondition { kind: CONDITION, status, reason, message };
    if is_needless(object) || status.common.id.is_none() {
        return None;
    }
    let lost = status.webhook_lost == Some(true);
    let Some(webhook) = &status.webhook else {
        if !lost {
            return None;
        }
        let message = "the webhook's secret is not known, because AWS shows it only once; set spec.webhook.rotation \
                       to issue a new webhook (whoever uses the current one then needs the new address and secret), or \
                       spec.webhook.policy: Ignore if nobody uses it";
        return Some(condition(false, Reason::WebhookSecretLost, message.to_owned()));
    };
    let name = webhook.secret_name.as_deref().unwrap_or_default();
    if lost {
        let message = format!(
            "the webhook's secret is not in the Secret {name}, and AWS shows it only once; restore the Secret from a backup, \
             or set spec.webhook.rotation to issue a new webhook"
        );
        return Some(condition(false, Reason::WebhookSecretLost, message));
    }
    Some(condition(true, Reason::Available, format!("the webhook is in the Secret {name}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::kind::Shown;

    fn note(key: &str, kind: &str, default_keys: DefaultKeys) -> String {
        let facts = [("url", "https://example.com/w".to_owned()), ("type", kind.to_owned())].into();
        let shown = Shown { facts, secret: "never-told".to_owned().into() };
        let secret = OutputSecret { name: "hook".into(), shown, ..OutputSecret::default() };
        to_be_entered(&SecretTemplate { default_keys, ..SecretTemplate::default() }, key, &secret)
    }

    #[test]
    fn a_new_address_comes_with_what_to_enter_where_and_without_the_secret() {
        for (key, kind, place, credential) in [
            ("gitlab", "gitlab", "Settings, Webhooks", "secret"),
            ("pagerduty", "pagerduty", "in PagerDuty", "secret"),
            ("servicenow", "apikey", "in ServiceNow", "token"),
            ("dynatrace", "hmac", "in Dynatrace", "secret"),
            ("eventChannel", "hmac", "hmac_v1", "secret"),
            ("eventChannel", "apikey", "bearer_v2", "token"),
        ] {
            let note = note(key, kind, DefaultKeys::Keep);
            for part in ["https://example.com/w", place, "Secret hook", &format!("the key {credential}")] {
                assert!(note.contains(part), "{part} is not in: {note}");
            }
            assert!(!note.contains("never-told") && note.len() < 1024);
        }
        assert!(!note("eventChannel", "hmac", DefaultKeys::Omit).contains("the key secret"));
    }
}
