//! What RateLimits and RateLimitServices mean to the rest.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use nuncio_api::{Kind, Object, ObjectId, Problem, RateLimit, Spec};
use nuncio_ir::{Delta, put};

use super::{Dirty, World};
use crate::made::MadeLabels;
use crate::{limit_service, limits};

/// What Mappings and the frame have to know of limits.
#[derive(Debug, Default)]
pub(super) struct Limiting {
    /// The domain of labels that limits are asked about in; `None` if nobody is asked.
    pub(super) domain: Option<Arc<str>>,
    /// Whether the one who is asked is the service of this gateway.
    asks_own: bool,
    /// Whether there are RateLimits.
    pub(super) has_limits: bool,
    /// The labels in that domain.
    pub(super) made: MadeLabels,
    /// The domain of RateLimits that name none.
    default_domain: String,
    /// The domain of each RateLimit that can be used.
    domain_of: BTreeMap<ObjectId, Arc<str>>,
    /// The RateLimits of each domain.
    of_domain: BTreeMap<Arc<str>, BTreeSet<ObjectId>>,
    /// What is wrong with the RateLimits of each domain among each other.
    problems: BTreeMap<Arc<str>, Vec<(ObjectId, Problem)>>,
}

impl Limiting {
    /// Notes the domain of a RateLimit, `None` for one that is gone; true where it is another than before.
    fn put(&mut self, id: &ObjectId, domain: Option<Arc<str>>) -> bool {
        let old = match domain.clone() {
            Some(domain) => self.domain_of.insert(id.clone(), domain),
            None => self.domain_of.remove(id),
        };
        if old == domain {
            return false;
        }
        if let Some(old) = old
            && let Some(ids) = self.of_domain.get_mut(&old)
        {
            ids.remove(id);
        }
        if let Some(domain) = domain {
            self.of_domain.entry(domain).or_default().insert(id.clone());
        }
        true
    }
}

/// What a RateLimit that can be read says.
pub(super) fn limits_of(object: &Object) -> Option<(&ObjectId, &RateLimit)> {
    match &object.spec {
        Spec::RateLimit(spec) => Some((&object.id, &**spec)),
        _ => None,
    }
}

impl World {
    /// Finds out whom Envoy asks and in which domain, and touches whatever hangs on it.
    pub(super) fn settle_limiting(&mut self, dirty: &mut Dirty) {
        if !dirty.limiting && !dirty.module && dirty.limits.is_empty() {
            return;
        }
        self.sort_by_domain(dirty);
        let is_limit = |id| self.objects.get(id).is_some_and(|object| matches!(object.spec, Spec::RateLimit(_)));
        let has_limits = self.ids_of(Kind::RateLimit).any(is_limit);
        let others_count = std::mem::replace(&mut self.limiting.has_limits, has_limits) != has_limits;
        let services: Vec<_> = self.of_kind(Kind::RateLimitService, |id| self.is_quarantined(id)).collect();
        let context = self.context();
        let chosen = limit_service::choose(services.iter(), &context);
        let domain = chosen.as_ref().map(|chosen| Arc::from(chosen.domain(&context)));
        let asks_own = chosen.is_some_and(|chosen| chosen.is_own(&context));
        let asks_another = std::mem::replace(&mut self.limiting.asks_own, asks_own) != asks_own;
        let domain_is_another = domain != self.limiting.domain;
        if domain_is_another {
            self.limiting.domain = domain;
            self.touch_all_mappings(dirty);
        }
        if domain_is_another || asks_another || others_count {
            dirty.frame = true;
            let concerned = [Kind::RateLimit, Kind::RateLimitService].into_iter().flat_map(|kind| self.ids_of(kind));
            let concerned: Vec<_> = concerned.cloned().collect();
            self.stirred.extend(concerned);
        }
    }

    /// Takes in whether there are texts that may be Mappings, and that nobody can read: which labels they make is not known.
    /// It counts from the next change on.
    pub fn note_unread_mappings(&mut self, has_unread: bool) {
        self.limiting.made.note_unread(has_unread);
    }

    /// Notes RateLimits that name labels which came or went.
    pub(super) fn settle_labels(&mut self) {
        let changed = self.limiting.made.take_changed();
        if changed.is_empty() {
            return;
        }
        let objects = self.ids_of(Kind::RateLimit).filter_map(|id| limits_of(self.objects.get(id)?));
        let named: Vec<_> = objects.filter(|(_, limit)| changed.concerns(limit)).map(|(id, _)| id.clone()).collect();
        self.stirred.extend(named);
    }

    /// Notes the domains of changed RateLimits, and has the rules of those made anew.
    fn sort_by_domain(&mut self, dirty: &mut Dirty) {
        let default = limit_service::domain_of(None, &self.module);
        let mut changed = std::mem::take(&mut dirty.limits);
        if default != self.limiting.default_domain {
            self.limiting.default_domain = default;
            changed.extend(self.ids_of(Kind::RateLimit).cloned());
        }
        for id in changed {
            let spec = self.objects.get(&id).filter(|_| !self.is_quarantined(&id)).map(|object| &object.spec);
            let domain = match spec {
                Some(Spec::RateLimit(limit)) => {
                    Some(Arc::from(limit_service::domain_of(limit.domain.as_ref(), &self.module)))
                }
                _ => None,
            };
            dirty.limit_domains.extend(self.limiting.domain_of.get(&id).cloned().into_iter().chain(domain.clone()));
            if self.limiting.put(&id, domain) {
                self.stirred.insert(id);
            }
        }
    }

    /// Makes the rules of domains anew whose RateLimits changed.
    pub(super) fn settle_rules(&mut self, dirty: &Dirty, delta: &mut Delta) {
        for domain in &dirty.limit_domains {
            let ids = self.limiting.of_domain.get(domain).into_iter().flatten();
            let objects: Vec<_> = ids.filter_map(|id| self.objects.get(id)).map(Arc::clone).collect();
            let specs: Vec<_> = objects.iter().filter_map(|object| limits_of(object)).collect();
            let mut problems = Vec::new();
            let rules = (!specs.is_empty()).then(|| limits::rules(domain, &specs, &mut problems));
            if rules.is_none() {
                self.limiting.of_domain.remove(domain);
            }
            put(&mut self.model.limits, &mut delta.limits, Arc::clone(domain), rules);
            let old = self.limiting.problems.remove(domain).unwrap_or_default();
            let gone = old.iter().filter(|one| !problems.contains(one));
            let new = problems.iter().filter(|one| !old.contains(one));
            self.stirred.extend(gone.chain(new).map(|(id, _)| id.clone()));
            if !problems.is_empty() {
                self.limiting.problems.insert(Arc::clone(domain), problems);
            }
        }
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
        let of_domain = self.limiting.problems.get(&*domain).into_iter().flatten();
        let own = of_domain.filter(|(of, _)| of == id).map(|(_, problem)| problem.clone());
        let unmet = limit.limits.iter().enumerate().filter(|_| asked.is_none());
        let unmet: Vec<_> = unmet.filter_map(|(index, one)| self.limiting.made.problem(one, index)).collect();
        own.chain(asked).chain(unmet).collect()
    }
}
