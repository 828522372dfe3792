//! The HTTP servers, each on its own address: probes for the kubelet, metrics for Prometheus, and the log level for
//! people on the pod.
//!
//! Whoever reaches an address can use it, so each server limits what that costs: see [`connections`].

mod authentication;
mod connections;
mod exposition;
mod listen;
mod loglevel;
mod probes;
mod rendering;
mod reviews;
mod seldom;
mod tls;

use std::path::PathBuf;
use std::sync::Arc;

use kube::Client;
use tokio::task::JoinSet;
use tracing::{info, warn};

use crate::log;
use crate::metrics::Metrics;

use self::authentication::Authentication;
use self::connections::{Limits, Server};
use self::reviews::OfCluster;
use super::health::Health;
use super::{Error, Options};

pub use self::tls::Error as TlsError;

/// Connections to the probes that may be open at a time. The kubelet has two or three.
const PROBES: usize = 128;
/// Connections to the metrics that may be open at a time. Each may be encrypted, and receive all the metrics.
const METRICS: usize = 64;
/// Connections to the log level that may be open at a time.
const LOG_LEVEL: usize = 8;

/// How metrics are protected.
#[derive(Clone, Debug, Default)]
pub struct MetricsProtection {
    /// Whether clients must authenticate, and be authorized.
    pub authentication: bool,
    /// Files with a certificate and its key; with authentication and without files, a certificate is created.
    pub certificate: Option<CertificateFiles>,
}

/// A certificate and its key, in PEM files that are read again when they change.
#[derive(Clone, Debug)]
pub struct CertificateFiles {
    /// The certificate, with intermediate certificates.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// Starts the servers, and the heartbeat that one of them reports. They end with the set.
pub fn start(
    options: &Options,
    client: &Client,
    health: &Arc<Health>,
    metrics: &Arc<Metrics>,
    level: log::Level,
) -> Result<JoinSet<()>, Error> {
    let mut tasks = JoinSet::new();
    let heart = Arc::clone(health);
    tasks.spawn(async move { heart.beat().await });
    let listener = listen::on(options.probes)?;
    tasks.spawn(Server::new(listener, probes::router(Arc::clone(health)), Limits::of(PROBES)).serve());
    if let Some(address) = options.metrics {
        let listener = listen::on(address)?;
        let protection = &options.metrics_protection;
        let authentication =
            protection.authentication.then(|| Authentication::new(OfCluster::new(client.clone())));
        let router = exposition::router(Arc::clone(metrics), authentication);
        let mut server = Server::new(listener, router, Limits::of(METRICS));
        if protection.authentication || protection.certificate.is_some() {
            let certificate = tls::Certificate::load(protection.certificate.clone())?;
            server = server.with_tls(certificate.acceptor()?);
            tasks.spawn(certificate.watch());
        }
        info!(%address, authentication = protection.authentication, "serving metrics");
        tasks.spawn(server.serve());
    }
    if let Some(address) = options.log_level {
        match listen::on(address) {
            Ok(listener) => {
                let server = Server::new(listener, loglevel::router(level), Limits::of(LOG_LEVEL));
                tasks.spawn(server.serve());
            }
            // A convenience: the operator works without it, and pods on the host network share its ports.
            Err(error) => warn!(%error, "the log level can't be changed while this process runs"),
        }
    }
    Ok(tasks)
}
