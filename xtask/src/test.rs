//! `cargo xtask test`: everything that has to pass, run to the end even if something failed, with a summary.

mod alerts;
mod book;
mod conformance;
mod dependencies;
mod gitops;
mod iam;
mod install;
mod permissions;
mod release;
mod report;
mod suites;
mod tool;

use std::path::PathBuf;
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

use self::report::{Outcome, Report};
use self::suites::OnCluster;
use crate::cargo::{self, Programs};
use crate::cluster::{Binaries, Cluster};
use crate::error::Error;
use crate::progress::seconds;
use crate::session::Session;
use crate::{faults, generate};

/// Run everything that has to pass before a change lands, and print a summary.
///
/// The control plane is compiled and started while cargo compiles. Without a filter: formatting, lints, generated
/// files, alerts, unit, property and schema tests, fixtures through kstatus, the simulator's conformance, the CRDs, the
/// examples for Argo CD and Flux and YAML that must be rejected on a real API server, the end-to-end tests, the chart,
/// hard times, attacks of tenants, with `--faults` a sample of faults, dependencies. With a filter: only the tests
/// whose names contain it.
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Also inject a sample of faults, seeded by the commit (5 minutes).
    #[arg(long)]
    faults: bool,
    /// Compile into the user's cache, where the next clone finds the dependencies compiled: for CI.
    ///
    /// The project's own crates are compiled each time. If another clone compiles there, this one uses its own folder, as
    /// without the flag; with `CARGO_TARGET_DIR` set, that one.
    #[arg(long)]
    shared_target: bool,
    /// Only what needs no cluster and no Python.
    #[arg(long)]
    fast: bool,
    /// Check the dependencies' licences and sources even if cargo-deny must be compiled first (minutes, once).
    #[arg(long)]
    deny: bool,
    /// Build the book of the documentation even if mdBook must be compiled first (minutes, once).
    #[arg(long)]
    book: bool,
    /// Only tests with this in their name; what follows is passed on to cargo test too.
    #[arg(last = true, value_name = "FILTER")]
    filter: Vec<String>,
}

/// A cluster that is being started, or why there is none.
type Starting<'scope, 'a> = ScopedJoinHandle<'scope, Result<Cluster<'a>, Error>>;

/// The fault enumeration that is being compiled, and how long that took.
type Compiling<'scope> = ScopedJoinHandle<'scope, Result<(PathBuf, Duration), Error>>;

/// Runs the command.
pub fn run(session: &mut Session, arguments: &Arguments) -> Result<(), Error> {
    let mut report = Report::start();
    if arguments.shared_target {
        report.step("The shared target directory", || session.share_target().map(|()| Outcome::Passed))?;
    }
    let session = &*session;
    thread::scope(|scope| {
        let cluster = (!arguments.fast)
            .then(|| scope.spawn(|| Cluster::start(session, &Binaries::for_tests(session)?)));
        let programs = compile(session, arguments, &mut report)?;
        // The tests on clusters mostly wait, which leaves enough CPU to compile this in the meantime.
        let faults =
            (arguments.faults && arguments.filter.is_empty() && !arguments.fast && programs.is_some())
                .then(|| scope.spawn(|| compile_faults(session)));
        without_a_cluster(session, arguments, &mut report, programs.as_ref())?;
        if let (Some(cluster), Some(programs)) = (cluster, programs) {
            on_a_cluster(session, arguments, &mut report, cluster, &programs)?;
        }
        faults.map_or(Ok(()), |faults| sample_of_faults(session, &mut report, faults))
    })?;
    if arguments.filter.is_empty() && !arguments.fast {
        report.step("The book (mdbook build docs)", || book::check(session, arguments.book))?;
        report
            .step("Dependencies: licences, bans, sources", || dependencies::check(session, arguments.deny))?;
    }
    report.finish()
}

/// The compiler's checks, and the programs, if they can be compiled. Meanwhile the cluster starts.
fn compile(session: &Session, arguments: &Arguments, report: &mut Report) -> Result<Option<Programs>, Error> {
    if arguments.filter.is_empty() {
        report.step("Formatting", || suites::formatting(session))?;
        report.step("Lints (clippy)", || suites::lints(session))?;
        report.step("Versions, workflows, image", || release::check(session))?;
    }
    let mut programs = None;
    report.step("Compiling the programs and the tests", || {
        programs = Some(suites::compile(session, arguments.fast)?);
        Ok(Outcome::Passed)
    })?;
    Ok(programs)
}

fn compile_faults(session: &Session) -> Result<(PathBuf, Duration), Error> {
    let started = Instant::now();
    faults::compile(session, true).map(|program| (program, started.elapsed()))
}

