//! One pass over one object: the whole lifecycle, in reading order.
//!
//! Resolve, observe, decide, act, conclude. Every pass can start from nothing but the spec and AWS.

use std::borrow::Cow;
use std::time::Duration;

use kube::{Api, Resource, ResourceExt};
use tracing::{debug, warn};

use crate::api::common::{DeletionPolicy, ManagementPolicy, Object, Policies, Status};
use crate::reconcile::state::subject::Subject;

use super::backoff;
use super::conclusion::{self, Action, Ending};
use super::context::Context;
use super::decide::{Decision, Situation, decide};
use super::events::{self, Telling};
use super::inputs::{Inputs, policies, proof};
use super::kind::{Kind, Observation, Remote, Resolved, Scope, StatusOf};
use super::owned::{self, Fields};
use super::state::annotations::{self, RECONCILE_REQUESTED};
use super::state::conditions::{self, Reason};
use super::state::drift::Drift;
use super::state::error::Error;
use super::state::existence::Existence;
use super::state::ownership::Identity;
use super::state::{finalizer, status, summary};

/// A pass in progress.
pub struct Pass<'a, K: Kind> {
    pub(super) cx: &'a Context,
    /// The object, with the trusted part of its status.
    pub(super) object: Cow<'a, K::Object>,
    pub(super) api: Api<K::Object>,
    pub(super) identity: Identity,
    /// Status as it is stored.
    pub(super) stored: StatusOf<K>,
    /// It is no longer stored: an older one arrived late.
    overwritten: bool,
    /// Status as it will be written.
    pub(super) status: StatusOf<K>,
    /// The fields that the spec sets.
    pub(super) fields: Fields,
    /// The id in a status that isn't trusted: only where to look first.
    pub(super) hint: Option<String>,
    /// Whether a create was in progress when the pass began.
    pub(super) intended: bool,
    /// What status said about AWS when the pass began.
    before: Existence,
    /// What happened, to be reported when status is written.
    pub(super) events: Vec<Telling>,
    /// The remote that this pass created, while status doesn't name it yet.
    pub(super) made: Option<(Scope, String)>,
    /// Whether the finalizer is on the object.
    pub(super) held: bool,
    /// Why there is a pass.
    occasion: Occasion,
}

/// Why there is a pass, as far as it matters.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Occasion {
    /// An edit, or a timer.
    Usual,
    /// What the object refers to has changed, or its status.
    News,
    /// A person requested it, and this is the first one since.
    Request,
}

impl<'a, K: Kind> Pass<'a, K> {
    /// A pass over `object`, which `api` reaches.
    pub fn new(cx: &'a Context, object: &'a K::Object, api: Api<K::Object>) -> Self {
        let identity = Identity::of(object, &cx.cluster_id);
        let occasion = if cx.hub.take_news(&Subject::of(object)) { Occasion::News } else { Occasion::Usual };
        let (stored, overwritten) = cx.written.newest(object);
        let held = finalizer::is_on(object);
        let (mut object, mut status, mut hint) = (Cow::Borrowed(object), stored.clone(), None);
        if !proof::is_believed(cx, &*object, &stored) {
            warn!("someone else wrote to the status; looking the resource up in AWS");
            status = proof::without_word(&stored);
            hint.clone_from(&stored.common().id);
            object.to_mut().set_status(status.clone());
        } else if status.common().proof.is_none() && !status.common().owned_fields.is_empty() {
            // A status that is trusted without a seal was written by a version that didn't know the record.
            status.common_mut().owned_fields.clear();
            object.to_mut().set_status(status.clone());
        }
        let fields = owned::fields::<K>(&object);
        let intended = status.common().intent.is_some();
        let before = Existence::recorded_in(status.common());
        Self {
            cx,
            object,
            api,
            identity,
            stored,
            overwritten,
            status,
            fields,
            hint,
            intended,
            before,
            events: Vec::new(),
            made: None,
            held,
            occasion,
        }
    }

    /// The object as others refer to it.
    pub fn subject(&self) -> Subject {
        self.identity.subject()
    }

