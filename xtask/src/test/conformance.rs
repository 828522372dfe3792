//! The simulator against an independent client: botocore.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::report::Outcome;
use crate::cargo::Programs;
use crate::error::{Doing, Error};
use crate::progress::{Step, say};
use crate::session::Session;
use crate::simulator::{ACCESS_KEY, Simulator};
use crate::{cache, lock};

const SCRIPT: &str = "simulator/tests/conformance.py";
const REQUIREMENT: &str = "botocore==1.44.5";

/// Every operation, driven by botocore.
pub fn check(session: &Session, programs: &Programs) -> Result<Outcome, Error> {
    let Some(python) = python(session)? else {
        return Ok(Outcome::Skipped("there is no python3 with venv on this machine".to_owned()));
    };
    let folder = session.folder("conformance")?;
    let simulator = Simulator::start(session, &programs.simulator, folder.path())?;
    let mut command = Command::new(python);
    command.arg(SCRIPT).args(["--endpoint", simulator.url()]).current_dir(session.root());
    command.env("AWS_ACCESS_KEY_ID", ACCESS_KEY).env("AWS_SECRET_ACCESS_KEY", ACCESS_KEY);
    command.env("AWS_CONFIG_FILE", "/dev/null").env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
    command.env("AWS_REGION", "us-east-1").env("AWS_DEFAULT_REGION", "us-east-1");
    command.env("AWS_EC2_METADATA_DISABLED", "true").env("PYTHONDONTWRITEBYTECODE", "1");
    command.env("NO_PROXY", "127.0.0.1").env("no_proxy", "127.0.0.1");
    command.env_remove("AWS_PROFILE").env_remove("AWS_SESSION_TOKEN");
    if session.stream(&mut command)?.success() {
        return Ok(Outcome::Passed);
    }
    Err(Error::Other(format!("failed: {SCRIPT}")))
}

/// A Python that has botocore, made once and kept; none when the machine has no Python to make it with.
fn python(session: &Session) -> Result<Option<PathBuf>, Error> {
    let folder = cache::folder()?.join("python").join(cache::key(&[REQUIREMENT.as_bytes()]));
    let (environment, complete) = (folder.join("venv"), folder.join("complete"));
    let python = environment.join("bin/python");
    if complete.is_file() && python.exists() {
        return Ok(Some(python));
    }
    fs::create_dir_all(&folder).doing(|| format!("creating {}", folder.display()))?;
    let _lock = lock::hold(&folder.join("lock"), "installing botocore")?;
    let step = Step::start(format!("Installing {REQUIREMENT} into the user's cache"));
    if !make_environment(session, &environment)? {
        return Ok(None);
    }
    let arguments = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", REQUIREMENT];
    // Python would take modules from the current folder.
    let mut pip = Command::new(&python);
    session.capture(pip.args(arguments).current_dir(&folder))?.require_success("pip install")?;
    fs::write(&complete, REQUIREMENT).doing(|| format!("writing {}", complete.display()))?;
    step.done();
    Ok(Some(python))
}

/// False when there is no Python, or one without its module for environments (Debian ships it separately).
fn make_environment(session: &Session, folder: &Path) -> Result<bool, Error> {
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
