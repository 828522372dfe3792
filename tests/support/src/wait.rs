//! Waiting for a condition.

use std::fmt::Display;
use std::sync::OnceLock;
use std::time::Duration;

use tokio::time::{Instant, sleep};

const USUAL: Duration = Duration::from_secs(30);
const PACE: Duration = Duration::from_millis(50);

static LIMIT: OnceLock<Duration> = OnceLock::new();

/// How long anything that is waited for may take in this test program: half a minute, unless it chose otherwise.
pub fn limit() -> Duration {
    *LIMIT.get_or_init(|| USUAL)
}

/// Chooses how long anything may take in this test program. The first choice counts.
pub fn set_limit(limit: Duration) {
    let _ = LIMIT.set(limit);
}

/// Looks every 50 ms until `look` answers `Some`, and returns that. Fails after [`limit`].
pub async fn wait_until<T>(what: impl Display, look: impl AsyncFnMut() -> Option<T>) -> T {
    within(limit(), what, look).await
}

/// Like [`wait_until`], with its own limit: for what must happen soon.
pub async fn within<T>(limit: Duration, what: impl Display, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + limit;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < end, "within {limit:?} this did not happen: {what}");
        sleep(PACE).await;
    }
}
