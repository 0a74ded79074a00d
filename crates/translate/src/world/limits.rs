//! What RateLimits and RateLimitServices mean to the rest.

use std::collections::BTreeMap;
use std::sync::Arc;

use nuncio_api::{Kind, ObjectId, Problem, Spec};
use nuncio_ir::{Delta, put};

use super::{Dirty, World};
use crate::{limit_service, limits};

/// What Mappings and the frame have to know of limits.
#[derive(Debug, Default)]
pub(super) struct Limiting {
    /// The domain of labels that limits are asked about in; `None` if nobody is asked.
    pub(super) domain: Option<Arc<str>>,
    /// Whether there are RateLimits.
    pub(super) has_limits: bool,
    /// What is wrong with RateLimits among each other.
    problems: Vec<(ObjectId, Problem)>,
}

impl World {
    /// Finds out whom Envoy asks and in which domain, and touches whatever hangs on it.
    pub(super) fn settle_limiting(&mut self, dirty: &mut Dirty) {
        if !dirty.limiting && !dirty.module {
            return;
        }
        let is_limit = |id| self.objects.get(id).is_some_and(|object| matches!(object.spec, Spec::RateLimit(_)));
        let has_limits = self.ids_of(Kind::RateLimit).any(is_limit);
        dirty.frame |= std::mem::replace(&mut self.limiting.has_limits, has_limits) != has_limits;
        let services: Vec<_> = self.of_kind(Kind::RateLimitService, |id| self.is_quarantined(id)).collect();
        let context = self.context();
        let domain = limit_service::choose(services.iter(), &context).map(|chosen| Arc::from(chosen.domain(&context)));
        if domain != self.limiting.domain {
            self.limiting.domain = domain;
            dirty.frame = true;
            self.touch_all_mappings(dirty);
        }
    }

    /// Makes the rules of all domains anew; those that come out equal are no change.
    pub(super) fn settle_rules(&mut self, dirty: &Dirty, delta: &mut Delta) {
        if !dirty.limiting && !dirty.module {
            return;
        }
        let objects: Vec<_> = self.of_kind(Kind::RateLimit, |id| self.is_quarantined(id)).collect();
        let mut domains: BTreeMap<Arc<str>, Vec<_>> = BTreeMap::new();
        for object in &objects {
            if let Spec::RateLimit(spec) = &object.spec {
                let domain = limit_service::domain_of(spec.domain.as_ref(), &self.module);
                domains.entry(domain.into()).or_default().push((&object.id, &**spec));
            }
        }
        let mut problems = Vec::new();
        let gone: Vec<_> = self.model.limits.keys().filter(|domain| !domains.contains_key(*domain)).cloned().collect();
        for domain in gone {
            put(&mut self.model.limits, &mut delta.limits, domain, None);
        }
        for (domain, objects) in domains {
            let rules = limits::rules(&domain, &objects, &mut problems);
            put(&mut self.model.limits, &mut delta.limits, domain, Some(rules));
        }
        self.limiting.problems = problems;
    }

    /// Whether Envoy asks the rate limit service that belongs to this gateway.
    #[must_use]
    pub fn asks_own_limiter(&self) -> bool {
        self.model.clusters.contains_key(&limit_service::own_cluster())
    }

    /// What is wrong with a RateLimit besides what is wrong with its text.
    pub(super) fn limit_problems(&self, id: &ObjectId) -> Vec<Problem> {
        let Some(Spec::RateLimit(limit)) = self.objects.get(id).map(|object| &object.spec) else { return Vec::new() };
        let domain = limit_service::domain_of(limit.domain.as_ref(), &self.module);
        let asked = match &self.limiting.domain {
            Some(asked) if **asked == *domain => None,
            Some(asked) => {
                let message = format!("nobody asks about `{domain}`: limits are asked about in `{asked}`");
                Some(Problem::warning("OtherLabelDomain", "spec.domain", message))
            }
            None => {
                let message = "nobody asks about limits: there is no RateLimitService";
                Some(Problem::warning("NoRateLimitService", "", message))
            }
        };
        let own = self.limiting.problems.iter().filter(|(of, _)| of == id).map(|(_, problem)| problem.clone());
        own.chain(asked).collect()
    }
}
