//! The files under a folder.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Doing, Error};

/// The files with one of these extensions at any depth under a folder, in the order of their paths.
pub fn files(folder: &Path, extensions: &[&str]) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let doing = || format!("reading {}", folder.display());
        for entry in fs::read_dir(&folder).doing(doing)? {
            let path = entry.doing(doing)?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| extensions.iter().any(|wanted| found == *wanted)) {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}
