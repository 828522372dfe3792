//! The operator as a program next to xtask, without any of the user's settings.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::error::{Doing, Error};
use crate::folder::Folder;
use crate::service::Service;
use crate::session::Session;
use crate::simulator::{ACCESS_KEY, Simulator};
use crate::{http, ports};

/// Variables of the operator's own that a user may have set for another one.
const OWN_SETTINGS: [&str; 14] = [
    "LEADER_ELECTION",
    "CLUSTER_ID",
    "CONCURRENCY",
    "DEVOPS_AGENT_REGION",
    "LOG_FORMAT",
    "LOG_LEVEL",
    "METRICS_ADDRESS",
    "METRICS_AUTH",
    "METRICS_CERTIFICATE",
    "METRICS_KEY",
    "LOGLEVEL_ADDRESS",
    "REQUESTS_PER_SECOND",
    "RESYNC_PERIOD",
    "SHUTDOWN_TIMEOUT",
];

/// How an operator is started.
#[derive(Debug)]
pub struct Setup<'a> {
    /// The program.
    pub program: &'a Path,
    /// For the cluster that it works in.
    pub kubeconfig: PathBuf,
    /// The namespace of its own Secret.
    pub namespace: &'a str,
    /// Its AWS.
    pub simulator: &'a Simulator,
    /// Where it runs, and where its log goes.
    pub folder: &'a Folder<'a>,
    /// Its settings, as environment variables.
    pub settings: Vec<(String, String)>,
}

/// An operator that was started, and where it says whether it is ready.
#[derive(Debug)]
pub struct Started {
    /// The program.
    pub service: Service,
    readiness: String,
}

impl Started {
    /// Waits until it is ready.
    pub fn wait_until_ready(&mut self) -> Result<(), Error> {
        let Self { service, readiness } = self;
        service.wait_for("the operator's readiness", Duration::from_secs(30), || {
            Ok(http::get(readiness).is_ok_and(|answer| answer.status == 200))
        })
    }
}

/// Starts `devops-agent-operator run` against a cluster and the simulated AWS.
pub fn start(session: &Session, setup: &Setup) -> Result<Started, Error> {
    let empty = setup.folder.file("no-aws-settings");
    fs::write(&empty, "").doing(|| format!("writing {}", empty.display()))?;
    let [port] = ports::free()?;
    let admin = format!("127.0.0.1:{port}");
    let mut command = Command::new(setup.program);
    command.arg("run").current_dir(setup.folder.path());
    for (name, _) in env::vars_os().filter(|(name, _)| is_the_users_setting(&name.to_string_lossy())) {
        command.env_remove(name);
    }
    command
        .env("KUBECONFIG", &setup.kubeconfig)
        .env("POD_NAMESPACE", setup.namespace)
        .env("ADMIN_ADDRESS", &admin)
        .env("METRICS_ADDRESS", "0")
        .env("LOGLEVEL_ADDRESS", "0");
    command.env("AWS_REGION", "us-east-1").env("AWS_EC2_METADATA_DISABLED", "true");
    command.env("AWS_ACCESS_KEY_ID", ACCESS_KEY).env("AWS_SECRET_ACCESS_KEY", ACCESS_KEY);
    command
        .env("AWS_ENDPOINT_URL", setup.simulator.url())
        .env("NO_PROXY", "127.0.0.1")
        .env("no_proxy", "127.0.0.1");
    command.env("AWS_CONFIG_FILE", &empty).env("AWS_SHARED_CREDENTIALS_FILE", &empty);
    command.envs(setup.settings.iter().map(|(name, value)| (name, value)));
    let service = Service::start(session, "the operator", &mut command, setup.folder.file("operator.log"))?;
    Ok(Started { service, readiness: format!("http://{admin}/readyz") })
}

fn is_the_users_setting(variable: &str) -> bool {
    variable.starts_with("AWS_") || OWN_SETTINGS.contains(&variable)
}

#[cfg(test)]
mod tests {
    use super::is_the_users_setting;

    #[test]
    fn settings_of_aws_and_of_the_operator_are_left_out_and_others_are_not() {
        assert!(is_the_users_setting("AWS_PROFILE"));
        assert!(is_the_users_setting("AWS_ENDPOINT_URL_DEVOPS_AGENT"));
        assert!(is_the_users_setting("CLUSTER_ID"));
        assert!(!is_the_users_setting("HTTPS_PROXY"));
    }
}
