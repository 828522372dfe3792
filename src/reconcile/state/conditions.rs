//! Reasons and conditions: what an object's status says about it.

use std::fmt;
use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use k8s_openapi::jiff::Timestamp;

use crate::api::common::CommonStatus;
use crate::fairness::turns::Priority;
use crate::text;

/// Maximum bytes of a message. The API allows 32768 characters; nobody reads that many.
const LONGEST: usize = 2048;

/// Declares the closed enum of reasons together with the one table that documents it.
macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $name:ident)+) => {
        /// Why a condition has its status. Closed: status, Events and docs use only these words.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Reason {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Reason {
            /// Every reason with what it means and what to do, in the order of the documentation.
            pub const TABLE: &'static [(Reason, &'static str)] =
                &[$((Reason::$name, concat!($($doc),+))),+];

            /// The word in status.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Reason::$name => stringify!($name),)+
                }
            }
        }
    };
}

reasons! {
    /// The resource exists in AWS, matches the spec and works. Nothing to do.
    Available
    /// The resource is being created or updated; the next reconcile follows at once.
    Progressing
    /// AWS is still creating, updating or deleting the resource. Wait.
    InTransition
    /// The object is being deleted.
    Deleting
    /// The object can't be deleted while other objects use it; the message names them.
    DeletionBlocked
    /// Reconciliation is suspended by the annotation `devopsagent.dev/paused` (any value except `"false"`). Remove it to
    /// continue.
    Paused
    /// A change waits because of `changePolicy`. `status.pendingChange` says what would change; to let it happen, set the
    /// annotation `devopsagent.dev/approve` to its hash.
    ApprovalRequired
    /// An object that this one refers to doesn't exist. Create it, or correct the reference.
    DependencyNotFound
    /// An object that this one refers to is not ready yet. Look at that object.
    DependencyNotReady
    /// Something that this object refers to, names or matches belongs to someone who doesn't allow its namespace; the
    /// message says who. Its owner can set `allowedNamespaces`, or an administrator can change `adoption` or
    /// `namespacePolicies` of the AWSAccount.
    ReferenceNotAllowed
    /// A Secret or ConfigMap, or a key in it, does not exist. Create it; the operator notices at once.
    InputNotFound
    /// The value in a Secret or ConfigMap can't be used as it is; the message says why.
    InputInvalid
    /// A person must open `status.authorizationUrl` to complete the registration.
    AuthorizationRequired
    /// The Secret named for the webhook exists but was not written for this object. Choose another name, or delete it.
    SecretNotOurs
    /// The API server refuses writes to the webhook's Secret, because of a quota, an admission policy, or because the
    /// Secret is immutable; the message quotes it. Meanwhile no webhook is issued or deleted. The operator retries.
    SecretRefused
    /// The webhook's secret is lost, and `webhook.onLoss: Report` prevents the operator from issuing a new one.
    WebhookSecretLost
    /// AWS differs from the spec and is not corrected: the object only observes, or the spec no longer sets a field that
    /// AWS can't reset. The message says which, and what can be done.
    Drifted
    /// A matching resource exists that this object did not create. Set `externalId` or `adoptionPolicy: Adopt`
    /// to adopt it, or choose another name.
    AlreadyExists
    /// Another cluster or another object owns the resource. Only one of them can have it.
    Conflict
    /// AWS refuses the request because of the state of a resource; the message quotes AWS. The operator retries.
    Refused
    /// The resource with the given `externalId`, or the one to observe, does not exist.
    NotFound
    /// AWS rejected the request as invalid; the message quotes AWS and names the field.
    Invalid
    /// The operator's credentials lack a permission. The message names the operation; see the docs for its IAM policy.
    AccessDenied
    /// A quota is exhausted: one of AWS, or `maxResources` of the AWSAccount. Raise it, or delete something.
    QuotaExceeded
    /// AWS reports that the resource has failed; the message quotes AWS.
    Failed
    /// The same difference came back after several successful writes: AWS doesn't keep the value, or someone changes it
    /// back.
    NotConverging
    /// The AWSAccount that the object uses has changed since the resource was created. Change it back, or
    /// delete and recreate the object.
    AccountChanged
    /// There is no AWSAccount for the object, and `--require-account` prevents the operator from using its own
    /// credentials. Set `accountRef`, or ask for an AWSAccount `default`. What was created before is left unchanged.
    AccountRequired
    /// AWS throttles requests. The operator slows down and continues by itself.
    Throttled
    /// AWS can't be reached or fails. The operator retries with increasing delays.
    Unavailable
    /// There are no usable AWS credentials, or no region, or AWS rejects the keys because they have expired or are wrong.
    /// The message says which.
    CredentialsUnavailable
    /// A server other than AWS responds: the endpoint is wrong, or a proxy intercepts requests. Correct `endpoints` of the
    /// AWSAccount, `AWS_ENDPOINT_URL`, or the proxy.
    EndpointInvalid
    /// A request to the Kubernetes API was refused or failed. The operator retries.
    KubernetesError
    /// The response from AWS could not be understood. Please report it.
    Unexpected
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Sets the condition `kind` to `status`. The transition time moves only with the status.
pub fn set(
    conditions: &mut Vec<Condition>,
    generation: Option<i64>,
    kind: &str,
    status: bool,
    reason: Reason,
    message: impl Into<String>,
) {
    let status = if status { "True" } else { "False" };
    let message = text::plain_within(&message.into(), LONGEST);
    let kept = conditions.iter().find(|condition| condition.type_ == kind && condition.status == status);
    let since =
        kept.map_or_else(|| Time(Timestamp::now()), |condition| condition.last_transition_time.clone());
    let condition = Condition {
        type_: kind.to_owned(),
        status: status.to_owned(),
        reason: reason.as_str().to_owned(),
        message,
        observed_generation: generation,
        last_transition_time: since,
    };
    match conditions.iter_mut().find(|existing| existing.type_ == kind) {
        Some(existing) => *existing = condition,
        None => conditions.push(condition),
    }
}

/// Removes the condition `kind`: for those that exist only while they are True.
pub fn clear(conditions: &mut Vec<Condition>, kind: &str) {
    conditions.retain(|condition| condition.type_ != kind);
}

/// The condition `kind`, if it is set.
pub fn get<'a>(conditions: &'a [Condition], kind: &str) -> Option<&'a Condition> {
    conditions.iter().find(|condition| condition.type_ == kind)
}

