//! A remote whose object vanished while it was made.
//!
//! The API server lets a deletion go through that it began before the finalizer was there. Then no later pass will
//! delete what this one has made.

use tracing::{error, info, warn};

use super::backoff;
use super::error::Error;
use super::kind::{Kind, Scope};
use super::pass::Pass;
use super::stored;

impl<K: Kind> Pass<'_, K> {
    /// Deletes what this pass made if its object is gone. Answers whether it is gone.
    pub(super) async fn abandon(&mut self) -> bool {
        // Some ten minutes: nobody else will ever know of it.
        const ATTEMPTS: u32 = 10;
        let Some((scope, id)) = self.made.take() else { return false };
        for attempt in 1..=ATTEMPTS {
            match self.abandoned(&scope, &id).await {
                Ok(gone) => return gone,
                Err(error) => {
                    warn!(%error, id, attempt, "it is not known yet whether the object of the {} is gone", K::NOUN);
                }
            }
            tokio::time::sleep(backoff::retry(&self.cx.timing, attempt, backoff::draw())).await;
        }
        error!(id, "the {} may be left without an object; delete it in AWS if nobody claims it", K::NOUN);
        false
    }

    async fn abandoned(&self, scope: &Scope, id: &str) -> Result<bool, Error> {
        let name = &self.identity.name;
        let found = stored::one(&self.api, name, &self.identity.uid).await;
        if found.map_err(Error::kubernetes(format!("looking for {name}")))?.is_some() {
            return Ok(false);
        }
        self.cx.fence.check()?;
        K::delete(scope, id).await?;
        info!(id, "deleted the {} again: its object was deleted while it was made", K::NOUN);
        Ok(true)
    }
}
