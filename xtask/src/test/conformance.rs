//! The simulator against an independent client: botocore.

use std::process::Command;

use super::report::Outcome;
use crate::cargo::Programs;
use crate::error::Error;
use crate::session::Session;
use crate::simulator::{ACCESS_KEY, Simulator};
use crate::{model, python};

const SCRIPT: &str = "simulator/tests/conformance.py";

/// The model is the one of the pinned botocore, and every operation works when botocore drives it.
pub fn check(session: &Session, programs: &Programs) -> Result<Outcome, Error> {
    let requirements = session.root().join(model::PIN);
    let Some(python) = python::environment(session, Some(&requirements))? else {
        return Ok(Outcome::Skipped("there is no python3 with venv on this machine".to_owned()));
    };
    let folder = session.folder("conformance")?;
    model::check_pinned(session)?;
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
