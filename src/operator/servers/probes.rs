//! `/livez` and `/readyz` for the kubelet, and `/version`.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};

use crate::operator::health::{Health, Report};
use crate::version;

/// Serves probes and version.
pub fn router(health: Arc<Health>) -> Router {
    Router::new()
        .route("/livez", get(live))
        .route("/readyz", get(ready))
        .with_state(health)
        .route("/version", get(tell_version))
}

async fn live(State(health): State<Arc<Health>>, RawQuery(query): RawQuery) -> (StatusCode, String) {
    answer("livez", &health.live(), query.as_deref())
}

async fn ready(State(health): State<Arc<Health>>, RawQuery(query): RawQuery) -> (StatusCode, String) {
    answer("readyz", &health.ready(), query.as_deref())
}

/// Like Kubernetes' own probes: `ok`, and with `?verbose`, or if something is wrong, what was checked.
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

#[cfg(test)]
mod tests {
    use super::*;

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
