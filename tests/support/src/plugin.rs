//! The plugin of kubectl, against the cluster and a simulated AWS.

use crate::operator::set_environment;

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

impl Ended {
    /// Its exit code, and all that it said.
    pub fn said(self) -> (Option<i32>, String) {
        (self.code, self.out + &self.err)
    }
}

/// Runs this plugin against the AWS at this address, with more variables in its environment.
pub async fn run(program: &str, aws: &str, environment: &[(&str, &str)], arguments: &[&str]) -> Ended {
    let mut command = std::process::Command::new(program);
    set_environment(&mut command, aws);
    let mut command = tokio::process::Command::from(command);
    command.args(arguments);
    command.envs(environment.iter().copied());
    let output = command.output().await.expect("the plugin runs");
    let text = |bytes| String::from_utf8(bytes).expect("it prints text");
    Ended { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}
