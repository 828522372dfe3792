//! `devops-agent-operator run`: its arguments, and what it does with them.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{ArgAction, Args};
use tokio::signal::unix::{SignalKind, signal};
#[cfg(feature = "otlp")]
use tracing_subscriber::Layer;

use crate::aws::PlainHttp;
use crate::kubernetes::reach::Reach;
use crate::operator::{self, CertificateFiles, Elect, LeaseTiming, MetricsProtection, Options};
use crate::reconcile::backoff::Timing;
use crate::reconcile::inputs::accounts::OwnAccount;
use crate::reconcile::shard::Shard;
use crate::{kinds, log};

use super::Error;

#[allow(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
#[derive(Debug, Args)]
// Flags that are added to those of a chart or a script are meant to override them.
#[command(args_override_self = true)]
pub struct Run {
    /// AWS region for an `AWSAccount` that doesn't set one. Defaults to `AWS_REGION`, or the profile's
    /// region.
    #[arg(long, env = "DEVOPS_AGENT_REGION")]
    region: Option<String>,

    /// ID of this cluster in the owner tags of what the operator creates. Set it to keep owning the resources
    /// when the cluster is rebuilt. Defaults to the UID of the namespace kube-system.
    #[arg(long, env = "CLUSTER_ID")]
    cluster_id: Option<String>,

    /// Namespace of the operator's own Secret (the key of its fingerprints). Defaults to the current one.
    #[arg(long, env = "POD_NAMESPACE")]
    namespace: Option<String>,

    /// Change nothing, neither in AWS nor in the cluster: Events with the reason `DryRun` and the metric
    /// `devopsagent_pending_changes` say what would be changed. Turns off leader election.
    #[arg(long = "dry-run", env = "DRY_RUN", value_parser = BoolishValueParser::new(), action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", hide_possible_values = true)]
    holds_back: bool,

    /// Namespaces to watch, comma-separated. Defaults to all.
    #[arg(long, env = "WATCH_NAMESPACE", value_delimiter = ',', action = ArgAction::Set)]
    watch_namespace: Vec<String>,

    /// Don't use `AWSAccounts`, which are cluster-scoped: everything is in the account and region of the
    /// operator's own credentials, and an object that names an `AWSAccount` waits.
    #[arg(long, env = "WITHOUT_ACCOUNTS", value_parser = BoolishValueParser::new(), action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", hide_possible_values = true)]
    without_accounts: bool,

    /// Don't use the operator's own credentials for any object: each needs an `AWSAccount`, its own or the
    /// one named `default`. What was created with the operator's own credentials before is left as it is, but
    /// may be deleted.
    #[arg(long, env = "REQUIRE_ACCOUNT", value_parser = BoolishValueParser::new(), action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", hide_possible_values = true)]
    require_account: bool,

    /// Also accept `http://` endpoints of AWS on other machines, which sends secrets in the clear. By
    /// default, only those on this machine are accepted.
    #[arg(long, env = "ALLOW_HTTP_ENDPOINTS", value_parser = BoolishValueParser::new(), action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", hide_possible_values = true)]
    allow_http_endpoints: bool,

    /// How often everything is compared with AWS even if nothing changed, for example `10m` or `90s`.
    #[arg(long, env = "RESYNC_PERIOD", default_value = "10m", value_parser = duration)]
    resync_period: Duration,

    /// How often AWS is asked for lists of what it has: how soon a change made there is corrected, if lists show it. Takes
    /// at most 60 % of an account's requests, and longer than this if they don't suffice.
    #[arg(long, env = "REFRESH_PERIOD", default_value = "50s", value_parser = duration)]
    refresh_period: Duration,

