//! The operator as a program beside xtask, with nothing of the user's AWS settings.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::target::Target;
use crate::error::{Doing, Error};
use crate::folder::Folder;
use crate::service::Service;
use crate::session::Session;
use crate::simulator::{ACCESS_KEY, Simulator};

/// Starts `devops-agent-operator run` against the cluster and the simulated AWS.
pub fn start(
    session: &Session,
    program: &Path,
    target: &Target,
    simulator: &Simulator,
    folder: &Folder,
) -> Result<Service, Error> {
    let empty = folder.file("no-aws-settings");
    fs::write(&empty, "").doing(|| format!("writing {}", empty.display()))?;
    let mut command = Command::new(program);
    command.arg("run").current_dir(folder.path());
    for (name, _) in env::vars_os().filter(|(name, _)| is_aws_setting(&name.to_string_lossy())) {
        command.env_remove(name);
    }
    command.env("KUBECONFIG", target.kubeconfig());
    command.env("AWS_REGION", "us-east-1").env("AWS_EC2_METADATA_DISABLED", "true");
    command.env("AWS_ACCESS_KEY_ID", ACCESS_KEY).env("AWS_SECRET_ACCESS_KEY", ACCESS_KEY);
    command.env("AWS_ENDPOINT_URL", simulator.url());
    command.env("AWS_CONFIG_FILE", &empty).env("AWS_SHARED_CREDENTIALS_FILE", &empty);
    Service::start(session, "the operator", &mut command, folder.file("operator.log"))
}

fn is_aws_setting(name: &str) -> bool {
    name.starts_with("AWS_")
}

#[cfg(test)]
mod tests {
    use super::is_aws_setting;

    #[test]
    fn only_the_users_aws_settings_are_left_out() {
        assert!(is_aws_setting("AWS_PROFILE"));
        assert!(is_aws_setting("AWS_ENDPOINT_URL_DEVOPS_AGENT"));
        assert!(!is_aws_setting("RUST_LOG"));
    }
}
