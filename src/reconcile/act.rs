//! The steps that a pass can take: create, adopt, update, replace. Each makes at most one mutating call.

use kube::Resource;
use tracing::info;

use crate::api::common::{Intent, Object, Status};
use crate::kubernetes::stored;

use super::conclusion::Ending;
use super::decide::{Decision, decide};
use super::inputs::access::Access;
use super::inputs::policies;
use super::kind::{Created, Kind, Observation, Remote, Replacement, Resolved, Scope};
use super::pass::Pass;
use super::state::annotations::{self, RECONCILE_REQUESTED};
use super::state::conditions::Reason;
use super::state::drift::{Change, Drift, Remedy};
use super::state::error::Error;
use super::state::fingerprint;
use super::state::ownership::{Identity, Owner};
use super::{events, owned};

impl<K: Kind> Pass<'_, K> {
    pub(super) async fn create(&mut self, resolved: &Resolved<K>) -> Result<Ending, Error> {
        self.claim_first()?;
        let created = self.make(resolved).await?;
        events::created(self, K::NOUN, created.id.as_deref());
        let Some(left) = self.record(created) else { return Ok(Ending::Again) };
        if K::secrets(&self.object, &self.status).present.is_none() {
            return Ok(self.after_write(resolved, Some(left)));
        }
        // What was resolved doesn't know the Secret that has just been written.
        self.object.to_mut().set_status(self.status.clone());
        let resolved = K::resolve(&self.object, &self.inputs(false)).await;
        Ok(resolved.map_or(Ending::Again, |resolved| self.after_write(&resolved, Some(left))))
    }

    /// How a pass ends that has written: if the response tells all of the remote and nothing is left to do, there is no
    /// need to read it.
    fn after_write(&mut self, resolved: &Resolved<K>, left: Option<K::Remote>) -> Ending {
        let Some(left) = left else { return Ending::Again };
        let desired = &resolved.desired;
        K::describe(desired, &left, &mut self.status);
        let state = self.state(desired, &left);
        let owner = Owner::Ours { current: true };
        let found = Observation::Found { remote: left, owner, state, access: Access::Granted };
        let id = self.status.common().id.clone().unwrap_or_default();
        let decision = decide(&self.situation(resolved), K::NOUN, &found, &id);
        self.close(&decision);
        match decision {
            Decision::Nothing => {
                self.own_as_set(&Drift::default());
                Ending::Settled
            }
            Decision::Keep(kept) => {
                self.own_as_set(&kept);
                Ending::Left(owned::told(&kept))
            }
            Decision::Wait(waiting) => Ending::Waiting(waiting),
            _ => Ending::Again,
        }
    }

    /// Calls create once, after recording the intent: if the response is lost, the next pass knows what to search for.
    async fn make(&mut self, resolved: &Resolved<K>) -> Result<Created<K::Remote>, Error> {
        self.namespace_stays()?;
        let _room = policies::room(self.cx, &resolved.scope, &self.subject())?;
        let secret = self.rehearse(resolved).await?;
        let mut before = None;
        if let Some(operation) = K::CREATE {
            self.wait_for_lost_answer(operation)?;
            before = self.own_all();
            if let Some(name) = secret {
                K::secret_comes(&mut self.status, &name);
            }
            self.status.common_mut().intent = Some(Intent {
                operation: operation.to_owned(),
                fingerprint: K::sent(&resolved.desired),
                sought: K::sought(&resolved.desired).map(|key| fingerprint::digest(&key)),
            });
            self.pin_place(&resolved.scope).await;
            self.write_status().await?;
        }
        self.cx.fence.check()?;
        match K::create(&resolved.scope, &resolved.desired, &self.status).await {
            Ok(mut created) => {
                self.made = created.id.clone().map(|id| (resolved.scope.clone(), id));
                if let Some(secret) = created.secret.take() {
                    self.deliver(&resolved.desired, &secret).await?;
                }
                Ok(created)
            }
            Err(error) if error.had_no_effect() => {
                self.status.common_mut().intent = None;
                self.unpin_place();
                self.disown(before);
                Err(error)
            }
            Err(error) => Err(error),
        }
    }

    /// After a create whose response was lost, lists may need a moment to show what it created: repeating it at once
    /// could create two.
    fn wait_for_lost_answer(&self, operation: &str) -> Result<(), Error> {
        if !self.intended || self.cx.unknown.age(&self.identity.uid) >= self.cx.timing.unknown_outcome {
            self.cx.unknown.forget(&self.identity.uid);
            return Ok(());
        }
        Err(Error::poll(
            Reason::Progressing,
            format!(
                "the response to {operation} was lost; checking whether it took effect before trying again"
            ),
        ))
    }

    fn record(&mut self, created: Created<K::Remote>) -> Option<K::Remote> {
        if let Some(id) = &created.id {
            self.cx.fresh.made(&self.identity.uid, id);
        }
        K::set_authorization_url(&mut self.status, created.authorization_url);
        let common = self.status.common_mut();
        common.id = created.id.or(common.id.take());
        common.intent = None;
        common.fingerprint = created.fingerprint;
        common.tag_keys = created.tag_keys;
        owned::settle(common, &self.fields, &Drift::default());
        created.left
    }

    pub(super) async fn adopt(
        &mut self,
        scope: &Scope,
        remote: &K::Remote,
        owner: &Owner,
    ) -> Result<Ending, Error> {
        if self.manages() {
            self.claim_first()?;
        }
        if matches!(owner, Owner::Ours { .. }) {
            // An earlier object of the same name left it behind: if this object vanishes as well, nobody else will
            // delete it.
            self.made = Some((scope.clone(), remote.id().to_owned()));
        }
        let named = self.external_id().filter(|named| named == remote.id());
        let keeps_old = named.is_some() && !self.deletes_remote();
        if keeps_old && self.status.common().id.as_deref().is_some_and(|old| old != remote.id()) {
            self.release_secrets().await?;
        }
        let common = self.status.common_mut();
        let old = common.id.replace(remote.id().to_owned()).filter(|old| old != remote.id());
        if named.is_some() {
            common.adopted_from = named;
        }
        let intent = common.intent.take();
        let lost_answer = intent.is_some();
        // What a remote with a lost response was created from is known, so an edit since then is noticed.
        if let Some(sent) = intent.and_then(|intent| intent.fingerprint) {
            common.fingerprint = Some(sent);
        }
        K::set_authorization_url(&mut self.status, None);
        if let Some(old) = old {
            if keeps_old {
                // The spec now names another one, and never asked for this one to be deleted.
                events::kept(self, &format!("left the {} {old} in AWS: the spec now names another", K::NOUN));
            } else {
                K::set_aside(&mut self.status, old);
            }
            // What status knew besides the id was about the old one.
            K::forget(&mut self.status);
            if !lost_answer {
                self.status.common_mut().owned_fields.clear();
            }
        }
        if lost_answer {
            K::answer_lost(&mut self.status);
        }
        if !K::HAS_REMOTE {
            return Ok(Ending::Again);
        }
        info!(id = remote.id(), ?owner, lost_answer, "adopted the {}", K::NOUN);
        Ok(Ending::Adopted { id: remote.id().to_owned() })
    }

    pub(super) async fn update(
        &mut self,
        resolved: &Resolved<K>,
        remote: &K::Remote,
        drift: Drift,
    ) -> Result<Ending, Error> {
        if let Some(stalled) = self.broken(&drift) {
            return Ok(stalled);
        }
        let before = self.own_touched(&drift);
        if before.is_some() {
            self.write_status().await?;
        }
        self.cx.fence.check()?;
        let aside = K::aside(&self.status);
        K::uncertain(&resolved.scope, remote.id());
        let updated = K::update(&resolved.scope, &resolved.desired, remote, &drift, &mut self.status).await;
        if !updated.as_ref().is_ok_and(|updated| updated.left.is_some()) {
            K::uncertain(&resolved.scope, remote.id());
        }
        let mut updated = match updated {
            Err(error) if error.had_no_effect() => {
                self.disown(before);
                return Err(error);
            }
            updated => updated?,
        };
        owned::release(self.status.common_mut(), &drift, &updated.changed);
        self.update_secrets(&resolved.desired, &mut updated).await?;
        self.cx.breaker.wrote(&self.identity.uid, self.object.meta().generation, &drift);
        let kept = K::aside(&self.status);
        for old in aside.iter().filter(|old| !kept.contains(old)) {
            events::deleted(self, K::NOUN, old);
        }
        let told =
            |change: &Change| updated.changed.contains(&change.path) && !change.path.starts_with("status.");
        let changed = Drift(drift.0.into_iter().filter(told).collect());
        if !changed.is_empty() {
            events::updated(self, K::NOUN, remote.id(), &changed);
        }
        Ok(self.after_write(resolved, updated.left))
    }

    pub(super) async fn replace(
        &mut self,
        resolved: &Resolved<K>,
        remote: &K::Remote,
        drift: Drift,
    ) -> Result<Ending, Error> {
        if let Some(stalled) = self.broken(&drift) {
            return Ok(stalled);
        }
        self.namespace_stays()?;
        let why = Drift(drift.fixed_by(Remedy::Replace).cloned().collect());
        let (scope, desired) = (&resolved.scope, &resolved.desired);
        let replacement = K::replacement(desired, remote, &drift, &self.status);
        if !matches!(replacement, Replacement::Wait(_)) {
            self.check_current("replaced").await?;
        }
        match replacement {
            Replacement::Wait(waiting) => return Ok(Ending::Waiting(waiting)),
            Replacement::MakeBeforeBreak => {
                let created = match self.make(resolved).await {
                    Err(Error::Aws { source, .. })
                        if source.is_conflict() && K::yields(desired, remote, &mut self.status) =>
                    {
                        info!(id = remote.id(), %source, "the old {} must be deleted first", K::NOUN);
                        return Ok(Ending::Again);
                    }
                    created => created?,
                };
                let done = created.id.is_some();
                self.record(created);
                if done {
                    K::set_aside(&mut self.status, remote.id().to_owned());
                }
            }
            Replacement::BreakBeforeMake => {
                self.rehearse(resolved).await?;
                self.delete_remote(scope, remote.id()).await?;
                self.forget_remote();
            }
        }
        self.cx.breaker.wrote(&self.identity.uid, self.object.meta().generation, &drift);
        events::replaced(self, K::NOUN, remote.id(), &why);
        Ok(Ending::Again)
    }

    /// What can't be undone isn't begun on the word of a cache that may be behind: the object must still be stored as this
    /// pass knows it, and not be paused. `done` says what would be done to its remote.
    pub(super) async fn check_current(&self, done: &str) -> Result<(), Error> {
        let Identity { name, uid, .. } = &self.identity;
        let found = stored::one(&self.api, name, uid).await;
        let found =
            found.map_err(Error::kubernetes(format!("reading {name} before the {} is {done}", K::NOUN)))?;
        let is_current = found.is_some_and(|stored| {
            let (meta, known) = (stored.meta(), self.object.meta());
            meta.generation == known.generation
                && meta.deletion_timestamp.is_some() == known.deletion_timestamp.is_some()
                && !annotations::is_paused(&stored)
        });
        if is_current {
            return Ok(());
        }
        info!("the object was edited, paused or removed meanwhile; its {} isn't {done}", K::NOUN);
        Err(Error::poll(
            Reason::Progressing,
            format!("the object changed in the meantime; checking it again before its {} is {done}", K::NOUN),
        ))
    }

    /// Stalls when the same drift keeps coming back after successful writes.
    fn broken(&self, drift: &Drift) -> Option<Ending> {
        let generation = self.object.meta().generation;
        (!self.cx.breaker.allows(&self.identity.uid, generation, drift)).then(|| Ending::Stalled {
            reason: Reason::NotConverging,
            message: format!(
                "the same difference came back after several successful writes: {drift}; AWS doesn't keep the value, or \
                 someone changes it back. Updates are suspended until the object changes or {RECONCILE_REQUESTED} is set"
            ),
        })
    }
}
