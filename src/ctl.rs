//! `kubectl devopsagent`: what users run on their own machine, with a cluster or without one.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`exit`] | the exit codes, in one table |
//! | [`output`] | how results are printed: text, JSON, YAML |
//! | [`completion`] | completion for shells, and for kubectl |
//! | [`cluster`] | the cluster that a command is about, and its objects |
//! | [`account_access`] | the AWS account that a command is about, for reading only |
//! | [`manifests`] | the files of `-f`: the objects in them, and where their fields stand |
//! | [`validate`] | checks files without a cluster |
//! | [`import`] | writes YAML for what there is in AWS |
//! | [`iam_policy`] | the least IAM policy for the objects that there are |
//! | [`webhook_command`], [`incident`] | test incidents through webhooks |
//! | [`plan`] | what the operator would do |
//! | [`progress`] | progress of long work |
//! | [`status_command`] | how the objects are, and what to fix first |
//! | [`doctor`] | checks the installation, from the cluster to AWS |
//! | [`schema_command`] | the JSON Schemas of the CRDs |
//!
//! A command gets its arguments, does its work, and returns how it ended. It writes results to standard output and
//! nothing else; progress and errors go to standard error.

pub mod account_access;
mod cluster;
mod completion;
mod doctor;
mod eks_name;
pub mod exit;
mod iam_policy;
pub mod import;
mod incident;
pub mod manifests;
mod output;
mod plan;
mod progress;
mod schema_command;
pub mod status_command;
pub mod validate;
mod webhook_command;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory, Parser, Subcommand};

use crate::{aws, text};

use self::exit::Exit;

/// The plugin of kubectl.
#[derive(Debug, Parser)]
#[command(
    name = "kubectl-devopsagent",
    bin_name = "kubectl devopsagent",
    version,
    about = "Checks and shows what the operator for AWS DevOps Agent works on."
)]
struct Plugin {
    #[command(flatten)]
    ctl: Ctl,
}

/// The commands of the plugin, with the flags of all of them.
#[derive(Debug, Args)]
#[command(after_help = exit::HELP)]
pub struct Ctl {
    /// Don't use colors. Without a terminal, none are used anyway.
    #[arg(long, global = true)]
    no_color: bool,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the completion script of a shell, or the program that kubectl runs for completion.
    Completion(completion::Arguments),
    /// Print or write the JSON Schemas of the CRDs, for editors and linters.
    Schema(schema_command::Arguments),
    /// Check files before they are applied, without a cluster.
    Validate(validate::Arguments),
    /// Write YAML for what exists in an AWS account and region. Reads only.
    Import(import::Arguments),
    /// Show what the operator would do in AWS, before it does it.
    Plan(plan::Arguments),
    /// Show how the objects are, from accounts to what is in them, and what to fix first.
    Status(status_command::Arguments),
    /// Check the installation: the cluster, the operator, permissions, AWS, webhooks. Changes nothing.
    Doctor(doctor::Arguments),
    /// Print the least IAM policy for the objects of files or of a cluster.
    IamPolicy(iam_policy::Arguments),
    /// Send a test incident through the webhook of an Association, or print its URL.
    Webhook(webhook_command::Arguments),
    /// What kubectl asks for completion.
    #[command(name = "__complete", hide = true, disable_help_flag = true)]
    Complete(completion::Asked),
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Standard output could not be written.
    #[error("writing the output: {0}")]
    Write(#[from] io::Error),
    /// A file could not be written or read.
    #[error("{}: {error}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What went wrong.
        error: io::Error,
    },
    /// The CRDs couldn't be generated.
    #[error("generating the CRDs: {0}")]
    Schema(serde_json::Error),
    /// The rules of the CRDs can't be evaluated at all.
    #[error("preparing the CRDs' rules: {0}")]
    Rules(String),
    /// A file can't be used.
    #[error("{file}:{line}: {message}")]
    Manifest {
        /// The file.
        file: String,
        /// Where.
        line: u64,
        /// Why.
        message: String,
    },
    /// An object that is needed isn't there, or not as it is needed.
    #[error("{0}")]
    Missing(String),
    /// A webhook can't be called, or doesn't accept the call.
    #[error("{0}")]
    Webhook(String),
    /// No usable kubeconfig, and not in a cluster.
    #[error("finding a cluster: {0}; set KUBECONFIG, or name a context with --context")]
    Kubeconfig(String),
    /// The Kubernetes API refused.
    #[error("{doing}: {source}{hint}")]
    Kubernetes {
        /// What was being done.
        doing: String,
        /// The client's error.
        source: Box<kube::Error>,
        /// What may help.
        hint: &'static str,
    },
    /// AWS refused, or can't be reached.
    #[error("{doing}: {source}")]
    Aws {
        /// What was being done.
        doing: String,
        /// The client's error.
        source: Box<aws::Error>,
    },
    /// Arguments that contradict each other, or what there is.
    #[error("{0}")]
    Usage(String),
    /// The operator's code could not be run on a replica.
    #[error("planning: {0}")]
    Preview(String),
    /// There is no such AWSAccount.
    #[error("there is no AWSAccount {given:?} among the objects; there {known}")]
    Account {
        /// What was asked for.
        given: String,
        /// The accounts.
        known: String,
    },
    /// There is no such kind.
    #[error("there is no kind {given:?}; the kinds are {known}")]
    Kind {
        /// What was asked for.
        given: String,
        /// The kinds.
        known: String,
    },
}

