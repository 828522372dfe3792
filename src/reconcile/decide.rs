//! The decision of a pass: at most one step, given what the spec asks for and what was found. Pure.

use crate::api::common::{AdoptionPolicy, ManagementPolicy, Policies};

use super::inputs::access::Access;
use super::kind::{Observation, State, Waiting};
use super::state::conditions::Reason;
use super::state::drift::{Change, Drift, Remedy};
use super::state::ownership::{self, Owner};

/// What the decision needs to know besides the observation.
#[derive(Clone, Debug, Default)]
pub struct Situation {
    /// The policies of the spec.
    pub policies: Policies,
    /// Id recorded in status.
    pub recorded: Option<String>,
    /// Whether a create was started whose response isn't recorded.
    pub intent: bool,
    /// Whether an interactive registration is waiting for a person.
    pub awaiting_person: bool,
    /// Whether the object had, or may have had, a remote that its status no longer names.
    pub lost: bool,
}

/// The one step of a pass.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// Create a remote.
    Create,
    /// Adopt the found remote: record its id, and own it.
    Adopt,
    /// Correct this drift in place.
    Update(Drift),
    /// Replace it with a new remote.
    Replace(Drift),
    /// Nothing differs.
    Nothing,
    /// This differs and isn't corrected: the object only observes.
    Leave(Drift),
    /// The spec no longer sets this, and AWS can't reset it; nothing else differs.
    Keep(Drift),
    /// Nothing can be done now.
    Wait(Waiting),
    /// Nothing can be done until a person acts.
    Stall {
        /// The reason.
        reason: Reason,
        /// The message: what exactly, and what to do.
        message: String,
    },
}

impl Decision {
    /// Whether it changes something that exists, or says of it that it isn't to be had: only a read is evidence enough.
    pub fn is_about_existing(&self) -> bool {
        match self {
            Self::Adopt | Self::Update(_) | Self::Replace(_) | Self::Leave(_) | Self::Stall { .. } => true,
            Self::Create | Self::Nothing | Self::Keep(_) | Self::Wait(_) => false,
        }
    }
}

/// Decides the step of a pass. `noun` and `id` name the remote in messages.
pub fn decide<R>(situation: &Situation, noun: &str, found: &Observation<R>, id: &str) -> Decision {
    match found {
        Observation::Absent => absent(situation, noun),
        Observation::Found { owner, state, access, .. } => {
            match claim(situation, noun, owner, state, access, id) {
                Claim::Refused { reason, message } => Decision::Stall { reason, message },
                Claim::Take => Decision::Adopt,
                Claim::Held => step(situation, noun, state),
            }
        }
    }
}

fn absent(situation: &Situation, noun: &str) -> Decision {
    let observe = situation.policies.management_policy == ManagementPolicy::Observe;
    match &situation.policies.external_id {
        Some(id) => Decision::Stall {
            reason: Reason::NotFound,
            message: format!(
                "the {noun} {id} does not exist in AWS; correct spec.externalId, or omit it to create one"
            ),
        },
        None if observe => Decision::Stall {
            reason: Reason::NotFound,
            message: format!(
                "no matching {noun} exists in AWS, and managementPolicy: Observe does not create one"
            ),
        },
        None if situation.awaiting_person => Decision::Wait(Waiting {
            reason: Reason::AuthorizationRequired,
            message: "a person must open status.authorizationUrl to complete the registration".to_owned(),
            poll: true,
        }),
        None => Decision::Create,
    }
}

/// Whether the object may manage the remote.
enum Claim {
    Held,
    Take,
    Refused { reason: Reason, message: String },
}

