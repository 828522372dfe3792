//! After an upgrade from version 0.1: seals are required as soon as every status has one.

use std::sync::Arc;
use std::time::Duration;

use tracing::{info, warn};

use crate::kinds;
use crate::reconcile::context::Context;

use super::fingerprint_key;

/// Between two checks of whether every status has its seal.
const PACE: Duration = Duration::from_secs(30);

/// Waits until every status has its seal, and requires seals from then on. Never ends: if a task ends by itself, so
/// does the operator.
pub async fn run(cx: Arc<Context>, own_namespace: String) {
    if !cx.seals.are_required() {
        cx.stores.all_filled().await;
        while !require(&cx, &own_namespace).await {
            tokio::time::sleep(PACE).await;
        }
    }
    std::future::pending::<()>().await;
}

async fn require(cx: &Context, own_namespace: &str) -> bool {
    if !kinds::are_sealed(cx) || !cx.fence.is_open() {
        return false;
    }
    match fingerprint_key::require_seals(&cx.client, own_namespace).await {
        Ok(()) => {
            cx.seals.require();
            info!("every status carries the operator's seal, which is required from now on");
            true
        }
        Err(error) => {
            warn!(%error, "it could not be recorded that every status carries the operator's seal");
            false
        }
    }
}
