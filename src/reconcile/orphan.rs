//! A remote whose object vanished while it was being created, or just after.
//!
//! The API server completes a deletion that began before the finalizer was added. Then no later pass will delete what
//! this one has created.

use kube::ResourceExt;
use tracing::{error, info, warn};

use crate::api::common::{Object, Status};
use crate::kubernetes::stored;

use super::backoff;
use super::context::Context;
use super::kind::{Kind, Scope};
use super::pass::Pass;
use super::state::error::Error;

/// Deletes what an object had that went with its finalizer on it. A namesake that has taken it up meanwhile keeps it.
pub async fn bury<K: Kind>(cx: &Context, object: &K::Object) {
    let namespace = object.namespace().unwrap_or_default();
    let mut pass = Pass::<K>::new(cx, object, K::api(cx.client.clone(), &namespace));
    let deletes = pass.deletes_remote() && !pass.is_paused();
    if let Some(id) = pass.status.common().id.clone().filter(|_| deletes) {
        match pass.recorded_scope().await {
            Ok(scope) => pass.made = Some((scope, id)),
            Err(error) => {
                warn!(%error, id, "the {} of an object that no longer exists may be left over; delete it in AWS", K::NOUN);
            }
        }
    }
    pass.abandon().await;
}

impl<K: Kind> Pass<'_, K> {
    /// Deletes what this pass created if its object is gone. Returns whether it is gone.
    pub(super) async fn abandon(&mut self) -> bool {
        // About ten minutes: nobody else will ever know about it.
        const ATTEMPTS: u32 = 10;
        let Some((scope, id)) = self.made.take() else { return false };
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
        if !self.cx.hub.holders().of(K::Object::kind_name(), id).is_empty() {
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
