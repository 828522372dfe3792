//! The operator as a process: from its settings to running controllers, and to an orderly end.

mod admin;
mod fingerprint_key;
mod lease;

use admin::Health;
pub use lease::Timing as LeaseTiming;
use std::net::SocketAddr;
use std::sync::Arc;

use k8s_openapi::api::core::v1::Namespace;
use kube::runtime::events::{Recorder, Reporter};
use kube::{Api, Client, ResourceExt};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::{info, warn};

use crate::accounts::Accounts;
use crate::aws;
use crate::aws::accounts::{ClientFactory, FactoryOptions};
use crate::engine::backoff::{Failures, Timing};
use crate::engine::breaker::Breaker;
use crate::engine::context::{Context, Stores};
use crate::engine::fence::Fence;
use crate::engine::hub::Hub;
use crate::engine::memory::{Requests, Unknown};
use crate::engine::status::{FIELD_MANAGER, Written};
use crate::engine::watches;
use crate::kinds;

/// How the operator runs; `--help` explains each.
#[derive(Clone, Debug)]
pub struct Options {
    /// Region, where neither an AWSAccount nor the environment says otherwise.
    pub region: Option<String>,
    /// Id of the cluster in owner tags; the UID of `kube-system` if none is given.
    pub cluster_id: Option<String>,
    /// Namespace of the operator's own Secret; the current one if none is given.
    pub namespace: Option<String>,
    /// The only namespace whose objects are looked after; all of them if none is given.
    pub watch_namespace: Option<String>,
    /// Waiting times.
    pub timing: Timing,
    /// Passes under way at a time, by kind.
    pub concurrency: u16,
    /// API requests a second and account.
    pub requests_per_second: f64,
    /// Where probes are served.
    pub admin: SocketAddr,
}

/// What an operator is made of: its way to Kubernetes and to AWS.
pub struct Connections {
    /// Client of the Kubernetes API.
    pub kubernetes: Client,
    /// Clients of AWS by account.
    pub aws: ClientFactory,
    /// Namespace of the operator's own Secret.
    pub own_namespace: String,
}

/// A running operator. Dropping it is a crash: whatever is under way ends where it is.
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
        /// What the client says.
        source: Box<kube::Error>,
    },
    /// The AWS settings can't be used.
    #[error("reading the AWS settings: {0}")]
    Aws(#[from] aws::Error),
    /// Another replica may lead now: this process must not go on.
    #[error("leadership is lost; the process ends, and starts again as one that stands by")]
    LeadershipLost,
    /// The admin server could not listen.
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

/// Runs the operator until `stop`; passes under way are finished. With an `election` it works only
/// while it leads.
pub async fn run(
    options: Options,
    election: Option<LeaseTiming>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Error> {
    let config = kube::Config::infer().await.map_err(Box::new)?;
    let own_namespace = options.namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
    let kubernetes = Client::try_from(config).map_err(Error::kubernetes("making the Kubernetes client"))?;
    let aws = Box::pin(ClientFactory::load(FactoryOptions {
        region: options.region.clone(),
        requests_per_second: Some(options.requests_per_second),
        ..FactoryOptions::default()
    }))
    .await?;
    let health = Arc::new(Health::default());
    let listener = admin::listen(options.admin).await?;
    let mut tasks = JoinSet::new();
    tasks.spawn(admin::serve(listener, Arc::clone(&health)));
    let connections = Connections { kubernetes, aws, own_namespace };
    if let Some(timing) = election {
        lead(&options, timing, connections, &health, stop).await
    } else {
        let operator = Operator::start(&options, connections).await?;
        health.leads(&operator.cx);
        stop.await;
        operator.stop().await;
        Ok(())
    }
}

/// Works while this replica leads, and frees the lease at the end.
async fn lead(
    options: &Options,
    timing: LeaseTiming,
    connections: Connections,
    health: &Health,
    stop: impl Future<Output = ()> + Send,
) -> Result<(), Error> {
    let fence = Fence::closed();
    let mut election = lease::Election::new(
        connections.kubernetes.clone(),
        &connections.own_namespace,
        identity(),
        timing,
        fence.clone(),
    );
    health.stands_by();
    tokio::pin!(stop);
    tokio::select! {
        () = election.lead() => {}
        () = &mut stop => return Ok(()),
    }
    let operator = Operator::start_behind(fence, options, connections).await?;
    health.leads(&operator.cx);
    tokio::select! {
        () = election.hold() => return Err(Error::LeadershipLost),
        () = &mut stop => {}
    }
    // The lease is renewed while passes under way are finished: nobody else starts before they are.
    tokio::select! {
        () = election.hold() => return Err(Error::LeadershipLost),
        () = operator.stop() => {}
    }
    election.release().await;
    Ok(())
}

/// The name of this replica: that of its pod, and a part that no two processes share.
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
        let cx = Arc::new(Box::pin(context(fence, options, connections)).await?);
        let shutdown = || {
            let mut stopped = stopped.clone();
            async move {
                let _ = stopped.wait_for(|stopped| *stopped).await;
            }
        };
        let controllers = kinds::start(&cx, options.concurrency, shutdown);
        let mut watches = JoinSet::new();
        watches.spawn(watches::run(Arc::clone(&cx)));
        Ok(Self { cx, controllers, watches, stopping })
    }

    /// Waits until every watch cache has been filled once: from then on the operator acts.
    pub async fn ready(&self) {
        self.cx.stores.all_filled().await;
    }

    /// Stops: passes under way are finished.
    pub async fn stop(mut self) {
        info!("stopping: passes under way are finished");
        let _ = self.stopping.send(true);
        while self.controllers.join_next().await.is_some() {}
        self.watches.shutdown().await;
    }
}

async fn context(fence: Fence, options: &Options, connections: Connections) -> Result<Context, Error> {
    let Connections { kubernetes: client, aws, own_namespace } = connections;
    let fingerprints = fingerprint_key::load(&client, &own_namespace);
    let cluster_id = cluster_id(&client, options.cluster_id.clone());
    let (fingerprints, cluster_id) = futures::join!(fingerprints, cluster_id);
    let (fingerprints, cluster_id) = (
        fingerprints.map_err(Error::kubernetes("reading or making the fingerprint key"))?,
        cluster_id
            .map_err(Error::kubernetes("reading the namespace kube-system, whose UID is the cluster's id"))?,
    );
    info!(version = env!("CARGO_PKG_VERSION"), cluster_id, own_namespace, "starting");
    let reporter = Reporter { controller: FIELD_MANAGER.into(), instance: std::env::var("HOSTNAME").ok() };
    Ok(Context {
        recorder: Recorder::new(client.clone(), reporter.clone()),
        reporter,
        client,
        accounts: Accounts::new(aws),
        hub: Hub::default(),
        fence,
        fingerprints,
        cluster_id,
        watch_namespace: options.watch_namespace.clone(),
        timing: options.timing,
        failures: Failures::default(),
        breaker: Breaker::default(),
        requests: Requests::default(),
        unknown: Unknown::default(),
        written: Written::default(),
        stores: Stores::default(),
    })
}

async fn cluster_id(client: &Client, given: Option<String>) -> Result<String, kube::Error> {
    if let Some(id) = given {
        return Ok(id);
    }
    let namespace = Api::<Namespace>::all(client.clone()).get("kube-system").await?;
    Ok(namespace.uid().unwrap_or_else(|| {
        warn!("the namespace kube-system has no UID");
        "unknown".to_owned()
    }))
}
