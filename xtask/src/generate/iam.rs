//! The IAM policies: a file for each, and one for Terraform.

use std::fs;
use std::path::Path;

use super::Wanted;
use crate::error::{Doing, Error};

/// The files that `docs/iam/` should have, and those that it should no longer have.
pub fn wanted(
    folder: &Path,
    ask: &mut impl FnMut(&[&str]) -> Result<String, Error>,
) -> Result<Wanted, Error> {
    let mut wanted = Wanted::new();
    if folder.is_dir() {
        let doing = || format!("reading {}", folder.display());
        for entry in fs::read_dir(folder).doing(doing)? {
            wanted.insert(entry.doing(doing)?.path(), None);
        }
    }
    for name in ask(&["iam", "--list"])?.lines() {
        wanted.insert(folder.join(format!("{name}.json")), Some(ask(&["iam", name])?));
    }
    wanted.insert(folder.join("main.tf"), Some(ask(&["iam", "--terraform"])?));
    Ok(wanted)
}
