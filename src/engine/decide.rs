//! The decision of a pass: from what is asked and what was found to at most one step. Pure.

use crate::api::common::{AdoptionPolicy, ManagementPolicy, Policies};

use super::conditions::Reason;
use super::drift::{Drift, Remedy};
use super::kind::{Observation, State, Waiting};
use super::ownership::Owner;

/// What the decision needs to know beside the observation.
#[derive(Clone, Debug, Default)]
pub struct Situation {
    /// The policies of the spec.
    pub policies: Policies,
    /// Id recorded in status.
    pub recorded: Option<String>,
    /// Whether a create was started whose answer is not recorded.
    pub intent: bool,
    /// Whether an interactive registration waits for a person.
    pub awaiting_person: bool,
}

/// The one step of a pass.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// Make a remote.
    Create,
    /// Take up the found remote: record its id, and own it.
    Adopt,
    /// Mend this drift in place.
    Update(Drift),
    /// Put a new remote in its place.
    Replace(Drift),
    /// Nothing differs.
    Nothing,
    /// This differs, and is left as it is: the object only observes.
    Leave(Drift),
    /// Nothing can be done now.
    Wait(Waiting),
    /// Nothing can be done until a person acts.
    Stall {
        /// What kind of thing.
        reason: Reason,
        /// What exactly, and what to do.
        message: String,
    },
}

/// Decides the step of a pass. `noun` and `id` name the remote in messages.
pub fn decide<R>(situation: &Situation, noun: &str, found: &Observation<R>, id: &str) -> Decision {
    match found {
        Observation::Absent => absent(situation, noun),
        Observation::Found { owner, state, .. } => match claim(situation, noun, owner, id) {
            Claim::Refused { reason, message } => Decision::Stall { reason, message },
            Claim::Take => Decision::Adopt,
            Claim::Held => step(situation, noun, state),
        },
    }
}

fn absent(situation: &Situation, noun: &str) -> Decision {
    let observe = situation.policies.management_policy == ManagementPolicy::Observe;
    match &situation.policies.external_id {
        Some(id) => Decision::Stall {
            reason: Reason::NotFound,
            message: format!(
                "there is no {noun} {id} in AWS; correct spec.externalId, or leave it out to create one"
            ),
        },
        None if observe => Decision::Stall {
            reason: Reason::NotFound,
            message: format!(
                "there is no such {noun} in AWS, and managementPolicy: Observe does not create one"
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

/// Whether the object may work on the remote.
enum Claim {
    Held,
    Take,
    Refused { reason: Reason, message: String },
}

fn claim(situation: &Situation, noun: &str, owner: &Owner, id: &str) -> Claim {
    let policies = &situation.policies;
    let recorded = situation.recorded.as_deref() == Some(id);
    let named = policies.external_id.as_deref() == Some(id);
    if policies.management_policy == ManagementPolicy::Observe {
        return if recorded { Claim::Held } else { Claim::Take };
    }
    let wanted = named || policies.adoption_policy == AdoptionPolicy::Adopt;
    let held = if recorded { Claim::Held } else { Claim::Take };
    match owner {
        Owner::Ours { .. } | Owner::Inherited => held,
        Owner::Untagged if recorded || wanted || situation.intent => held,
        Owner::Nobody if recorded || wanted => held,
        Owner::Nobody | Owner::Untagged => Claim::Refused {
            reason: Reason::AlreadyExists,
            message: format!(
                "the {noun} {id} matches and was not created by this object; set spec.externalId to {id} or \
                 spec.adoptionPolicy to Adopt to take it over, or change what identifies it to create another"
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

fn step(situation: &Situation, noun: &str, state: &State) -> Decision {
    let observe = situation.policies.management_policy == ManagementPolicy::Observe;
    match state {
        State::Matching => Decision::Nothing,
        State::Waiting(waiting) => Decision::Wait(waiting.clone()),
        State::InTransition(message) => {
            Decision::Wait(Waiting { reason: Reason::InTransition, message: message.clone(), poll: true })
        }
        State::Failed(message) => Decision::Stall { reason: Reason::Failed, message: message.clone() },
        State::Drifted(drift) if observe => Decision::Leave(drift.clone()),
        State::Drifted(drift) => {
            let impossible: Vec<_> = drift.mended_by(Remedy::Impossible).map(ToString::to_string).collect();
            if !impossible.is_empty() {
                return Decision::Stall {
                    reason: Reason::Invalid,
                    message: format!(
                        "AWS has no way to change {} of the {noun}; delete the object and create it anew",
                        impossible.join(", ")
                    ),
                };
            }
            // In place first: what can be mended without a new remote may make the new one needless.
            if drift.mended_by(Remedy::InPlace).next().is_some() {
                Decision::Update(Drift(drift.mended_by(Remedy::InPlace).cloned().collect()))
            } else {
                Decision::Replace(drift.clone())
            }
        }
    }
}
