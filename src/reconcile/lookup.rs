//! Searching AWS for a remote that status doesn't name, because the response to its create, or all of status, was lost.

use kube::Resource;

use crate::api::common::Status;

use super::kind::{Kind, Remote, Resolved, Scope};
use super::pass::Pass;
use super::state::conditions::Reason;
use super::state::error::Error;
use super::state::existence::Existence;
use super::state::ownership::Owner;

impl<K: Kind> Pass<'_, K> {
    /// Searches for a remote of this object other than the recorded one. `None` if no such remote exists.
    pub(super) async fn seek(&mut self) -> Result<Option<(Scope, K::Remote)>, Error> {
        let Resolved { desired, scope } = match K::resolve(&self.object, &self.inputs(true)).await {
            Ok(resolved) => resolved,
            // What it would be in, or be created from, is gone or never existed: so is the remote.
            Err(Error::Wait { reason: Reason::DependencyNotFound, .. }) => return Ok(None),
            Err(Error::Wait { .. } | Error::Terminal { .. })
                if Existence::recorded_in(self.status.common()) == Existence::Absent =>
            {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        // A search in another account would find nothing.
        self.check_account(&scope).await?;
        let recorded = self.status.common().id.clone();
        let candidates = K::search(&scope, &desired, &self.status).await?;
        let ours = candidates
            .into_iter()
            .find(|remote| Some(remote.id()) != recorded.as_deref() && self.is_surely_ours(&scope, remote));
        match (ours, &self.status.common().intent) {
            (Some(remote), _) => Ok(Some((scope, remote))),
            (None, Some(intent))
                if self.cx.unknown.age(&self.identity.uid) < self.cx.timing.unknown_outcome =>
            {
                let operation = &intent.operation;
                let message =
                    format!("the response to {operation} was lost; searching for what it may have created");
                Err(Error::poll(self.looking(), message))
            }
            (None, _) => Ok(None),
        }
    }

    /// Finds the id of a remote that status does not name, and records it, or that there is none.
    pub(super) async fn recover(&mut self) -> Result<(), Error> {
        let found = self.seek().await?;
        if let Some((scope, _)) = &found {
            self.record_account(scope);
            K::place(scope, &mut self.status);
        }
        let common = self.status.common_mut();
        common.account.get_or_insert_default();
        common.intent = None;
        common.id = found.map(|(_, remote)| remote.id().to_owned());
        // What is in it can only be found and deleted with its id.
        self.write_status().await
    }

    /// The references or inputs of an object can't be resolved. If its status was lost too, its remote is searched for
    /// without them: others need to know whether it exists.
    pub(super) async fn unresolved(&mut self, error: Error) -> Error {
        let unknown =
            self.held && self.manages() && Existence::recorded_in(self.status.common()) == Existence::Unknown;
        let waits = matches!(error.classify().1, Reason::DependencyNotReady | Reason::AuthorizationRequired);
        if K::HAS_REMOTE && unknown && !waits {
            return self.recover().await.err().unwrap_or(error);
        }
        error
    }

    fn looking(&self) -> Reason {
        if self.object.meta().deletion_timestamp.is_some() { Reason::Deleting } else { Reason::Progressing }
    }

    fn is_surely_ours(&self, scope: &Scope, remote: &K::Remote) -> bool {
        match self.owner(scope, remote) {
            Owner::Ours { .. } | Owner::Inherited => true,
            Owner::Untagged => self.status.common().intent.is_some(),
            Owner::Given { .. }
            | Owner::Nobody
            | Owner::Retained { .. }
            | Owner::Sibling { .. }
            | Owner::Foreign { .. } => false,
        }
    }
}
