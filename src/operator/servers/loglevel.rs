//! `/loglevel`: what is logged, and how people on the pod change it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use axum::Router;
use axum::extract::{ConnectInfo, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tracing::info;

use crate::log;

/// Serves the log level.
pub fn router(level: log::Level) -> Router {
    Router::new().route("/loglevel", get(tell_level).put(set_level)).with_state(level)
}

async fn tell_level(
    State(level): State<log::Level>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
) -> Result<String, LevelError> {
    only_from_the_pod(peer)?;
    Ok(level.get()? + "\n")
}

async fn set_level(
    State(level): State<log::Level>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    wanted: String,
) -> Result<String, LevelError> {
    only_from_the_pod(peer)?;
    let before = level.get()?;
    level.set(&wanted)?;
    let now = level.get()?;
    info!(before, now, "the log level was changed");
    Ok(now + "\n")
}

/// Only for clients on the pod's own loopback address, such as `kubectl port-forward`, who are allowed to act on the
/// pod; whatever address the server listens on.
fn only_from_the_pod(peer: SocketAddr) -> Result<(), LevelError> {
    if is_local(peer.ip()) { Ok(()) } else { Err(LevelError::NotLocal) }
}

/// Not all of 127.0.0.0/8: sidecars of service meshes use other addresses in it, on behalf of anyone.
fn is_local(peer: IpAddr) -> bool {
    let peer = peer.to_canonical();
    peer == Ipv4Addr::LOCALHOST || peer == Ipv6Addr::LOCALHOST
}

/// Why the log level wasn't shown or changed.
#[derive(Debug, thiserror::Error)]
enum LevelError {
    #[error("only from the pod itself, for example through kubectl port-forward")]
    NotLocal,
    #[error(transparent)]
    Log(#[from] log::Error),
}

impl IntoResponse for LevelError {
    fn into_response(self) -> Response {
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
    fn only_the_loopback_address_itself_is_the_pod() {
        for (address, may) in [
            ("127.0.0.1", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("127.0.0.6", false),
            ("10.0.0.7", false),
            ("fe80::1", false),
        ] {
            assert_eq!(is_local(address.parse().unwrap()), may, "{address}");
        }
    }
}
