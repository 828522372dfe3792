//! One xtask at a time where several would interfere with each other.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use crate::error::{Doing, Error};
use crate::interrupt;
use crate::progress::say;

/// Waits for the lock, and holds it until the file is dropped. `what` says what the other one is doing.
pub fn hold(path: &Path, what: &str) -> Result<File, Error> {
    let mut said = false;
    loop {
        if let Some(file) = try_hold(path)? {
            return Ok(file);
        }
        if !said {
            say(&format!("Another xtask is {what}; waiting for it."));
            said = true;
        }
        interrupt::sleep(Duration::from_millis(200))?;
    }
}

/// Holds the lock until the file is dropped; nothing if another one holds it.
pub fn try_hold(path: &Path) -> Result<Option<File>, Error> {
    let file = File::create(path).doing(|| format!("creating the lock {}", path.display()))?;
    Ok(file.try_lock().is_ok().then_some(file))
}

#[cfg(test)]
mod tests {
    use std::{env, fs, process};

    use super::*;

    #[test]
    fn only_one_holds_a_lock_until_it_drops_it() {
        let path = env::temp_dir().join(format!("xtask-lock-{}", process::id()));
        let first = try_hold(&path).unwrap();
        assert!(first.is_some());
        assert!(try_hold(&path).unwrap().is_none());
        drop(first);
        assert!(try_hold(&path).unwrap().is_some());
        fs::remove_file(&path).unwrap();
    }
}
