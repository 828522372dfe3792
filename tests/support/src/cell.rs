//! A memory limit: a cgroup if one can be created, and otherwise only a check of what was used.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

static NEXT: AtomicU64 = AtomicU64::new(0);

/// A memory limit for one operator.
pub struct Cell {
    folder: Option<PathBuf>,
}

impl Cell {
    /// A limit of so many bytes.
    pub fn new(limit: u64) -> Self {
        let name =
            format!("devops-agent-tests-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let versions = [("/sys/fs/cgroup", "memory.max"), ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")];
        let folder = versions.iter().find_map(|(top, file)| {
            let folder = Path::new(top).join(&name);
            fs::create_dir(&folder).ok()?;
            // Without the controller there is no such file.
            if folder.join(file).exists() && fs::write(folder.join(file), limit.to_string()).is_ok() {
                return Some(folder);
            }
            let _ = fs::remove_dir(folder);
            None
        });
        Self { folder }
    }

    /// The cgroup, where one could be made.
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.folder.is_some() {
            "in a cgroup"
        } else {
            "without a cgroup, which can't be made here"
        })
    }
}

impl Drop for Cell {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            let _ = fs::remove_dir(folder);
        }
    }
}
