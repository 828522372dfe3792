//! The operator as a program next to xtask, without any of the user's settings.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::target::Target;
use crate::error::{Doing, Error};
use crate::folder::Folder;
use crate::service::Service;
use crate::session::Session;
use crate::simulator::{ACCESS_KEY, Simulator};
use crate::{http, ports};

/// The namespace of the operator's own Secret.
pub const NAMESPACE: &str = "devops-agent-demo";

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

/// Starts `devops-agent-operator run` against the cluster and the simulated AWS, and waits until it is ready.
pub fn start(
    session: &Session,
    program: &Path,
    target: &Target,
    simulator: &Simulator,
    folder: &Folder,
) -> Result<Service, Error> {
    let empty = folder.file("no-aws-settings");
    fs::write(&empty, "").doing(|| format!("writing {}", empty.display()))?;
    let [port] = ports::free()?;
    let admin = format!("127.0.0.1:{port}");
    let mut command = Command::new(program);
    command.arg("run").current_dir(folder.path());
    for (name, _) in env::vars_os().filter(|(name, _)| is_the_users_setting(&name.to_string_lossy())) {
        command.env_remove(name);
    }
    command
        .env("KUBECONFIG", target.kubeconfig())
        .env("POD_NAMESPACE", NAMESPACE)
        // The simulator has no limits; with the default, the examples would take half a minute longer.
        .env("REQUESTS_PER_SECOND", "500")
        .env("ADMIN_ADDRESS", &admin)
        .env("METRICS_ADDRESS", "0")
        .env("LOGLEVEL_ADDRESS", "0")
        .env("LOG_FORMAT", "text");
    command.env("AWS_REGION", "us-east-1").env("AWS_EC2_METADATA_DISABLED", "true");
    command.env("AWS_ACCESS_KEY_ID", ACCESS_KEY).env("AWS_SECRET_ACCESS_KEY", ACCESS_KEY);
    command
        .env("AWS_ENDPOINT_URL", simulator.url())
        .env("NO_PROXY", "127.0.0.1")
        .env("no_proxy", "127.0.0.1");
    command.env("AWS_CONFIG_FILE", &empty).env("AWS_SHARED_CREDENTIALS_FILE", &empty);
    let mut service = Service::start(session, "the operator", &mut command, folder.file("operator.log"))?;
    let url = format!("http://{admin}/readyz");
    service.wait_for("the operator's readiness", Duration::from_secs(30), || {
        Ok(http::get(&url).is_ok_and(|answer| answer.status == 200))
    })?;
    Ok(service)
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
