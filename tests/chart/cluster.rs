//! The cluster, the simulated AWS, and the kubelet, started with the first test that needs them.

use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use devops_agent_simulator::{Options, Running, Simulator};
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::api::PostParams;
use kube::{Api, Client, Config};
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio::time::{Instant, sleep};

use super::{helm, kubelet};

/// Maximum wait for anything.
const LIMIT: Duration = Duration::from_mins(1);

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
});

static CLIENT: LazyLock<Client> = LazyLock::new(|| {
    // The first to install a provider wins, and there is only this one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    block_on(async { Client::try_default().await.expect("KUBECONFIG names a cluster") })
});

static AWS: LazyLock<Running> = LazyLock::new(|| {
    block_on(async { Simulator::start(Options::on_free_port()).await.expect("the simulator starts") })
});

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
        RUNTIME.spawn(kubelet::run(CLIENT.clone()));
    });
    // What a failed test has left.
    helm::attempt(&["uninstall", helm::RELEASE, "-n", helm::NAMESPACE, "--ignore-not-found", "--wait"]);
    Cluster { client: CLIENT.clone(), aws: &AWS, _alone: alone }
}

/// The cluster as a service account sees it.
pub async fn as_service_account(namespace: &str, name: &str) -> Client {
    let mut config = Config::infer().await.expect("KUBECONFIG names a cluster");
    config.auth_info.impersonate = Some(format!("system:serviceaccount:{namespace}:{name}"));
    Client::try_from(config).expect("a client can be made")
}

/// A token of a service account.
pub async fn token(client: &Client, namespace: &str, account: &str) -> String {
    let api = Api::<ServiceAccount>::namespaced(client.clone(), namespace);
    let request = TokenRequest { spec: TokenRequestSpec::default(), ..TokenRequest::default() };
    let answer = api.create_token_request(account, &PostParams::default(), &request).await;
    answer.expect("a token is given").status.expect("the answer has a status").token
}

/// Runs to the end.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    RUNTIME.block_on(future)
}

/// What the API server answers at a path.
pub fn raw(path: &str) -> Value {
    let request = http::Request::get(path).body(Vec::new()).expect("a path");
    let client = CLIENT.clone();
    let text = block_on(async move { client.request_text(request).await.expect("the API server answers") });
    serde_json::from_str(&text).expect("the answer is JSON")
}

/// Polls until there is a result. Fails after a minute.
pub async fn wait_until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + LIMIT;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < end, "within {LIMIT:?} this did not happen: {what}");
        sleep(Duration::from_millis(100)).await;
    }
}
