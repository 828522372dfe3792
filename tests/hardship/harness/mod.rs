//! The foundation of these tests: a namespace and a simulated AWS each, and operators as processes.

mod cell;
#[allow(dead_code, reason = "it serves the end-to-end tests, which need more of it")]
#[path = "../../e2e/harness/object.rs"]
mod object;
mod proxy;
mod replica;
mod world;
#[allow(dead_code, reason = "it serves the end-to-end tests, which need more of it")]
#[path = "../../e2e/harness/yaml.rs"]
mod yaml;

pub use cell::Cell;
pub use object::{Handle, condition, text};
pub use proxy::Proxy;
pub use replica::Replica;
pub use world::{World as Test, World, install, run};

use std::fmt::Display;
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// How long anything may take that is waited for: these tests share a machine with everything else.
pub const LIMIT: Duration = Duration::from_secs(90);
const PACE: Duration = Duration::from_millis(50);

/// Polls every 50 ms until `look` returns `Some`, and returns that.
pub async fn wait_until<T>(what: impl Display, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + LIMIT;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < end, "within {LIMIT:?} this did not happen: {what}");
        sleep(PACE).await;
    }
}
