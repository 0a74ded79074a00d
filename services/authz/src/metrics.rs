//! What is counted.

use std::sync::Arc;
use std::time::Duration;

use nuncio_telemetry::{BoundedLabel, LabelValue, Metrics, duration_buckets};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;

use crate::engine::{Decision, Outcome};

/// How many rules have counters of their own.
const MOST_RULES: usize = 1_000;

/// The metrics of decisions.
#[derive(Clone, Debug)]
pub(crate) struct AuthzMetrics {
    decisions: Family<DecisionLabels, Counter>,
    seconds: Histogram,
    rules: Arc<BoundedLabel>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DecisionLabels {
    rule: LabelValue,
    decision: &'static str,
    reason: &'static str,
}

impl AuthzMetrics {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        let new = Self {
            decisions: Family::default(),
            seconds: Histogram::new(duration_buckets()),
            rules: Arc::new(BoundedLabel::new(MOST_RULES)),
        };
        metrics.register("authz", |registry| {
            registry.register("decisions", "Decisions, by rule and reason", new.decisions.clone());
            registry.register("decision_seconds", "How long a decision took", new.seconds.clone());
        });
        new
    }

    pub(crate) fn decided(&self, decision: &Decision, took: Duration) {
        let (word, reason) = match &decision.outcome {
            Outcome::Allow(..) => ("allow", ""),
            Outcome::Deny(denial) if denial.is_failure => ("error", denial.reason),
            Outcome::Deny(denial) => ("deny", denial.reason),
            Outcome::Answer(_) => ("answer", ""),
        };
        let labels = DecisionLabels { rule: self.rules.value(&decision.rule), decision: word, reason };
        self.decisions.get_or_create(&labels).inc();
        self.seconds.observe(took.as_secs_f64());
    }
}
