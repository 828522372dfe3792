//! The operator as a process: from its settings to running controllers, and graceful shutdown.

mod fingerprint_key;
mod health;
mod rehearsal;
mod scrape;
mod sealing;
mod servers;

pub use crate::runtime::lease::{Elect, NAME as LEASE, Timing as LeaseTiming};
pub use fingerprint_key::{NAME as FINGERPRINT_SECRET, fresh as fresh_key, is_there as has_key};
pub use servers::{CertificateFiles, MetricsProtection};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Namespace;
use kube::client::ClientBuilder;
use kube::runtime::events::Reporter;
use kube::{Client, ResourceExt};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::{info, warn};

use crate::aws::client::fleet::{ClientFactory, FactoryOptions};
use crate::aws::{self, Gate, Observer, PlainHttp};
use crate::kubernetes::list_pages::ListTurns;
use crate::kubernetes::reach::Reach;
use crate::kubernetes::stored;
use crate::metrics::{CountRequests, Metrics};
use crate::reconcile::backoff::{Failures, Timing};
use crate::reconcile::breaker::Breaker;
use crate::reconcile::context::Context;
use crate::reconcile::fence::Fence;
use crate::reconcile::graph::hub::Hub;
use crate::reconcile::graph::kept::Kept;
use crate::reconcile::inputs::accounts::{Accounts, OwnAccount};
use crate::reconcile::inputs::seals::Seals;
use crate::reconcile::memory::{Arrivals, Fresh, Requests, Since, Troubled};
use crate::reconcile::memory_budget::MemoryBudget;
use crate::reconcile::recorder::Recorder;
use crate::reconcile::remote::picture::{self, Pictures};
use crate::reconcile::shard::Shard;
use crate::reconcile::state::status::{FIELD_MANAGER, Written};
use crate::reconcile::stores::Stores;
use crate::runtime::{lease, refresher, start, watches};
use crate::{log, version};

use self::health::Health;
use self::scrape::Scrape;

/// How long the release of the lease may take.
const RELEASE: Duration = Duration::from_secs(3);

/// How the operator runs; `--help` explains each.
#[derive(Clone, Debug)]
pub struct Options {
    /// Region, unless an AWSAccount or the environment sets another.
    pub region: Option<String>,
    /// Id of the cluster in owner tags; the UID of `kube-system` if none is given.
    pub cluster_id: Option<String>,
    /// Namespace of the operator's own Secret; the current one if none is given.
    pub namespace: Option<String>,
    /// Which namespaces are watched.
    pub reach: Reach,
    /// Waiting times.
    pub timing: Timing,
    /// Resync periods of individual kinds.
    pub resync_periods: HashMap<&'static str, Duration>,
    /// Maximum concurrent passes of each kind.
    pub concurrency: u16,
    /// The same, of individual kinds.
    pub concurrencies: HashMap<&'static str, u16>,
    /// API requests per second and account.
    pub requests_per_second: f64,
    /// Which part of the namespaces it reconciles. Each shard has an equal part of every account's requests.
    pub shard: Shard,
    /// Which AWS endpoints without TLS are allowed.
    pub plain_http: PlainHttp,
    /// Whether an object without an AWSAccount is reconciled with the operator's own credentials.
    pub own_account: OwnAccount,
    /// Where probes are served.
    pub probes: SocketAddr,
    /// Where metrics are served; nowhere if none is given.
    pub metrics: Option<SocketAddr>,
    /// Whether objects have series of their own in the metrics, or are only counted.
    pub metrics_by_object: bool,
    /// Who may read metrics, and how they are served.
    pub metrics_protection: MetricsProtection,
    /// Where the log level is served; nowhere if none is given.
    pub log_level: Option<SocketAddr>,
    /// Whether every change of AWS is held back, whatever the specs say: it is only described. [`run`] writes nothing in the
    /// cluster then, except Events.
    pub holds_back: bool,
    /// How long passes in progress may continue when the operator stops; then they are aborted.
    pub shutdown_timeout: Duration,
}

