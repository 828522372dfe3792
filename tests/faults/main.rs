//! Nothing lost, nothing duplicated: every fault at every step.
//!
//! A scenario is a script over one or several objects. It is run undisturbed first, which records what the operator
//! sends to Kubernetes and to AWS; then once for each fault at each of these calls. After each run the rules in
//! `harness/rules.rs` are checked against the whole state of the simulated AWS and of the API server. It needs a
//! cluster of its own:
//!
//! ```console
//! $ cargo xtask faults --single                       # every single fault of every scenario
//! $ cargo xtask faults                                # the whole product
//! $ cargo xtask faults rotate-webhook
//! $ cargo xtask faults 'rotate-webhook:AssociateService#1:crash-after'
//! $ cargo xtask faults --self-check                   # plants bugs, which have to be caught
//! ```

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that can not be set up has failed"
)]

mod harness;
mod scenarios;

use std::process::ExitCode;

use harness::enumeration::{run_all, self_check};
use harness::settings::Settings;

fn main() -> ExitCode {
    let settings = match Settings::read() {
        Ok(settings) => settings,
        Err(why) => {
            eprintln!("{why}");
            return ExitCode::FAILURE;
        }
    };
    harness::log::start();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime can be made");
    if settings.self_check {
        let caught = runtime.block_on(self_check(
            &settings,
            &scenarios::all(),
            scenarios::READINGS,
            scenarios::walk(),
        ));
        return if caught { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let report =
        runtime.block_on(run_all(&settings, &scenarios::all(), scenarios::READINGS, scenarios::walk()));
    println!("{report}");
    if report.passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