impl Error {
    /// There is no AWSAccount `given` among the `known` ones.
    fn account<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let known: Vec<&str> = known.into_iter().collect();
        let known =
            if known.is_empty() { "are none".to_owned() } else { format!("are {}", known.join(", ")) };
        Self::Account { given: given.to_owned(), known }
    }

    /// Whether the API server says that the user isn't allowed to.
    fn is_forbidden(&self) -> bool {
        let Self::Kubernetes { source, .. } = self else { return false };
        matches!(&**source, kube::Error::Api(status) if status.code == 403)
    }

    /// The exit code for it.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Kind { .. } | Self::Account { .. } | Self::Manifest { .. } | Self::Usage(_) => {
                Exit::Invalid
            }
            _ => Exit::Error,
        }
    }
}

impl Ctl {
    /// Runs the command, reports why it failed, and returns the exit code.
    pub fn execute(self) -> ExitCode {
        let ended = match self.run() {
            Ok(exit) => exit,
            // Whoever read the output has enough of it: `… | head` isn't an error.
            Err(Error::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Done,
            Err(error) => {
                let _ = writeln!(io::stderr(), "error: {}", text::plain(&error.to_string()));
                error.exit()
            }
        };
        ended.into()
    }

    fn run(self) -> Result<Exit, Error> {
        match self.command {
            Command::Completion(arguments) => completion::print(&arguments, &mut Plugin::command()),
            Command::Schema(arguments) => schema_command::run(&arguments),
            Command::Validate(arguments) => validate::run(&arguments, self.no_color),
            Command::Import(arguments) => import::run(&arguments),
            Command::Plan(arguments) => plan::run(arguments, self.no_color),
            Command::Status(arguments) => status_command::run(&arguments, self.no_color),
            Command::Doctor(arguments) => doctor::run(&arguments, self.no_color),
            Command::IamPolicy(arguments) => iam_policy::run(&arguments),
            Command::Webhook(arguments) => webhook_command::run(arguments),
            Command::Complete(asked) => completion::answer(asked, &mut Plugin::command()),
        }
    }
}

/// Runs what needs the network to its end.
fn block_on<T>(future: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    // The first to install a provider wins, and there is only this one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(future)
}

/// The plugin's `main`.
pub fn main() -> ExitCode {
    match Plugin::try_parse() {
        Ok(plugin) => plugin.ctl.execute(),
        Err(error) => refuse(&error),
    }
}

/// Prints why the arguments can't be used, or the help that was asked for.
pub fn refuse(error: &clap::Error) -> ExitCode {
    // Nobody is left to tell.
    let _ = error.print();
    if error.use_stderr() { Exit::Invalid.into() } else { Exit::Done.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Plugin::command().debug_assert();
    }

    #[test]
    fn help_is_no_error_and_a_misspelt_command_is_invalid() {
        let ended = |arguments: &[&str]| {
            let error = Plugin::try_parse_from(arguments).unwrap_err();
            format!("{:?}", refuse(&error))
        };
        assert_eq!(ended(&["x", "--help"]), format!("{:?}", ExitCode::from(0)));
        assert_eq!(ended(&["x", "complete-nothing"]), format!("{:?}", ExitCode::from(3)));
        assert_eq!(ended(&["x", "completion", "korn"]), format!("{:?}", ExitCode::from(3)));
    }
}
