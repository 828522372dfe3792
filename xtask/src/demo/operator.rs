//! The operator of the demo.

use std::path::Path;

use super::target::Target;
use crate::error::Error;
use crate::folder::Folder;
use crate::operator::{self, Setup};
use crate::service::Service;
use crate::session::Session;
use crate::simulator::Simulator;

/// The namespace of the operator's own Secret.
pub const NAMESPACE: &str = "devops-agent-demo";

/// The simulator has no limits; with the default the examples would take half a minute longer.
const SETTINGS: [(&str, &str); 2] = [("REQUESTS_PER_SECOND", "500"), ("LOG_FORMAT", "text")];

/// Starts the operator against the cluster and the simulated AWS, and waits until it is ready.
pub fn start(
    session: &Session,
    program: &Path,
    target: &Target,
    simulator: &Simulator,
    folder: &Folder,
) -> Result<Service, Error> {
    let settings = SETTINGS.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let kubeconfig = target.kubeconfig();
    let setup = Setup { program, kubeconfig, namespace: NAMESPACE, simulator, folder, settings };
    let mut started = operator::start(session, &setup)?;
    started.wait_until_ready()?;
    Ok(started.service)
}
