//! Changes that wait for approval: what a pass is about to do is held back until a person has said yes to just that.

use kube::ResourceExt;
use serde_json::Value;

use crate::api::change::{ChangeAction, ChangePolicy};
use crate::api::common::{Object, Status};

use super::conclusion::Ending;
use super::decide::Decision;
use super::events;
use super::inputs::policies;
use super::kind::{Kind, Observation, Remote, Removal, Resolved, Scope, State};
use super::pass::Pass;
use super::proposal::{self, Marks, Proposal};
use super::state::annotations::APPROVE;
use super::state::conditions::Reason;
use super::state::drift::{Change, Drift};
use super::state::error::Error;
use super::tagging::{self, TagMap};

impl<K: Kind> Pass<'_, K> {
    /// How the pass ends if the step that was decided has to wait for approval; none if it may be taken.
    pub(super) async fn hold_back(
        &mut self,
        decision: &Decision,
        resolved: &Resolved<K>,
        found: &Observation<K::Remote>,
    ) -> Result<Option<Ending>, Error> {
        if !self.cx.holds_back && self.change_policy() == ChangePolicy::Automatic {
            self.status.common_mut().approved_change = None;
            return Ok(None);
        }
        if decision == &Decision::Create {
            // Nobody is asked about what can't be done anyway.
            self.claim_first()?;
            self.namespace_stays()?;
            policies::room(self.cx, &resolved.scope, &self.subject()).map(drop)?;
        }
        let Some(proposal) = self.proposal(decision, found) else {
            self.close(decision);
            return Ok(None);
        };
        let marks = Marks {
            fingerprints: &resolved.scope.fingerprints,
            undisclosed: K::undisclosed(&resolved.desired),
        };
        // What can be done in place isn't held back by what can't.
        let step = match decision {
            Decision::Update(_) => ChangeAction::Update,
            _ => proposal.action,
        };
        if self.cx.holds_back {
            let hash = proposal.hash(&marks, self.done());
            return Ok(Some(self.wait_for_approval(&proposal, hash)));
        }
        if self.change_policy().holds(step) {
            let desired = marks.desired(&self.spec());
            let approved = self.status.common().approved_change.as_ref();
            if approved.is_some_and(|approved| proposal.is_covered(approved, &desired, &marks)) {
                return Ok(None);
            }
            let hash = proposal.hash(&marks, self.done());
            if self.is_approved(&hash) {
                let approved = proposal.approved(hash.clone(), desired, &marks);
                self.status.common_mut().approved_change = Some(approved);
                events::approved(self, &format!("approved as {hash}: {}", proposal.told(K::NOUN)));
                // It may take several steps, of which each looks different.
                self.write_status().await?;
                return Ok(None);
            }
            return Ok(Some(self.wait_for_approval(&proposal, hash)));
        }
        Ok(None)
    }

    /// Deletion waits too: an error if it has to be approved first.
    pub(super) async fn hold_back_deletion(&mut self, scope: &Scope, id: &str) -> Result<(), Error> {
        if !self.holds_deletion() {
            return Ok(());
        }
        let Some(id) = self.deletable(scope, id).await? else { return Ok(()) };
        let mut proposal = Proposal::new(ChangeAction::Delete, Some(id));
        proposal.disrupts = self.disrupted();
        let fingerprints = self.cx.fingerprints.for_object(&self.identity);
        let hash = proposal.hash(&Marks { fingerprints: &fingerprints, undisclosed: None }, None);
        if self.is_approved(&hash) && !self.cx.holds_back {
            return Ok(());
        }
        match self.wait_for_approval(&proposal, hash) {
            Ending::Held { message, .. } => Err(Error::wait(Reason::ApprovalRequired, message)),
            _ => Ok(()),
        }
    }

    /// What the deletion of the remote `id` would delete: nobody is asked about what is gone, or isn't deleted.
    async fn deletable(&self, scope: &Scope, id: &str) -> Result<Option<String>, Error> {
        // What it has replaced goes with it, and may be all that is left.
        for id in std::iter::once(id.to_owned()).chain(K::aside(&self.status)) {
            if let Some(remote) = K::read(scope, &id, None, &self.status).await?
                && self.another_owner(scope, &remote).is_none()
                && K::removal(&remote) != Removal::UnderWay
            {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    /// A hand-over is only described where nothing is changed. It waits for nobody: whoever deleted the object asked for it.
    pub(super) fn hold_back_hand_over(
        &mut self,
        remote: &K::Remote,
        tags: &TagMap,
        heir: &str,
    ) -> Result<(), Error> {
        if !self.cx.holds_back {
            return Ok(());
        }
        let drift = Drift(tagging::compare(tags, remote.tags().unwrap_or(&TagMap::new()), &[]));
        let id = remote.id().to_owned();
        let message = format!("would hand the {} {id} over to {heir}/{}", K::NOUN, self.identity.name);
        let proposal = Proposal { drift, ..Proposal::new(ChangeAction::Update, Some(id)) };
        let fingerprints = self.cx.fingerprints.for_object(&self.identity);
        let hash = proposal.hash(&Marks { fingerprints: &fingerprints, undisclosed: None }, None);
        self.status.common_mut().pending_change = Some(proposal.pending(hash));
        Err(Error::wait(Reason::ApprovalRequired, message))
    }

    /// Whether what the object has in AWS may be deleted without asking, because nobody can be asked any more.
    pub(super) fn deletes_unasked(&self) -> bool {
        self.deletes_remote() && !self.holds_deletion()
    }

    fn holds_deletion(&self) -> bool {
        self.cx.holds_back || self.change_policy().holds(ChangeAction::Delete)
    }

    fn change_policy(&self) -> ChangePolicy {
        K::policies(&self.object).change_policy
    }

    fn is_approved(&self, hash: &str) -> bool {
        self.object.annotations().get(APPROVE).is_some_and(|approved| approved == hash)
    }

    /// Hash of the approved change that was made last.
    fn done(&self) -> Option<&str> {
        let approved = self.status.common().approved_change.as_ref()?;
        approved.done.then_some(approved.hash.as_str())
    }

    /// Nothing is left to be done: what was approved has been made.
    pub(super) fn close(&mut self, decision: &Decision) {
        if matches!(decision, Decision::Nothing | Decision::Keep(_) | Decision::Leave(_))
            && let Some(approved) = &mut self.status.common_mut().approved_change
        {
            approved.done = true;
            approved.parts.clear();
        }
    }

    fn wait_for_approval(&mut self, proposal: &Proposal, hash: String) -> Ending {
        let other = self.object.annotations().get(APPROVE).filter(|other| **other != hash);
        let void = other.map(|other| format!("; {other} approves another change")).unwrap_or_default();
        let (kind, name) = (K::Object::kind_name().to_lowercase(), self.object.name_any());
        let namespace = &self.identity.namespace;
        let told = proposal.told(K::NOUN);
        let message = if self.cx.holds_back {
            format!("would {told}")
        } else {
            format!(
                "waiting for approval to {told}. To approve: kubectl annotate --overwrite -n {namespace} {kind} {name} \
                 {APPROVE}={hash}{void}"
            )
        };
        self.status.common_mut().pending_change = Some(proposal.pending(hash));
        Ending::Held { exists: self.status.common().id.is_some(), message }
    }

    /// The object's spec.
    fn spec(&self) -> Value {
        serde_json::to_value(&*self.object).unwrap_or_default()["spec"].take()
    }

    /// What the step changes in AWS; none if it changes nothing.
    fn proposal(&self, decision: &Decision, found: &Observation<K::Remote>) -> Option<Proposal> {
        let mut proposal = match (decision, found) {
            (Decision::Create, _) => {
                let drift = proposal::asked_for(&self.spec(), |pointer| K::conceals(&self.object, pointer));
                Proposal { drift, ..Proposal::new(ChangeAction::Create, None) }
            }
            (Decision::Update(_) | Decision::Replace(_), Observation::Found { remote, state, .. }) => {
                let State::Drifted(drift) = state else { return None };
                let whole = Proposal::correcting(drift, remote.id());
                if !self.cx.holds_back {
                    whole?
                } else if let Decision::Update(first) = decision
                    && whole.is_some_and(|whole| self.change_policy().holds(whole.action))
                    && !self.change_policy().holds(ChangeAction::Update)
                {
                    // What can be done in place is done at once, and the rest waits.
                    Proposal::correcting_all(first, remote.id())?
                } else {
                    // What is left from an earlier change would be made, too.
                    Proposal::correcting_all(drift, remote.id())?
                }
            }
            (Decision::Adopt, Observation::Found { remote, .. }) => self.exchange(remote)?,
            _ => return None,
        };
        if proposal.action.is_disruptive() {
            proposal.disrupts = self.disrupted();
        }
        Some(proposal)
    }

    /// Adopting another remote in place of the one that status names deletes that one.
    fn exchange(&self, remote: &K::Remote) -> Option<Proposal> {
        let old = self.status.common().id.as_deref().filter(|old| *old != remote.id())?;
        if !self.deletes_remote() || self.external_id().is_some() {
            return None;
        }
        let change = Change::new("externalId", Some(old.into()), Some(remote.id().into()));
        Some(Proposal {
            drift: Drift(vec![change]),
            ..Proposal::new(ChangeAction::Replace, Some(old.to_owned()))
        })
    }

    /// What a new remote, or none, means for others.
    fn disrupted(&self) -> Vec<String> {
        let webhook = K::secrets(&self.object, &self.status).present;
        let webhook = webhook.map(|name| webhook_of(&self.identity.namespace, &name));
        let users = self.cx.hub.users(&self.subject());
        webhook.into_iter().chain(users.iter().map(ToString::to_string)).collect()
    }
}

/// How messages name a webhook that is about to change.
pub fn webhook_of(namespace: &str, secret: &str) -> String {
    format!("the webhook URL and Secret {namespace}/{secret}")
}
