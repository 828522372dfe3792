//! One run of xtask: where the project is, and the processes and folders that end with the run.

use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::folder::Folder;
use crate::guard::Guard;
use crate::workspace;

/// Everything that one run owns. Dropped last, it ends what is left.
#[derive(Debug)]
pub struct Session {
    guard: Guard,
    root: PathBuf,
}

impl Session {
    /// Finds the project and starts the guard.
    pub fn start() -> Result<Self, Error> {
        Ok(Self { root: workspace::root()?, guard: Guard::start()? })
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
