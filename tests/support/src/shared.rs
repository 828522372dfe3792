//! One operator, with the chart's rights, for all tests of a program; started with the first of them.

mod dump;
mod rights;
mod test;

pub use test::Test;

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use devops_agent_simulator::{Options, Running};
use futures::FutureExt;
use kube::api::{DeleteParams, ListParams};
use kube::{Client, ResourceExt};

use crate::cluster::{self, LABEL};
use crate::operator::{Built, Launch, Operator};
use crate::resource::resource;
use crate::runtime::{assert_cluster, block_on};
use crate::{aws, crds};
use rights::ServiceAccount;

/// No test takes longer, unless it hangs.
const LONGEST: Duration = Duration::from_mins(4);
/// How long the simulated AWS takes for what takes minutes in the real one.
const SETTLE_MS: u64 = 400;
/// So few results per page that every list has several pages.
const PAGE_SIZE: usize = 2;

/// `None` when it could not be started: the first test says why.
static SHARED: OnceLock<Option<Shared>> = OnceLock::new();

/// The cluster, the simulated AWS, and the operator between them.
pub struct Shared {
    /// An administrator's client.
    pub client: Client,
    /// The simulated AWS.
    pub simulator: Arc<Running>,
    /// The operator between them.
    pub operator: Operator,
    /// The namespace that the operator keeps its own Secret in.
    pub own_namespace: String,
    built: Built,
    /// The namespaces that the operator watches, if not all of them.
    pool: Vec<String>,
}

impl Shared {
    async fn start(built: &Built) -> Self {
        let client = cluster::client().await;
        let mut options = Options::on_free_port();
        options.switches.settle_ms = SETTLE_MS;
        options.switches.deployment_ms = SETTLE_MS;
        options.switches.page_size = PAGE_SIZE;
        let simulator = aws::start(options).await;
        crds::install(&client, &built.crds()).await;
        clear(&client).await;
        let account = ServiceAccount::make(&client, &built.folder).await;
        let operator = operator(Launch::new(built, &simulator.url()), account.as_ref()).await;
        let own_namespace =
            account.as_ref().map_or_else(|| "default".to_owned(), |account| account.namespace.clone());
        let pool = account.map(|account| account.pool).unwrap_or_default();
        Self { client, simulator, operator, own_namespace, built: built.clone(), pool }
    }

    /// The next namespace that the operator watches, if it doesn't watch all.
    fn namespace(&self) -> Option<String> {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        if self.pool.is_empty() {
            return None;
        }
        let next = self.pool.get(NEXT.fetch_add(1, Ordering::Relaxed));
        Some(next.expect("DEVOPS_AGENT_E2E_NAMESPACES is large enough for these tests").clone())
    }
}

/// Requests the deletion of what earlier runs left; the operator of this run completes it.
async fn clear(client: &Client) {
    for kind in ["Namespace", "AWSAccount"] {
        let api = resource(kind).api(client, None);
        let left = api.list(&ListParams::default().labels(LABEL)).await.expect("a list is given");
        for object in left {
            let _ = api.delete(&object.name_any(), &DeleteParams::background()).await;
        }
    }
}

/// Starts the operator, as this service account if there is one, and waits until it is ready.
async fn operator(launch: Launch<'_>, account: Option<&ServiceAccount>) -> Operator {
    let launch = launch.args(["--log-level", "debug", "--log-format", "text", "--concurrency", "32"]);
    let Some(account) = account else {
        let operator = launch.start();
        operator.ready().await;
        return operator;
    };
    let kubeconfig = account.kubeconfig.to_str().expect("paths are text");
    let operator = launch
        .args(["--leader-election", "--lease-name", "e2e-devops-agent-operator"])
        .args(&account.arguments)
        .env("KUBECONFIG", kubeconfig)
        .env("POD_NAMESPACE", &account.namespace)
        .start();
    operator.ready().await;
    if account.arguments.iter().any(|one| one == "--metrics-auth") {
        // The operator asks the API server who reads metrics: it needs the right to both questions.
        let (status, _) = operator.metrics_for(Some(&account.token)).await;
        assert_eq!(status, 403, "the operator's own service account may not read metrics");
    }
    operator
}

/// Runs one test. If it fails, everything that may explain why is printed.
pub fn run(built: &Built, body: impl AsyncFnOnce(&Test)) {
    assert_cluster();
    let start = || catch_unwind(AssertUnwindSafe(|| block_on(Shared::start(built)))).ok();
    let shared = SHARED.get_or_init(start).as_ref();
    let shared = shared.expect("what all tests share is started; see above, or the first test, why not");
    block_on(async {
        let test = Test::new(shared).await;
        let limited = tokio::time::timeout(LONGEST, body(&test));
        let outcome = AssertUnwindSafe(limited).catch_unwind().await;
        if !matches!(outcome, Ok(Ok(()))) {
            test.dump().await;
        }
        test.clean_up().await;
        record_operations(&test);
        match outcome {
            Ok(Ok(())) => {}
            Ok(Err(_)) => panic!("the test did not end within {LONGEST:?}"),
            Err(cause) => resume_unwind(cause),
        }
    });
}

/// Adds what the operator called for this test to the file that the caller of the tests named, if any: the IAM policy
/// must allow all of that and nothing else.
fn record_operations(test: &Test) {
    let Some(path) = std::env::var_os("DEVOPS_AGENT_E2E_OPERATIONS") else { return };
    let called: BTreeSet<String> = test.calls().into_iter().map(|call| call.operation).collect();
    let lines: String = called.into_iter().map(|operation| operation + "\n").collect();
    let file = OpenOptions::new().create(true).append(true).open(path);
    file.and_then(|mut file| file.write_all(lines.as_bytes())).expect("the operations can be recorded");
}
