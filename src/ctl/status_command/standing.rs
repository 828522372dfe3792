//! How an object is: the rules of the health check for Argo CD, `argocd/scripts/health.lua`. A test compares the two.

use serde::Serialize;
use serde_json::Value;

/// Errors that no repetition fixes. With the other reasons the operator goes on by itself.
const PERSON_MUST_ACT: &[&str] = &[
    "CredentialsUnavailable",
    "EndpointInvalid",
    "InputInvalid",
    "InputNotFound",
    "ReferenceNotAllowed",
    "SecretNotOurs",
    "SecretRefused",
];

/// The annotation that pauses an object.
const PAUSED: &str = "devopsagent.dev/paused";

/// How healthy an object is: Argo CD's words, and two for what isn't there to be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Health {
    /// It is as it should be.
    Healthy,
    /// It goes on by itself.
    Progressing,
    /// It rests until a person lets it go on.
    Suspended,
    /// A person must act.
    Degraded,
    /// It is referred to, and doesn't exist.
    Missing,
    /// It is referred to, and can't be read.
    Unknown,
}

impl Health {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "Healthy",
            Self::Progressing => "Progressing",
            Self::Suspended => "Suspended",
            Self::Degraded => "Degraded",
            Self::Missing => "Missing",
            Self::Unknown => "Unknown",
        }
    }
}

/// How an object is, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// In a word.
    pub health: Health,
    /// The reason of the condition that decides; empty if it isn't a condition.
    pub reason: String,
    /// Its message, or what else there is to say.
    pub message: String,
    /// Since when.
    pub since: Option<String>,
    /// Whether objects that refer to it can use it.
    pub usable: bool,
}

impl Standing {
    /// That of an object that is referred to and can't be judged.
    pub fn absent(health: Health, message: &str) -> Self {
        Self { health, reason: String::new(), message: message.to_owned(), since: None, usable: false }
    }

    /// Reason and message.
    pub fn told(&self) -> String {
        match (self.reason.as_str(), self.message.as_str()) {
            (reason, "") => reason.to_owned(),
            ("", message) => message.to_owned(),
            (reason, message) => format!("{reason}: {message}"),
        }
    }

    /// That of an object, whatever is in it.
    pub fn of(object: &Value) -> Self {
        let usable = is(object, "Ready", "True") && object["metadata"]["deletionTimestamp"].is_null();
        Self { usable, ..judged(object) }
    }

    fn by(health: Health, condition: &Value) -> Self {
        let since = condition["lastTransitionTime"].as_str().map(str::to_owned);
        let (reason, message) = (text(condition, "reason").to_owned(), text(condition, "message").to_owned());
        Self { health, reason, message, since, usable: false }
    }

    fn said(health: Health, reason: &str, message: String, since: &Value) -> Self {
        let since = since.as_str().map(str::to_owned);
        Self { health, reason: reason.to_owned(), message, since, usable: false }
    }
}

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap_or_default()
}

/// A condition; null if the object hasn't got it.
pub fn condition<'a>(object: &'a Value, kind: &str) -> &'a Value {
    let conditions = object["status"]["conditions"].as_array();
    let found = conditions.into_iter().flatten().rfind(|condition| condition["type"] == kind);
    found.unwrap_or(&Value::Null)
}

fn judged(object: &Value) -> Standing {
    let (metadata, status) = (&object["metadata"], &object["status"]);
    let ready = condition(object, "Ready");
    let deleted = &metadata["deletionTimestamp"];
    if !deleted.is_null() {
        let reconciling = condition(object, "Reconciling");
        if reconciling.is_null() {
            return Standing::said(
                Health::Progressing,
                "Deleting",
                "the object is being deleted".to_owned(),
                deleted,
            );
        }
        return Standing::by(Health::Progressing, reconciling);
    }
    let observed = status["observedGeneration"] == metadata["generation"];
    if metadata["annotations"][PAUSED].as_str().is_some_and(|value| value != "false") {
        let mut message = format!("the annotation {PAUSED} keeps the operator away");
        if ready.is_null() {
            message += ", which has not looked at the object yet";
        } else if !observed {
            message += "; the spec has changed since";
        }
        let since = &condition(object, "Synced")["lastTransitionTime"];
        return Standing::said(Health::Suspended, "Paused", message, since);
    }
    let looked_at = status["observedGeneration"].as_i64().is_some_and(|generation| generation >= 0);
    if !looked_at || ready.is_null() {
        let message = "the operator has not looked at the object yet".to_owned();
        return Standing::said(Health::Progressing, "", message, &metadata["creationTimestamp"]);
    }
    if !observed {
        let message = "the operator has not looked at the last change of the spec yet".to_owned();
        return Standing::said(Health::Progressing, "", message, &Value::Null);
    }
    let synced = condition(object, "Synced");
    if is(object, "Synced", "False") && text(synced, "reason") == "ApprovalRequired" {
        return Standing::by(Health::Suspended, synced);
    }
    if is(object, "Stalled", "True") {
        return Standing::by(Health::Degraded, condition(object, "Stalled"));
    }
    if is(object, "Ready", "True") { of_ready(object, ready) } else { of_unready(object, ready) }
}

fn is(object: &Value, kind: &str, status: &str) -> bool {
    text(condition(object, kind), "status") == status
}

/// That of an object that is Ready.
fn of_ready(object: &Value, ready: &Value) -> Standing {
    if is(object, "Reconciling", "True") {
        let reconciling = condition(object, "Reconciling");
        // What was made stays ready while the operator can't look after it.
        let degraded = PERSON_MUST_ACT.contains(&text(reconciling, "reason"));
        return Standing::by(if degraded { Health::Degraded } else { Health::Progressing }, reconciling);
    }
    if is(object, "WebhookReady", "False") {
        // What has once been handed out is missed; the webhook of an association that was taken over may be in use as
        // it is.
        let handed_out = !object["status"]["webhook"].is_null();
        let health = if handed_out { Health::Degraded } else { Health::Healthy };
        return Standing::by(health, condition(object, "WebhookReady"));
    }
    if is(object, "Synced", "False") {
        return Standing::by(Health::Healthy, condition(object, "Synced"));
    }
    if object["kind"] == "Trigger" && object["spec"]["suspend"] == true {
        let message = "spec.suspend is true: the schedule does not start anything".to_owned();
        return Standing::said(Health::Suspended, "", message, &Value::Null);
    }
    Standing::by(Health::Healthy, ready)
}

fn of_unready(object: &Value, ready: &Value) -> Standing {
    let reason = text(ready, "reason");
    if reason == "AuthorizationRequired" {
        let standing = Standing::by(Health::Suspended, ready);
        return match object["status"]["authorizationUrl"].as_str() {
            Some(url) => Standing { message: format!("open {url} to complete the registration"), ..standing },
            None => standing,
        };
    }
    let rests = is(object, "Ready", "False") && !is(object, "Reconciling", "True");
    if PERSON_MUST_ACT.contains(&reason) || rests {
        return Standing::by(Health::Degraded, ready);
    }
    Standing::by(Health::Progressing, ready)
}
