//! Metrics in the `OpenMetrics` text format.

use std::collections::HashSet;
use std::fmt::{self, Write};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::process::Process;

/// The content type of [`Metrics::encode`].
pub const METRICS_CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Stands for all values that a [`BoundedLabel`] has no room for.
const OTHER: &str = "other";

/// The metrics of one process. Cheap to clone; all clones are one.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Arc<RwLock<Registry>>,
}

impl Metrics {
    /// A registry whose metrics are all named `nuncio_…`, with those of the process itself (`process_…`) in it.
    #[must_use]
    pub fn new(service: &'static str) -> Self {
        let metrics = Self::of_part();
        let mut registry = metrics.registry.write().unwrap_or_else(PoisonError::into_inner);
        registry.register_collector(Box::new(Process));
        // Not an `Info`: the older Prometheus format has no such type.
        let build = Family::<Vec<(&str, &str)>, Gauge>::default();
        build.get_or_create(&vec![("service", service), ("version", env!("CARGO_PKG_VERSION"))]).set(1);
        registry.register("nuncio_build_info", "What is running", build);
        drop(registry);
        metrics
    }

    /// A registry of a service in a process that tells of itself elsewhere.
    #[must_use]
    pub fn of_part() -> Self {
        Self { registry: Arc::new(RwLock::new(Registry::default())) }
    }

    /// Registers the metrics of one part of the service, named `nuncio_{part}_…`.
    pub fn register<T>(&self, part: &str, register: impl FnOnce(&mut Registry) -> T) -> T {
        let mut registry = self.registry.write().unwrap_or_else(PoisonError::into_inner);
        register(registry.sub_registry_with_prefix(format!("nuncio_{part}")))
    }

    /// All metrics, as [`METRICS_CONTENT_TYPE`] has it.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut text = String::new();
        let registry = self.registry.read().unwrap_or_else(PoisonError::into_inner);
        match encode(&mut text, &registry) {
            Ok(()) => text,
            Err(error) => {
                tracing::error!("a metric cannot be encoded: {error}");
                "# EOF\n".to_owned()
            }
        }
    }
}

/// Histogram buckets for durations in seconds, from 100 µs to about 13 s, each twice the one before: a change to one
/// route is to be live in a few milliseconds.
pub fn duration_buckets() -> impl Iterator<Item = f64> {
    prometheus_client::metrics::histogram::exponential_buckets(0.0001, 2.0, 18)
}

/// The values of a label that others choose (the name of a node, a host): the first `limit` different ones are kept
/// and all further ones become `other`, so that nobody can make the number of series grow without end.
#[derive(Debug)]
pub struct BoundedLabel {
    limit: usize,
    seen: Mutex<HashSet<Arc<str>>>,
}

/// A value of a [`BoundedLabel`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LabelValue(Arc<str>);

impl BoundedLabel {
    /// A label with at most `limit` values, not counting `other`.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { limit, seen: Mutex::default() }
    }

    /// The value to use for `value`.
    #[must_use]
    pub fn value(&self, value: &str) -> LabelValue {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = seen.get(value) {
            return LabelValue(known.clone());
        }
        if seen.len() >= self.limit {
            return LabelValue(OTHER.into());
        }
        let value: Arc<str> = value.into();
        seen.insert(value.clone());
        LabelValue(value)
    }
}

impl EncodeLabelValue for LabelValue {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), fmt::Error> {
        encoder.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::EncodeLabelSet;
    use prometheus_client::metrics::counter::Counter;

    use super::*;

    #[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
    struct Labels {
        node: LabelValue,
    }

    #[test]
    fn a_bounded_label_stops_growing() {
        let metrics = Metrics::new("test");
        let streams = Family::<Labels, Counter>::default();
        metrics.register("xds", |registry| registry.register("streams", "Streams", streams.clone()));
        let node = BoundedLabel::new(2);
        for name in ["a", "b", "c", "a", "d"] {
            streams.get_or_create(&Labels { node: node.value(name) }).inc();
        }
        let text = metrics.encode();
        for line in [r#"{node="a"} 2"#, r#"{node="b"} 1"#, r#"{node="other"} 2"#] {
            assert!(text.contains(&format!("nuncio_xds_streams_total{line}")), "{text}");
        }
    }

    #[test]
    fn the_process_describes_itself() {
        let text = Metrics::new("test").encode();
        for name in
            ["process_resident_memory_bytes", "process_cpu_seconds_total", "process_open_fds", "nuncio_build_info"]
        {
            assert!(text.lines().any(|line| line.starts_with(name)), "{name} in {text}");
        }
        assert!(text.ends_with("# EOF\n"));
    }
}
