//! What one run has for itself: a namespace, a simulated AWS, a boundary, and an operator that can die.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_async::time::SystemTimeSource;
use aws_smithy_http_client as http_client;
use devops_agent_operator::aws::PlainHttp;
use devops_agent_operator::aws::client::fleet::{ClientFactory, FactoryOptions};
use devops_agent_operator::aws::{RetryPolicy, Timeouts};
use devops_agent_operator::kubernetes::reach::Reach;
use devops_agent_operator::metrics::Metrics;
use devops_agent_operator::operator::{Connections, MetricsProtection, Operator, Options};
use devops_agent_operator::reconcile::backoff::Timing;
use devops_agent_operator::reconcile::inputs::accounts::OwnAccount;
use devops_agent_operator::reconcile::shard::Shard;
use devops_agent_simulator::{Options as SimulatorOptions, Running, Switches};
use devops_agent_test_support::aws::{self, OWN_ACCOUNT, REGION};
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::boundary::Boundary;
use super::client_layer;
use super::cluster::Cluster;
use super::enumeration::{Home, Job};
use super::fault::Fault;
use super::place::Place;
use super::planted::{Left, Planted};
use super::proxy::Proxy;

/// The namespace of the operators' own Secret: another one than that of their objects, which may be deleted.
const OWN_NAMESPACE: &str = "default";
/// How long the simulated AWS takes for what takes minutes in the real one.
const SETTLE_MS: u64 = 150;

static RUNS: AtomicU64 = AtomicU64::new(0);

/// What one run has to itself.
pub struct World {
    pub cluster: Arc<Cluster>,
    /// All that the operator sees of the cluster.
    pub namespaces: Vec<String>,
    /// The one that the script is in.
    current: AtomicUsize,
    /// The namespace of the operator's own Secret.
    own_namespace: String,
    pub simulator: Arc<Running>,
    pub boundary: Boundary,
    /// The id in owner tags.
    pub cluster_id: String,
    /// How long the operator waits for a response from AWS: short only if none will come.
    pub patience: Duration,
    /// How often everything is listed, if more often than usual.
    refresh: Option<Duration>,
    /// How far the caches of our kinds are behind.
    pub watch_lag: Option<Duration>,
    /// The bug that is planted.
    pub planted: Option<Planted>,
    pub left: Left,
    /// Whether an operator that has died is started again.
    running: watch::Sender<bool>,
}

impl World {
    pub async fn new(cluster: &Arc<Cluster>, namespaces: &[String], job: &Job) -> Arc<Self> {
        let mut options = SimulatorOptions::on_free_port();
        options.switches = Switches { settle_ms: SETTLE_MS, ..Switches::default() };
        if let Some(reading) = job.reading {
            (reading.set)(&mut options.switches);
        }
        let silent = job.faults.iter().any(|due| matches!(due.fault, Fault::Timeout | Fault::Late));
        let patience = Duration::from_millis(if silent { 1000 } else { 8000 });
        let simulator = aws::start(options).await;
        let run = RUNS.fetch_add(1, Ordering::Relaxed);
        Arc::new(Self {
            cluster: Arc::clone(cluster),
            namespaces: namespaces.to_vec(),
            current: AtomicUsize::new(0),
            own_namespace: match job.scenario.home {
                Home::FirstStart => namespaces[0].clone(),
                _ => OWN_NAMESPACE.to_owned(),
            },
            simulator,
            boundary: Boundary::new(job.faults.clone()),
            cluster_id: format!("cluster-{run}"),
            patience,
            refresh: job.reading.and_then(|reading| reading.refresh),
            watch_lag: job.reading.and_then(|reading| reading.watch_lag),
            planted: job.planted,
            left: Left::default(),
            running: watch::Sender::new(true),
        })
    }

    /// The namespace that the script is in.
    pub fn namespace(&self) -> &str {
        &self.namespaces[self.current.load(Ordering::Relaxed)]
    }

    /// The one that it moves to.
    pub fn next_namespace(&self) -> &str {
        &self.namespaces[self.current.load(Ordering::Relaxed) + 1]
    }

    /// What is seen of it.
    pub fn place(&self) -> Arc<Place> {
        self.cluster.place(self.namespace())
    }

    /// From now on the script is in the next namespace.
    pub fn move_on(&self) {
        self.current.fetch_add(1, Ordering::Relaxed);
    }

    /// The operator ends, and is not started again.
    pub fn stop(&self) {
        self.running.send_replace(false);
        self.boundary.kill();
    }

    /// The operator is started.
    pub fn start(&self) {
        self.running.send_replace(true);
    }

