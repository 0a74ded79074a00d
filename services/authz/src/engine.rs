//! From a request to a decision.

mod assertions;
mod decision;
mod key_uses;
mod recent;
mod services;

use std::sync::Arc;
use std::time::Instant;

use http::StatusCode;
use nuncio_auth::{ClientKind, Denial, Identity, Match, Next, Reply, Request, Step, Theme, Verdict, Walk, path};
use nuncio_ir::auth::{ENDPOINTS_PREFIX, OWN_ENDPOINTS_PREFIX, RuleSetId};
use tracing::field::Empty;
use tracing::{Instrument, debug_span};

use crate::audit::{Audit, Entry, Facts};
use crate::config::{Active, Config};
use crate::filter::oauth2::cookies;
use crate::filter::{Kind, unusable};
use crate::metrics::AuthzMetrics;

use decision::Walked;
pub(crate) use decision::{Decision, Outcome};
pub use key_uses::KeyUse;
pub(crate) use services::{Introspected, Services};

/// What stands in place of a rule where none is for a request.
pub(crate) const NO_RULE: &str = "none";

/// Decides.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) active: Active,
    pub(crate) services: Arc<Services>,
    pub(crate) metrics: AuthzMetrics,
    pub(crate) audit: Option<Audit>,
    pub(crate) theme: Arc<Theme>,
}

impl Engine {
    /// Decides on a request under a rule set; `None` where its route names none.
    pub(crate) async fn decide(&self, set: Option<&str>, request: Request) -> Decision {
        let begun = Instant::now();
        let facts = self.audit.is_some().then(|| Facts::of(&request));
        let span = debug_span!(
            "decide",
            otel.kind = "server",
            otel.status_code = Empty,
            rule = Empty,
            decision = Empty,
            reason = Empty
        );
        if !span.is_disabled() {
            nuncio_telemetry::follow(&span, request.header("traceparent"), request.header("tracestate"));
        }
        let mut walked = Walked::default();
        let outcome = self.outcome(set, request, &mut walked);
        let outcome = if span.is_disabled() { outcome.await } else { Box::pin(outcome.instrument(span.clone())).await };
        let Walked { rule, steps, identity, is_preflight } = walked;
        let decision = Decision { outcome, rule, steps, identity, is_preflight };
        decision.tell(&span);
        self.metrics.decided(&decision, begun.elapsed());
        if let (Some(audit), Some(facts)) = (&self.audit, &facts) {
            audit.write(&Entry::new(facts, set, &decision));
        }
        decision
    }

    async fn outcome(&self, set: Option<&str>, mut request: Request, walked: &mut Walked) -> Outcome {
        request.theme = self.theme.clone();
        let Some(config) = self.active.load() else {
            return Outcome::Deny(unusable(&request, "no rules are known yet"));
        };
        if let Err(refused) = path::check(request.path()) {
            return Outcome::Deny(bad_path(&request, &refused.to_string()));
        }
        if request.path().starts_with(ENDPOINTS_PREFIX) || request.path().starts_with(OWN_ENDPOINTS_PREFIX) {
            walked.rule = "endpoint".to_owned();
            if let Some(reply) = Box::pin(crate::filter::oauth2::endpoint(&mut request, &config, &self.services)).await
            {
                return reply;
            }
        }
        // A route that names no set is checked by mistake, or only for the endpoints below it.
        let Some(set) = set.filter(|set| !set.is_empty()) else {
            return Outcome::Deny(unusable(&request, "the route names no rules"));
        };
        let Some(rules) = config.rules.get(&RuleSetId(set.into())) else {
            return Outcome::Deny(unusable(&request, &format!("there are no rules {set:?}")));
        };
        let guest = match self.gate(rules.gate(), &mut request, &config, walked).await {
            Ok(guest) => guest,
            Err(refused) => return refused,
        };
        let steps = match rules.find(&request) {
            Match::Rule(rule) => {
                walked.rule = rule.origin.as_ref().to_owned();
                rule.steps.clone()
            }
            Match::Open => {
                walked.rule = NO_RULE.to_owned();
                return self.allow(request, guest);
            }
            Match::Ambiguous => return Outcome::Deny(bad_path(&request, "the path can be read in two ways")),
        };
        // It carries no credentials, and is answered by what is behind: what follows it is checked.
        if ClientKind::of(&request) == ClientKind::Preflight && want_credentials(&steps, &config) {
            walked.is_preflight = true;
            return self.allow(request, None);
        }
        let verdict = self.walk(steps, &mut request, &config, walked).await.unwrap_or(Verdict::Allow(None));
        walked.identity = request.identity.take();
        match verdict {
            Verdict::Allow(identity) => self.allow(request, identity.or(guest)),
            Verdict::Deny(denial) => Outcome::Deny(denial),
            Verdict::Answer(reply) => Outcome::Answer(reply),
        }
    }

