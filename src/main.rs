//! The operator's binary: `run`, `check`, `crds`, `docs` and `ctl`.

use std::process::ExitCode;

use devops_agent_operator::cli;

fn main() -> ExitCode {
    cli::main()
}