fn claim(
    situation: &Situation,
    noun: &str,
    owner: &Owner,
    state: &State,
    access: &Access,
    id: &str,
) -> Claim {
    let policies = &situation.policies;
    if let Access::Refused(message) = access {
        return Claim::Refused { reason: Reason::ReferenceNotAllowed, message: message.clone() };
    }
    let recorded = situation.recorded.as_deref() == Some(id);
    let named = policies.external_id.as_deref() == Some(id);
    if policies.management_policy == ManagementPolicy::Observe {
        return if recorded { Claim::Held } else { Claim::Take };
    }
    let wanted = named || policies.adoption_policy == AdoptionPolicy::Adopt;
    let held = if recorded { Claim::Held } else { Claim::Take };
    match owner {
        Owner::Ours { .. } => held,
        // Without tags, what is in a space of this cluster and is exactly what the object describes counts as what it
        // created.
        Owner::Inherited if situation.lost || is_as_described(state) => held,
        Owner::Inherited | Owner::Untagged if recorded || wanted || situation.intent => held,
        Owner::Given { .. } | Owner::Nobody | Owner::Retained { .. } if recorded || wanted => held,
        Owner::Given { by } => Claim::Refused {
            reason: Reason::AlreadyExists,
            message: format!(
                "the {noun} {id} was handed over by the namespace {by}; set spec.adoptionPolicy to Adopt to adopt it, or \
                 change what identifies it to create another"
            ),
        },
        Owner::Nobody | Owner::Retained { .. } | Owner::Inherited | Owner::Untagged => Claim::Refused {
            reason: Reason::AlreadyExists,
            message: format!(
                "the {noun} {id} matches and was not created by this object; set spec.externalId to {id} or \
                 spec.adoptionPolicy to Adopt to adopt it, or change what identifies it to create another"
            ),
        },
        Owner::Sibling { namespace, name } => Claim::Refused {
            reason: Reason::Conflict,
            message: format!(
                "the {noun} {id} belongs to the object {namespace}/{name} of this cluster; delete one of the two \
                 (with deletionPolicy: Retain to keep the resource), or refer to that object"
            ),
        },
        Owner::Foreign { cluster } => Claim::Refused {
            reason: Reason::Conflict,
            message: format!(
                "the {noun} {id} belongs to the cluster {cluster}; delete it there with deletionPolicy: Retain \
                 and remove its devopsagent.dev tags, or change what identifies it to create another"
            ),
        },
    }
}

/// Whether the remote is what the object describes, as far as the object describes it: a webhook isn't part of that.
pub(super) fn is_as_described(state: &State) -> bool {
    match state {
        State::Drifted(drift) => drift.under("webhook").count() == drift.0.len(),
        _ => true,
    }
}

/// Whether the field exists only for the owner of the remote: owner tags, the webhook's secret, leftovers.
fn is_the_owners(path: &str) -> bool {
    let tag = path.strip_prefix("tags[").and_then(|rest| rest.strip_suffix(']'));
    tag.is_some_and(ownership::is_owner_tag)
        || ["webhook.", "status."].iter().any(|prefix| path.starts_with(prefix))
}

