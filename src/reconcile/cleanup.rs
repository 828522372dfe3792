//! Deletion: ids come from status, dependants are deleted first, and only what is ours is deleted.

use kube::ResourceExt;
use tracing::info;

use crate::api::common::Status;
use crate::reconcile::state::subject::Subject;
use crate::text;

use super::conclusion::Action;
use super::events;
use super::inputs::consent;
use super::kind::{Kind, Remote, Removal, Scope, Stranger};
use super::pass::Pass;
use super::state::annotations::{HAND_OVER_TO, RECONCILE_REQUESTED};
use super::state::conditions::{self, Reason};
use super::state::error::Error;
use super::state::ownership::{HANDED_OVER_TAG, NAMESPACE_TAG, Owner};
use super::tagging::{self, TagMap};

impl<K: Kind> Pass<'_, K> {
    /// Deletes the remote. `Ok` means that nothing of it is left and the finalizer may be removed; otherwise the next
    /// pass is due at the given time.
    pub async fn cleanup(mut self) -> Result<(), Action> {
        let done = match self.delete().await {
            Ok(()) => self.delete_secrets().await,
            error => error,
        };
        match done {
            Ok(()) => {
                events::publish(&mut self).await;
                Ok(())
            }
            Err(error) => Err(self.conclude(Err(blocked(error))).await),
        }
    }

    async fn delete(&mut self) -> Result<(), Error> {
        if self.is_paused() {
            let message =
                "the object is being deleted; remove the annotation devopsagent.dev/paused to continue";
            return Err(Error::wait(Reason::Paused, message));
        }
        let deletes = K::HAS_REMOTE && self.deletes_remote();
        // Before anything else: objects that use it need its id to find and delete what is in it.
        if deletes && self.status.common().id.is_none() {
            self.recover().await?;
        }
        self.wait_for_users()?;
        if !K::HAS_REMOTE {
            return Ok(());
        }
        if !deletes {
            return self.keep().await;
        }
        let Some(id) = self.status.common().id.clone() else { return Ok(()) };
        self.delete_unrecorded().await?;
        self.delete_recorded(&id).await
    }

    /// Deletes the remote that status names, and the one that it replaces.
    async fn delete_recorded(&mut self, id: &str) -> Result<(), Error> {
        let scope = self.recorded_scope().await?;
        self.hold_back_deletion(&scope, id).await?;
        self.check_current("deleted").await?;
        if K::ARN_TYPE.is_empty() {
            return self.delete_untagged(&scope, id).await;
        }
        let remote = K::read(&scope, id, None, &self.status).await?;
        for aside in K::aside(&self.status) {
            self.delete_unless_anothers(&scope, &aside).await?;
        }
        let Some(remote) = remote else {
            if self.has_told(Reason::Deleting) {
                events::deleted(self, K::NOUN, id);
            }
            return Ok(());
        };
        if let Some(owner) = self.another_owner(&scope, &remote) {
            events::kept(self, &format!("left the {} {id} in AWS: it belongs to {owner}", K::NOUN));
            return Ok(());
        }
        match K::removal(&remote) {
            Removal::UnderWay => {}
            // Reported first, and retried with increasing delays.
            Removal::Failed(why) if !self.has_told(Reason::Failed) => {
                return Err(Error::terminal(
                    Reason::Failed,
                    format!(
                        "AWS could not delete the {} {id}: {why}; fix the cause. Deletion is retried periodically, and at \
                         once when {RECONCILE_REQUESTED} is set",
                        K::NOUN
                    ),
                ));
            }
            Removal::NotBegun | Removal::Failed(_) => {
                self.delete_remote(&scope, id).await?;
                if K::read(&scope, id, None, &self.status).await?.is_none() {
                    events::deleted(self, K::NOUN, id);
                    return Ok(());
                }
            }
        }
        Err(being_deleted::<K>(id))
    }

    /// Makes way for the deletion of the remote, and requests it.
    pub(super) async fn delete_remote(&self, scope: &Scope, id: &str) -> Result<(), Error> {
        self.make_way(scope, id).await?;
        self.cx.fence.check()?;
        K::remove(scope, id).await
    }

    /// Deletes a remote without tags, which a read tells nothing about that matters here.
    async fn delete_untagged(&mut self, scope: &Scope, id: &str) -> Result<(), Error> {
        if self.cx.holds_back {
            // Otherwise it would have been held back: nothing is left of it.
            return Ok(());
        }
        for aside in K::aside(&self.status) {
            self.delete_unless_anothers(scope, &aside).await?;
        }
        if let Some(holder) = self.holder(scope, id) {
            events::kept(self, &format!("left the {} {id} in AWS: it belongs to {}", K::NOUN, told(&holder)));
            return Ok(());
        }
        self.delete_remote(scope, id).await?;
        if K::read(scope, id, None, &self.status).await?.is_none() {
            events::deleted(self, K::NOUN, id);
            return Ok(());
        }
        Err(being_deleted::<K>(id))
    }

    /// Whether the object's status already says so.
    fn has_told(&self, reason: Reason) -> bool {
        let ready = conditions::get(&self.stored.common().conditions, "Ready");
        ready.is_some_and(|ready| ready.reason == reason.as_str())
    }

    /// Deletes what a replacement set aside, or what was created in vain, unless it now belongs to someone else.
    pub(super) async fn delete_unless_anothers(&mut self, scope: &Scope, id: &str) -> Result<(), Error> {
        let Some(remote) = K::read(scope, id, None, &self.status).await? else { return Ok(()) };
        if self.another_owner(scope, &remote).is_some() {
            return Ok(());
        }
        self.delete_remote(scope, id).await?;
        events::deleted(self, K::NOUN, id);
        Ok(())
    }

    /// Deletes what objects without consent have in the remote or from it: they can't keep it.
    pub(super) async fn make_way(&self, scope: &Scope, id: &str) -> Result<(), Error> {
        let strangers = K::strangers(&self.inputs(true), &self.subject(), id);
        if strangers.is_empty() {
            return Ok(());
        }
        self.cx.fence.check()?;
        for Stranger { object, id, .. } in &strangers {
            info!(%object, id, "deleting its resource, which has no consent");
        }
        K::make_way(scope, id, &strangers).await
    }

    /// An object isn't deleted while others that have a remote refer to it with its consent.
    fn wait_for_users(&self) -> Result<(), Error> {
        const SHOWN: usize = 5;
        let subject = self.subject();
        let mut users = self.cx.hub.users(&subject);
        users.retain(|user| consent::permits(self.cx, &subject, &user.namespace));
        if users.is_empty() {
            return Ok(());
        }
        let others = users.iter().any(|user| user.namespace != subject.namespace && K::HAS_REMOTE);
        let way_out = if others { ", or withdraw the consent of those in other namespaces" } else { "" };
        let users: Vec<String> = users.iter().map(Subject::to_string).collect();
        let shown = text::some_of(users.iter().map(String::as_str), SHOWN);
        Err(Error::wait(
            Reason::DeletionBlocked,
            format!("still in use by {shown}; delete them first{way_out}"),
        ))
    }

    /// Leaves the remote, and what only this object knows of it.
    async fn keep(&mut self) -> Result<(), Error> {
        self.release_secrets().await?;
        if let Some(id) = self.status.common().id.clone() {
            let heir = self.object.annotations().get(HAND_OVER_TO).filter(|_| self.manages()).cloned();
            let note = match heir {
                Some(heir) => self.hand_over(&id, &heir).await?,
                None => format!("left the {} {id} in AWS, as the spec asks", K::NOUN),
            };
            events::kept(self, &note);
        }
        Ok(())
    }

    /// Makes the object of the same name in another namespace the owner of the remote.
    async fn hand_over(&mut self, id: &str, heir: &str) -> Result<String, Error> {
        let scope = self.recorded_scope().await?;
        let remote = K::read(&scope, id, None, &self.status).await?;
        let ours = remote.filter(|remote| matches!(self.owner(&scope, remote), Owner::Ours { .. }));
        let Some(remote) = ours.filter(|_| !K::ARN_TYPE.is_empty()) else {
            return Ok(format!("left the {} {id} in AWS, as the spec asks", K::NOUN));
        };
        let tags = TagMap::from([
            (NAMESPACE_TAG.to_owned(), heir.to_owned()),
            (HANDED_OVER_TAG.to_owned(), self.identity.namespace.clone()),
        ]);
        self.hold_back_hand_over(&remote, &tags, heir)?;
        self.cx.fence.check()?;
        K::uncertain(&scope, id);
        tagging::set::<K>(&scope, id, tags).await?;
        K::uncertain(&scope, id);
        Ok(format!("left the {} {id} in AWS, and handed it over to {heir}/{}", K::NOUN, self.identity.name))
    }

    /// Where the recorded remote is.
    pub(super) async fn recorded_scope(&self) -> Result<Scope, Error> {
        let account = self.status.common().account.clone().unwrap_or_default();
        let mut scope = self.inputs(true).scope(&account).await?;
        self.check_place(&scope).await?;
        scope.enter(K::recorded_space(&self.status).unwrap_or_default());
        scope.space_is_ours = true;
        scope.space_namespace.clone_from(&self.identity.namespace);
        Ok(scope)
    }

    /// Deletes what a create with a lost response created, in addition to the recorded remote.
    async fn delete_unrecorded(&mut self) -> Result<(), Error> {
        if self.status.common().intent.is_none() {
            return Ok(());
        }
        if let Some((scope, made)) = self.seek().await? {
            self.hold_back_deletion(&scope, made.id()).await?;
            self.cx.fence.check()?;
            K::remove(&scope, made.id()).await?;
            events::deleted(self, K::NOUN, made.id());
        }
        self.status.common_mut().intent = None;
        Ok(())
    }

    pub(super) fn another_owner(&self, scope: &Scope, remote: &K::Remote) -> Option<String> {
        match self.owner(scope, remote) {
            owner @ (Owner::Foreign { .. } | Owner::Sibling { .. }) => Some(told(&owner)),
            _ => None,
        }
    }
}

fn being_deleted<K: Kind>(id: &str) -> Error {
    Error::poll(Reason::Deleting, format!("AWS is deleting the {} {id}", K::NOUN))
}

/// Another owner, for messages.
fn told(owner: &Owner) -> String {
    match owner {
        Owner::Foreign { cluster } => format!("the cluster {cluster}"),
        Owner::Sibling { namespace, name } => format!("the object {namespace}/{name}"),
        _ => "someone else".to_owned(),
    }
}

/// What AWS refuses to delete is still in use there, by something that no object here represents.
fn blocked(error: Error) -> Error {
    match &error {
        Error::Aws { source, .. } if source.is_conflict() => Error::poll(
            Reason::DeletionBlocked,
            format!("AWS refuses to delete it: {}; delete in AWS what still uses it", error.brief()),
        ),
        _ => error,
    }
}