/// The parts of an operator: its connections to Kubernetes and AWS.
pub struct Connections {
    /// Client of the Kubernetes API.
    pub kubernetes: Client,
    /// AWS clients by account.
    pub aws: ClientFactory,
    /// Namespace of the operator's own Secret.
    pub own_namespace: String,
    /// The metrics; the connections may count, too.
    pub metrics: Arc<Metrics>,
}

/// A running operator. Dropping it is like a crash: whatever is in progress ends where it is.
pub struct Operator {
    cx: Arc<Context>,
    controllers: JoinSet<()>,
    watches: JoinSet<()>,
    stopping: watch::Sender<bool>,
}

/// Why the operator could not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No usable kubeconfig and not in a cluster.
    #[error("finding a cluster: {0}")]
    Kubeconfig(#[from] Box<kube::config::InferConfigError>),
    /// A call to the Kubernetes API failed.
    #[error("{doing}: {source}")]
    Kubernetes {
        /// What was being done.
        doing: &'static str,
        /// The client's error.
        source: Box<kube::Error>,
    },
    /// The AWS settings can't be used.
    #[error("reading the AWS settings: {0}")]
    Aws(#[from] aws::Error),
    /// Another replica may be the leader now: this process must not continue.
    #[error("lost the leadership; exiting, to restart as a standby")]
    LeadershipLost,
    /// A controller or a watch ended: that kind would no longer be watched.
    #[error("a controller ended unexpectedly; exiting, to be restarted")]
    ControllerEnded,
    /// The metrics can't be served over TLS.
    #[error(transparent)]
    Tls(#[from] servers::TlsError),
    /// A server could not listen.
    #[error("listening on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
}

impl Error {
    fn kubernetes(doing: &'static str) -> impl FnOnce(kube::Error) -> Self {
        move |source| Self::Kubernetes { doing, source: Box::new(source) }
    }
}

/// Runs the operator until `stop`; passes in progress are completed. With an `election`, it works only while it is the
/// leader. `level` changes what is logged.
pub async fn run(
    options: Options,
    election: Option<Elect>,
    level: log::Level,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Error> {
    let config = kube::Config::infer().await.map_err(Box::new)?;
    let own_namespace = options.namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
    let metrics = Metrics::new();
    let kubernetes = client(config, &metrics).map_err(Error::kubernetes("making the Kubernetes client"))?;
    let aws = Box::pin(ClientFactory::load(FactoryOptions {
        region: options.region.clone(),
        requests_per_second: Some(options.requests_per_second),
        shards: options.shard.count(),
        plain_http: options.plain_http,
        observer: Some(Arc::clone(&metrics) as Arc<dyn Observer>),
        ..FactoryOptions::default()
    }))
    .await?;
    let health = Arc::new(Health::default());
    let _servers = servers::start(&options, &kubernetes, &health, &metrics, level)?;
    let (kubernetes, following) = if options.holds_back {
        warn!("--dry-run: nothing is changed, neither in AWS nor in the cluster; Events say what would be");
        let (replica, following) = rehearsal::replica(&kubernetes, &options.reach).await;
        (replica.client(&own_namespace), Some(following))
    } else {
        (kubernetes, None)
    };
    let connections = Connections { kubernetes, aws, own_namespace, metrics };
    let _following = following;
    if let Some(elect) = election {
        lead(&options, elect, connections, &health, stop).await
    } else {
        let mut operator = Operator::start(&options, connections).await?;
        health.works(&operator.cx);
        tokio::select! {
            () = operator.ended() => return Err(Error::ControllerEnded),
            () = stop => {}
        }
        operator.stop(options.shutdown_timeout).await;
        Ok(())
    }
}

/// A client whose requests are counted.
fn client(config: kube::Config, metrics: &Arc<Metrics>) -> Result<Client, kube::Error> {
    let count = CountRequests::new(Arc::clone(metrics), &config.cluster_url);
    Ok(ClientBuilder::try_from(config)?.with_layer(&count).build())
}

/// Works while this replica is the leader, and releases the lease at the end.
async fn lead(
    options: &Options,
    elect: Elect,
    connections: Connections,
    health: &Health,
    stop: impl Future<Output = ()> + Send,
) -> Result<(), Error> {
    let fence = Fence::closed();
    let mut election = lease::Election::new(
        connections.kubernetes.clone(),
        &connections.own_namespace,
        identity(),
        elect,
        options.shard,
        fence.clone(),
    );
    let metrics = Arc::clone(&connections.metrics);
    // The lease's name may be any; alerts and dashboards rely on this one.
    let name = lease::lease_of(lease::NAME, options.shard.index());
    health.stands_by();
    metrics.leads(&name, false);
    tokio::pin!(stop);
    tokio::select! {
        () = election.lead() => {}
        () = &mut stop => return Ok(()),
    }
    health.leads();
    metrics.leads(&name, true);
    let mut operator = tokio::select! {
        operator = Operator::start_behind(fence, options, connections) => operator?,
        () = election.hold() => return Err(Error::LeadershipLost),
    };
    health.works(&operator.cx);
    tokio::select! {
        () = election.hold() => return Err(Error::LeadershipLost),
        () = operator.ended() => return Err(Error::ControllerEnded),
        () = &mut stop => {}
    }
    // The lease is renewed until passes in progress are completed: nobody else starts before that.
    tokio::select! {
        () = election.hold() => return Err(Error::LeadershipLost),
        () = operator.stop(options.shutdown_timeout) => {}
    }
    if tokio::time::timeout(RELEASE, election.release()).await.is_err() {
        warn!("the lease could not be released in time; it will expire");
    }
    metrics.leads(&name, false);
    Ok(())
}

/// The name of this replica: that of its pod, and a part unique to the process.
fn identity() -> String {
    let host = std::env::var("HOSTNAME").unwrap_or_else(|_| "devops-agent-operator".to_owned());
    format!("{host}_{}", fingerprint_key::random_id())
}

impl Operator {
    /// Starts the controllers and watches.
    pub async fn start(options: &Options, connections: Connections) -> Result<Self, Error> {
        Self::start_behind(Fence::default(), options, connections).await
    }

    /// The same, writing only while `fence` is open.
    async fn start_behind(fence: Fence, options: &Options, connections: Connections) -> Result<Self, Error> {
        let (stopping, stopped) = watch::channel(false);
        let own_namespace = connections.own_namespace.clone();
        let cx = Arc::new(Box::pin(context(fence, options, connections)).await?);
        let shutdown = || {
            let mut stopped = stopped.clone();
            async move {
                let _ = stopped.wait_for(|stopped| *stopped).await;
            }
        };
        cx.metrics.expose(Scrape::of(&cx, options.metrics_by_object));
        // Consent may depend on labels.
        watches::labels(&cx).await;
        let concurrency = |kind: &str| *options.concurrencies.get(kind).unwrap_or(&options.concurrency);
        let controllers = start::controllers(&cx, concurrency, shutdown);
        let mut watches = JoinSet::new();
        watches.spawn(watches::run(Arc::clone(&cx)));
        watches.spawn(sealing::run(Arc::clone(&cx), own_namespace));
        watches.spawn(refresher::run(Arc::clone(&cx)));
        Ok(Self { cx, controllers, watches, stopping })
    }

    /// Waits until every watch cache has been filled once: from then on the operator acts.
    pub async fn ready(&self) {
        self.cx.stores.all_filled().await;
    }

    /// Waits until a controller or a watch ends by itself, which none should.
    async fn ended(&mut self) {
        tokio::select! {
            _ = self.controllers.join_next() => {}
            _ = self.watches.join_next() => {}
        }
    }

    /// Stops: passes in progress are completed, or aborted if that takes longer than `patience`.
    pub async fn stop(mut self, patience: Duration) {
        let _ = self.stopping.send(true);
        // Passes that wait for the caches to be filled have not begun.
        if self.cx.stores.is_ready() {
            info!(?patience, "stopping: waiting for reconciles in progress");
            let finished = async { while self.controllers.join_next().await.is_some() {} };
            if tokio::time::timeout(patience, finished).await.is_err() {
                warn!("reconciles in progress are aborted; the next start continues them");
            }
        }
        self.controllers.shutdown().await;
        self.watches.shutdown().await;
        info!("stopped");
    }
}

async fn context(fence: Fence, options: &Options, connections: Connections) -> Result<Context, Error> {
    let Connections { kubernetes: client, aws, own_namespace, metrics } = connections;
    let fingerprints = fingerprint_key::load(&client, &own_namespace);
    let cluster_id = cluster_id(&client, options.cluster_id.clone());
    let (fingerprints, cluster_id) = futures::join!(fingerprints, cluster_id);
    let (fingerprints, cluster_id) = (
        fingerprints.map_err(Error::kubernetes("reading or making the fingerprint key"))?,
        cluster_id
            .map_err(Error::kubernetes("reading the namespace kube-system, whose UID is the cluster's id"))?,
    );
    let fingerprint_key::Loaded { fingerprints, sealed } = fingerprints;
    let leading = fence.clone();
    let gate = Gate::new(move || leading.is_open());
    let gate = if options.holds_back { gate.reads_only() } else { gate };
    info!(version = version::VERSION, revision = version::REVISION, cluster_id, own_namespace, "starting");
    let reporter = Reporter { controller: FIELD_MANAGER.into(), instance: std::env::var("HOSTNAME").ok() };
    Ok(Context {
        recorder: Recorder::new(client.clone(), reporter, Arc::clone(&metrics)),
        client,
        accounts: Accounts::new(aws.behind(gate), options.own_account),
        pictures: Pictures::new(picture_settings(options)),
        hub: Hub::default(),
        fence,
        holds_back: options.holds_back,
        kept: Kept::default(),
        listing: ListTurns::default(),
        memory: Arc::new(MemoryBudget::default()),
        fingerprints,
        seals: Seals::new(sealed),
        cluster_id,
        reach: options.reach.clone(),
        shard: options.shard,
        timing: options.timing,
        resync_periods: options.resync_periods.clone(),
        failures: Failures::default(),
        breaker: Breaker::default(),
        requests: Requests::default(),
        unknown: Since::default(),
        arrivals: Arrivals::default(),
        early: Since::default(),
        troubled: Troubled::default(),
        fresh: Fresh::default(),
        written: Written::default(),
        stores: Stores::default(),
        delivery: Arc::default(),
        metrics,
    })
}

/// What a pass finds in the picture of AWS is never older than its objects may be unchecked.
fn picture_settings(options: &Options) -> picture::Settings {
    let resync = options.resync_periods.values().copied().fold(options.timing.resync, Duration::min);
    picture::Settings { refresh: options.timing.refresh.min(resync), details: resync }
}

async fn cluster_id(client: &Client, given: Option<String>) -> Result<String, kube::Error> {
    if let Some(id) = given {
        return Ok(id);
    }
    let namespace = stored::api::<Namespace>(client.clone(), None).get("kube-system").await?;
    Ok(namespace.uid().unwrap_or_else(|| {
        warn!("the namespace kube-system has no UID");
        "unknown".to_owned()
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// kube refuses to create a client if it was built without proxy support, whatever the proxy is.
    #[tokio::test]
    async fn a_proxy_to_the_api_server_is_no_obstacle() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut config = kube::Config::new("https://kubernetes.example.com".parse().unwrap());
        config.proxy_url = Some("http://proxy.example.com:3128".parse().unwrap());
        assert!(client(config, &Metrics::new()).is_ok());
    }
}