    /// Makes AWS match the object; returns when the next pass is due.
    pub async fn apply(mut self) -> Action {
        let result = if self.is_paused() { Ok(Ending::Paused) } else { self.reconcile().await };
        self.conclude(result).await
    }

    async fn reconcile(&mut self) -> Result<Ending, Error> {
        self.status.common_mut().pending_change = None;
        let request = self.object.annotations().get(RECONCILE_REQUESTED).filter(|_| self.is_requested());
        if request.is_some_and(|value| self.cx.requests.begin(&self.identity.uid, value)) {
            self.occasion = Occasion::Request;
            self.cx.breaker.reset(&self.identity.uid);
        }
        let mut resolved = match K::resolve(&self.object, &self.inputs(false)).await {
            Ok(resolved) => resolved,
            Err(error) => return Err(self.unresolved(error).await),
        };
        self.open_eyes(&mut resolved);
        self.check_account(&resolved.scope).await?;
        policies::check(self.cx, &resolved.scope, &*self.object)?;
        self.check_reached(&resolved.scope, &resolved.desired).await?;
        K::place(&resolved.scope, &mut self.status);
        let (mut found, mut decision) = self.look(&resolved).await?;
        if decision.is_about_existing() && !resolved.scope.sight.is_confirming() {
            // A mirror may be behind: what is about to be changed is read first, with its tags.
            resolved.scope.sight.confirm();
            if self.status.common().id.is_none() {
                // Something was found: until that is confirmed, status must not say that nothing exists.
                self.status.common_mut().account = None;
            }
            (found, decision) = self.look(&resolved).await?;
        }
        self.record_account(&resolved.scope);
        self.pin_account(&resolved.scope, &found).await;
        if let Observation::Found { remote, .. } = &found
            && !matches!(
                decision,
                // What isn't ours isn't described; what is adopted is, in the next pass.
                Decision::Adopt
                    | Decision::Stall {
                        reason: Reason::AlreadyExists | Reason::Conflict | Reason::ReferenceNotAllowed,
                        ..
                    }
            )
        {
            K::describe(&resolved.desired, remote, &mut self.status);
        }
        if let Some(held) = self.hold_back(&decision, &resolved, &found).await? {
            return Ok(held);
        }
        self.act(decision, &resolved, found).await
    }

    /// How the pass sees AWS at first. Mirrors are enough to find that an object is still up to date; what is in transition,
    /// was edited, or is asked for by a person is read. A search needs a list that began after its cause: after the object
    /// came to be as it is, or, if it may have created something already, after the beginning of the pass.
    fn open_eyes(&self, resolved: &mut Resolved<K>) {
        let common = self.stored.common();
        let settled = conditions::is_settled(common, self.object.meta().generation)
            && conditions::is_true(&common.conditions, "Synced");
        let searches = self.status.common().id.is_none() && self.external_id().is_none();
        if self.occasion == Occasion::Request || self.hint.is_some() || !(settled || searches) {
            return;
        }
        let lost = self.held && self.before != Existence::Recorded;
        let pending =
            self.status.common().intent.is_some() || K::awaits_person(&resolved.desired, &self.status);
        let arrived = self.cx.arrivals.age(&self.identity.uid).filter(|_| !lost && !pending);
        resolved.scope.sight.look(arrived);
    }

    /// Observes and decides.
    async fn look(&mut self, resolved: &Resolved<K>) -> Result<(Observation<K::Remote>, Decision), Error> {
        let found = self.observe(resolved).await?;
        let id = match &found {
            Observation::Found { remote, .. } => remote.id().to_owned(),
            Observation::Absent => String::new(),
        };
        let decision = decide(&self.situation(resolved), K::NOUN, &found, &id);
        debug!(?decision, id, confirming = resolved.scope.sight.is_confirming(), "decided");
        Ok((found, decision))
    }

