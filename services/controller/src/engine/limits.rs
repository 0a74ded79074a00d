//! What may keep the rate limit service from its work: RateLimits that it can never have, a Redis that is away.

use std::sync::Arc;

use nuncio_api::{Kind, ObjectId, Problem};

use super::Engine;
use crate::counting::Asked;
use crate::event::{Event, LocatedProblem, Subject};

impl Engine {
    /// Only the rate limit service of this process can fetch what RateLimits say: the xDS server is a private socket.
    pub(crate) fn with_private_limits(self) -> Self {
        Self { limits_are_private: true, ..self }
    }

    /// What is wrong with a RateLimit whose rules another service would have to fetch.
    pub(super) fn not_fetched(&self, id: &ObjectId) -> Option<Problem> {
        if !self.limits_are_private || id.kind != Kind::RateLimit {
            return None;
        }
        let Asked { service, named_by } = Asked::of(&self.world)?;
        let (named_by, rules) = (named_by?, self.world.model().limits.get(service.domain.as_str())?);
        rules.origins.binary_search(id).ok()?;
        let message = format!(
            "has no effect: {named_by} names the service that is asked, and from `nuncio up` it cannot fetch RateLimits; nor \
             does --redis count them. Without that object the gateway counts by itself"
        );
        Some(Problem::warning("NotFetched", "", message))
    }

    /// The Redis of our own rate limit service cannot be used, or can. It is told once of an outage, whatever its reasons.
    pub(crate) fn note_redis(&mut self, why: Option<Arc<str>>) -> Vec<Event> {
        let is_news = why.is_some() != self.redis.is_some();
        self.redis = why;
        let mut new = Vec::new();
        if is_news {
            let found = self.without_redis().collect();
            self.know(Subject::Redis, found, &mut new);
        }
        new.into_iter().map(Event::Problem).chain(self.mended()).collect()
    }

    /// What is wrong while Redis is away.
    pub(crate) fn without_redis(&self) -> impl Iterator<Item = LocatedProblem> {
        self.redis.iter().map(|why| {
            let message = format!(
                "the Redis of the rate limits cannot be used: {why}. Until it can, NUNCIO_STORE_FAILURE counts: unless it \
                 says otherwise, each gateway counts by itself"
            );
            LocatedProblem::of(None, Problem::warning("RedisUnavailable", "", message))
        })
    }
}
