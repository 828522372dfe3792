//! `cargo xtask bench`: what the operator costs, with many objects.
//!
//! A real API server, the operator as it is released, and a simulated AWS that takes its time. Every size has a cluster of
//! its own, in which the [`phases`] come one after the other. What is counted is counted by others than the operator:
//! calls by the simulator, writes by the API server, processor time and memory by Linux.

mod api_server;
mod aws_calls;
mod baseline;
mod drift;
mod edits;
mod environment;
mod figures;
mod fit;
mod kubernetes_writes;
mod launch;
mod machine;
mod page;
mod parallel;
mod phases;
mod process_usage;
mod quiet;
mod readiness;
mod run_result;
mod settings;
mod shape;
mod table;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use self::baseline::Baseline;
use self::environment::{Environment, Programs};
use self::machine::Machine;
use self::phases::Phase;
use self::run_result::RunResult;
use self::settings::{Settings, UNLIMITED};
use self::shape::Shape;
use crate::error::{Doing, Error};
use crate::progress::{result, say};
use crate::session::Session;

/// Whether cost grows shows only over sizes that differ much.
const SIZES: [usize; 3] = [500, 2000, 10_000];

/// Measure what the operator costs: time, API calls, Kubernetes writes, CPU and memory, with many objects.
///
/// The operator is compiled for production and runs against a Kubernetes control plane of its own and a simulated AWS. The
/// table goes to standard output. `docs/src/operate/scale.md` says what each figure means.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// How many objects; several numbers are measured one after the other, and compared.
    #[arg(long, value_name = "N", value_delimiter = ',', default_value = "500")]
    objects: Vec<usize>,
    /// The same as `--objects 500,2000,10000`.
    #[arg(long, conflicts_with = "objects")]
    fit: bool,
    /// What the objects are.
    #[arg(long, value_enum, default_value = "mix")]
    shape: Shape,
    /// The operator's `--concurrency`.
    #[arg(long, value_name = "C", default_value_t = 10)]
    concurrency: u16,
    /// How long AWS takes for each call.
    #[arg(long, value_name = "TIME", default_value = "20ms", value_parser = settings::duration)]
    latency: Duration,
    /// How many calls a second AWS lets through; it throttles the others. Without it, any number.
    #[arg(long, value_name = "R", default_value_t = 0)]
    rate_limit: u32,
    /// The operator's `--requests-per-second`. Without it, the rate limit, or more than it can use.
    #[arg(long, value_name = "R")]
    requests_per_second: Option<u16>,
    /// The operator's `--resync-period` while it is measured at rest. Without it, such that 50 objects are compared a
    /// second, and at least 5s.
    #[arg(long, value_name = "TIME", value_parser = settings::duration)]
    rest_period: Option<Duration>,
    /// A further setting of the operator, as its environment variable; can be repeated.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = settings::variable)]
    set: Vec<(String, String)>,
    /// Measure only these, comma-separated. Objects are always created.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "PHASES")]
    phases: Vec<Phase>,
    /// Write the figures to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Compare with the figures in this file, which `--json` wrote.
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Put the table into docs/src/operate/scale.md.
    #[arg(long)]
    docs: bool,
    /// The operator to measure, compiled before.
    #[arg(long, value_name = "PROGRAM", requires = "simulator", hide = true)]
    operator: Option<PathBuf>,
    /// The simulator to measure with.
    #[arg(long, value_name = "PROGRAM", requires = "operator", hide = true)]
    simulator: Option<PathBuf>,
}

/// Runs the command.
pub fn run(session: &Session, arguments: &Arguments) -> Result<(), Error> {
    let baseline = arguments.baseline.as_deref().map(Baseline::read).transpose()?;
    let (Some(operator), Some(simulator)) = (&arguments.operator, &arguments.simulator) else {
        return launch::run(session);
    };
    let programs = Programs { operator: operator.clone(), simulator: simulator.clone() };
    let machine = Machine::this();
    let sizes = if arguments.fit { SIZES.to_vec() } else { arguments.objects.clone() };
    let mut runs = Vec::new();
    let outcome = measure(session, arguments, &programs, &machine, &sizes, &mut runs);
    // What was measured before a failure took its time too.
    if !runs.is_empty() {
        let report = report(&machine, &arguments.settings(0)?, &runs, baseline.as_ref());
        result(&report);
        if arguments.docs && outcome.is_ok() {
            page::write(session.root(), &report)?;
        }
    }
    outcome
}

