//! A remote whose object vanished while it was being created, or just after.
//!
//! The API server completes a deletion that began before the finalizer was added. Then no later pass will delete what
//! this one has created.

use kube::ResourceExt;
use tracing::{error, info, warn};

use crate::api::common::{Object, Status};
use crate::kubernetes::stored;

use super::backoff;
use super::conclusion::Action;
use super::context::Context;
use super::graph::marks::Mark;
use super::kind::{Kind, Scope};
use super::pass::Pass;
use super::state::error::Error;

/// How often it is tried; the waits between make up some ten minutes.
pub const ATTEMPTS: u32 = 10;

/// Deletes what an object had that went with its finalizer on it; answers when to try again, if need be. A namesake that
/// has taken it up meanwhile keeps it.
pub async fn bury<K: Kind>(cx: &Context, object: &K::Object, attempt: u32) -> Action {
    let namespace = object.namespace().unwrap_or_default();
    let mut pass = Pass::<K>::new(cx, object, K::api(cx.client.clone(), &namespace));
    let deletes = pass.deletes_unasked() && !pass.is_paused();
    let Some(id) = pass.status.common().id.clone().filter(|_| deletes) else {
        return Action::await_change();
    };
    match pass.bury(&id).await {
        Ok(()) => Action::await_change(),
        Err(error) if attempt < ATTEMPTS => {
            warn!(%error, id, attempt, "the {} of an object that vanished could not be deleted yet", K::NOUN);
            Action::requeue(backoff::retry(&cx.timing, attempt, backoff::draw()))
        }
        Err(error) => {
            error!(%error, id, "the {} of an object that vanished is left; delete it in AWS if nobody claims it", K::NOUN);
            Action::await_change()
        }
    }
}

impl<K: Kind> Pass<'_, K> {
    async fn bury(&mut self, id: &str) -> Result<(), Error> {
        let scope = self.recorded_scope().await?;
        for aside in K::aside(&self.status) {
            self.abandoned(&scope, &aside).await?;
        }
        self.abandoned(&scope, id).await.map(drop)
    }

    /// Deletes what this pass created if its object is gone, unless that asked to keep it. Returns whether it is gone.
    pub(super) async fn abandon(&mut self) -> bool {
        let Some((scope, id)) = self.made.take() else { return false };
        // Nobody else will ever know of it.
        for attempt in 1..=ATTEMPTS {
            match self.abandoned(&scope, &id).await {
                Ok(gone) => return gone,
                Err(error) => {
                    warn!(%error, id, attempt, "it is not yet known whether the object of the {} still exists", K::NOUN);
                }
            }
            tokio::time::sleep(backoff::retry(&self.cx.timing, attempt, backoff::draw())).await;
        }
        error!(id, "the {} may be left without an object; delete it in AWS if nobody claims it", K::NOUN);
        false
    }

    async fn abandoned(&mut self, scope: &Scope, id: &str) -> Result<bool, Error> {
        let name = &self.identity.name;
        let found = stored::one(&self.api, name, &self.identity.uid).await;
        if found.map_err(Error::kubernetes(format!("looking for {name}")))?.is_some() {
            return Ok(false);
        }
        if !self.cx.hub.marks().of(K::Object::kind_name(), Mark::holds(id)).is_empty() {
            return Ok(true);
        }
        if !self.deletes_unasked() {
            info!(
                id,
                "left the new {} in AWS: its object was deleted while it was being created, and asked to keep it",
                K::NOUN
            );
            return Ok(true);
        }
        self.delete_unless_anothers(scope, id).await?;
        let mut secrets = K::secrets(&self.object, &self.status);
        secrets.about.insert(id.to_owned());
        self.delete_each(&secrets).await?;
        info!(id, "deleted the new {}: its object was deleted while it was being created", K::NOUN);
        Ok(true)
    }
}
