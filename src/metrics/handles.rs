//! Handles that count: a counter, a gauge, a clock. Resolved once, then free of locks.
//!
//! They hide the metrics library from the rooms that count, and offer no way to read a value back:
//! what the program does never depends on what it counted.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::{MetricType, TypedMetric, counter, gauge};

/// A number that only grows.
#[derive(Clone, Debug, Default)]
pub struct Counter {
    pub(super) inner: counter::Counter,
}

/// A number that goes up and down.
#[derive(Clone, Debug, Default)]
pub struct Gauge {
    pub(super) inner: gauge::Gauge,
}

/// One, counted by a gauge for as long as this lives.
#[derive(Debug)]
pub struct Counted {
    gauge: Gauge,
}

/// Durations, sorted into buckets.
#[derive(Clone, Debug)]
pub struct Timing {
    shared: Arc<Buckets>,
}

/// Facts as labels: one sample at a time.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    labels: Arc<ArcSwapOption<Vec<(&'static str, String)>>>,
}

#[derive(Debug)]
struct Buckets {
    /// Upper bounds, ascending, and how many durations fell between a bound and the one before.
    counts: Vec<(Duration, AtomicU64)>,
    beyond: AtomicU64,
    sum_nanoseconds: AtomicU64,
}

impl Counter {
    /// Adds one.
    pub fn increment(&self) {
        self.inner.inc();
    }

    /// Adds `by`.
    pub fn add(&self, by: u64) {
        self.inner.inc_by(by);
    }
}

impl Gauge {
    /// Replaces the value.
    pub fn set(&self, value: i64) {
        self.inner.set(value);
    }

    /// Adds `by`, which may be negative.
    pub fn add(&self, by: i64) {
        self.inner.inc_by(by);
    }

    /// Counts one for as long as the result lives.
    pub fn count_one(&self) -> Counted {
        self.add(1);
        Counted { gauge: self.clone() }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.gauge.add(-1);
    }
}

impl Timing {
    /// Buckets with these upper bounds, ascending.
    pub(super) fn new(bounds: &[Duration]) -> Self {
        let counts = bounds.iter().map(|bound| (*bound, AtomicU64::new(0))).collect();
        let shared =
            Buckets { counts, beyond: AtomicU64::new(0), sum_nanoseconds: AtomicU64::new(0) };
        Self { shared: Arc::new(shared) }
    }

    /// Counts one duration.
    pub fn observe(&self, took: Duration) {
        let fitting = self.shared.counts.iter().find(|(bound, _)| took <= *bound);
        let count = fitting.map_or(&self.shared.beyond, |(_, count)| count);
        count.fetch_add(1, Ordering::Relaxed);
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.shared.sum_nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }
}

impl Facts {
    /// Sets the facts in place of those stated before.
    pub(super) fn state(&self, labels: Vec<(&'static str, String)>) {
        self.labels.store(Some(Arc::new(labels)));
    }
}

impl TypedMetric for Counter {
    const TYPE: MetricType = MetricType::Counter;
}

impl EncodeMetric for Counter {
    fn encode(&self, encoder: MetricEncoder<'_>) -> fmt::Result {
        self.inner.encode(encoder)
    }
    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

impl TypedMetric for Gauge {
    const TYPE: MetricType = MetricType::Gauge;
}

impl EncodeMetric for Gauge {
    fn encode(&self, encoder: MetricEncoder<'_>) -> fmt::Result {
        self.inner.encode(encoder)
    }
    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

impl TypedMetric for Timing {
    const TYPE: MetricType = MetricType::Histogram;
}

impl EncodeMetric for Timing {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let mut buckets: Vec<(f64, u64)> = Vec::new();
        for (bound, count) in &self.shared.counts {
            buckets.push((bound.as_secs_f64(), read(count)));
        }
        buckets.push((f64::INFINITY, read(&self.shared.beyond)));
        // Summed from what was read, so that the total agrees with the buckets of this scrape.
        let total = buckets.iter().fold(0_u64, |total, (_, count)| total.saturating_add(*count));
        let sum = Duration::from_nanos(read(&self.shared.sum_nanoseconds)).as_secs_f64();
        encoder.encode_histogram::<NoLabelSet>(sum, total, &buckets, None)
    }
    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

impl EncodeMetric for Facts {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        match self.labels.load().as_ref() {
            Some(labels) => encoder.encode_info(&labels.as_slice()),
            None => Ok(()),
        }
    }
    fn metric_type(&self) -> MetricType {
        MetricType::Info
    }
    fn is_empty(&self) -> bool {
        self.labels.load().is_none()
    }
}
