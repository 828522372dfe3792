//! A namespace, a simulated AWS and operators for one test.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use devops_agent_simulator::Options;
use devops_agent_test_support::aws::{self, OWN_ACCOUNT};
pub use devops_agent_test_support::{World, kubectl::kubectl, wait_until};
use devops_agent_test_support::{built, cluster, wait};

/// What has not happened by then doesn't happen.
const LIMIT: Duration = Duration::from_mins(1);

static COUNT: AtomicU32 = AtomicU32::new(0);

/// What one test has to itself.
pub async fn world() -> World {
    wait::set_limit(LIMIT);
    let (client, simulator) = (cluster::client().await, aws::start(Options::on_free_port()).await);
    let namespace = format!("process-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let world = World::new(&client, &simulator, &built!(), &namespace).await.with_account(OWN_ACCOUNT);
    world.install_crds().await;
    world
        .apply(&format!(
            "{{kind: AWSAccount, metadata: {{name: {namespace}}}, spec: {{region: us-east-1, requestsPerSecond: 1000}}}}"
        ))
        .await;
    world
}
