//! Who counts limits, and whether that service knows what RateLimits say.

use std::fmt::{self, Display, Formatter};

use nuncio_api::ObjectId;
use nuncio_ir::{LimitService, Slot, SlotFilter};
use nuncio_translate::World;
use nuncio_xds::{Counts, Key, ResourceType, Server};

/// Whom Envoy asks about limits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'w> {
    /// How it is asked.
    pub(crate) service: &'w LimitService,
    /// The RateLimitService that names another than the gateway's own.
    pub(crate) named_by: Option<&'w ObjectId>,
}

impl<'w> Asked<'w> {
    /// `None` if nobody is asked.
    pub(crate) fn of(world: &'w World) -> Option<Self> {
        let extension = world.model().extensions.get(&Slot::Limit)?;
        let SlotFilter::Limit(service) = &extension.filter else { return None };
        let named_by = extension.origins.first().filter(|_| !world.asks_own_limiter());
        Some(Self { service, named_by })
    }
}

impl Display for Asked<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.named_by {
            Some(id) => write!(f, "{} ({id})", self.service.authority),
            None => f.write_str("the rate limit service of this gateway"),
        }
    }
}

/// How many services have the rules of a domain. Which of them Envoy asks is not known: the protocols have nothing in
/// common by which to tell.
pub(crate) fn fetched(server: &Server, domain: &str) -> Counts {
    server.counts(&Key::new(ResourceType::Limits, domain))
}