    /// Takes the step that was decided: at most one mutating call.
    async fn act(
        &mut self,
        decision: Decision,
        resolved: &Resolved<K>,
        found: Observation<K::Remote>,
    ) -> Result<Ending, Error> {
        match (decision, found) {
            (Decision::Create, _) => self.create(resolved).await,
            (Decision::Adopt, Observation::Found { remote, owner, .. }) => {
                self.adopt(&resolved.scope, &remote, &owner).await
            }
            (Decision::Update(drift), Observation::Found { remote, .. }) => {
                self.update(resolved, &remote, drift).await
            }
            (Decision::Replace(drift), Observation::Found { remote, .. }) => {
                self.replace(resolved, &remote, drift).await
            }
            (Decision::Leave(drift), _) => Ok(Ending::Left(format!(
                "AWS differs in {drift}; not corrected because of managementPolicy: Observe"
            ))),
            (Decision::Keep(left), _) => {
                self.settle(&left);
                Ok(Ending::Left(owned::told(&left)))
            }
            (Decision::Wait(waiting), _) => Ok(Ending::Waiting(waiting)),
            (Decision::Stall { reason: Reason::Failed, message }, Observation::Found { remote, .. }) => {
                if self.manages() && !self.cx.holds_back {
                    self.cx.fence.check()?;
                    K::recheck(&resolved.scope, &remote).await?;
                }
                Ok(Ending::Stalled { reason: Reason::Failed, message })
            }
            (Decision::Stall { reason, message }, _) => {
                if reason == Reason::ReferenceNotAllowed && !self.manages() {
                    // What may not be observed isn't shown, and others can't use its id.
                    self.status = proof::without_word(&self.status);
                    self.record_account(&resolved.scope);
                }
                Ok(Ending::Stalled { reason, message })
            }
            (Decision::Nothing | Decision::Adopt | Decision::Update(_) | Decision::Replace(_), _) => {
                self.settle(&Drift::default());
                Ok(Ending::Settled)
            }
        }
    }

    pub(super) fn forget_remote(&mut self) {
        let common = self.status.common_mut();
        common.lost_id = common.id.take().or(common.lost_id.take());
        common.intent = None;
        common.fingerprint = None;
        common.tag_keys.clear();
        common.owned_fields.clear();
        common.account_id = None;
        common.region = None;
        K::forget(&mut self.status);
    }