fn sample_of_faults(session: &Session, report: &mut Report, compiling: Compiling) -> Result<(), Error> {
    let mut program = None;
    report.step("Waiting for the fault enumeration to compile", || {
        let (path, took) =
            compiling.join().map_err(|_| Error::Other("the thread that compiles it ended".to_owned()))??;
        program = Some(path);
        Ok(Outcome::Counted(format!("{} while the tests run", seconds(took))))
    })?;
    let Some(program) = program else { return Ok(()) };
    report.step("A sample of faults, seeded by the commit", || {
        faults::sample(session, &program).map(Outcome::Counted)
    })
}

/// What needs no cluster.
fn without_a_cluster(
    session: &Session,
    arguments: &Arguments,
    report: &mut Report,
    programs: Option<&Programs>,
) -> Result<(), Error> {
    let everything = arguments.filter.is_empty();
    if let Some(programs) = programs.filter(|_| everything) {
        report.step("Generated files", || {
            generate::check(session, &programs.operator).map(|()| Outcome::Passed)
        })?;
    }
    if everything {
        report.step("Alerts (promtool)", || alerts::check(session))?;
    }
    report.step("Unit, property and schema tests", || suites::unit(session, &arguments.filter))?;
    if everything && !arguments.fast {
        report.step("Optional features (otlp)", || suites::features(session))?;
        report.step("Examples in the documentation", || suites::documentation(session))?;
        report.step("Fixtures through kstatus", || gitops::kstatus(session))?;
    }
    Ok(())
}

fn on_a_cluster(
    session: &Session,
    arguments: &Arguments,
    report: &mut Report,
    cluster: Starting,
    programs: &Programs,
) -> Result<(), Error> {
    if arguments.filter.is_empty() {
        report.step("Conformance of the simulator", || conformance::check(session, programs))?;
    }
    let mut started = None;
    report.step("Starting a control plane", || {
        started =
            Some(cluster.join().map_err(|_| Error::Other("the thread that starts it ended".to_owned()))??);
        Ok(Outcome::Passed)
    })?;
    let Some(mut cluster) = started else { return Ok(()) };
    if arguments.filter.is_empty() {
        report.step("The CRDs on the API server", || install::check(&cluster))?;
        report.step("Examples for Argo CD and Flux", || gitops::examples(session, &cluster))?;
    }
    for (name, test) in
        [("YAML that must be rejected", OnCluster::BadYaml), ("End-to-end tests", OnCluster::EndToEnd)]
    {
        report.step(name, || suites::on_cluster(test, session, &cluster, programs, &arguments.filter))?;
    }
    if arguments.filter.is_empty() {
        report.step("The operator's permissions", || permissions::check(&cluster, "e2e-cluster-scope"))?;
        report.step("End-to-end tests in namespace scope", || {
            suites::on_cluster(OnCluster::EndToEndInNamespaces, session, &cluster, programs, &[])
        })?;
        report.step("The operator's permissions in namespace scope", || {
            permissions::check(&cluster, "e2e-namespace-scope")
        })?;
        report.step("The IAM policies against the calls made", || iam::check(session, programs))?;
    }
    report.step("The chart", || {
        let own = Cluster::start(session, cluster.binaries())?;
        suites::on_cluster(OnCluster::Chart, session, &own, programs, &arguments.filter)
    })?;
    cluster.check()?;
    // The next ones have their own clusters.
    drop(cluster);
    for (name, test) in [
        ("Metrics, probes, log and shutdown", OnCluster::Process),
        ("Hard times", OnCluster::Hardship),
        ("Tenants", OnCluster::Tenants),
    ] {
        report.step(name, || on_a_cluster_of_its_own(test, session, programs, &arguments.filter))?;
    }
    Ok(())
}

/// What changes the CRDs needs a cluster of its own.
fn on_a_cluster_of_its_own(
    test: OnCluster,
    session: &Session,
    programs: &Programs,
    filter: &[String],
) -> Result<Outcome, Error> {
    let mut cluster = Cluster::start(session, &Binaries::for_tests(session)?)?;
    let outcome = suites::on_cluster(test, session, &cluster, programs, filter)?;
    cluster.check()?;
    Ok(outcome)
}

/// Write the fixtures of the GitOps tests, and what is generated from them, from what the running operator does.
///
/// They are in `argocd/resource_customizations/`. Review the changes before you commit them.
#[derive(Debug, clap::Args)]
pub struct FixtureArguments {}

/// Runs the command.
pub fn fixtures(session: &Session, _: &FixtureArguments) -> Result<(), Error> {
    let mut report = Report::start();
    let programs = cargo::build(session, &["--tests"])?;
    let mut cluster = Cluster::start(session, &Binaries::for_tests(session)?)?;
    report.step("Fixtures from the running operator", || {
        suites::write_fixtures(session, &cluster, &programs)
    })?;
    cluster.check()?;
    report
        .step("Generated files", || generate::write(session, &programs.operator).map(|()| Outcome::Passed))?;
    report.step("Argo CD's tables of tests", || suites::write_tables(session))?;
    report.step("Fixtures through kstatus", || gitops::kstatus(session))?;
    report.finish()
}
