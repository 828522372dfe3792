//! Passes in progress.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use prometheus_client::encoding::DescriptorEncoder;

use super::vector::gauges;
use super::{Metrics, table};

/// Passes in progress, by controller.
#[derive(Debug, Default)]
pub struct Passes(Mutex<BTreeMap<&'static str, Controller>>);

#[derive(Debug, Default)]
struct Controller {
    most: u16,
    next: u64,
    started: BTreeMap<u64, Instant>,
}

/// A pass in progress, until it is dropped: at its end, or when it is aborted.
pub struct Underway {
    metrics: Arc<Metrics>,
    controller: &'static str,
    number: u64,
    start: Instant,
}

impl Metrics {
    /// How many passes are in progress.
    pub fn underway(&self) -> usize {
        self.passes.lock().values().map(|controller| controller.started.len()).sum()
    }

    /// A controller runs, with at most this many concurrent passes.
    pub fn controller_runs(&self, controller: &'static str, most: u16) {
        self.passes.lock().entry(controller).or_default().most = most;
    }

    /// A pass begins.
    pub fn pass(self: &Arc<Self>, controller: &'static str) -> Underway {
        let start = Instant::now();
        let mut passes = self.passes.lock();
        let passes = passes.entry(controller).or_default();
        let number = passes.next;
        passes.next += 1;
        passes.started.insert(number, start);
        Underway { metrics: Arc::clone(self), controller, number, start }
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        let took = self.start.elapsed().as_secs_f64();
        self.metrics.reconcile_time.with([self.controller]).observe(took);
        self.metrics.work_time.with([self.controller, self.controller]).observe(took);
        if let Some(passes) = self.metrics.passes.lock().get_mut(self.controller) {
            passes.started.remove(&self.number);
        }
    }
}

impl Passes {
    pub(super) fn encode(&self, encoder: &mut DescriptorEncoder) -> std::fmt::Result {
        let passes = self.lock();
        let each = |value: fn(&Controller) -> f64| {
            passes.iter().map(move |(name, controller)| (*name, value(controller))).collect::<Vec<_>>()
        };
        let one = |(name, value): (&str, f64)| ([name.to_owned()], value);
        let two = |(name, value): (&str, f64)| ([name.to_owned(), name.to_owned()], value);
        #[allow(clippy::cast_precision_loss, reason = "there are never so many")]
        let active = each(|controller| controller.started.len() as f64);
        gauges(encoder, table::ACTIVE_WORKERS, active.into_iter().map(one))?;
        gauges(encoder, table::MAX_CONCURRENT, each(|c| f64::from(c.most)).into_iter().map(one))?;
        let sum = each(|controller| controller.ages().sum());
        gauges(encoder, table::UNFINISHED_WORK, sum.into_iter().map(two))?;
        let longest = each(|controller| controller.ages().fold(0.0, f64::max));
        gauges(encoder, table::LONGEST_WORK, longest.into_iter().map(two))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, Controller>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Controller {
    fn ages(&self) -> impl Iterator<Item = f64> {
        self.started.values().map(|start| start.elapsed().as_secs_f64())
    }
}
