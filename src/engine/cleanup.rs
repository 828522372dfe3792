//! Deletion: ids come from status, dependants go first, and nothing is deleted that is not ours.

use kube::runtime::controller::Action;

use crate::api::common::Status;

use super::conditions::Reason;
use super::error::Error;
use super::events;
use super::hub::Subject;
use super::kind::{Kind, Remote, Resolved, Scope};
use super::output_secret;
use super::ownership::Owner;
use super::pass::Pass;

impl<K: Kind> Pass<'_, K> {
    /// Deletes the remote. `Ok` says that nothing of it is left and the finalizer may go; otherwise the
    /// next pass is due at the given time.
    pub async fn cleanup(mut self) -> Result<(), Action> {
        match self.delete().await {
            Ok(()) => {
                self.cx.failures.forget(&self.identity.uid);
                self.cx.breaker.reset(&self.identity.uid);
                self.cx.written.forget(&self.identity.uid);
                self.cx.requests.forget(&self.identity.uid);
                self.cx.unknown.forget(&self.identity.uid);
                Ok(())
            }
            Err(error) => Err(self.conclude(Err(error)).await),
        }
    }

    async fn delete(&mut self) -> Result<(), Error> {
        if self.is_paused() {
            let message =
                "the object is being deleted; remove the annotation devopsagent.dev/paused to go on";
            return Err(Error::wait(Reason::Paused, message));
        }
        self.wait_for_users()?;
        if !K::HAS_REMOTE {
            return Ok(());
        }
        if !self.deletes_remote() {
            return self.keep().await;
        }
        self.delete_unrecorded().await?;
        let Some((scope, remote)) = self.find_to_delete().await? else { return Ok(()) };
        if let Some(aside) = K::aside(&self.status).map(str::to_owned) {
            self.cx.fence.check()?;
            K::delete(&scope, &aside).await?;
        }
        let Some(remote) = remote else { return Ok(()) };
        // What lies in it can only be found, and deleted, by those who know its id.
        self.status.common_mut().id = Some(remote.id().to_owned());
        self.write_status().await?;
        if let Some(owner) = self.another_owner(&scope, &remote) {
            events::kept(self, format!("left the {} {} in AWS: it belongs to {owner}", K::NOUN, remote.id()))
                .await;
            return Ok(());
        }
        if !K::is_going(&remote) {
            self.cx.fence.check()?;
            K::delete(&scope, remote.id()).await?;
            events::deleted(self, K::NOUN, remote.id()).await;
            if K::read(&scope, remote.id(), None, &self.status).await?.is_none() {
                return Ok(());
            }
        }
        Err(Error::poll(Reason::Deleting, format!("AWS is deleting the {} {}", K::NOUN, remote.id())))
    }

    /// An object stays while others that have a remote refer to it.
    fn wait_for_users(&self) -> Result<(), Error> {
        const SHOWN: usize = 5;
        let users = self.cx.hub.users(&self.subject());
        if users.is_empty() {
            return Ok(());
        }
        let shown: Vec<String> = users.iter().take(SHOWN).map(Subject::to_string).collect();
        let more = users.len().saturating_sub(SHOWN);
        let rest = if more == 0 { String::new() } else { format!(" and {more} more") };
        Err(Error::wait(
            Reason::DeletionBlocked,
            format!("still in use by {}{rest}; they must be deleted first", shown.join(", ")),
        ))
    }

    /// Leaves the remote, and what only this object knows of it.
    async fn keep(&mut self) -> Result<(), Error> {
        if self.manages()
            && let Some(secret) = K::written_secret(&self.status).map(str::to_owned)
        {
            output_secret::release(&self.cx.client, &self.identity, &secret).await?;
        }
        if let Some(id) = self.status.common().id.clone() {
            events::kept(self, format!("left the {} {id} in AWS, as the spec asks", K::NOUN)).await;
        }
        Ok(())
    }

    /// The remote by its recorded id. Without one it is looked for: status may have been lost.
    async fn find_to_delete(&self) -> Result<Option<(Scope, Option<K::Remote>)>, Error> {
        let inputs = self.inputs(true);
        let common = self.status.common();
        if let Some(id) = &common.id {
            let mut scope = inputs.scope(common.account.as_deref().unwrap_or_default()).await?;
            scope.space_id = K::recorded_space(&self.status).unwrap_or_default();
            scope.space_is_ours = true;
            let remote = K::read(&scope, id, None, &self.status).await?;
            return Ok(Some((scope, remote)));
        }
        let Resolved { desired, scope } = match K::resolve(self.object, &inputs).await {
            Ok(resolved) => resolved,
            // What it lay in is there, and its id is not known yet: status may have been lost.
            Err(error @ Error::Wait { reason: Reason::DependencyNotReady, .. }) => return Err(error),
            // What it lay in, or was to be made from, is gone or never was: so is the remote.
            Err(Error::Wait { .. } | Error::Terminal { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let candidates = K::search(&scope, &desired, &self.status).await?;
        let ours = candidates.into_iter().find(|remote| self.is_surely_ours(&scope, remote));
        Ok(Some((scope, ours)))
    }

    /// Deletes what a create made whose answer was lost: beside a remote that is recorded, or instead of one.
    async fn delete_unrecorded(&mut self) -> Result<(), Error> {
        let common = self.status.common();
        let Some(intent) = &common.intent else { return Ok(()) };
        let recorded = common.id.clone();
        let resolved = match K::resolve(self.object, &self.inputs(true)).await {
            Ok(resolved) => resolved,
            // What it would lie in is gone.
            Err(Error::Wait { .. } | Error::Terminal { .. }) => return Ok(()),
            Err(error) => return Err(error),
        };
        let scope = &resolved.scope;
        let candidates = K::search(scope, &resolved.desired, &self.status).await?;
        let made = candidates
            .iter()
            .find(|remote| Some(remote.id()) != recorded.as_deref() && self.is_surely_ours(scope, remote));
        if let Some(made) = made {
            self.cx.fence.check()?;
            K::delete(scope, made.id()).await?;
            events::deleted(self, K::NOUN, made.id()).await;
        } else if self.cx.unknown.age(&self.identity.uid) < self.cx.timing.unknown_outcome {
            let operation = &intent.operation;
            let message = format!("the answer to {operation} was lost; looking for what it may have made");
            return Err(Error::poll(Reason::Deleting, message));
        }
        Ok(())
    }

    fn is_surely_ours(&self, scope: &Scope, remote: &K::Remote) -> bool {
        match self.owner(scope, remote) {
            Owner::Ours { .. } | Owner::Inherited => true,
            Owner::Untagged => self.status.common().intent.is_some(),
            Owner::Nobody | Owner::Sibling { .. } | Owner::Foreign { .. } => false,
        }
    }

    fn another_owner(&self, scope: &Scope, remote: &K::Remote) -> Option<String> {
        match self.owner(scope, remote) {
            Owner::Foreign { cluster } => Some(format!("the cluster {cluster}")),
            Owner::Sibling { namespace, name } => Some(format!("the object {namespace}/{name}")),
            _ => None,
        }
    }
}
