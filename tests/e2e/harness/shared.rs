//! What all tests of the binary share, started with the first of them.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::LazyLock;
use std::time::Duration;

use devops_agent_simulator::{Options, Running, Simulator};
use futures::FutureExt;
use kube::Client;
use tokio::runtime::Runtime;

use super::crds;
use super::operator::Operator;
use super::rights::ServiceAccount;
use super::test::Test;

/// No test takes longer, unless it hangs.
const LONGEST: Duration = Duration::from_mins(4);
/// How long the simulated AWS takes for what takes minutes in the real one.
const SETTLE_MS: u64 = 400;
/// So few results per page that every list has several pages.
const PAGE_SIZE: usize = 2;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .expect("a runtime can be made")
});

/// `None` when it could not be started: the first test says why.
static SHARED: LazyLock<Option<Shared>> =
    LazyLock::new(|| catch_unwind(|| RUNTIME.block_on(Shared::start())).ok());

/// The cluster, the simulated AWS, and the operator between them.
pub struct Shared {
    pub client: Client,
    pub http: reqwest::Client,
    pub simulator: Running,
    pub operator: Operator,
    /// The namespaces that the operator watches, if not all of them.
    pub pool: Vec<String>,
}

impl Shared {
    async fn start() -> Self {
        // The first to install a provider wins, and there is only this one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::try_default().await.expect("KUBECONFIG names a cluster");
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(10))
            .build()
            .expect("an HTTP client can be made");
        let mut options = Options::on_free_port();
        options.switches.settle_ms = SETTLE_MS;
        options.switches.deployment_ms = SETTLE_MS;
        options.switches.page_size = PAGE_SIZE;
        let simulator = Simulator::start(options).await.expect("the simulator starts");
        crds::install(&client).await;
        crds::clear(&client).await;
        let account = ServiceAccount::make(&client).await;
        let operator = Operator::start(&simulator.url(), &http, account.as_ref()).await;
        let pool = account.map(|account| account.pool).unwrap_or_default();
        Self { client, http, simulator, operator, pool }
    }
}

/// Runs one test. If it fails, everything that may explain why is printed.
pub fn run(body: impl AsyncFnOnce(&Test)) {
    assert!(
        std::env::var("DEVOPS_AGENT_E2E").is_ok_and(|value| value == "1"),
        "the end-to-end tests need a cluster: run them with `cargo xtask test`, or set KUBECONFIG to one that may be \
         used up, and DEVOPS_AGENT_E2E=1"
    );
    let shared =
        SHARED.as_ref().expect("what all tests share is started; see above, or the first test, why not");
    RUNTIME.block_on(async {
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
