//! `cargo xtask faults`: the fault enumeration, every scenario with every fault at every step.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cargo;
use crate::cluster::{Binaries, Cluster};
use crate::error::Error;
use crate::progress::{result, say};
use crate::session::Session;

/// Run the fault enumeration: every scenario with every fault at every step.
///
/// Without arguments it is the full product: every single fault under every reading of what AWS does not say, pairs of
/// faults, random walks. docs/src/design/reliability.md lists environment variables for finer control.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Only this run, as a failure prints it, or only these scenarios, with commas between them.
    run: Option<String>,
    /// Every single fault of every scenario, some pairs and walks; nothing under other readings.
    #[arg(long, conflicts_with = "run")]
    single: bool,
    /// Plant bugs, and check that each of them is caught.
    #[arg(long, conflicts_with_all = ["run", "single"])]
    self_check: bool,
    /// After this many minutes, no more single faults are injected; the report says how many were left out.
    #[arg(long)]
    minutes: Option<u32>,
    /// Seed for pairs of faults and random walks.
    #[arg(long)]
    seed: Option<u32>,
}

/// Runs the command.
pub fn run(session: &Session, arguments: &Arguments) -> Result<(), Error> {
    let mut settings = Vec::new();
    if let Some(run) = &arguments.run {
        settings.push(("FAULTS_ONLY", run.clone()));
    } else if arguments.self_check {
        settings.push(("FAULTS_SELF_CHECK", "1".to_owned()));
    } else if !arguments.single {
        settings.push(("FAULTS_FULL", "1".to_owned()));
    }
    settings.extend(arguments.minutes.map(|minutes| ("FAULTS_MINUTES", minutes.to_string())));
    settings.extend(arguments.seed.map(|seed| ("FAULTS_SEED", seed.to_string())));
    say("Compiling the fault enumeration");
    let program = compile(session, false)?;
    enumerate(session, &program, &settings).map(drop)
}

/// A sample of all single faults, with some pairs and walks, for every change; gives the figures. Every call and every
/// kind of fault of every scenario comes first; the rest is seeded by the commit, so that each change tries different
/// ones and a run can be repeated. `FAULTS_MINUTES` and `FAULTS_SEED` in the environment change how long it may take
/// and the seed.
pub fn sample(session: &Session, program: &Path) -> Result<String, Error> {
    const MINUTES: &str = "5";
    let minutes = std::env::var("FAULTS_MINUTES").unwrap_or_else(|_| MINUTES.to_owned());
    let seed = std::env::var("FAULTS_SEED").or_else(|_| commit_as_seed(session))?;
    say(&format!("FAULTS_SEED={seed} FAULTS_MINUTES={minutes}"));
    enumerate(session, program, &[("FAULTS_MINUTES", minutes), ("FAULTS_SEED", seed)])
}

/// The first 32 bits of the commit's hash; 1 if there is no commit, as in an unpacked archive.
fn commit_as_seed(session: &Session) -> Result<String, Error> {
    let mut git = Command::new("git");
    let answer = session.capture_stdout(git.current_dir(session.root()).args(["rev-parse", "HEAD"]))?;
    let first = answer.stdout.get(..8).and_then(|digits| u32::from_str_radix(digits, 16).ok());
    Ok(first.unwrap_or(1).max(1).to_string())
}

/// On a cluster of its own: what other tests leave would be calls that no scenario makes.
fn enumerate(session: &Session, program: &Path, settings: &[(&str, String)]) -> Result<String, Error> {
    let binaries = Binaries::for_cluster(session, false)?;
    let mut cluster = Cluster::start(session, &binaries)?;
    let mut command = Command::new(program);
    command.current_dir(session.root());
    command.envs(settings.iter().map(|(name, value)| (name, value)));
    let ran = session.capture_stdout(command.env("KUBECONFIG", cluster.kubeconfig()))?;
    result(ran.stdout.trim_end());
    cluster.check()?;
    let figures = ran.stdout.lines().last().unwrap_or_default().to_owned();
    // The figures are the last line, and say that something failed.
    if ran.status.success() { Ok(figures) } else { Err(Error::Reported(figures)) }
}

/// Compiles the enumeration, which has a profile of its own; in the background, beside other work.
pub fn compile(session: &Session, in_background: bool) -> Result<PathBuf, Error> {
    cargo::test_program(session, "faults", "faults", in_background)
}
