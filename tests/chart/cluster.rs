//! The cluster, the simulated AWS, and the kubelet, started with the first test that needs them.

use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use devops_agent_simulator::{Options, Running};
pub use devops_agent_test_support::cluster::{as_service_account, token};
use devops_agent_test_support::{aws, cluster, runtime, wait};
pub use devops_agent_test_support::{block_on, wait_until};
use kube::Client;
use serde_json::Value;

use super::{helm, kubelet};

/// Maximum wait for anything.
const LIMIT: Duration = Duration::from_mins(1);

static CLIENT: LazyLock<Client> = LazyLock::new(|| block_on(cluster::client()));

static AWS: LazyLock<Arc<Running>> = LazyLock::new(|| block_on(aws::start(Options::on_free_port())));

/// One release at a time: the CRDs belong to it.
static ALONE: Mutex<()> = Mutex::new(());

/// The cluster for one test.
pub struct Cluster {
    pub client: Client,
    pub aws: &'static Running,
    _alone: MutexGuard<'static, ()>,
}

/// Waits until no other test uses the cluster.
pub fn alone() -> Cluster {
    static KUBELET: std::sync::Once = std::sync::Once::new();
    let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    KUBELET.call_once(|| {
        wait::set_limit(LIMIT);
        runtime::spawn(kubelet::run(CLIENT.clone()));
    });
    // What a failed test has left.
    helm::attempt(&["uninstall", helm::RELEASE, "-n", helm::NAMESPACE, "--ignore-not-found", "--wait"]);
    Cluster { client: CLIENT.clone(), aws: &AWS, _alone: alone }
}

/// What the API server answers at a path.
pub fn raw(path: &str) -> Value {
    let request = http::Request::get(path).body(Vec::new()).expect("a path");
    let client = CLIENT.clone();
    let text = block_on(async move { client.request_text(request).await.expect("the API server answers") });
    serde_json::from_str(&text).expect("the answer is JSON")
}
