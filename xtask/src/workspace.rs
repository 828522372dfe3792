//! Where the project is.

use std::env;
use std::path::PathBuf;

use crate::error::{Doing, Error};

/// The folder of the workspace: cargo says where xtask's package is, otherwise it is looked for upwards.
pub fn root() -> Result<PathBuf, Error> {
    if let Some(package) = env::var_os("CARGO_MANIFEST_DIR") {
        let mut path = PathBuf::from(package);
        path.pop();
        return Ok(path);
    }
    let here = env::current_dir().doing(|| "finding the current folder".to_owned())?;
    here.ancestors()
        .find(|folder| folder.join("xtask/testcluster/go.mod").is_file())
        .map(PathBuf::from)
        .ok_or_else(|| Error::Other(format!("{} is not inside the project's folder", here.display())))
}
