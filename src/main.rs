//! The operator's binary: `run`, `check`, `crds` and `docs`.

use std::process::ExitCode;

use clap::Parser;
use devops_agent_operator::{cli::Cli, text};

fn main() -> ExitCode {
    match Cli::parse().execute() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("devops-agent-operator: {}", text::plain(&error.to_string()));
            ExitCode::FAILURE
        }
    }
}