/// Measures all sizes, each in a cluster of its own.
fn measure(
    session: &Session,
    arguments: &Arguments,
    programs: &Programs,
    machine: &Machine,
    sizes: &[usize],
    runs: &mut Vec<RunResult>,
) -> Result<(), Error> {
    for objects in sizes {
        let settings = arguments.settings(*objects)?;
        say(&format!("{objects} objects ({}): {}", settings.shape.name(), settings.describe()));
        let mut environment = Environment::start(session, programs, settings)?;
        runs.push(phases::run(&mut environment)?);
        if let Some(path) = &arguments.json {
            write(path, &json(machine, &environment.settings, runs))?;
        }
    }
    Ok(())
}

impl Arguments {
    fn settings(&self, objects: usize) -> Result<Settings, Error> {
        let limited = u16::try_from(self.rate_limit).unwrap_or(UNLIMITED);
        let budget = if limited == 0 { UNLIMITED } else { limited };
        let all = <Phase as clap::ValueEnum>::value_variants();
        if self.objects.contains(&0) {
            return Err(Error::Other("--objects must be at least 1".to_owned()));
        }
        Ok(Settings {
            objects,
            shape: self.shape,
            concurrency: self.concurrency,
            latency: self.latency,
            rate_limit: self.rate_limit,
            requests_per_second: self.requests_per_second.unwrap_or(budget),
            rest_period: self.rest_period.unwrap_or_else(|| settings::rest_period(objects)),
            operator: self.set.clone(),
            phases: if self.phases.is_empty() { all.to_vec() } else { self.phases.clone() },
        })
    }
}

/// What is printed, and put into the documentation.
fn report(machine: &Machine, settings: &Settings, runs: &[RunResult], baseline: Option<&Baseline>) -> String {
    format!(
        "Machine: {}.\n\nSettings: {}.\n\n{}\nAPI calls for an object, by operation:\n\n{}",
        machine.describe(),
        settings.describe(),
        table::markdown(runs, baseline),
        table::calls(runs)
    )
}

fn json(machine: &Machine, settings: &Settings, runs: &[RunResult]) -> Value {
    json!({
        "machine": machine.json(),
        "settings": settings.json(),
        "runs": runs.iter().map(RunResult::json).collect::<Vec<_>>(),
        "fit": fit::json(&fit::all(runs)),
    })
}

fn write(path: &Path, value: &Value) -> Result<(), Error> {
    fs::write(path, format!("{value:#}\n")).doing(|| format!("writing {}", path.display()))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn arguments(text: &str) -> Arguments {
        let words = ["bench"].into_iter().chain(text.split_whitespace());
        Cli::try_parse_from(words).unwrap_or_else(|error| panic!("{error}")).arguments
    }

    #[test]
    fn sizes_and_phases_are_lists() {
        let arguments = arguments("--objects 500,2000 --phases create,rest --set A=1 --set B=2");
        assert_eq!(arguments.objects, [500, 2000]);
        let settings = arguments.settings(500).unwrap();
        assert!(settings.measures(Phase::Rest) && !settings.measures(Phase::Storm));
        assert_eq!(settings.operator, [("A".to_owned(), "1".to_owned()), ("B".to_owned(), "2".to_owned())]);
        assert!(Cli::try_parse_from(["bench", "--objects", "50", "--fit"]).is_err());
    }

    #[test]
    fn the_operator_may_use_what_aws_lets_through() {
        let budget = |text: &str| arguments(text).settings(50).unwrap().requests_per_second;
        assert_eq!(budget(""), UNLIMITED);
        assert_eq!(budget("--rate-limit 20"), 20);
        assert_eq!(budget("--rate-limit 20 --requests-per-second 500"), 500);
    }

    #[test]
    fn without_phases_all_are_measured_and_no_object_is_too_few() {
        let settings = arguments("--rest-period 10m").settings(50).unwrap();
        assert_eq!(settings.rest_period, Duration::from_mins(10));
        assert!(settings.measures(Phase::Floor) && settings.measures(Phase::Delete));
        assert!(arguments("--objects 0").settings(0).is_err());
    }
}