    /// The same as `--resync-period` for individual kinds, comma-separated: `Association=1h,Trigger=30m`.
    #[arg(long, env = "RESYNC_PERIOD_FOR", value_delimiter = ',', action = ArgAction::Set, value_name = "KIND=PERIOD", value_parser = resync_period_for)]
    resync_period_for: Vec<(&'static str, Duration)>,

    /// Maximum concurrent reconciles per kind. Up to as many again may run, one for each namespace that has
    /// none running, so that no namespace waits for the objects of others.
    #[arg(long, env = "CONCURRENCY", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=1000))]
    concurrency: u16,

    /// The same for individual kinds, comma-separated: `Asset=16,AgentSpace=2`.
    #[arg(long, env = "CONCURRENCY_FOR", value_delimiter = ',', action = ArgAction::Set, value_name = "KIND=NUMBER", value_parser = concurrency_for)]
    concurrency_for: Vec<(&'static str, u16)>,

    /// Maximum API requests per second for each account and region; fewer while AWS throttles. Namespaces
    /// share them equally.
    #[arg(long, env = "REQUESTS_PER_SECOND", default_value_t = 20)]
    requests_per_second: u16,

    /// Address for `/livez`, `/readyz` and `/version`. `[::]` is every address, including IPv4.
    #[arg(long, env = "ADMIN_ADDRESS", default_value = "[::]:8081")]
    admin_address: SocketAddr,

    /// Address for `/loglevel`, which only answers the pod itself. `0` disables it.
    #[arg(long, env = "LOGLEVEL_ADDRESS", default_value = "127.0.0.1:8082", value_parser = address_or_none)]
    loglevel_address: Address,

    /// Address for `/metrics`, for Prometheus. `0` disables it.
    #[arg(long, env = "METRICS_ADDRESS", default_value = "[::]:8080", value_parser = address_or_none)]
    metrics_address: Address,

    /// Serve metrics of every single object as well: `devopsagent_resource_condition`, and its name in
    /// `devopsagent_resource_problems`. That is up to a dozen series an object; without it, objects are only counted.
    #[arg(long, env = "METRICS_BY_OBJECT", value_parser = BoolishValueParser::new(), action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", hide_possible_values = true)]
    metrics_by_object: bool,

    /// Serve metrics over TLS, and only to clients whose bearer token (of a service account, for example) may
    /// `get` the non-resource URL `/metrics`. The operator needs permission to create `tokenreviews` and
    /// `subjectaccessreviews`.
    #[arg(long, env = "METRICS_AUTH", value_parser = BoolishValueParser::new(), action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", hide_possible_values = true)]
    metrics_auth: bool,

    /// PEM file with the certificate for serving metrics over TLS, including any intermediate certificates.
    /// It is reloaded when it changes. With `--metrics-auth` and without this, a self-signed certificate is
    /// created at startup.
    #[arg(long, env = "METRICS_CERTIFICATE", value_name = "FILE", requires = "metrics_key")]
    metrics_certificate: Option<PathBuf>,

    /// PEM file with the private key of the certificate.
    #[arg(long, env = "METRICS_KEY", value_name = "FILE", requires = "metrics_certificate")]
    metrics_key: Option<PathBuf>,

    /// Elect a leader among several replicas; the others stand by. The lease is in the operator's namespace.
    #[arg(long, env = "LEADER_ELECTION", value_parser = BoolishValueParser::new(), action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", hide_possible_values = true)]
    leader_election: bool,

    /// With leader election: name of the lease, with which those of further shards begin. Operators that share a
    /// lease take turns, so give each installation in a namespace its own.
    #[arg(long, env = "LEASE_NAME", default_value = operator::LEASE)]
    lease_name: String,

    /// Divide the namespaces among this many operators. Each watches everything and reconciles its part; the API
    /// requests of an account are divided equally. Needs leader election: each shard has a lease of its own.
    #[arg(long, env = "SHARDS", default_value_t = 1, value_name = "NUMBER")]
    shards: u16,

    /// With `--shards`: which shard this is, counted from 0.
    #[arg(long, env = "SHARD", default_value_t = 0, value_name = "INDEX")]
    shard: u16,

    /// With leader election: how long the others wait for a renewal before one of them takes over.
    #[arg(long, env = "LEASE_DURATION", default_value = "15s", value_parser = duration)]
    lease_duration: Duration,

    /// With leader election: how long a leader keeps working without a renewal. Must be less than the lease
    /// duration.
    #[arg(long, env = "LEASE_RENEW_DEADLINE", default_value = "10s", value_parser = duration)]
    lease_renew_deadline: Duration,

    /// With leader election: how often the lease is checked and renewed. Must be less than the renew
    /// deadline.
    #[arg(long, env = "LEASE_RETRY_PERIOD", default_value = "2s", value_parser = duration)]
    lease_retry_period: Duration,

    /// How long running reconciles may continue after the operator is told to stop, for example `25s`; then
    /// they are abandoned. Must be less than the pod's termination grace period.
    #[arg(long, env = "SHUTDOWN_TIMEOUT", default_value = "25s", value_parser = duration)]
    shutdown_timeout: Duration,

    /// Log format: `text` for people, or `json` with one object per line. `auto` is `text` on a terminal, and
    /// `json` elsewhere.
    #[arg(long, env = "LOG_FORMAT", value_enum, hide_possible_values = true, default_value_t = log::Format::Auto)]
    log_format: log::Format,

    /// What to log: error, warn, info, debug, trace, or filters by module (`devops_agent_operator=debug`).
    /// Can be changed at `/loglevel` while the operator runs.
    #[arg(long, env = "LOG_LEVEL", default_value = "info")]
    log_level: String,
}

/// An address to listen on, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Address(Option<SocketAddr>);

/// Runs the operator until it is asked to end.
pub fn run(arguments: Run) -> Result<(), Error> {
    if arguments.require_account && arguments.without_accounts {
        return Err(Error::Accounts);
    }
    let runtime = super::runtime()?;
    #[cfg(feature = "otlp")]
    let traces = crate::traces::Traces::from_environment(runtime.handle().clone())?;
    #[cfg(feature = "otlp")]
    let layer = traces.as_ref().map(|traces| traces.layer().boxed());
    #[cfg(not(feature = "otlp"))]
    let layer = None;
    let level = log::start(arguments.log_format, &arguments.log_level, layer)?;
    let (election, shard) = (arguments.election()?, arguments.shard()?);
    let stop = {
        let _entered = runtime.enter();
        stop_signal().map_err(Error::Start)?
    };
    let ended = runtime.block_on(operator::run(arguments.options(shard), election, level, stop));
    #[cfg(feature = "otlp")]
    if let Some(traces) = traces {
        traces.end();
    }
    Ok(ended?)
}

impl Run {
    /// The shard that this process has.
    fn shard(&self) -> Result<Shard, Error> {
        let shard = Shard::new(self.shard, self.shards).map_err(Error::Shard)?;
        if shard.count() > 1 && !self.leader_election {
            return Err(Error::Shard(
                "--shards needs --leader-election: each shard must have one process".to_owned(),
            ));
        }
        Ok(shard)
    }

    /// The election to take part in, if any: who changes nothing is in nobody's way.
    fn election(&self) -> Result<Option<Elect>, Error> {
        if !self.leader_election || self.holds_back {
            return Ok(None);
        }
        let timing = LeaseTiming {
            duration: self.lease_duration,
            deadline: self.lease_renew_deadline,
            retry: self.lease_retry_period,
        };
        timing.check().map_err(Error::Lease)?;
        Ok(Some(Elect { lease: self.lease_name.clone(), timing }))
    }

    /// The operator's settings.
    fn options(self, shard: Shard) -> Options {
        Options {
            region: self.region,
            cluster_id: self.cluster_id,
            namespace: self.namespace,
            reach: Reach {
                namespaces: self.watch_namespace.into_iter().filter(|name| !name.is_empty()).collect(),
                accounts: !self.without_accounts,
            },
            shard,
            timing: Timing { resync: self.resync_period, refresh: self.refresh_period, ..Timing::default() },
            resync_periods: self.resync_period_for.into_iter().collect(),
            concurrency: self.concurrency,
            concurrencies: self.concurrency_for.into_iter().collect(),
            requests_per_second: f64::from(self.requests_per_second.max(1)),
            plain_http: if self.allow_http_endpoints { PlainHttp::Anywhere } else { PlainHttp::Loopback },
            own_account: if self.require_account { OwnAccount::Refused } else { OwnAccount::Used },
            probes: self.admin_address,
            metrics: self.metrics_address.0,
            metrics_by_object: self.metrics_by_object,
            metrics_protection: MetricsProtection {
                authentication: self.metrics_auth,
                certificate: self
                    .metrics_certificate
                    .zip(self.metrics_key)
                    .map(|(certificate, key)| CertificateFiles { certificate, key }),
            },
            log_level: self.loglevel_address.0,
            holds_back: self.holds_back,
            shutdown_timeout: self.shutdown_timeout,
        }
    }
}

/// Listens for the signals that ask the process to end; the future is ready once one arrives.
///
/// It listens from the time of the call: a signal that arrives while the operator is still starting isn't lost.
fn stop_signal() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Reads an address; nothing or `0` is none.
fn address_or_none(text: &str) -> Result<Address, String> {
    if ["", "0"].contains(&text) {
        return Ok(Address(None));
    }
    text.parse()
        .map(|address| Address(Some(address)))
        .map_err(|error: std::net::AddrParseError| error.to_string())
}

/// Reads a duration such as `90s`, `10m` or `1h30m`.
pub fn duration(text: &str) -> Result<Duration, String> {
    let read: jiff::SignedDuration = text.parse().map_err(|error: jiff::Error| error.to_string())?;
    let duration = Duration::try_from(read).map_err(|_| "must not be negative".to_owned())?;
    if duration < Duration::from_secs(1) { Err("must be at least 1s".to_owned()) } else { Ok(duration) }
}

/// Reads `KIND=PERIOD`.
fn resync_period_for(text: &str) -> Result<(&'static str, Duration), String> {
    for_kind(text, duration)
}

/// Reads `KIND=NUMBER`.
fn concurrency_for(text: &str) -> Result<(&'static str, u16), String> {
    for_kind(text, |number| match number.parse() {
        Ok(number @ 1..=1000) => Ok(number),
        _ => Err("must be a number from 1 to 1000".to_owned()),
    })
}

fn for_kind<T>(
    text: &str,
    read: impl FnOnce(&str) -> Result<T, String>,
) -> Result<(&'static str, T), String> {
    let (kind, value) = text.split_once('=').ok_or("must be KIND=VALUE")?;
    let kinds = kinds::names();
    let known = kinds.iter().find(|known| **known == kind);
    let kind = known.ok_or_else(|| format!("unknown kind {kind}; the kinds are {}", kinds.join(", ")))?;
    Ok((kind, read(value)?))
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::super::Cli;
    use super::*;
    use crate::cli::Command;

    #[test]
    fn metrics_can_be_switched_off() {
        assert_eq!(address_or_none("0").unwrap(), Address(None));
        assert_eq!(address_or_none("").unwrap(), Address(None));
        assert_eq!(address_or_none("[::]:80").unwrap(), Address(Some("[::]:80".parse().unwrap())));
        assert!(address_or_none("8080").is_err());
    }

    #[test]
    fn settings_of_single_kinds_name_a_kind_that_there_is() {
        assert_eq!(resync_period_for("Trigger=1h").unwrap(), ("Trigger", Duration::from_hours(1)));
        assert_eq!(concurrency_for("AWSAccount=1").unwrap(), ("AWSAccount", 1));
        for bad in ["trigger=3", "Trigger", "Trigger=0", "Trigger=1001", "=3"] {
            assert!(concurrency_for(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn several_namespaces_are_read_from_one_argument() {
        assert_eq!(run_with(&["--watch-namespace", "a,b"]).watch_namespace, ["a", "b"]);
    }

    fn run_with(arguments: &[&str]) -> Run {
        let cli = Cli::try_parse_from([&["x", "run"], arguments].concat())
            .unwrap_or_else(|error| panic!("{error}"));
        let Command::Run(run) = cli.command else { panic!("another command") };
        *run
    }

    #[test]
    fn of_a_flag_given_twice_the_last_counts() {
        let command = Cli::command();
        let run = command.find_subcommand("run").unwrap();
        for argument in run.get_arguments().filter(|argument| argument.get_id() != "help") {
            let flag = argument.get_long().unwrap();
            let value = match flag {
                "resync-period-for" => "Trigger=1h",
                "concurrency-for" => "Trigger=3",
                "log-format" => "json",
                "metrics-certificate" | "metrics-key" => "file",
                flag if flag.ends_with("address") => "127.0.0.1:1",
                "resync-period"
                | "refresh-period"
                | "lease-duration"
                | "lease-renew-deadline"
                | "lease-retry-period"
                | "shutdown-timeout" => "9s",
                "concurrency" | "requests-per-second" | "shards" | "shard" => "9",
                _ => "true",
            };
            let once = format!("--{flag}={value}");
            let key = "--metrics-key=k".to_owned();
            let certificate = "--metrics-certificate=c".to_owned();
            let mut arguments = vec!["x".to_owned(), "run".to_owned(), once.clone(), once];
            if flag.starts_with("metrics-") && value == "file" {
                arguments.extend([key, certificate]);
            }
            assert!(Cli::try_parse_from(&arguments).is_ok(), "{arguments:?}");
        }
        assert_eq!(run_with(&["--log-level=info", "--log-level=debug"]).log_level, "debug");
        assert_eq!(run_with(&["--watch-namespace=a,b", "--watch-namespace=c,d"]).watch_namespace, ["c", "d"]);
        assert_eq!(
            run_with(&["--concurrency-for=Asset=1,Trigger=2", "--concurrency-for=Asset=3"]).concurrency_for,
            [("Asset", 3)]
        );
        assert_eq!(
            run_with(&["--metrics-address=[::]:1", "--metrics-address=0"]).metrics_address,
            Address(None)
        );
    }

    #[test]
    fn what_is_switched_on_can_be_switched_off_again() {
        assert!(run_with(&["--leader-election"]).leader_election);
        assert!(run_with(&["--leader-election=false", "--leader-election"]).leader_election);
        assert!(!run_with(&["--leader-election", "--leader-election=false"]).leader_election);
        assert!(!run_with(&["--metrics-auth", "--metrics-auth=false"]).metrics_auth);
        let accounts = run_with(&["--without-accounts", "--require-account", "--without-accounts=false"]);
        assert!(accounts.require_account && !accounts.without_accounts);
        let both = run_with(&["--without-accounts", "--require-account"]);
        assert!(matches!(run(both), Err(Error::Accounts)));
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
