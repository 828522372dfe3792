//! One run of xtask: where the project is, and the processes and folders that end with the run.

use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::folder::Folder;
use crate::guard::Guard;
use crate::target::Shared;
use crate::workspace;

/// Everything that one run owns. Dropped last, it ends what is left.
#[derive(Debug)]
pub struct Session {
    guard: Guard,
    root: PathBuf,
    /// Dropped after the guard, which ends the compilers that still write there.
    shared_target: Option<Shared>,
}

impl Session {
    /// Finds the project and starts the guard.
    pub fn start() -> Result<Self, Error> {
        Ok(Self { root: workspace::root()?, guard: Guard::start()?, shared_target: None })
    }

    /// From now on cargo compiles into the user's cache, if no other clone does so at this moment.
    pub fn share_target(&mut self) -> Result<(), Error> {
        self.shared_target = Shared::hold()?;
        if let Some(shared) = &self.shared_target {
            shared.prepare(self)?;
        }
        Ok(())
    }

    /// The folder in the user's cache that cargo compiles into, if it does.
    pub fn shared_target(&self) -> Option<&Shared> {
        self.shared_target.as_ref()
    }

    /// The project's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The guard of this run's processes.
    pub fn guard(&self) -> &Guard {
        &self.guard
    }

    /// A new temporary folder, which goes when it is dropped or when xtask is gone.
    pub fn folder(&self, purpose: &str) -> Result<Folder<'_>, Error> {
        Folder::create(&self.guard, purpose)
    }
}
