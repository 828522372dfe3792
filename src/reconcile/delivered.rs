//! The Secrets of a pass: checked before AWS is asked for what they will hold, then written, moved, retained and
//! deleted.

use tracing::warn;

use super::inputs::output_secret;
use super::kind::{Kind, OutputSecret, Resolved, Secrets, Updated};
use super::pass::Pass;
use super::state::error::Error;
use super::{backoff, events};

impl<K: Kind> Pass<'_, K> {
    /// What is shown only once is obtained, or given up, only if it can be kept: in the Secret whose name is returned.
    pub(super) async fn rehearse(&self, resolved: &Resolved<K>) -> Result<Option<String>, Error> {
        let Some(secret) = K::secret_to_come(&resolved.desired, &self.status) else { return Ok(None) };
        output_secret::rehearse(self.cx, &self.identity, &secret).await?;
        Ok(Some(secret.name))
    }

    /// Writes a Secret with what AWS has just shown, and reports it.
    pub(super) async fn deliver(&mut self, desired: &K::Desired, secret: &OutputSecret) -> Result<(), Error> {
        self.write_secret(secret).await?;
        match K::secret_written(desired, &mut self.status, secret) {
            Some(note) => events::address_changed(self, &note),
            None => events::secret_written(self, &secret.name),
        }
        Ok(())
    }

    /// Writes a Secret whose contents exist nowhere else, without giving up at the first failure.
    async fn write_secret(&self, secret: &OutputSecret) -> Result<(), Error> {
        const ATTEMPTS: u32 = 5;
        let mut attempt = 0;
        loop {
            let written = output_secret::write(self.cx, &self.identity, secret).await;
            attempt += 1;
            match written {
                Err(error @ Error::Kubernetes { .. }) if attempt < ATTEMPTS => {
                    warn!(%error, attempt, "the webhook Secret could not be written; trying again");
                    tokio::time::sleep(backoff::retry(&self.cx.timing, attempt, backoff::draw())).await;
                }
                written => return written,
            }
        }
    }

    /// Writes the Secret that an update returned or asks for, and deletes those that are no longer needed.
    pub(super) async fn update_secrets(
        &mut self,
        desired: &K::Desired,
        updated: &mut Updated<K::Remote>,
    ) -> Result<(), Error> {
        if let Some(secret) = updated.secret.take() {
            // Status names a Secret before it exists: it is found again whatever happens in between.
            let before = self.status.clone();
            K::secret_comes(&mut self.status, &secret.name);
            if self.status != before {
                self.write_status().await?;
            }
            self.write_secret(&secret).await?;
            if let Some(note) = K::secret_written(desired, &mut self.status, &secret) {
                events::address_changed(self, &note);
            }
        }
        let about = K::secrets(&self.object, &self.status).about;
        for name in &updated.obsolete {
            if output_secret::delete(self.cx, &self.identity, name, &about).await? {
                events::secret_deleted(self, name);
            }
            K::secret_gone(&mut self.status, name);
        }
        if let Some(note) = &updated.note {
            events::secret_rewritten(self, note);
        }
        Ok(())
    }

    /// Deletes the Secrets that were written for a remote that is gone.
    pub(super) async fn delete_secrets(&self) -> Result<(), Error> {
        if !self.deletes_remote() {
            return Ok(());
        }
        self.delete_each(&K::secrets(&self.object, &self.status)).await
    }

    /// Deletes those of these Secrets that are ours.
    pub(super) async fn delete_each(&self, secrets: &Secrets) -> Result<(), Error> {
        for name in &secrets.names {
            output_secret::delete(self.cx, &self.identity, name, &secrets.about).await?;
        }
        Ok(())
    }

    /// Leaves the Secret of a retained remote to its next owner; leftovers elsewhere are deleted.
    pub(super) async fn release_secrets(&self) -> Result<(), Error> {
        let mut secrets = K::secrets(&self.object, &self.status);
        let Some(present) = secrets.present.take() else { return Ok(()) };
        self.cx.fence.check()?;
        output_secret::release(&self.cx.client, &self.identity, &present).await?;
        secrets.names.remove(&present);
        self.delete_each(&secrets).await
    }
}
