//! Metrics for Prometheus.
//!
//! [`table`] lists them all. What is counted when it happens is a field of [`Metrics`]; state (objects, caches,
//! budgets, passes in progress, the process) is read on demand. The registry belongs to one operator, not to the
//! process: tests run several.

mod passes;
mod process;
mod record;
mod requests;
pub mod table;
pub mod vector;

use std::fmt;
use std::sync::{Arc, OnceLock, Weak};
use std::time::SystemTime;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::version;

use self::passes::Passes;
pub use self::passes::Underway;
pub use self::record::{Change, Outcome};
pub use self::requests::CountRequests;
use self::vector::{Vector, gauges, plain_counter};

/// What has metrics to read when someone asks.
pub trait Source: fmt::Debug + Send + Sync + 'static {
    /// Writes them.
    fn encode(&self, encoder: &mut DescriptorEncoder) -> fmt::Result;
}

/// The metrics of one operator.
#[derive(Debug)]
pub struct Metrics {
    registry: OnceLock<Registry>,
    source: OnceLock<Box<dyn Source>>,
    started: SystemTime,
    passes: Passes,
    newcomers: record::Newcomers,
    reconciles: Vector<Counter, 2>,
    reconcile_errors: Vector<Counter, 1>,
    terminal_errors: Vector<Counter, 1>,
    reconcile_time: Vector<Histogram, 1>,
    work_time: Vector<Histogram, 2>,
    kubernetes_requests: Vector<Counter, 3>,
    leader: Vector<Gauge, 1>,
    first_ready: Vector<Histogram, 1>,
    changes: Vector<Counter, 2>,
    drift_corrections: Vector<Counter, 1>,
    webhook_secrets: Counter,
    events_dropped: Vector<Counter, 1>,
    api_requests: Vector<Counter, 2>,
    api_errors: Vector<Counter, 2>,
    api_time: Vector<Histogram, 1>,
    watch_errors: Vector<Counter, 1>,
    unreadable: Vector<Gauge, 1>,
}

impl Metrics {
    /// Metrics of an operator that starts now.
    pub fn new() -> Arc<Self> {
        let mut registry = Registry::default();
        let r = &mut registry;
        let metrics = Arc::new(Self {
            registry: OnceLock::new(),
            source: OnceLock::new(),
            started: SystemTime::now(),
            passes: Passes::default(),
            newcomers: record::Newcomers::default(),
            reconciles: Vector::counter(r, table::RECONCILES),
            reconcile_errors: Vector::counter(r, table::RECONCILE_ERRORS),
            terminal_errors: Vector::counter(r, table::TERMINAL_ERRORS),
            reconcile_time: Vector::histogram(r, table::RECONCILE_TIME, pass_buckets),
            work_time: Vector::histogram(r, table::WORK_TIME, pass_buckets),
            kubernetes_requests: Vector::counter(r, table::KUBERNETES_REQUESTS),
            leader: Vector::gauge(r, table::LEADER),
            first_ready: Vector::histogram(r, table::FIRST_READY, ready_buckets),
            changes: Vector::counter(r, table::CHANGES),
            drift_corrections: Vector::counter(r, table::DRIFT_CORRECTIONS),
            webhook_secrets: plain_counter(r, table::WEBHOOK_SECRETS),
            events_dropped: Vector::counter_of(r, table::EVENTS_DROPPED, ["Normal", "Warning"]),
            api_requests: Vector::counter(r, table::API_REQUESTS),
            api_errors: Vector::counter(r, table::API_ERRORS),
            api_time: Vector::histogram(r, table::API_TIME, call_buckets),
            watch_errors: Vector::counter(r, table::WATCH_ERRORS),
            unreadable: Vector::gauge(r, table::UNREADABLE),
        });
        registry.register_collector(Box::new(State(Arc::downgrade(&metrics))));
        let _ = metrics.registry.set(registry);
        metrics
    }

    /// From now on, what `source` knows is exposed too.
    pub fn expose(&self, source: impl Source) {
        let _ = self.source.set(Box::new(source));
    }

    /// Everything, in the text format of `OpenMetrics`.
    pub fn text(&self) -> String {
        let mut text = String::new();
        if let Some(registry) = self.registry.get() {
            // Writing to a String does not fail.
            let _ = prometheus_client::encoding::text::encode(&mut text, registry);
        }
        text
    }
}

/// What is read on demand.
struct State(Weak<Metrics>);

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("State")
    }
}

impl Collector for State {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let Some(metrics) = self.0.upgrade() else { return Ok(()) };
        let build = [version::VERSION, version::REVISION, version::RUSTC].map(str::to_owned);
        gauges(&mut encoder, table::BUILD, [(build, 1.0)])?;
        process::encode(&mut encoder, metrics.started)?;
        metrics.passes.encode(&mut encoder)?;
        metrics.source.get().map_or(Ok(()), |source| source.encode(&mut encoder))
    }
}

/// A pass is a few calls; a throttled one waits.
fn pass_buckets() -> Histogram {
    Histogram::new([0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0])
}

/// A call has half a minute.
fn call_buckets() -> Histogram {
    Histogram::new([0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0])
}

/// From seconds to the ten minutes of a private connection, and to a person who opens an address.
fn ready_buckets() -> Histogram {
    Histogram::new([1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 86400.0])
}
