//! What is measured, one after the other.

mod create;
mod delete;
mod edit;
mod floor;
mod rest;
mod restart;
mod storm;

use super::environment::Environment;
use super::run_result::RunResult;
use crate::error::Error;

/// A part of the measurement, by its name on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Phase {
    /// What the API server can do, without the operator
    Floor,
    /// All objects are applied, until all are Ready; always done, since the others need them
    Create,
    /// The operator is started again
    Restart,
    /// Some objects are edited while everything is compared with AWS
    Edit,
    /// AWS throttles every call for a while
    Storm,
    /// Nothing happens; then something is changed in AWS
    Rest,
    /// All objects are deleted
    Delete,
}

/// Measures one part.
type Measure = fn(&mut Environment, &mut RunResult) -> Result<(), Error>;

/// Measures what the settings say.
pub fn run(environment: &mut Environment) -> Result<RunResult, Error> {
    let settings = environment.settings.clone();
    let mut result = RunResult {
        objects: settings.objects,
        shape: settings.shape.name().to_owned(),
        ..RunResult::default()
    };
    if settings.measures(Phase::Floor) {
        floor::measure(environment, &mut result)?;
    }
    create::measure(environment, &mut result)?;
    let later: [(Phase, Measure); 5] = [
        (Phase::Restart, restart::measure),
        (Phase::Edit, edit::measure),
        (Phase::Storm, storm::measure),
        (Phase::Rest, rest::measure),
        (Phase::Delete, delete::measure),
    ];
    for (_, measure) in later.iter().filter(|(phase, _)| settings.measures(*phase)) {
        measure(environment, &mut result)?;
    }
    Ok(result)
}
