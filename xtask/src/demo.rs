//! `cargo xtask demo`: the operator at work, from building it to an empty AWS.

mod apply;
mod aws;
mod drift;
mod environment;
mod events;
mod incident;
mod manifests;
mod objects;
mod operator;
mod remove;
mod target;
mod waiting;

use std::thread;
use std::time::Duration;

use self::environment::Environment;
use self::target::Target;
use crate::cargo;
use crate::cluster::Binaries;
use crate::error::Error;
use crate::interrupt;
use crate::progress::{Step, result, say};
use crate::session::Session;

/// See the operator work: build it, start a cluster and a simulated AWS, apply all of examples/, wait until
/// everything is Ready, send a signed incident, correct a drift, delete everything.
///
/// Needs Rust and Go, no AWS account and no cluster. Everything is on this machine and gone afterwards; Ctrl-C ends
/// it at any moment.
// Each is a switch of its own on the command line.
#[expect(clippy::struct_excessive_bools)]
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Leave everything running once all is Ready, and print how to reach it, until Ctrl-C.
    #[arg(long)]
    keep: bool,
    /// Use this context of your kubeconfig instead of a cluster of the demo's own. AWS stays simulated. What the
    /// demo installs there is removed at the end.
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    /// With --context: go on although the CRDs are installed already. They are replaced and stay.
    #[arg(long, requires = "context")]
    force: bool,
    /// Build with optimisations, as for production (slower to build).
    #[arg(long)]
    release: bool,
    /// Show the operator's log.
    #[arg(long, short)]
    verbose: bool,
}

/// Runs the command.
pub fn run(session: &Session, arguments: &Arguments) -> Result<(), Error> {
    let (programs, mut target) = prepare(session, arguments)?;
    let outcome =
        Environment::start(session, &programs, &mut target, arguments.verbose).and_then(|mut environment| {
            let outcome = show(&mut environment, arguments.keep);
            target::tidy(&environment, outcome)
        });
    target.uninstall(outcome)
}

/// Compiles with cargo and with Go at the same time, and starts the cluster as soon as it can be.
fn prepare<'a>(session: &'a Session, arguments: &Arguments) -> Result<(cargo::Programs, Target<'a>), Error> {
    thread::scope(|scope| {
        let target = scope.spawn(|| match &arguments.context {
            Some(context) => Target::existing(session, context, arguments.force),
            None => Target::own(session, &Binaries::for_cluster(session, false)?),
        });
        say("Compiling the operator and the simulator.");
        let programs = cargo::build(session, if arguments.release { &["--release"] } else { &[] });
        let target =
            target.join().map_err(|_| Error::Other("the thread that starts the cluster ended".to_owned()))?;
        Ok((programs?, target?))
    })
}

/// The demonstration.
fn show(environment: &mut Environment, keep: bool) -> Result<(), Error> {
    apply::examples(environment)?;
    waiting::until_all_ready(environment)?;
    result(&environment.kubectl.run(&["get", "devopsagent", "-A"])?);
    if keep {
        return stay(environment);
    }
    incident::send(environment)?;
    drift::correct(environment)?;
    remove::everything(environment)?;
    result("That was the demo. Try `cargo xtask demo --keep` to look around.");
    Ok(())
}

/// Leaves it running until Ctrl-C.
fn stay(environment: &mut Environment) -> Result<(), Error> {
    result("Everything is running. To look around:\n");
    for line in environment.how_to_reach() {
        result(&line);
    }
    result("\nCtrl-C here stops it and removes everything.");
    loop {
        interrupt::sleep(Duration::from_millis(500))?;
        environment.check()?;
    }
}

/// A step of the demo that has the screen to itself, with a line at least every two seconds.
fn step(what: impl Into<String>) -> Step {
    Step::start_lively(what)
}
