//! kubectl, for one cluster, without any of the user's settings.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::error::{Doing, Error};
use crate::process::Output;
use crate::session::Session;

/// How to run kubectl for one cluster.
#[derive(Debug, Clone)]
pub struct Kubectl<'a> {
    /// The run that the programs belong to.
    pub session: &'a Session,
    /// The program.
    pub program: PathBuf,
    /// The cluster's kubeconfig; none means the user's own.
    pub kubeconfig: Option<PathBuf>,
    /// Where kubectl keeps what it discovered. Never the user's folder: it is keyed by address, and the next cluster
    /// may get the same port.
    pub cache: PathBuf,
}

impl Kubectl<'_> {
    /// The command line.
    pub fn command<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(&self.program);
        command.env("KUBECACHEDIR", &self.cache).env("KUBERC", "off").current_dir(self.session.root());
        if let Some(kubeconfig) = &self.kubeconfig {
            command.env("KUBECONFIG", kubeconfig);
        }
        command.args(arguments);
        command
    }

    /// Runs kubectl, whatever the result.
    pub fn attempt<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Result<Output, Error> {
        self.session.capture(&mut self.command(arguments))
    }

    /// Runs kubectl, which must succeed.
    pub fn run(&self, arguments: &[&str]) -> Result<String, Error> {
        self.attempt(arguments)?.require_success(&format!("kubectl {}", arguments.join(" ")))
    }

    /// Runs kubectl with `-o json`.
    pub fn json(&self, arguments: &[&str]) -> Result<Value, Error> {
        let text = self.run(&[arguments, &["-o", "json"]].concat())?;
        serde_json::from_str(&text).doing(|| format!("reading the output of kubectl {}", arguments.join(" ")))
    }
}
