//! What every end-to-end test stands on.
//!
//! One simulator, one operator (a process of its own) and one set of CRDs serve all tests of the binary; each test
//! has a namespace and an AWS account of its own. A test is a plain function:
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

pub use devops_agent_test_support::aws::remote_id;
pub use devops_agent_test_support::plugin::Ended;
pub use devops_agent_test_support::*;

/// Runs one test. When it fails, everything that may tell why is printed.
pub fn run(body: impl AsyncFnOnce(&Test)) {
    shared::run(&built!(), body);
}

/// Held by tests to which it matters whether there is an AWSAccount named `default`: at first there is none.
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

/// Runs `kubectl devopsagent` against the cluster and the simulator.
pub async fn plugin(t: &Test, arguments: &[&str]) -> Ended {
    plugin_at(&t.shared.simulator.url(), arguments).await
}

/// The same, with AWS at another address.
pub async fn plugin_at(aws: &str, arguments: &[&str]) -> Ended {
    let program = env!("CARGO_BIN_EXE_kubectl-devopsagent");
    devops_agent_test_support::plugin::run(program, aws, &[], arguments).await
}
