//! Temporary folders that aren't left behind.

use std::env;
use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::error::{Doing, Error};
use crate::guard::Guard;

static COUNT: AtomicU32 = AtomicU32::new(0);

/// A folder that only the user can read, removed on drop.
#[derive(Debug)]
pub struct Folder<'a> {
    path: PathBuf,
    guard: &'a Guard,
}

impl<'a> Folder<'a> {
    /// Creates a folder with a name of its own under the system's folder for temporary files.
    pub fn create(guard: &'a Guard, purpose: &str) -> Result<Self, Error> {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("devops-agent-{purpose}-{}-{number}", process::id());
        let path = env::temp_dir().join(name);
        // A folder of that name is left over from a process with the same id that couldn't clean up.
        if path.exists() {
            fs::remove_dir_all(&path).doing(|| format!("removing the old folder {}", path.display()))?;
        }
        DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .doing(|| format!("creating the temporary folder {}", path.display()))?;
        guard.will_remove(&path);
        Ok(Self { path, guard })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of a file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

impl Drop for Folder<'_> {
    fn drop(&mut self) {
        if fs::remove_dir_all(&self.path).is_ok() {
            self.guard.will_keep(&self.path);
        }
    }
}
