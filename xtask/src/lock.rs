//! One xtask at a time where several would spoil each other's work.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use crate::error::{Doing, Error};
use crate::interrupt;
use crate::progress::say;

/// Waits for the lock, and holds it until the file is dropped. `what` says what the other one is doing.
pub fn hold(path: &Path, what: &str) -> Result<File, Error> {
    let file = File::create(path).doing(|| format!("creating the lock {}", path.display()))?;
    let mut said = false;
    while file.try_lock().is_err() {
        if !said {
            say(&format!("Another xtask is {what}; waiting for it."));
            said = true;
        }
        interrupt::sleep(Duration::from_millis(200))?;
    }
    Ok(file)
}
