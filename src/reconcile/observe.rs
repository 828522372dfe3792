//! What AWS has for an object: read by its recorded id, or searched for.

use tracing::info;

use crate::api::common::{Object, Status};

use super::claim::rank;
use super::departure::Departure;
use super::kind::{Kind, Observation, Remote, Resolved, Scope};
use super::pass::Pass;
use super::state::conditions::Reason;
use super::state::error::Error;
use super::state::ownership::Owner;

impl<K: Kind> Pass<'_, K> {
    /// Reads the remote by its recorded id, or searches for it.
    pub(super) async fn observe(&mut self, resolved: &Resolved<K>) -> Result<Observation<K::Remote>, Error> {
        let Resolved { desired, scope } = resolved;
        let recorded = self.status.common().id.clone();
        let named = self.external_id();
        if let Some(id) = named.clone().or(recorded.clone()) {
            let remote = K::read(scope, &id, Some(desired), &self.status).await?;
            if let Some(replacement) = self.replacement_of(remote.as_ref(), resolved).await? {
                return self.found(desired, scope, replacement).await;
            }
            if let Some(remote) = remote {
                return self.found(desired, scope, remote).await;
            }
            self.check_shown(&id)?;
            if recorded.is_some() {
                info!(id, "the {} no longer exists in AWS", K::NOUN);
                self.forget_remote();
                // What was adopted is recreated like everything else; what is only observed, or never belonged to the
                // object, isn't.
                if !self.manages() || recorded.as_deref() != Some(&id) {
                    self.status.common_mut().adopted_from = None;
                }
            }
            if self.external_id().is_some() {
                return Ok(Observation::Absent);
            }
        } else if let Some(remote) = self.hinted(resolved).await? {
            return self.found(desired, scope, remote).await;
        }
        let candidates = K::search(scope, desired, &self.status).await?;
        match self.best(scope, candidates)? {
            Some(remote) => self.found(desired, scope, remote).await,
            None => Ok(Observation::Absent),
        }
    }

    /// The id in the spec. It is only the starting point: what has replaced that resource since is recorded in status.
    pub(super) fn external_id(&self) -> Option<String> {
        let common = self.status.common();
        K::policies(&self.object)
            .external_id
            .filter(|named| common.adopted_from.as_ref() != Some(named) || common.id.as_ref() == Some(named))
    }

    /// The candidate that is used: the object's own first. Among several without an owner, a person has to choose.
    fn best(&self, scope: &Scope, candidates: Vec<K::Remote>) -> Result<Option<K::Remote>, Error> {
        let mut owned: Vec<(Owner, K::Remote)> =
            candidates.into_iter().map(|remote| (self.owner(scope, &remote), remote)).collect();
        owned.retain(|(_, remote)| self.departing(remote.id()) != Some(Departure::Deleted));
        owned.sort_by_key(|(owner, _)| rank(owner));
        let Some((first, _)) = owned.first() else { return Ok(None) };
        let alike = owned.iter().filter(|(owner, _)| rank(owner) == rank(first));
        let alike: Vec<&str> = alike.map(|(_, remote)| remote.id()).collect();
        let is_nobodys = matches!(first, Owner::Untagged | Owner::Retained { .. } | Owner::Nobody);
        if alike.len() > 1 && is_nobodys {
            return Err(Error::terminal(
                Reason::Conflict,
                format!(
                    "{} {}s match ({}); set spec.externalId to select one",
                    alike.len(),
                    K::NOUN,
                    alike.join(", ")
                ),
            ));
        }
        Ok(owned.into_iter().next().map(|(_, remote)| remote))
    }

    /// What was created a moment ago may not be visible everywhere in AWS yet: it isn't gone.
    fn check_shown(&self, id: &str) -> Result<(), Error> {
        if !self.cx.fresh.is_fresh(&self.identity.uid, id, self.cx.timing.unknown_outcome / 2) {
            return Ok(());
        }
        let message = format!("AWS does not return the {} {id} yet, which was just created", K::NOUN);
        Err(Error::poll(Reason::Progressing, message))
    }

    /// The remote named by a status that isn't trusted, if its owner tags say that it is this object's.
    async fn hinted(&self, resolved: &Resolved<K>) -> Result<Option<K::Remote>, Error> {
        let Some(id) = &self.hint else { return Ok(None) };
        let Resolved { desired, scope } = resolved;
        let remote = K::read(scope, id, Some(desired), &self.status).await?;
        Ok(remote.filter(|remote| matches!(self.owner(scope, remote), Owner::Ours { .. })))
    }

    /// The new remote of a replacement whose response was lost, or that a person has completed by now.
    async fn replacement_of(
        &self,
        old: Option<&K::Remote>,
        resolved: &Resolved<K>,
    ) -> Result<Option<K::Remote>, Error> {
        let pending =
            self.status.common().intent.is_some() || K::awaits_person(&resolved.desired, &self.status);
        let (Some(old), true) = (old, pending) else { return Ok(None) };
        let candidates = K::search(&resolved.scope, &resolved.desired, &self.status).await?;
        Ok(candidates.into_iter().find(|remote| {
            remote.id() != old.id()
                && !K::aside(&self.status).iter().any(|aside| aside == remote.id())
                && matches!(self.owner(&resolved.scope, remote), Owner::Ours { .. } | Owner::Inherited)
        }))
    }

    async fn found(
        &self,
        desired: &K::Desired,
        scope: &Scope,
        remote: K::Remote,
    ) -> Result<Observation<K::Remote>, Error> {
        let owner = self.owner(scope, &remote);
        if !self.manages() {
            self.depend_on(K::Object::kind_name(), &owner);
        }
        let state = self.state(desired, &remote);
        let access = self.access(scope, &remote, &owner, &state).await?;
        Ok(Observation::Found { remote, owner, state, access })
    }
}
