//! The command line.

pub mod check;
mod run_command;

use std::env;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::generate::{docs, iam};
use crate::{ctl, kinds, log, operator, text};

/// A Kubernetes operator for AWS DevOps Agent.
#[derive(Debug, Parser)]
#[command(name = "devops-agent-operator", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the operator, in a cluster or against the one in KUBECONFIG.
    Run(Box<run_command::Run>),
    /// Check that a running operator works, with an object that needs nothing from AWS.
    Check(check::Arguments),
    /// Print the CustomResourceDefinitions, exactly as in `crds/`.
    Crds,
    /// Print a generated table for the documentation.
    Docs {
        /// Which table.
        #[arg(value_enum)]
        table: docs::Table,
        /// The kind, for the table `reference`.
        kind: Option<String>,
    },
    /// Check and show what the operator works on: the same as `kubectl devopsagent`.
    Ctl(Box<ctl::Ctl>),
    /// Print the IAM policy that the operator needs, derived from the operations that it calls.
    Iam {
        /// Only for these features, combined. Defaults to everything that is not optional.
        feature: Vec<String>,
        /// Print the names of the features instead.
        #[arg(long)]
        list: bool,
        /// Print all policies for Terraform instead.
        #[arg(long, conflicts_with = "list")]
        terraform: bool,
    },
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The CRDs couldn't be generated.
    #[error("generating the CRDs: {0}")]
    Crds(String),
    /// The table is of one kind, and no such kind was given.
    #[error("`docs reference` needs a kind, for example `docs reference agentspace`")]
    Kind,
    /// The IAM policy is not known.
    #[error(transparent)]
    Iam(#[from] iam::Unknown),
    /// Standard output could not be written.
    #[error("writing: {0}")]
    Write(#[from] io::Error),
    /// The process couldn't be set up to run.
    #[error("starting: {0}")]
    Start(io::Error),
    /// The log could not be started.
    #[error("--log-level: {0}")]
    Log(#[from] log::Error),
    /// The check failed.
    #[error(transparent)]
    Check(#[from] check::Error),
    /// Traces can't be sent.
    #[cfg(feature = "otlp")]
    #[error(transparent)]
    Traces(#[from] crate::traces::Error),
    /// The shard can't be.
    #[error("--shard: {0}")]
    Shard(String),
    /// Settings contradict each other.
    #[error(
        "--require-account and --without-accounts can't be combined: without AWSAccounts, no object could be reconciled"
    )]
    Accounts,
    /// The times of the lease are inconsistent.
    #[error("{0}")]
    Lease(String),
    /// The operator failed.
    #[error(transparent)]
    Operator(#[from] operator::Error),
}

/// The operator's `main`.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if is_ctl() => return ctl::refuse(&error),
        Err(error) => error.exit(),
    };
    match cli.execute() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("devops-agent-operator: {}", text::plain(&error.to_string()));
            ExitCode::FAILURE
        }
    }
}

/// Whether the arguments are those of `ctl`, which has exit codes of its own.
fn is_ctl() -> bool {
    env::args_os().nth(1).is_some_and(|command| command == "ctl")
}

impl Cli {
    /// Runs the requested command.
    fn execute(self) -> Result<ExitCode, Error> {
        match self.command {
            Command::Run(arguments) => run_command::run(*arguments)?,
            Command::Check(arguments) => runtime()?.block_on(check::run(&arguments))?,
            Command::Crds => print_crds(&mut io::stdout().lock())?,
            Command::Ctl(ctl) => return Ok(ctl.execute()),
            Command::Docs { table, kind } => {
                let text = docs::table(table, kind.as_deref(), &Cli::command()).ok_or(Error::Kind)?;
                write!(io::stdout().lock(), "{text}")?;
            }
            Command::Iam { feature, list, terraform } => {
                let text = if list {
                    iam::names().collect::<Vec<_>>().join("\n") + "\n"
                } else if terraform {
                    iam::terraform()
                } else {
                    iam::json(&feature)?
                };
                write!(io::stdout().lock(), "{text}")?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Writes the CRDs, one YAML document each: the concatenation of the files in `crds/`.
fn print_crds(out: &mut impl Write) -> Result<(), Error> {
    for crd in kinds::crds().map_err(|error| Error::Crds(error.to_string()))? {
        let yaml = serde_saphyr::to_string(&crd).map_err(|error| Error::Crds(error.to_string()))?;
        writeln!(out, "---\n{}", yaml.trim_end())?;
    }
    Ok(())
}

fn runtime() -> Result<tokio::runtime::Runtime, Error> {
    // The first to install a provider wins, and there is only this one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(Error::Start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
