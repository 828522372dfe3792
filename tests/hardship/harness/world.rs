//! What one test has to itself.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use devops_agent_simulator::{Call, Options, Running, Simulator};
use k8s_openapi::api::core::v1::{Namespace, Secret};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{ListParams, Patch, PatchParams, PostParams};
use kube::core::DynamicObject;
use kube::runtime::conditions::is_crd_established;
use kube::runtime::wait::await_condition;
use kube::{Api, Client, ResourceExt};
use serde_json::{Map, Value, json};
use tokio::runtime::Runtime;
use tokio::sync::{OnceCell, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::object::{Handle, dynamic, text};
use super::yaml::{self, namespaced_kinds, resource};

const REGION: &str = "us-east-1";
/// No test takes longer, unless it hangs.
const LONGEST: Duration = Duration::from_mins(5);

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .expect("a runtime can be made")
});
static INSTALLED: OnceCell<()> = OnceCell::const_new();
/// Held by all tests, alone by those that change what the others see: the CRDs, or accounts.
static CRDS: RwLock<()> = RwLock::const_new(());
static NEXT: AtomicU64 = AtomicU64::new(0);

/// Runs a test.
pub fn run(body: impl AsyncFnOnce()) {
    assert!(
        std::env::var("DEVOPS_AGENT_E2E").is_ok_and(|value| value == "1"),
        "these tests need a cluster: run them with `cargo xtask test`, or set KUBECONFIG to one that may be used up, and \
         DEVOPS_AGENT_E2E=1"
    );
    // The first to install a provider wins, and there is only this one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    RUNTIME.block_on(async {
        let ended = tokio::time::timeout(LONGEST, body()).await;
        assert!(ended.is_ok(), "the test did not end within {LONGEST:?}");
    });
}

enum Held {
    Shared { _guard: RwLockReadGuard<'static, ()> },
    Alone { _guard: RwLockWriteGuard<'static, ()> },
}

/// A namespace and a simulated AWS.
pub struct World {
    pub client: Client,
    pub http: reqwest::Client,
    pub simulator: Running,
    pub namespace: String,
    _held: Option<Held>,
}

impl World {
    /// A world beside others.
    pub async fn new() -> Self {
        Self::with(Options::on_free_port()).await
    }

    /// The same, with an AWS of its own kind.
    pub async fn with(options: Options) -> Self {
        let held = Held::Shared { _guard: CRDS.read().await };
        Self::made(options, Some(held)).await
    }

    /// A world of its own: what it does to the CRDs affects no one.
    pub async fn alone() -> Self {
        Self::alone_with(Options::on_free_port()).await
    }

    /// The same, with an AWS of its own kind.
    pub async fn alone_with(options: Options) -> Self {
        let held = Held::Alone { _guard: CRDS.write().await };
        let world = Self::made(options, Some(held)).await;
        // A test that failed may have left them as it wanted them.
        install(&world.client).await;
        world
    }

    async fn made(options: Options, held: Option<Held>) -> Self {
        let client = Client::try_default().await.expect("KUBECONFIG names a cluster");
        INSTALLED.get_or_init(|| async { install(&client).await }).await;
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10));
        let simulator = Simulator::start(options).await.expect("the simulator starts");
        simulator.set_switches(|switches| switches.settle_ms = 200);
        let namespace = make_namespace(&client).await;
        Self { client, http: http.build().expect("a client can be made"), simulator, namespace, _held: held }
    }

    /// Another namespace, for a second cluster as far as its operator can see.
    pub async fn other_namespace(&self) -> String {
        make_namespace(&self.client).await
    }

    /// Applies every document of `yaml` in the test's namespace, and returns the last.
    pub async fn apply(&self, yaml: &str) -> Handle {
        self.apply_in(&self.namespace, yaml).await
    }

    /// Applies every document of `yaml`, and returns the last.
    pub async fn apply_in(&self, namespace: &str, yaml: &str) -> Handle {
        match self.try_apply_in(namespace, yaml).await {
            Ok(handle) => handle,
            Err(error) => panic!("refused: {error}\n{yaml}"),
        }
    }

    /// Like [`World::apply`]; returns the API server's error.
    pub async fn try_apply(&self, yaml: &str) -> Result<Handle, kube::Error> {
        self.try_apply_in(&self.namespace, yaml).await
    }

