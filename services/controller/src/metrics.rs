//! The controller's own metrics.

use std::time::{Duration, SystemTime};

use nuncio_telemetry::duration_buckets;
use nuncio_xds::Update;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;

/// Counters and times of the way of a change.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    registry: nuncio_telemetry::Metrics,
    resources_sent: Counter,
    resources_removed: Counter,
    refusals: Counter,
    compile: Histogram,
    live: Histogram,
    statuses_written: Counter,
    statuses_failed: Counter,
    webhook_expiry: Gauge,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let registry = nuncio_telemetry::Metrics::new("nuncio-controller");
        let resources_sent = Counter::default();
        let resources_removed = Counter::default();
        let refusals = Counter::default();
        let compile = Histogram::new(duration_buckets());
        let live = Histogram::new(duration_buckets());
        let statuses_written = Counter::default();
        let statuses_failed = Counter::default();
        let webhook_expiry = Gauge::default();
        registry.register("changes", |registry| {
            registry.register("resources_set", "Resources that changes set", resources_sent.clone());
            registry.register("resources_removed", "Resources that changes removed", resources_removed.clone());
            registry.register("refused", "Resources that an Envoy refused", refusals.clone());
            registry.register("compile_seconds", "From noticing a change to its resources", compile.clone());
            registry.register("live_seconds", "From noticing a change until every Envoy has it", live.clone());
        });
        registry.register("statuses", |registry| {
            registry.register("written", "Statuses of objects that were written", statuses_written.clone());
            registry.register("failed", "Statuses of objects that could not be written", statuses_failed.clone());
        });
        registry.register("webhook", |registry| {
            let help = "When the certificate ends that the webhook shows, in seconds since 1970; 0 where none is shown";
            registry.register("certificate_expiry_timestamp_seconds", help, webhook_expiry.clone());
        });
        Self {
            registry,
            resources_sent,
            resources_removed,
            refusals,
            compile,
            live,
            statuses_written,
            statuses_failed,
            webhook_expiry,
        }
    }

    pub(crate) fn encode(&self) -> String {
        self.registry.encode()
    }

    pub(crate) fn sent(&self, update: &Update) {
        self.resources_sent.inc_by(update.set.len() as u64);
        self.resources_removed.inc_by(update.remove.len() as u64);
    }

    pub(crate) fn nacked(&self) {
        self.refusals.inc();
    }

    pub(crate) fn status(&self, written: bool) {
        let counter = if written { &self.statuses_written } else { &self.statuses_failed };
        counter.inc();
    }

    /// The webhook shows a certificate that holds until then.
    pub(crate) fn webhook_shows(&self, until: SystemTime) {
        let seconds = until.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        self.webhook_expiry.set(i64::try_from(seconds).unwrap_or(i64::MAX));
    }

    pub(crate) fn compiled(&self, elapsed: Duration) {
        self.compile.observe(elapsed.as_secs_f64());
    }

    pub(crate) fn live(&self, elapsed: Duration) {
        self.live.observe(elapsed.as_secs_f64());
    }
}
