//! What is counted.

use std::sync::Arc;
use std::time::Duration;

use nuncio_telemetry::{BoundedLabel, LabelValue, Metrics, duration_buckets};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;

use crate::engine::Decision;

/// How many rules have counters of their own.
const MOST_RULES: usize = 1_000;

/// The metrics of decisions.
#[derive(Clone, Debug)]
pub(crate) struct AuthzMetrics {
    decisions: Family<DecisionLabels, Counter>,
    seconds: Histogram,
    rules: Arc<BoundedLabel>,
    providers: Family<CallLabels, Counter>,
    refreshes: Family<RefreshLabels, Counter>,
    tokens: Family<CacheLabels, Counter>,
}

/// A call of an identity provider.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    host: LabelValue,
    status: &'static str,
}

/// What came of a refresh.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefreshLabels {
    result: &'static str,
}

/// Whether a token's signature was known.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CacheLabels {
    cache: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DecisionLabels {
    rule: LabelValue,
    decision: &'static str,
    reason: &'static str,
}

impl AuthzMetrics {
    pub(crate) fn new() -> Self {
        Self {
            decisions: Family::default(),
            seconds: Histogram::new(duration_buckets()),
            rules: Arc::new(BoundedLabel::new(MOST_RULES)),
            providers: Family::default(),
            refreshes: Family::default(),
            tokens: Family::default(),
        }
    }

    /// Has them told.
    pub(crate) fn register(&self, metrics: &Metrics) {
        metrics.register("authz", |registry| {
            registry.register("decisions", "Decisions, by rule and reason", self.decisions.clone());
            registry.register("decision_seconds", "How long a decision took", self.seconds.clone());
            registry.register("provider_calls", "Requests to identity providers", self.providers.clone());
            registry.register("refreshes", "Access tokens that were exchanged for new ones", self.refreshes.clone());
            registry.register("signatures", "Tokens whose signature was verified or known", self.tokens.clone());
        });
    }

    /// Counts a request to an identity provider; without an answer there is no status.
    pub(crate) fn called(&self, host: &str, status: Option<http::StatusCode>) {
        let status = match status.map(|status| status.as_u16() / 100) {
            None => "none",
            Some(2) => "2xx",
            Some(3) => "3xx",
            Some(4) => "4xx",
            Some(_) => "5xx",
        };
        self.providers.get_or_create(&CallLabels { host: self.rules.value(host), status }).inc();
    }

    /// Counts a refresh.
    pub(crate) fn refreshed(&self, result: &'static str) {
        self.refreshes.get_or_create(&RefreshLabels { result }).inc();
    }

    /// Counts a token whose signature was known (`hit`), or had to be verified (`miss`).
    pub(crate) fn verified(&self, cache: &'static str) {
        self.tokens.get_or_create(&CacheLabels { cache }).inc();
    }

    pub(crate) fn decided(&self, decision: &Decision, took: Duration) {
        let (word, reason) = decision.in_words();
        let labels = DecisionLabels { rule: self.rules.value(&decision.rule), decision: word, reason };
        self.decisions.get_or_create(&labels).inc();
        self.seconds.observe(took.as_secs_f64());
    }
}
