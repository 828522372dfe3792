//! The commands and how each is started.

use clap::{Parser, Subcommand};

use crate::error::Error;
use crate::session::Session;
use crate::{bench, cluster, demo, faults, generate, guard, interrupt, model, test, versions};

/// The project's own commands.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_help_subcommand = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Arguments),
    Test(test::Arguments),
    Faults(faults::Arguments),
    Bench(bench::Arguments),
    Generate(generate::Arguments),
    Fixtures(test::FixtureArguments),
    Cluster(cluster::command::Arguments),
    Versions(versions::Arguments),
    Model(model::Arguments),
    /// Ends the processes of an xtask that is gone; started by xtask itself.
    #[command(hide = true)]
    Guard,
}

/// Runs the command that was asked for.
pub fn run(arguments: Arguments) -> Result<(), Error> {
    if matches!(arguments.command, Command::Guard) {
        return guard::run();
    }
    interrupt::install()?;
    let mut session = Session::start()?;
    match arguments.command {
        Command::Demo(arguments) => demo::run(&session, &arguments),
        Command::Test(arguments) => test::run(&mut session, &arguments),
        Command::Faults(arguments) => faults::run(&session, &arguments),
        Command::Bench(arguments) => bench::run(&session, &arguments),
        Command::Generate(arguments) => generate::run(&session, &arguments),
        Command::Fixtures(arguments) => test::fixtures(&session, &arguments),
        Command::Cluster(arguments) => cluster::command::run(&session, &arguments),
        Command::Versions(arguments) => versions::run(&session, &arguments),
        Command::Model(arguments) => model::run(&session, &arguments),
        Command::Guard => Ok(()),
    }
}
