//! A target directory in the user's cache: a fresh clone finds its dependencies compiled.
//!
//! Only dependencies are shared. To cargo, two clones of this project look the same wherever they are: it tells a source
//! that has changed by its time, and a clone that was made before another one compiled would be tested with the other's
//! code. So what was compiled of the workspace itself is removed first, which costs nothing in a fresh clone: all its
//! files are new.

use std::env;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::{Doing, Error};
use crate::progress::say;
use crate::session::Session;
use crate::{cache, cargo, lock};

/// The user's own choice of the directory.
const CHOSEN: &str = "CARGO_TARGET_DIR";

/// Cargo never removes the dependencies of old versions of `Cargo.lock`: a directory that has grown past this many bytes is
/// emptied. All dependencies for all profiles take a third of it.
const MOST: u64 = 10 << 30;

/// The directory of an empty workspace has a few small files.
const SOME: u64 = 1 << 20;

/// The profiles that the tests are compiled under.
const PROFILES: [&str; 2] = ["dev", "faults"];

/// The directory, which no other clone uses as long as this is held.
#[derive(Debug)]
pub struct Shared {
    folder: PathBuf,
    _lock: File,
}

impl Shared {
    /// Takes the directory; nothing if another clone has it, or the user has chosen another one. Waiting for a whole run of
    /// the tests would take longer than to compile everything.
    pub fn hold() -> Result<Option<Self>, Error> {
        if let Some(chosen) = env::var_os(CHOSEN) {
            say(&format!("{CHOSEN} is set: compiling into {}", chosen.to_string_lossy()));
            return Ok(None);
        }
        let cache = cache::folder()?;
        let folder = cache.join("target");
        fs::create_dir_all(&folder).doing(|| format!("creating {}", folder.display()))?;
        let Some(lock) = lock::try_hold(&cache.join("target.lock"))? else {
            say(&format!(
                "Another clone compiles into {}; this one compiles into its own folder.",
                folder.display()
            ));
            return Ok(None);
        };
        Ok(Some(Self { folder, _lock: lock }))
    }

    /// Removes what another clone has compiled of the workspace and what its tests have written, or everything if that is
    /// too much.
    pub fn prepare(&self, session: &Session) -> Result<(), Error> {
        for profile in PROFILES {
            let mut clean = cargo::command(session);
            clean.args(["clean", "--workspace", "--profile", profile]);
            session.capture(&mut clean)?.require_success("cargo clean --workspace")?;
        }
        match fs::remove_dir_all(self.folder.join("tmp")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error).doing(|| format!("removing {}/tmp", self.folder.display()));
            }
            _ => {}
        }
        let doing = || format!("listing {}", self.folder.display());
        let size = size(&self.folder).doing(doing)?;
        if size > MOST {
            fs::remove_dir_all(&self.folder).doing(|| format!("removing {}", self.folder.display()))?;
        }
        let state = match size {
            too_much if too_much > MOST => "emptied because it had grown too large",
            0..SOME => "empty: the first run compiles all dependencies",
            _ => "with the dependencies of an earlier run",
        };
        say(&format!("Compiling into {}, {state}.", self.folder.display()));
        Ok(())
    }

    /// Has cargo compile there. What the compiler keeps for the next change of a file is useless to a fresh clone.
    pub fn apply(&self, command: &mut Command) {
        command.env(CHOSEN, &self.folder).env("CARGO_INCREMENTAL", "0");
    }
}

/// The bytes in all files below a folder.
fn size(folder: &Path) -> io::Result<u64> {
    let mut sum = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        sum += if metadata.is_dir() { size(&entry.path())? } else { metadata.len() };
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use std::process;

    use super::*;

    #[test]
    fn the_size_is_that_of_all_files_at_any_depth() {
        let folder = env::temp_dir().join(format!("xtask-size-{}", process::id()));
        fs::create_dir_all(folder.join("a/b")).unwrap();
        fs::write(folder.join("one"), [0; 3]).unwrap();
        fs::write(folder.join("a/b/two"), [0; 4]).unwrap();
        let size = size(&folder);
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(size.unwrap(), 7);
    }
}
