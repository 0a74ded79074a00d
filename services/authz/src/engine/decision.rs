//! What was decided on a request, and how.

use nuncio_auth::{Denial, Edits, Identity, Reply, Step, Verdict};
use nuncio_ir::auth::FilterId;
use serde::Serialize;
use tracing::Span;

/// A decision.
#[derive(Debug)]
pub(crate) struct Decision {
    pub(crate) outcome: Outcome,
    pub(crate) rule: String,
    pub(crate) steps: Vec<StepTaken>,
    /// Who it was of, as far as that is known.
    pub(crate) identity: Option<Identity>,
    /// It went on unasked, as a browser's question whether a script may ask.
    pub(crate) is_preflight: bool,
}

impl Decision {
    /// For metrics, logs and traces: what was decided, and why where that needs to be said.
    pub(crate) fn in_words(&self) -> (&'static str, &'static str) {
        match self.outcome.in_words() {
            ("allow", _) if self.is_preflight => ("allow", "preflight"),
            words => words,
        }
    }

    /// Notes it on the span of its request.
    pub(super) fn tell(&self, span: &Span) {
        let (word, reason) = self.in_words();
        span.record("rule", &*self.rule).record("decision", word).record("reason", reason);
        if word == "error" {
            span.record("otel.status_code", "ERROR");
        }
    }
}

/// What follows for the request.
#[derive(Debug)]
pub(crate) enum Outcome {
    Allow(Box<Edits>, Option<Identity>),
    Deny(Denial),
    Answer(Reply),
}

impl Outcome {
    /// What was decided, and why not where it is a denial.
    pub(crate) fn in_words(&self) -> (&'static str, &'static str) {
        match self {
            Self::Allow(..) => ("allow", ""),
            Self::Deny(denial) if denial.is_failure => ("error", denial.reason),
            Self::Deny(denial) => ("deny", denial.reason),
            Self::Answer(_) => ("answer", ""),
        }
    }
}

/// What a filter said, for explanations.
#[derive(Debug, Serialize)]
pub(crate) struct StepTaken {
    filter: FilterId,
    verdict: &'static str,
    reason: String,
    detail: String,
}

/// What is noted on the way.
#[derive(Default)]
pub(super) struct Walked {
    pub(super) rule: String,
    pub(super) steps: Vec<StepTaken>,
    pub(super) identity: Option<Identity>,
    pub(super) is_preflight: bool,
}

impl Walked {
    /// Notes what a filter said.
    pub(super) fn note(&mut self, step: &Step, verdict: &Verdict) {
        let (word, reason, detail) = match verdict {
            Verdict::Allow(_) => ("allow", String::new(), String::new()),
            Verdict::Deny(denial) => ("deny", denial.reason.to_owned(), denial.detail.clone()),
            Verdict::Answer(reply) => ("answer", reply.status.to_string(), String::new()),
        };
        self.steps.push(StepTaken { filter: step.filter.clone(), verdict: word, reason, detail });
    }
}
