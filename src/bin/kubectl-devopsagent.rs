//! `kubectl devopsagent`: the plugin of kubectl.

use std::process::ExitCode;

use devops_agent_operator::ctl;

fn main() -> ExitCode {
    ctl::main()
}