    /// How many remotes there are, by kind.
    pub fn remotes(&self) -> BTreeMap<String, usize> {
        let resources = self.simulator.resources();
        let lists = resources.as_object().into_iter().flatten();
        lists.map(|(kind, list)| (kind.clone(), list.as_array().map_or(0, Vec::len))).collect()
    }

    /// The ids of all remotes.
    pub fn ids(&self) -> Vec<String> {
        let resources = self.simulator.resources();
        let lists = resources.as_object().into_iter().flatten().map(|(_, list)| list);
        let entries = lists.filter_map(Value::as_array).flatten();
        entries.filter_map(|entry| entry["id"].as_str()).map(str::to_owned).collect()
    }

    /// The region in the simulator, secrets and all.
    pub fn region(&self) -> Value {
        let mut state = self.simulator.state(true);
        state["accounts"][OWN_ACCOUNT][REGION].take()
    }
}

/// An operator that is started again whenever it dies. Dropping this ends it.
pub struct Life(JoinHandle<()>);

impl Life {
    pub fn start(world: Arc<World>) -> Self {
        Self(tokio::spawn(live(world)))
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn live(world: Arc<World>) {
    let mut running = world.running.subscribe();
    loop {
        let _ = running.wait_for(|running| *running).await;
        let incarnation = world.boundary.begin();
        tokio::select! {
            biased;
            () = world.boundary.has_crashed(incarnation) => {}
            error = incarnate(&world, incarnation) => {
                // As a process that could not start, which Kubernetes starts again.
                tracing::warn!(%error, namespace = world.namespace(), "the operator could not start");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

/// One operator; returns only with the reason why it couldn't start.
async fn incarnate(world: &Arc<World>, incarnation: u64) -> String {
    let proxy = Proxy::start(world, incarnation).await;
    let connections = Connections {
        kubernetes: client_layer::client(world, incarnation),
        aws: factory(&proxy.url, world.patience),
        own_namespace: world.own_namespace.clone(),
        metrics: Metrics::new(),
    };
    match Operator::start(&options(world), connections).await {
        Err(error) => error.to_string(),
        Ok(_running) => std::future::pending().await,
    }
}

fn options(world: &World) -> Options {
    Options {
        region: None,
        cluster_id: Some(world.cluster_id.clone()),
        namespace: Some(world.own_namespace.clone()),
        // All there is; but it is only shown the namespaces of its run.
        reach: Reach::default(),
        timing: timing(world.refresh),
        resync_periods: HashMap::new(),
        concurrency: 4,
        concurrencies: HashMap::new(),
        requests_per_second: 1000.0,
        shard: Shard::default(),
        plain_http: PlainHttp::Loopback,
        own_account: OwnAccount::Used,
        probes: SocketAddr::from(([127, 0, 0, 1], 0)),
        metrics: None,
        metrics_by_object: false,
        metrics_protection: MetricsProtection::default(),
        log_level: None,
        holds_back: false,
        shutdown_timeout: Duration::from_secs(1),
    }
}

/// As in production, but faster. The safety nets are as far apart as in production: what is found only by them hasn't
/// been survived.
fn timing(refresh: Option<Duration>) -> Timing {
    let usual = Timing::default();
    Timing {
        refresh: refresh.unwrap_or(usual.refresh),
        first_retry: Duration::from_millis(20),
        longest_retry: Duration::from_millis(300),
        poll: Duration::from_millis(50),
        unknown_outcome: Duration::from_millis(700),
        ..usual
    }
}

fn factory(url: &str, patience: Duration) -> ClientFactory {
    let credentials = Credentials::builder()
        .access_key_id("simulator")
        .secret_access_key("simulator")
        .account_id(OWN_ACCOUNT)
        .provider_name("faults")
        .build();
    let sdk = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .retry_config(RetryConfig::disabled())
        .time_source(SystemTimeSource::new())
        .sleep_impl(TokioSleep::new())
        .timeout_config(
            TimeoutConfig::builder().connect_timeout(patience).operation_attempt_timeout(patience).build(),
        )
        .http_client(http_client::Builder::new().build_http())
        .endpoint_url(url)
        .build();
    let options = FactoryOptions {
        timeouts: Timeouts { connect: patience, call: patience },
        requests_per_second: Some(1000.0),
        retry: RetryPolicy { attempts: 3, base: Duration::from_millis(10), cap: Duration::from_millis(50) },
        ..FactoryOptions::default()
    };
    ClientFactory::with_settings(options, sdk).expect("the settings can be used")
}
