//! Python environments, made once and kept in the user's cache.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::{Doing, Error};
use crate::progress::{Step, say};
use crate::session::Session;
use crate::{cache, lock};

/// A Python with the requirements in a file, or with pip alone; none when the machine has no Python to make it with.
pub fn environment(session: &Session, requirements: Option<&Path>) -> Result<Option<PathBuf>, Error> {
    let requirements = match requirements {
        Some(path) => fs::read(path).doing(|| format!("reading {}", path.display()))?,
        None => Vec::new(),
    };
    let folder = cache::folder()?.join("python").join(cache::key(&[&requirements]));
    let (environment, complete) = (folder.join("venv"), folder.join("complete"));
    let python = environment.join("bin/python");
    if complete.is_file() && python.exists() {
        return Ok(Some(python));
    }
    fs::create_dir_all(&folder).doing(|| format!("creating {}", folder.display()))?;
    let _lock = lock::hold(&folder.join("lock"), "creating a Python environment")?;
    let step = Step::start("Creating a Python environment in the user's cache");
    if !make(session, &environment)? {
        return Ok(None);
    }
    if !requirements.is_empty() {
        let list = folder.join("requirements.txt");
        fs::write(&list, &requirements).doing(|| format!("writing {}", list.display()))?;
        let arguments = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
        // Python would take modules from the current folder.
        let mut pip = Command::new(&python);
        session
            .capture(pip.args(arguments).arg(&list).current_dir(&folder))?
            .require_success("pip install")?;
    }
    fs::write(&complete, "").doing(|| format!("writing {}", complete.display()))?;
    step.done();
    Ok(Some(python))
}

/// False when there is no Python, or one without its module for environments (Debian ships it separately).
fn make(session: &Session, folder: &Path) -> Result<bool, Error> {
    match session.capture(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder)) {
        Ok(output) if output.status.success() => Ok(true),
        Err(Error::Interrupted) => Err(Error::Interrupted),
        Ok(output) => {
            say(&format!("python3 -m venv: {}{}", output.stdout, output.stderr));
            Ok(false)
        }
        Err(error) => {
            say(&error.to_string());
            Ok(false)
        }
    }
}
