//! The admin server: probes.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::net::TcpListener;

use super::Error;
use crate::engine::context::Context;

/// Takes the address, so that a start with a taken one fails at once.
pub async fn listen(address: SocketAddr) -> Result<TcpListener, Error> {
    TcpListener::bind(address).await.map_err(|source| Error::Listen { address, source })
}

/// Serves until the task ends.
pub async fn serve(listener: TcpListener, cx: Arc<Context>) {
    let router =
        Router::new().route("/livez", get(|| async { "ok" })).route("/readyz", get(ready)).with_state(cx);
    if let Err(error) = axum::serve(listener, router).await {
        tracing::error!(%error, "the admin server ended");
    }
}

/// Ready when every watch cache has been filled: from then on the operator acts.
async fn ready(State(cx): State<Arc<Context>>) -> (StatusCode, &'static str) {
    if cx.stores.is_ready() {
        (StatusCode::OK, "ok")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "the watch caches are being filled")
    }
}