    pub(super) fn inputs(&self, deleting: bool) -> Inputs<'a> {
        let common = self.status.common();
        let settled = conditions::is_settled(self.stored.common(), self.object.meta().generation);
        let exists = Existence::recorded_in(common) == Existence::Recorded;
        let recorded = common.account.clone().filter(|_| exists);
        let asked = self.occasion == Occasion::Request || self.is_requested();
        let changed = conditions::is_new(self.stored.common(), self.object.meta().generation);
        let priority = conditions::urgency(asked || changed, settled && self.occasion == Occasion::Usual);
        Inputs::new(self.cx, self.identity.clone(), deleting, priority).recorded_in(recorded)
    }

    pub(super) fn situation(&self, resolved: &Resolved<K>) -> Situation {
        let common = self.status.common();
        Situation {
            policies: Policies { external_id: self.external_id(), ..K::policies(&self.object) },
            recorded: common.id.clone(),
            intent: common.intent.is_some(),
            lost: self.held && self.before == Existence::Unknown,
            // A pass requested while an address is waiting to be opened means that a new one is wanted: the old one has
            // expired.
            awaiting_person: K::awaits_person(&resolved.desired, &self.status)
                && self.occasion != Occasion::Request,
        }
    }

    pub(super) fn is_paused(&self) -> bool {
        annotations::is_paused(&*self.object)
    }

    /// Whether a person requested a pass that hasn't run yet.
    fn is_requested(&self) -> bool {
        annotations::is_requested(&*self.object, self.status.common())
    }

    /// Whether deleting the object deletes the remote.
    pub(super) fn deletes_remote(&self) -> bool {
        self.manages() && K::policies(&self.object).deletion_policy == DeletionPolicy::Delete
    }

    /// Whether the object may write to its remote at all.
    pub(super) fn manages(&self) -> bool {
        K::policies(&self.object).management_policy == ManagementPolicy::Manage
    }

    /// Creating something in a namespace that is being deleted is futile: its Secrets may be gone before their objects.
    pub(super) fn namespace_stays(&self) -> Result<(), Error> {
        let namespace = &self.identity.namespace;
        if !self.cx.hub.is_going(namespace) {
            return Ok(());
        }
        Err(Error::wait(Reason::Deleting, format!("the namespace {namespace} is being deleted")))
    }

    /// The time for which a new object that waits for others still says nothing about that.
    fn is_early(&self, result: &Result<Ending, Error>) -> Option<Duration> {
        let waits = matches!(
            result,
            Err(Error::Wait { reason: Reason::DependencyNotReady | Reason::DependencyNotFound, .. })
        );
        // The CRDs begin a status with -1, so that nobody takes an object without one for ready.
        let is_new = self.stored.common().observed_generation.is_none_or(|generation| generation < 0);
        if !waits || self.held || !is_new {
            return None;
        }
        let rest = self.cx.timing.early.saturating_sub(self.cx.early.age(&self.identity.uid));
        (!rest.is_zero()).then_some(rest)
    }

    /// Adds the finalizer to the object as soon as there is, or may be, something that only it knows about.
    async fn hold(&mut self) -> Result<(), Error> {
        let exists = Existence::recorded_in(self.status.common()) == Existence::Recorded;
        // On a paused object, the finalizer may have been removed on purpose.
        if self.held || self.is_paused() || (K::HAS_REMOTE && !exists) {
            return Ok(());
        }
        self.cx.fence.check()?;
        finalizer::put(&self.api, &*self.object).await?;
        self.held = true;
        Ok(())
    }

    /// Writes the status if it changed, after adding the finalizer if it names a remote.
    pub(super) async fn write_status(&mut self) -> Result<(), Error> {
        self.hold().await?;
        let fingerprints = self.cx.fingerprints.for_object(&self.identity);
        self.status.common_mut().proof = proof::seal(&fingerprints, &self.status);
        if self.status == self.stored && !self.overwritten {
            return Ok(());
        }
        self.cx.fence.check()?;
        if status::write(&self.cx.written, &self.api, &*self.object, &self.status).await? {
            self.cx.hub.wake(&self.subject());
        }
        self.stored = self.status.clone();
        self.overwritten = false;
        Ok(())
    }

    /// The end of every pass: conditions, Events, status, and when the next pass is due.
    pub(super) async fn conclude(mut self, result: Result<Ending, Error>) -> Action {
        if let Some(rest) = self.is_early(&result) {
            return Action::requeue(rest);
        }
        let handled = self.object.annotations().get(RECONCILE_REQUESTED).cloned();
        let more = K::more_conditions(&self.object, &self.status);
        let verdict =
            conclusion::of(result, self.object.meta().generation, handled, self.status.common_mut());
        let needless = K::needless_conditions(&self.object);
        conclusion::more(more, needless, self.object.meta().generation, self.status.common_mut());
        summary::set(verdict.ending.as_ref().err(), self.status.common_mut());
        events::transition(&mut self, &verdict);
        let written = self.write_status().await;
        if written.is_err() && self.abandon().await {
            return Action::await_change();
        }
        events::publish(&mut self).await;
        let failures = &self.cx.failures;
        let before = match (&written, &verdict.pace) {
            (Ok(()), conclusion::Pace::Even) => {
                failures.forget(&self.identity.uid);
                0
            }
            _ => failures.count(&self.identity.uid),
        };
        if let Err(error) = written {
            // Drift that comes back because it wasn't recorded isn't AWS's fault.
            self.cx.breaker.reset(&self.identity.uid);
            tracing::warn!(%error, "the pass could not be recorded");
            return Action::requeue(backoff::retry(&self.cx.timing, before.max(1), backoff::draw()));
        }
        verdict.next(&self.cx.timing_of(K::Object::kind_name()), before)
    }
}
