//! A histogram of durations without a lock: requests on all cores end in it.

use std::{
    array, fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use prometheus_client::{
    encoding::{EncodeMetric, MetricEncoder, NoLabelSet},
    metrics::{MetricType, TypedMetric},
};

/// The upper bounds of the buckets, in microseconds; what is longer than ten seconds is in one bucket more.
const BOUNDS: [u32; 16] = [
    50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    2_500_000, 10_000_000,
];

/// Counts durations by their length. Cheap to clone; clones count together.
#[derive(Clone, Debug)]
pub(super) struct Durations(Arc<Counts>);

#[derive(Debug)]
struct Counts {
    buckets: [AtomicU64; BOUNDS.len() + 1],
    sum_nanoseconds: AtomicU64,
}

impl Default for Durations {
    fn default() -> Self {
        let buckets = array::from_fn(|_| AtomicU64::new(0));
        Self(Arc::new(Counts { buckets, sum_nanoseconds: AtomicU64::new(0) }))
    }
}

impl Durations {
    /// Counts one. Five centuries of nanoseconds fit into the sum.
    pub(super) fn observe(&self, duration: Duration) {
        let microseconds = duration.as_micros();
        let bucket = BOUNDS.partition_point(|bound| u128::from(*bound) < microseconds);
        self.0.buckets[bucket].fetch_add(1, Relaxed);
        let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.0.sum_nanoseconds.fetch_add(nanoseconds, Relaxed);
    }
}

impl EncodeMetric for Durations {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let bounds = BOUNDS.iter().map(|bound| f64::from(*bound) / 1e6).chain([f64::INFINITY]);
        let buckets: Vec<_> =
            bounds.zip(&self.0.buckets).map(|(bound, count)| (bound, count.load(Relaxed))).collect();
        let count = buckets.iter().map(|(_, count)| count).sum();
        let sum = Duration::from_nanos(self.0.sum_nanoseconds.load(Relaxed)).as_secs_f64();
        encoder.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

impl TypedMetric for Durations {
    const TYPE: MetricType = MetricType::Histogram;
}

#[cfg(test)]
mod tests {
    use prometheus_client::{encoding::text, registry::Registry};

    use super::*;

    #[test]
    fn a_bucket_holds_what_is_not_longer_than_its_bound() {
        let durations = Durations::default();
        for microseconds in [50, 51, 20_000_000] {
            durations.observe(Duration::from_micros(microseconds));
        }
        let mut registry = Registry::default();
        registry.register("took_seconds", "It", durations);
        let mut text = String::new();
        text::encode(&mut text, &registry).unwrap();
        for line in [
            "took_seconds_sum 20.000101",
            "took_seconds_count 3",
            "took_seconds_bucket{le=\"0.00005\"} 1",
            "took_seconds_bucket{le=\"0.0001\"} 2",
            "took_seconds_bucket{le=\"10.0\"} 2",
            "took_seconds_bucket{le=\"+Inf\"} 3",
        ] {
            assert!(text.lines().any(|told| told == line), "{line}\n{text}");
        }
    }
}
