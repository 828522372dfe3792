//! A metric with labels, created from its row in the table.

use std::ops::Deref;

use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::table::Metric;

type Labels<const N: usize> = [(&'static str, String); N];

/// A metric with `N` labels.
#[derive(Clone, Debug)]
pub struct Vector<M, const N: usize> {
    names: [&'static str; N],
    family: Family<Labels<N>, M, fn() -> M>,
}

impl<const N: usize> Vector<Counter, N> {
    /// Registers a counter.
    pub fn counter(registry: &mut Registry, metric: Metric<N>) -> Self {
        Self::register(registry, metric, Counter::default)
    }
}

impl<const N: usize> Vector<Gauge, N> {
    /// Registers a gauge.
    pub fn gauge(registry: &mut Registry, metric: Metric<N>) -> Self {
        Self::register(registry, metric, Gauge::default)
    }
}

impl<const N: usize> Vector<Histogram, N> {
    /// Registers a histogram with the buckets that `make` gives it.
    pub fn histogram(registry: &mut Registry, metric: Metric<N>, make: fn() -> Histogram) -> Self {
        Self::register(registry, metric, make)
    }
}

impl<M, const N: usize> Vector<M, N>
where
    M: prometheus_client::metrics::TypedMetric + EncodeMetric + std::fmt::Debug + Send + Sync + 'static,
{
    fn register(registry: &mut Registry, metric: Metric<N>, make: fn() -> M) -> Self {
        let family = Family::new_with_constructor(make);
        registry.register(base(metric.name), help(metric.help), family.clone());
        Self { names: metric.labels, family }
    }

    /// The metric with these values of its labels, in their order.
    pub fn with(&self, values: [&str; N]) -> impl Deref<Target = M> {
        self.family.get_or_create(&labels(self.names, values))
    }
}

impl Vector<Counter, 1> {
    /// The same, with these `values` present from the start.
    pub fn counter_of<const V: usize>(registry: &mut Registry, metric: Metric<1>, values: [&str; V]) -> Self {
        let this = Self::counter(registry, metric);
        for value in values {
            drop(this.with([value]));
        }
        this
    }
}

/// Registers a counter without labels.
pub fn plain_counter(registry: &mut Registry, metric: Metric<0>) -> Counter {
    let counter = Counter::default();
    registry.register(base(metric.name), help(metric.help), counter.clone());
    counter
}

/// Writes a gauge whose values are known only now.
pub fn gauges<const N: usize>(
    encoder: &mut DescriptorEncoder,
    metric: Metric<N>,
    values: impl IntoIterator<Item = ([String; N], f64)>,
) -> std::fmt::Result {
    each(encoder, metric, MetricType::Gauge, values, |encoder, value| ConstGauge::new(value).encode(encoder))
}

/// Writes a counter whose values are counted elsewhere.
pub fn counters<const N: usize>(
    encoder: &mut DescriptorEncoder,
    metric: Metric<N>,
    values: impl IntoIterator<Item = ([String; N], f64)>,
) -> std::fmt::Result {
    each(encoder, metric, MetricType::Counter, values, |encoder, value| {
        ConstCounter::new(value).encode(encoder)
    })
}

fn each<const N: usize>(
    encoder: &mut DescriptorEncoder,
    metric: Metric<N>,
    kind: MetricType,
    values: impl IntoIterator<Item = ([String; N], f64)>,
    encode: impl Fn(MetricEncoder, f64) -> std::fmt::Result,
) -> std::fmt::Result {
    let mut values = values.into_iter().peekable();
    // A heading without values is omitted.
    if values.peek().is_none() {
        return Ok(());
    }
    let mut encoder = encoder.encode_descriptor(base(metric.name), &help(metric.help), None, kind)?;
    for (labels, value) in values {
        if N == 0 {
            return encode(encoder, value);
        }
        let mut names = metric.labels.iter();
        let labels = labels.map(|value| (names.next().copied().unwrap_or_default(), value));
        encode(encoder.encode_family(&labels)?, value)?;
    }
    Ok(())
}

fn labels<const N: usize>(names: [&'static str; N], values: [&str; N]) -> Labels<N> {
    let mut values = values.into_iter();
    names.map(|name| (name, values.next().unwrap_or_default().to_owned()))
}

/// The library appends `_total` to counters by itself.
fn base(name: &str) -> &str {
    name.strip_suffix("_total").unwrap_or(name)
}

/// In the form of `OpenMetrics`: on one line; the library appends the full stop for registered metrics.
fn help(text: &str) -> String {
    text.trim().trim_end_matches('.').to_owned()
}
