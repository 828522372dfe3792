//! What every end-to-end test stands on.
//!
//! One simulator, one operator (a process of its own) and one set of CRDs serve all tests of the binary; each test has
//! its own namespace and AWS account. A test is a plain function:
//!
//! ```ignore
//! #[test]
//! fn a_space_is_created() {
//!     run(async |t| {
//!         let space = t.apply("kind: AgentSpace …").await;
//!         space.ready().await;
//!     });
//! }
//! ```

mod aws;
mod crds;
mod dump;
mod object;
mod operator;
mod rights;
mod shared;
mod test;
pub mod webhook;
mod yaml;

pub use aws::remote_id;
pub use object::{Handle, condition, text};
pub use shared::run;
pub use test::Test;
pub use yaml::RESOURCES;

use std::fmt::Display;
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Maximum wait for anything.
pub const LIMIT: Duration = Duration::from_secs(30);
const PACE: Duration = Duration::from_millis(50);

/// Polls every 50 ms until `look` returns `Some`, and returns that. Fails after half a minute.
pub async fn wait_until<T>(what: impl Display, look: impl AsyncFnMut() -> Option<T>) -> T {
    within(LIMIT, what, look).await
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

/// Held by tests that depend on whether there is an AWSAccount named `default`: at first there is none.
pub async fn default_account(t: &Test) -> tokio::sync::MutexGuard<'static, ()> {
    static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    let alone = ALONE.lock().await;
    let left = t.handle("AWSAccount", "default");
    if left.find().await.is_some() {
        left.delete().await;
        left.patch(serde_json::json!({"metadata": {"finalizers": null}})).await;
        left.gone().await;
    }
    alone
}
