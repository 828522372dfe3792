//! The operator's binary: `run` and `crds`.

use std::process::ExitCode;

fn main() -> ExitCode {
    match devops_agent_operator::kinds::crds() {
        Ok(crds) => {
            for crd in crds {
                println!("---\n{}", serde_saphyr::to_string(&crd).unwrap_or_default().trim_end());
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
