//! The admin server: probes.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::net::TcpListener;

use super::Error;
use crate::engine::context::Context;

/// What the probes tell of.
#[derive(Default)]
pub struct Health {
    standing_by: OnceLock<()>,
    context: OnceLock<Arc<Context>>,
}

impl Health {
    /// This replica waits for the lease.
    pub fn stands_by(&self) {
        let _ = self.standing_by.set(());
    }

    /// This replica works.
    pub fn leads(&self, cx: &Arc<Context>) {
        let _ = self.context.set(Arc::clone(cx));
    }
}

/// Takes the address, so that a start with a taken one fails at once.
pub async fn listen(address: SocketAddr) -> Result<TcpListener, Error> {
    TcpListener::bind(address).await.map_err(|source| Error::Listen { address, source })
}

/// Serves until the task ends.
pub async fn serve(listener: TcpListener, health: Arc<Health>) {
    let router =
        Router::new().route("/livez", get(|| async { "ok" })).route("/readyz", get(ready)).with_state(health);
    if let Err(error) = axum::serve(listener, router).await {
        tracing::error!(%error, "the admin server ended");
    }
}

/// Ready when every watch cache has been filled, for from then on the operator acts; and while it stands by.
async fn ready(State(health): State<Arc<Health>>) -> (StatusCode, String) {
    let missing = health.context.get().map(|cx| missing(cx)).unwrap_or_default();
    let (status, text) = match health.context.get() {
        Some(_) if !missing.is_empty() => (StatusCode::SERVICE_UNAVAILABLE, &*missing),
        Some(cx) if cx.stores.is_ready() => (StatusCode::OK, "ok"),
        None if health.standing_by.get().is_some() => (StatusCode::OK, "standing by: another replica leads"),
        _ => (StatusCode::SERVICE_UNAVAILABLE, "the watch caches are being filled"),
    };
    (status, text.to_owned())
}

/// Names the kinds whose CRDs are not installed.
fn missing(cx: &Context) -> String {
    let states = cx.stores.states();
    let missing: Vec<_> =
        states.iter().filter(|(_, state)| state.is_missing()).map(|(kind, _)| *kind).collect();
    if missing.is_empty() {
        String::new()
    } else {
        format!("CRDs that are not installed: {}", missing.join(", "))
    }
}