    /// Lets a request through, whoever it is of, without what is for the service alone.
    fn allow(&self, mut request: Request, identity: Option<Identity>) -> Outcome {
        cookies::hide(&mut request);
        self.services.assertions.assert(&mut request, identity.as_ref());
        Outcome::Allow(Box::new(request.into_edits()), identity)
    }

    /// Has a request pass what goes before the rules. Says who it is of, or what is answered.
    async fn gate(
        &self,
        gate: &Arc<[Step]>,
        request: &mut Request,
        config: &Config,
        walked: &mut Walked,
    ) -> Result<Option<Identity>, Outcome> {
        if gate.is_empty() {
            return Ok(None);
        }
        walked.rule = "gate".to_owned();
        if ClientKind::of(request) == ClientKind::Preflight && want_credentials(gate, config) {
            return Err(Outcome::Deny(unasked_preflight()));
        }
        let verdict = self.walk(Arc::clone(gate), request, config, walked).await;
        walked.identity.clone_from(&request.identity);
        match verdict {
            Some(Verdict::Allow(identity)) => Ok(identity),
            Some(Verdict::Deny(denial)) => Err(Outcome::Deny(denial)),
            Some(Verdict::Answer(reply)) => Err(Outcome::Answer(reply)),
            None => Err(Outcome::Deny(undecided(request))),
        }
    }

    /// Asks filter after filter. Where a login would begin, the rule may have other filters decide instead. `None` where
    /// none decides.
    async fn walk(
        &self,
        steps: Arc<[Step]>,
        request: &mut Request,
        config: &Config,
        walked: &mut Walked,
    ) -> Option<Verdict> {
        let mut walk = Walk::new(steps);
        let steps = walk.steps();
        loop {
            let index = match walk.next(request) {
                Next::Done(verdict) => return Some(verdict),
                Next::Undecided => return None,
                Next::Ask(index) => index,
            };
            let Some(step) = steps.get(index) else {
                return Some(Verdict::Deny(unusable(request, "a step is missing")));
            };
            let verdict = match config.filters.get(&step.filter) {
                Some(filter) => filter.check(request, step, config, &self.services).await,
                None => Verdict::Deny(unusable(request, &format!("there is no filter {}", step.filter))),
            };
            walked.note(step, &verdict);
            let instead = step.instead.as_ref().filter(|instead| wants_login(&verdict) && instead.applies(request));
            let verdict = match instead {
                None => Some(verdict),
                Some(instead) if instead.steps.is_empty() => {
                    Some(Verdict::Deny(instead_of_redirect(request, instead.status)))
                }
                Some(instead) => Box::pin(self.walk(instead.steps.clone(), request, config, walked)).await,
            };
            if let Some(verdict) = verdict {
                walk.answer(index, verdict);
            }
        }
    }
}

/// Whether filters of a browser's credentials are among these: others can be asked about a preflight, too.
fn want_credentials(steps: &[Step], config: &Config) -> bool {
    let needs_credentials = |step: &Step| match config.filters.get(&step.filter).map(|filter| &filter.kind) {
        Some(
            Kind::Jwt(_)
            | Kind::OAuth2(_)
            | Kind::ApiKey(_)
            | Kind::Basic(_)
            | Kind::Introspection(_)
            | Kind::ShareLink(_),
        ) => true,
        Some(Kind::External(_) | Kind::Invalid(_)) | None => false,
    };
    !steps.is_empty() && steps.iter().all(needs_credentials)
}

/// Whether a login would begin, or would if the client were a browser on its way to a page.
fn wants_login(verdict: &Verdict) -> bool {
    match verdict {
        Verdict::Answer(_) => true,
        Verdict::Deny(denial) => denial.reason == "no_session",
        Verdict::Allow(_) => false,
    }
}

fn instead_of_redirect(request: &Request, status: u16) -> Denial {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::FORBIDDEN);
    let message = "a login is needed";
    Denial::new("no_session", message, Reply::message(ClientKind::of(request), status, message, request))
}

/// What is behind a gate answers nobody who has not passed it, and a preflight has nothing to pass it by. Whatever its status,
/// without `Access-Control-Allow-Origin` no script gets to ask (Fetch, CORS check).
fn unasked_preflight() -> Denial {
    let reply = Reply::new(StatusCode::FORBIDDEN).header("cache-control", "no-store");
    Denial::new("preflight", "a preflight carries no credentials, and passes no gate", reply)
}

fn undecided(request: &Request) -> Denial {
    let message = "no filter lets this in";
    Denial::new("undecided", message, Reply::message(ClientKind::of(request), StatusCode::FORBIDDEN, message, request))
}

fn bad_path(request: &Request, reason: &str) -> Denial {
    let reply = Reply::message(ClientKind::of(request), StatusCode::BAD_REQUEST, reason, request);
    Denial::new("bad_path", reason, reply)
}
