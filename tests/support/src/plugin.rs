//! The plugin of kubectl, against the cluster and a simulated AWS.

use crate::aws::REGION;

/// How a command of the plugin ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code.
    pub code: Option<i32>,
    /// What it printed.
    pub out: String,
    /// What it complained about.
    pub err: String,
}

/// Runs this plugin against the AWS at this address, with more variables in its environment.
pub async fn run(program: &str, aws: &str, environment: &[(&str, &str)], arguments: &[&str]) -> Ended {
    let mut command = tokio::process::Command::new(program);
    command.args(arguments).envs([
        ("AWS_REGION", REGION),
        ("AWS_ACCESS_KEY_ID", "simulator"),
        ("AWS_SECRET_ACCESS_KEY", "simulator"),
        ("AWS_ENDPOINT_URL", aws),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_CONFIG_FILE", "/dev/null"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
    ]);
    command.envs(environment.iter().copied());
    let output = command.output().await.expect("the plugin runs");
    let text = |bytes| String::from_utf8(bytes).expect("it prints text");
    Ended { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}
