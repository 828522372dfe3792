//! A world whose operators, CRDs and AWS are one test's own.

use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use devops_agent_simulator::Options;
use devops_agent_test_support::{aws, built, cluster, runtime, wait};
use tokio::sync::{OnceCell, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// No test takes longer, unless it hangs.
const LONGEST: Duration = Duration::from_mins(5);
/// How long anything may take that is waited for: these tests share a machine with everything else.
const LIMIT: Duration = Duration::from_secs(90);
/// How long the simulated AWS takes for what takes minutes in the real one.
const SETTLE_MS: u64 = 200;

static INSTALLED: OnceCell<()> = OnceCell::const_new();
/// Held by all tests, alone by those that change what the others see: the CRDs, or accounts.
static CRDS: RwLock<()> = RwLock::const_new(());
static NEXT: AtomicU64 = AtomicU64::new(0);

/// Runs a test.
pub fn run(body: impl AsyncFnOnce()) {
    wait::set_limit(LIMIT);
    runtime::run(LONGEST, body);
}

enum Held {
    Shared { _guard: RwLockReadGuard<'static, ()> },
    Alone { _guard: RwLockWriteGuard<'static, ()> },
}

/// What one test has to itself, and its place among the others.
pub struct World {
    world: devops_agent_test_support::World,
    _held: Held,
}

impl Deref for World {
    type Target = devops_agent_test_support::World;

    fn deref(&self) -> &Self::Target {
        &self.world
    }
}

impl World {
    /// A world beside others.
    pub async fn new() -> Self {
        Self::with(Options::on_free_port()).await
    }

    /// The same, with an AWS of its own kind.
    pub async fn with(options: Options) -> Self {
        let held = Held::Shared { _guard: CRDS.read().await };
        Self::made(options, held).await
    }

    /// A world of its own: what it does to the CRDs affects no one.
    pub async fn alone() -> Self {
        Self::alone_with(Options::on_free_port()).await
    }

    /// The same, with an AWS of its own kind.
    pub async fn alone_with(options: Options) -> Self {
        let held = Held::Alone { _guard: CRDS.write().await };
        let world = Self::made(options, held).await;
        // A test that failed may have left them as it wanted them.
        world.install_crds().await;
        world
    }

    async fn made(mut options: Options, held: Held) -> Self {
        options.switches.settle_ms = SETTLE_MS;
        let (client, simulator) = (cluster::client().await, aws::start(options).await);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let namespace = format!("hardship-{}-{number}", std::process::id());
        let world = devops_agent_test_support::World::new(&client, &simulator, &built!(), &namespace).await;
        INSTALLED.get_or_init(|| world.install_crds()).await;
        Self { world, _held: held }
    }
}