/// Whether the condition `kind` is True.
pub fn is_true(conditions: &[Condition], kind: &str) -> bool {
    get(conditions, kind).is_some_and(|condition| condition.status == "True")
}

/// Whether something that only a person can change has prevented the object from creating its resource for at least
/// `patience`.
pub fn is_unable(common: &CommonStatus, patience: Duration) -> bool {
    let stuck = [
        Reason::InputNotFound,
        Reason::InputInvalid,
        Reason::DependencyNotFound,
        Reason::ReferenceNotAllowed,
        Reason::SecretNotOurs,
    ];
    let since = |condition: &Condition| {
        let elapsed = Timestamp::now().duration_since(condition.last_transition_time.0);
        Duration::try_from(elapsed).is_ok_and(|elapsed| elapsed >= patience)
    };
    let stalled = get(&common.conditions, "Stalled").is_some_and(since);
    let waits = get(&common.conditions, "Ready").is_some_and(|ready| {
        ready.status == "False" && stuck.iter().any(|reason| ready.reason == reason.as_str()) && since(ready)
    });
    stalled || waits
}

/// Whether a person has changed the spec in `generation` since the last pass, or deleted the object.
pub fn is_new(common: &CommonStatus, generation: Option<i64>) -> bool {
    common.observed_generation != generation
}

/// How urgent a pass is, if a person has just asked for it or not, and if its object is settled or not.
pub fn urgency(is_asked_for: bool, is_settled: bool) -> Priority {
    match (is_asked_for, is_settled) {
        (true, _) => Priority::Edit,
        (false, false) => Priority::Pending,
        (false, true) => Priority::Periodic,
    }
}

/// Whether the object is Ready, for the spec in `generation`.
pub fn is_settled(common: &CommonStatus, generation: Option<i64>) -> bool {
    common.observed_generation == generation && is_true(&common.conditions, "Ready")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_transition_time_moves_only_with_the_status() {
        let mut conditions = Vec::new();
        set(&mut conditions, Some(1), "Ready", false, Reason::Progressing, "creating");
        let first = conditions[0].last_transition_time.clone();
        set(&mut conditions, Some(2), "Ready", false, Reason::Invalid, "refused");
        assert_eq!(conditions[0].last_transition_time, first);
        assert_eq!(conditions[0].reason, "Invalid");
        assert_eq!(conditions[0].observed_generation, Some(2));
        set(&mut conditions, Some(2), "Ready", true, Reason::Available, "");
        assert_ne!(conditions[0].last_transition_time, first);
        assert_eq!(conditions.len(), 1);
    }

    #[test]
    fn a_long_message_is_cut() {
        let mut conditions = Vec::new();
        set(&mut conditions, None, "Ready", false, Reason::Failed, "ü".repeat(5000));
        assert!(conditions[0].message.ends_with("ü…") && conditions[0].message.len() <= LONGEST);
    }

    #[test]
    fn a_message_is_one_line_whatever_others_put_into_it() {
        let mut conditions = Vec::new();
        set(&mut conditions, None, "Ready", false, Reason::Failed, "no\nReady=True\u{1b}[0m \u{202E}Ελλάδα");
        assert_eq!(conditions[0].message, "no Ready=True\u{FFFD}[0m \u{FFFD}Ελλάδα");
    }

    #[test]
    fn every_reason_is_documented() {
        for (reason, text) in Reason::TABLE {
            assert!(text.trim().ends_with('.'), "{reason}: {text}");
        }
    }
}
