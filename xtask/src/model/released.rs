//! The service's model in the releases of botocore.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::error::{Doing, Error};
use crate::progress::Step;
use crate::session::Session;
use crate::{cache, python};

/// Reads the model in a wheel.
const EXTRACT: &str = include_str!("extract.py");

/// The version of the newest release.
pub fn newest(session: &Session) -> Result<String, Error> {
    keep(session, None)
}

/// The whole model of a release. It is kept: a release never changes.
pub fn model(session: &Session, version: &str) -> Result<Value, Error> {
    let path = kept(version)?;
    if !path.is_file() {
        keep(session, Some(version))?;
    }
    let text = fs::read_to_string(&path).doing(|| format!("reading {}", path.display()))?;
    serde_json::from_str(&text).doing(|| format!("reading {}", path.display()))
}

fn kept(version: &str) -> Result<PathBuf, Error> {
    Ok(cache::folder()?.join("botocore").join(format!("{version}.json")))
}

/// Downloads a release and keeps its model; returns its version.
fn keep(session: &Session, version: Option<&str>) -> Result<String, Error> {
    let python = python::environment(session, None)?
        .ok_or_else(|| Error::Other("this needs python3 with venv".to_owned()))?;
    let what = version.map_or_else(|| "botocore".to_owned(), |version| format!("botocore=={version}"));
    let step = Step::start(format!("Downloading {what}"));
    let folder = session.folder("botocore")?;
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]);
    // The newest release counts, even if the Python of this machine is too old to run it.
    pip.args(["--only-binary=:all:", "--ignore-requires-python", &what]).current_dir(folder.path());
    session.capture(&mut pip)?.require_success("pip download")?;
    let wheel = wheel_in(folder.path())?;
    let version = version_of(&wheel)
        .ok_or_else(|| Error::Other(format!("pip downloaded {}, which is not botocore", wheel.display())))?;
    let mut read = Command::new(&python);
    read.args(["-c", EXTRACT]).arg(&wheel).current_dir(folder.path());
    let model = session.capture(&mut read)?.require_success("reading the model in the wheel")?;
    write(&kept(&version)?, &model)?;
    step.done();
    Ok(version)
}

/// Atomically: someone else may already be reading it.
fn write(path: &Path, text: &str) -> Result<(), Error> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).doing(|| format!("creating {}", folder.display()))?;
    }
    let partial = path.with_extension(std::process::id().to_string());
    fs::write(&partial, text).doing(|| format!("writing {}", partial.display()))?;
    fs::rename(&partial, path).doing(|| format!("writing {}", path.display()))
}

fn wheel_in(folder: &Path) -> Result<PathBuf, Error> {
    let files = fs::read_dir(folder).doing(|| format!("reading {}", folder.display()))?;
    let mut wheels = files.filter_map(|file| Some(file.ok()?.path()));
    wheels
        .find(|path| path.extension().is_some_and(|end| end == "whl"))
        .ok_or_else(|| Error::Other("pip downloaded no wheel".to_owned()))
}

/// The version in a wheel's name: `botocore-1.44.8-py3-none-any.whl`.
fn version_of(wheel: &Path) -> Option<String> {
    let name = wheel.file_name()?.to_str()?;
    Some(name.strip_prefix("botocore-")?.split('-').next()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wheels_name_has_its_version() {
        let version = version_of(Path::new("/tmp/x/botocore-1.44.8-py3-none-any.whl"));
        assert_eq!(version.as_deref(), Some("1.44.8"));
        assert_eq!(version_of(Path::new("boto3-1.0.0-py3-none-any.whl")), None);
    }
}
