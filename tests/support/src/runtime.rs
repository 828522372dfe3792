//! The runtime of a test program.

use std::sync::LazyLock;
use std::time::Duration;

use tokio::runtime::Runtime;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .expect("a runtime can be made")
});

/// Runs to the end.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    RUNTIME.block_on(future)
}

/// Runs in the background.
pub fn spawn(future: impl Future<Output = ()> + Send + 'static) {
    RUNTIME.spawn(future);
}

/// Whether there is a cluster that the tests may use up.
pub fn has_cluster() -> bool {
    std::env::var("DEVOPS_AGENT_E2E").is_ok_and(|value| value == "1")
}

/// Fails where there is no cluster for tests.
pub fn assert_cluster() {
    assert!(
        has_cluster(),
        "these tests need a cluster: run them with `cargo xtask test`, or set KUBECONFIG to one that may be used up, and \
         DEVOPS_AGENT_E2E=1"
    );
}

/// Runs a test, which needs a cluster and fails when it takes longer than `longest`.
pub fn run(longest: Duration, test: impl AsyncFnOnce()) {
    assert_cluster();
    block_on(async {
        let ended = tokio::time::timeout(longest, test()).await;
        assert!(ended.is_ok(), "the test did not end within {longest:?}");
    });
}