fn step(situation: &Situation, noun: &str, state: &State) -> Decision {
    let observe = situation.policies.management_policy == ManagementPolicy::Observe;
    match state {
        State::Matching => Decision::Nothing,
        State::Waiting(waiting) => Decision::Wait(waiting.clone()),
        State::InTransition(message) => {
            Decision::Wait(Waiting { reason: Reason::InTransition, message: message.clone(), poll: true })
        }
        State::Failed(message) => Decision::Stall { reason: Reason::Failed, message: message.clone() },
        State::Drifted(drift) if observe => {
            // What only an owner sets says nothing about how AWS differs from the spec.
            let others = drift.0.iter().filter(|change| !is_the_owners(&change.path));
            let others: Drift = others.cloned().collect();
            if others.is_empty() { Decision::Nothing } else { Decision::Leave(others) }
        }
        State::Drifted(drift) => {
            let stays = |change: &&Change| matches!(change.remedy, Remedy::Stays(_));
            let (kept, drift): (Vec<&Change>, Vec<&Change>) = drift.0.iter().partition(stays);
            let drift: Drift = drift.into_iter().cloned().collect();
            if drift.is_empty() {
                return Decision::Keep(kept.into_iter().cloned().collect());
            }
            let impossible: Vec<_> = drift.fixed_by(Remedy::Impossible).map(ToString::to_string).collect();
            if !impossible.is_empty() {
                return Decision::Stall {
                    reason: Reason::Invalid,
                    message: format!(
                        "AWS can't change {} of the {noun}; delete and recreate the object",
                        impossible.join(", ")
                    ),
                };
            }
            // In place first: what can be corrected without a new remote may make the new one unnecessary.
            if drift.fixed_by(Remedy::InPlace).next().is_some() {
                Decision::Update(Drift(drift.fixed_by(Remedy::InPlace).cloned().collect()))
            } else {
                Decision::Replace(drift)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWNERS: [&str; 8] =
        ["ours", "given", "inherited", "untagged", "nobody", "retained", "sibling", "foreign"];

    fn owner(name: &str) -> Owner {
        let (namespace, object) = ("other".to_owned(), "o".to_owned());
        match name {
            "ours" => Owner::Ours { current: false },
            "given" => Owner::Given { by: namespace },
            "inherited" => Owner::Inherited,
            "untagged" => Owner::Untagged,
            "nobody" => Owner::Nobody,
            "retained" => Owner::Retained { namespace, name: object },
            "sibling" => Owner::Sibling { namespace, name: object },
            _ => Owner::Foreign { cluster: "c2".into() },
        }
    }

    fn drifted(path: &str) -> State {
        State::Drifted(Drift(vec![Change::hidden(path)]))
    }

    fn decided(situation: &Situation, owner: Owner, state: State, access: Access) -> Decision {
        decide(situation, "thing", &Observation::Found { remote: (), owner, state, access }, "id-1")
    }

    fn is_refused(decision: &Decision, reason: Reason) -> bool {
        matches!(decision, Decision::Stall { reason: found, .. } if *found == reason)
    }

    /// What to do with a remote that the object didn't record, depending on its owner.
    fn outcomes(situation: &Situation, state: &State) -> Vec<(&'static str, &'static str)> {
        let outcome = |name: &'static str| {
            let decision = decided(situation, owner(name), state.clone(), Access::Granted);
            let word = match decision {
                Decision::Adopt => "adopt",
                Decision::Stall { reason: Reason::AlreadyExists, .. } => "exists",
                Decision::Stall { reason: Reason::Conflict, .. } => "conflict",
                _ => "other",
            };
            (name, word)
        };
        OWNERS.into_iter().map(outcome).collect()
    }

    #[test]
    fn refuse_refuses_what_differs_and_was_not_made_by_the_object() {
        let refuse = Situation::default();
        let all = |words: [&'static str; 8]| OWNERS.into_iter().zip(words).collect::<Vec<_>>();
        assert_eq!(
            outcomes(&refuse, &drifted("metadata")),
            all(["adopt", "exists", "exists", "exists", "exists", "exists", "conflict", "conflict"])
        );
        let equal = all(["adopt", "exists", "adopt", "exists", "exists", "exists", "conflict", "conflict"]);
        assert_eq!(outcomes(&refuse, &State::Matching), equal);
        assert_eq!(
            outcomes(&refuse, &drifted("webhook.secret")),
            equal,
            "a lost webhook is no other association"
        );
        let lost = Situation { lost: true, ..Situation::default() };
        assert_eq!(outcomes(&lost, &drifted("metadata")), equal, "its status was lost");
        let policies = Policies { adoption_policy: AdoptionPolicy::Adopt, ..Policies::default() };
        assert_eq!(
            outcomes(&Situation { policies, ..Situation::default() }, &drifted("metadata")),
            all(["adopt", "adopt", "adopt", "adopt", "adopt", "adopt", "conflict", "conflict"])
        );
    }

    #[test]
    fn without_access_nothing_is_adopted_observed_or_changed() {
        let refused = || Access::Refused("no consent".into());
        for management_policy in [ManagementPolicy::Manage, ManagementPolicy::Observe] {
            for recorded in [None, Some("id-1".to_owned())] {
                let policies = Policies {
                    management_policy,
                    adoption_policy: AdoptionPolicy::Adopt,
                    ..Policies::default()
                };
                let situation = Situation { policies, recorded, ..Situation::default() };
                for name in OWNERS {
                    let decision = decided(&situation, owner(name), drifted("name"), refused());
                    assert!(is_refused(&decision, Reason::ReferenceNotAllowed), "{name}: {decision:?}");
                }
            }
        }
    }

    #[test]
    fn who_observes_takes_what_may_be_reached_and_never_writes() {
        let policies = Policies { management_policy: ManagementPolicy::Observe, ..Policies::default() };
        for name in OWNERS {
            let fresh = Situation { policies: policies.clone(), ..Situation::default() };
            assert_eq!(decided(&fresh, owner(name), drifted("name"), Access::Granted), Decision::Adopt);
            let recorded = Situation { recorded: Some("id-1".into()), ..fresh };
            let decision = decided(&recorded, owner(name), drifted("name"), Access::Granted);
            assert!(matches!(decision, Decision::Leave(_)), "{name}: {decision:?}");
        }
    }

    #[test]
    fn what_only_an_owner_sets_is_no_drift_for_who_observes() {
        let policies = Policies { management_policy: ManagementPolicy::Observe, ..Policies::default() };
        let situation = Situation { policies, recorded: Some("id-1".into()), ..Situation::default() };
        let changes = ["tags[devopsagent.dev/cluster]", "webhook.secret"].map(Change::hidden);
        let found = |changes: Vec<Change>| {
            decided(&situation, Owner::Nobody, State::Drifted(Drift(changes)), Access::Granted)
        };
        assert_eq!(found(changes.to_vec()), Decision::Nothing);
        let more = [changes.to_vec(), vec![Change::hidden("tags[team]")]].concat();
        assert_eq!(found(more), Decision::Leave(Drift(vec![Change::hidden("tags[team]")])));
    }
}
