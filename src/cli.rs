//! The command line.

use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::engine::backoff::Timing;
use crate::operator::{self, LeaseTiming, Options};
use crate::{docs, kinds};

/// A Kubernetes operator for AWS DevOps Agent.
#[derive(Debug, Parser)]
#[command(name = "devops-agent-operator", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the operator: in a cluster, or against the one that KUBECONFIG names.
    Run(Box<Run>),
    /// Print the CustomResourceDefinitions, exactly as in `crds/`.
    Crds,
    /// Print a generated table of the documentation.
    Docs {
        /// Which table.
        #[arg(value_enum)]
        table: docs::Table,
    },
}

#[derive(Debug, Args)]
struct Run {
    /// AWS region where an `AWSAccount` names none; else `AWS_REGION`, or the profile's.
    #[arg(long, env = "DEVOPS_AGENT_REGION")]
    region: Option<String>,

    /// Id of this cluster in the owner tags of what the operator creates. Set it to keep owning the
    /// resources when the cluster is rebuilt; the UID of the namespace kube-system if left out.
    #[arg(long, env = "CLUSTER_ID")]
    cluster_id: Option<String>,

    /// Namespace of the operator's own Secret (the key of its fingerprints); the current one if left out.
    #[arg(long, env = "POD_NAMESPACE")]
    namespace: Option<String>,

    /// The only namespace whose objects are looked after; all of them if left out.
    #[arg(long, env = "WATCH_NAMESPACE")]
    watch_namespace: Option<String>,

    /// How often everything is compared with AWS although nothing changed, for example `10m` or `90s`.
    #[arg(long, env = "RESYNC_PERIOD", default_value = "10m", value_parser = duration)]
    resync_period: Duration,

    /// How many objects of one kind are worked on at a time.
    #[arg(long, env = "CONCURRENCY", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=1000))]
    concurrency: u16,

    /// Most API requests a second for each account and region; less while AWS throttles.
    #[arg(long, env = "REQUESTS_PER_SECOND", default_value_t = 20)]
    requests_per_second: u16,

    /// Where `/livez` and `/readyz` are served.
    #[arg(long, env = "ADMIN_ADDRESS", default_value = "0.0.0.0:8081")]
    admin_address: SocketAddr,

    /// Elect a leader among several replicas; the others stand by. The lease is in the operator's namespace.
    #[arg(long, env = "LEADER_ELECTION")]
    leader_election: bool,

    /// With leader election: how long the others wait for a renewal before one of them takes over.
    #[arg(long, env = "LEASE_DURATION", default_value = "15s", value_parser = duration)]
    lease_duration: Duration,

    /// With leader election: how long a leader works on without a renewal; less than the lease's duration.
    #[arg(long, env = "LEASE_RENEW_DEADLINE", default_value = "10s", value_parser = duration)]
    lease_renew_deadline: Duration,

    /// With leader election: how often the lease is looked at, and renewed; less than the renew deadline.
    #[arg(long, env = "LEASE_RETRY_PERIOD", default_value = "2s", value_parser = duration)]
    lease_retry_period: Duration,

    /// How the log is written: for people, or a JSON object a line.
    #[arg(long, env = "LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,

    /// What is logged: error, warn, info, debug, trace, or filters by module
    /// (`devops_agent_operator=debug`).
    #[arg(long, env = "LOG_LEVEL", default_value = "info")]
    log_level: String,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The CRDs could not be made.
    #[error("making the CRDs: {0}")]
    Crds(String),
    /// Standard output could not be written.
    #[error("writing: {0}")]
    Write(#[from] std::io::Error),
    /// The log filter is wrong.
    #[error("--log-level: {0}")]
    LogLevel(#[from] tracing_subscriber::filter::ParseError),
    /// The times of the lease make no sense together.
    #[error("{0}")]
    Lease(String),
    /// The operator failed.
    #[error(transparent)]
    Operator(#[from] operator::Error),
}

impl Cli {
    /// Does what the command line asks.
    pub fn execute(self) -> Result<(), Error> {
        match self.command {
            Command::Run(arguments) => run(*arguments),
            Command::Crds => print_crds(&mut std::io::stdout().lock()),
            Command::Docs { table } => Ok(write!(std::io::stdout().lock(), "{}", docs::table(table))?),
        }
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

fn run(arguments: Run) -> Result<(), Error> {
    // The first to install a provider wins, and there is only this one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    start_log(&arguments)?;
    let election = arguments.leader_election.then_some(LeaseTiming {
        duration: arguments.lease_duration,
        deadline: arguments.lease_renew_deadline,
        retry: arguments.lease_retry_period,
    });
    election.map_or(Ok(()), |timing| timing.check()).map_err(Error::Lease)?;
    let options = Options {
        region: arguments.region,
        cluster_id: arguments.cluster_id,
        namespace: arguments.namespace,
        watch_namespace: arguments.watch_namespace,
        timing: Timing { resync: arguments.resync_period, ..Timing::default() },
        concurrency: arguments.concurrency,
        requests_per_second: f64::from(arguments.requests_per_second.max(1)),
        admin: arguments.admin_address,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    Ok(runtime.block_on(operator::run(options, election, stop_signal()))?)
}

fn start_log(arguments: &Run) -> Result<(), Error> {
    let filter = EnvFilter::try_new(log_filter(&arguments.log_level))?;
    let registry = tracing_subscriber::registry().with(filter);
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    match arguments.log_format {
        LogFormat::Text => registry.with(layer).init(),
        LogFormat::Json => registry.with(layer.json().flatten_event(true)).init(),
    }
    Ok(())
}

/// A bare level is meant for the operator itself: what the libraries below say is of use to few.
fn log_filter(level: &str) -> String {
    if level.contains(['=', ',']) { level.to_owned() } else { format!("warn,devops_agent_operator={level}") }
}

/// Comes true when the process is asked to end.
async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = terminated => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

/// Reads a duration such as `90s`, `10m` or `1h30m`.
fn duration(text: &str) -> Result<Duration, String> {
    let read: jiff::SignedDuration = text.parse().map_err(|error: jiff::Error| error.to_string())?;
    let duration = Duration::try_from(read).map_err(|_| "must not be negative".to_owned())?;
    if duration < Duration::from_secs(1) { Err("must be at least 1s".to_owned()) } else { Ok(duration) }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn durations_are_read_as_people_write_them() {
        assert_eq!(duration("90s").unwrap(), Duration::from_secs(90));
        assert_eq!(duration("1h30m").unwrap(), Duration::from_mins(90));
        for bad in ["10", "-5s", "0s", "soon"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }
}
