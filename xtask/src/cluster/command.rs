//! `cargo xtask cluster`.

use std::time::Duration;

use super::{Binaries, Cluster};
use crate::error::Error;
use crate::interrupt;
use crate::progress::{Step, result, say};
use crate::session::Session;

/// Run a Kubernetes control plane (API server, etcd, controllers) until Ctrl-C.
///
/// The programs come from the folder `KUBEBUILDER_ASSETS`, or are compiled with Go once and kept in the user's cache.
/// Nothing is installed, nothing listens but on the loopback interface, and all of it is gone afterwards.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Only compile the programs into the cache (all of them: also helm and kubeconform).
    #[arg(long)]
    build_only: bool,
}

/// Runs the command.
pub fn run(session: &Session, arguments: &Arguments) -> Result<(), Error> {
    if arguments.build_only {
        let binaries = Binaries::all(session)?;
        result(&binaries.kubectl().parent().unwrap_or(session.root()).display().to_string());
        return Ok(());
    }
    let binaries = Binaries::for_cluster(session, true)?;
    let step = Step::start("Starting the control plane");
    let mut cluster = Cluster::start(session, &binaries)?;
    step.done();
    result(&format!("export KUBECONFIG={}", cluster.kubeconfig().display()));
    say(&format!(
        "kubectl is {}, the logs are in {}.",
        binaries.kubectl().display(),
        cluster.folder().display()
    ));
    say("Ctrl-C stops it and removes everything.");
    loop {
        interrupt::sleep(Duration::from_millis(500))?;
        cluster.check()?;
    }
}
