//! The HTTP servers: probes, version and log level on one address, metrics on another.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, DefaultBodyLimit, RawQuery, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, StatusCode};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use tokio::net::TcpListener;
use tracing::{error, info};

use super::Error;
use super::health::{Health, Report};
use crate::log;
use crate::metrics::Metrics;
use crate::version;

/// No level or list of filters is longer.
const LONGEST_LEVEL: usize = 1024;
/// The text format that [`Metrics::text`] writes.
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Takes the address, so that a start with a taken one fails at once.
pub async fn listen(address: SocketAddr) -> Result<TcpListener, Error> {
    TcpListener::bind(address).await.map_err(|source| Error::Listen { address, source })
}

/// Serves probes, version and log level until the task ends.
pub async fn serve(listener: TcpListener, health: Arc<Health>, level: log::Level) {
    let probes = Router::new().route("/livez", get(live)).route("/readyz", get(ready)).with_state(health);
    let rest = Router::new()
        .route("/version", get(tell_version))
        .route("/loglevel", get(tell_level).put(set_level))
        .layer(DefaultBodyLimit::max(LONGEST_LEVEL))
        .with_state(level);
    let service = probes.merge(rest).into_make_service_with_connect_info::<SocketAddr>();
    if let Err(error) = axum::serve(listener, service).await {
        error!(%error, "the admin server ended");
    }
}

/// Serves metrics until the task ends.
pub async fn serve_metrics(listener: TcpListener, metrics: Arc<Metrics>) {
    let router = Router::new().route("/metrics", get(tell_metrics)).with_state(metrics);
    if let Err(error) = axum::serve(listener, router).await {
        error!(%error, "the metrics server ended");
    }
}

async fn tell_metrics(State(metrics): State<Arc<Metrics>>) -> ([(HeaderName, &'static str); 1], String) {
    ([(CONTENT_TYPE, OPENMETRICS)], metrics.text())
}

async fn live(State(health): State<Arc<Health>>, RawQuery(query): RawQuery) -> (StatusCode, String) {
    answer("livez", &health.live(), query.as_deref())
}

async fn ready(State(health): State<Arc<Health>>, RawQuery(query): RawQuery) -> (StatusCode, String) {
    answer("readyz", &health.ready(), query.as_deref())
}

/// As Kubernetes' own probes: `ok`, and with `?verbose`, or where something is wrong, what was looked at.
fn answer(name: &str, report: &Report, query: Option<&str>) -> (StatusCode, String) {
    let verbose =
        query.unwrap_or_default().split('&').any(|word| word == "verbose" || word.starts_with("verbose="));
    match (report.is_ok(), verbose) {
        (true, false) => (StatusCode::OK, "ok".to_owned()),
        (true, true) => (StatusCode::OK, report.text(name)),
        (false, _) => (StatusCode::SERVICE_UNAVAILABLE, report.text(name)),
    }
}

async fn tell_version() -> Json<serde_json::Value> {
    Json(serde_json::json!({
        "version": version::VERSION,
        "revision": version::REVISION,
        "rustc": version::RUSTC,
        "features": version::FEATURES,
    }))
}

async fn tell_level(State(level): State<log::Level>) -> Result<String, LevelError> {
    Ok(level.get()? + "\n")
}

/// Only for those who are on the pod's own loopback address, as `kubectl port-forward` is: they may act on the pod.
async fn set_level(
    State(level): State<log::Level>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    wanted: String,
) -> Result<String, LevelError> {
    if !may_change(peer.ip()) {
        return Err(LevelError::NotLocal);
    }
    let before = level.get()?;
    level.set(&wanted)?;
    let now = level.get()?;
    info!(before, now, "the log level was changed");
    Ok(now + "\n")
}

/// Not all of 127.0.0.0/8: sidecars of service meshes come from other addresses in it, on behalf of anybody.
fn may_change(peer: IpAddr) -> bool {
    match peer {
        IpAddr::V4(address) => address == Ipv4Addr::LOCALHOST,
        IpAddr::V6(address) => {
            address == Ipv6Addr::LOCALHOST || address.to_ipv4_mapped() == Some(Ipv4Addr::LOCALHOST)
        }
    }
}

/// Why the log level was not told or changed.
#[derive(Debug, thiserror::Error)]
enum LevelError {
    #[error("only from the pod itself, for example through kubectl port-forward")]
    NotLocal,
    #[error(transparent)]
    Log(#[from] log::Error),
}

impl IntoResponse for LevelError {
    fn into_response(self) -> axum::response::Response {
        let status = match &self {
            Self::NotLocal => StatusCode::FORBIDDEN,
            Self::Log(log::Error::Filter(_)) => StatusCode::BAD_REQUEST,
            Self::Log(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        (status, format!("{self}\n")).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_loopback_address_itself_may_change_the_log_level() {
        for (address, may) in [
            ("127.0.0.1", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("127.0.0.6", false),
            ("10.0.0.7", false),
            ("fe80::1", false),
        ] {
            assert_eq!(may_change(address.parse().unwrap()), may, "{address}");
        }
    }

    #[test]
    fn a_probe_is_answered_briefly_unless_more_is_asked_for_or_something_is_wrong() {
        let health = Health::default();
        assert_eq!(answer("livez", &health.live(), None), (StatusCode::OK, "ok".to_owned()));
        let verbose = answer("livez", &health.live(), Some("verbose"));
        assert_eq!(verbose, (StatusCode::OK, "[+]runtime ok\nlivez check passed\n".to_owned()));
        let (status, text) = answer("readyz", &health.ready(), None);
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(text.contains("[-]controllers not started\n"), "{text}");
    }
}