    async fn try_apply_in(&self, namespace: &str, yaml: &str) -> Result<Handle, kube::Error> {
        let mut last = None;
        for mut object in yaml::objects(yaml, namespace, "") {
            // There are no accounts: everything is created with the operator's own credentials.
            if let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) {
                spec.retain(|name, value| name != "accountRef" || value["name"] != "");
            }
            let handle = self.handle_in(namespace, text(&object, "/kind"), text(&object, "/metadata/name"));
            let params = PatchParams::apply("hardship").force().validation_strict();
            handle.api.patch(&handle.name, &params, &Patch::Apply(&object)).await?;
            last = Some(handle);
        }
        Ok(last.expect("the YAML has a document"))
    }

    /// An object in the test's namespace.
    pub fn handle(&self, kind: &str, name: &str) -> Handle {
        self.handle_in(&self.namespace, kind, name)
    }

    /// An object in any namespace.
    pub fn handle_in(&self, namespace: &str, kind: &str, name: &str) -> Handle {
        Handle::new(&self.client, resource(kind), namespace, name)
    }

    /// Makes a Secret, or changes what is in it.
    pub async fn secret(&self, name: &str, data: &[(&str, &str)]) {
        let data: Map<String, Value> =
            data.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
        let object = json!({"kind": "Secret", "metadata": {"name": name}, "stringData": data});
        self.apply(&object.to_string()).await;
    }

    /// What is in a Secret.
    pub async fn secret_data(&self, name: &str) -> Option<BTreeMap<String, String>> {
        let api = Api::<Secret>::namespaced(self.client.clone(), &self.namespace);
        let secret = api.get_opt(name).await.expect("Secrets can be read")?;
        let text = |value: Vec<u8>| String::from_utf8(value).expect("the values are text");
        Some(secret.data.unwrap_or_default().into_iter().map(|(key, value)| (key, text(value.0))).collect())
    }

    /// The version of every object in the namespace of our kinds, and of every Secret.
    pub async fn versions(&self) -> BTreeMap<String, String> {
        let mut versions = BTreeMap::new();
        for resource in namespaced_kinds().chain([resource("Secret")]) {
            let api = dynamic(&self.client, resource, Some(&self.namespace));
            for object in api.list(&ListParams::default()).await.expect("objects can be listed") {
                let name = format!("{} {}", resource.kind, object.name_any());
                versions.insert(name, object.resource_version().unwrap_or_default());
            }
        }
        versions
    }

    /// All resources of a kind in AWS except the services registered in the console.
    pub fn remotes(&self, kind: &str) -> Vec<Value> {
        let state = self.simulator.state(true)["accounts"]["123456789012"][REGION].take();
        match kind {
            "agentSpace" => members(&state["agentSpaces"]),
            "service" => {
                let services = members(&state["services"]);
                services.into_iter().filter(|service| service["origin"] != "console").collect()
            }
            kind => members(&state["agentSpaces"])
                .iter()
                .flat_map(|space| members(&space[format!("{kind}s")]))
                .collect(),
        }
    }

    /// Calls an operation as someone else would.
    #[allow(clippy::unused_async, reason = "as in the end-to-end tests, with which it shares fixtures")]
    pub async fn invoke(&self, operation: &str, input: Value) -> Value {
        self.simulator.invoke(operation, input).expect("the call is in order")
    }

    /// How often AWS was called.
    pub fn calls(&self) -> usize {
        usize::try_from(self.simulator.newest_call()).unwrap_or(usize::MAX)
    }

    /// Waits until AWS has been called this many more times.
    pub async fn more_calls(&self, more: usize) {
        let enough = self.calls() + more;
        super::wait_until(format!("{more} more calls of AWS"), async || {
            (self.calls() >= enough).then_some(())
        })
        .await;
    }

    /// Every object of a kind, in all namespaces.
    pub async fn everywhere(&self, kind: &str) -> Vec<Handle> {
        let api = dynamic(&self.client, resource(kind), None);
        let objects = api.list(&ListParams::default()).await.expect("objects can be listed");
        let handle = |object: DynamicObject| {
            self.handle_in(&object.namespace().unwrap_or_default(), kind, &object.name_any())
        };
        objects.into_iter().map(handle).collect()
    }

    /// Injects a fault; gives the id of its rule.
    pub fn fault(&self, rule: Value) -> u64 {
        self.simulator.add_fault(serde_json::from_value(rule).expect("the rule is well formed"))
    }

    /// Waits until a rule has hit so many calls.
    pub async fn hit(&self, rule: u64, times: u64) {
        super::wait_until(format!("{times} calls are hit"), async || {
            self.simulator.faults().iter().any(|found| found.id == rule && found.fired >= times).then_some(())
        })
        .await;
    }

    /// The mutating calls after the one of this number.
    pub fn mutations_since(&self, mark: u64) -> Vec<String> {
        let calls = self.simulator.call_log(mark).into_iter();
        calls.filter(|call: &Call| call.mutating).map(|call| call.operation).collect()
    }
}

fn members(value: &Value) -> Vec<Value> {
    value.as_object().map(Map::values).into_iter().flatten().cloned().collect()
}

async fn make_namespace(client: &Client) -> String {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("hardship-{}-{number}", std::process::id());
    let namespace = json!({"metadata": {"name": name}});
    let namespace: Namespace = serde_json::from_value(namespace).expect("it is a namespace");
    let api = Api::<Namespace>::all(client.clone());
    api.create(&PostParams::default(), &namespace).await.expect("a namespace can be made");
    name
}

/// Applies every CRD and waits until all are served.
pub async fn install(client: &Client) {
    let api = Api::<CustomResourceDefinition>::all(client.clone());
    let params = PatchParams::apply("hardship").force();
    for crd in devops_agent_operator::kinds::crds().expect("the CRDs can be written") {
        let name = text(&crd, "/metadata/name");
        api.patch(name, &params, &Patch::Apply(&crd)).await.expect("a CRD is accepted");
        await_condition(api.clone(), name, is_crd_established()).await.expect("a CRD is served");
    }
}
