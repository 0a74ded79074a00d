//! Which limits a request is held to.

use bytes::Bytes;
use envoy_types::pb::envoy::extensions::common::ratelimit::v3::RateLimitDescriptor;
use envoy_types::pb::envoy::service::ratelimit::v3::RateLimitRequest;
use smallvec::SmallVec;
use tokio::time::Instant;

use crate::algorithm::Algorithm;
use crate::clock::Now;
use crate::config::{Config, Limit, Override, Scratch, StoreFailure};
use crate::counter_key::counter_key;
use crate::limiter::{CallError, Shared};
use crate::stats;
use crate::store::Meter;
use crate::unit::Unit;
use crate::window::Window;

/// A request's descriptors, each with its limit.
#[derive(Debug, Default)]
pub(crate) struct Plan<'c> {
    pub(crate) items: SmallVec<[Item<'c>; 2]>,
    /// When whoever asks gives up; none for never.
    pub(crate) answer_by: Option<Instant>,
}

/// A descriptor with its limit.
#[derive(Debug)]
pub(crate) struct Item<'c> {
    /// The limit; none where there is none, or it is replaced.
    pub(crate) limit: Option<Limit<'c>>,
    /// The rule says that there is no limit.
    pub(crate) unlimited: bool,
    /// What the descriptor adds; 0 only looks.
    pub(crate) hits: u64,
    /// What the descriptor takes back.
    pub(crate) refund: Option<u64>,
    /// Where it is counted; none where it is not.
    pub(crate) key: Option<Bytes>,
    /// The local cache knows that the counter is over its limit.
    pub(crate) over_locally: bool,
    /// The counter would be over its limit with these hits.
    pub(crate) would_exceed: bool,
    /// What the counter came to.
    pub(crate) after: u64,
    /// Milliseconds until it is worth trying again, or until all is free again, where no window says.
    pub(crate) reset: u64,
    /// How many hits fit: the limit's capacity, or a replica's share of it.
    pub(crate) capacity: u64,
    /// Hits that a lease has covered.
    pub(crate) covered: u64,
    /// Hits to ask for ahead, for a lease.
    pub(crate) ahead: u64,
    /// The counter could not be had: `after` is what the rules say.
    pub(crate) without_store: bool,
}

impl Item<'_> {
    pub(crate) fn window(&self) -> Option<Window> {
        self.limit.as_ref().and_then(|limit| limit.window)
    }

    /// The kind of its counter; none where it has none.
    pub(crate) fn meter(&self, now: Now) -> Option<Meter> {
        let limit = self.limit.as_ref()?;
        Some(match limit.algorithm() {
            Algorithm::FixedWindow => Meter::Number(limit.window?.seconds()),
            Algorithm::SlidingWindow(sliding) => Meter::Sliding(sliding, now.0),
            Algorithm::Gcra(gcra) => Meter::Gcra(gcra, now.0),
        })
    }

    /// Seconds until the window ends, until it is worth trying again, or until all is free again: at least 1.
    pub(crate) fn until_reset(&self, now: Now) -> u64 {
        match (self.limit.as_ref().map(Limit::algorithm), self.window()) {
            (Some(Algorithm::FixedWindow), Some(window)) => window.until_reset(now.seconds()),
            _ => self.reset.div_ceil(1_000).max(1),
        }
    }

    /// How many hits may be counted ahead; 0 for none.
    pub(crate) fn lease(&self) -> u64 {
        self.limit.as_ref().and_then(|limit| limit.rule).map_or(0, |rule| u64::from(rule.lease()))
    }

    /// What the rule says to answer when the counter cannot be had.
    pub(crate) fn store_failure(&self) -> Option<StoreFailure> {
        self.limit.as_ref()?.rule?.store_failure
    }

    /// Whether the counter is over its limit.
    pub(crate) fn is_over(&self) -> bool {
        self.key.is_some() && (self.over_locally || self.after > self.capacity)
    }
}

impl<'c> Plan<'c> {
    /// Finds the limits of `request` and counts its hits as asked for.
    pub(crate) fn make(
        shared: &Shared,
        config: &'c Config,
        scratch: &mut Scratch,
        request: &RateLimitRequest,
        now: Now,
    ) -> Result<Self, CallError> {
        let mut items = SmallVec::new();
        for descriptor in &request.descriptors {
            items.push(item(shared, config, scratch, request, descriptor)?);
        }
        let mut plan = Self { items, answer_by: None };
        plan.replace();
        for (item, descriptor) in plan.items.iter_mut().zip(&request.descriptors) {
            let Some(limit) = &item.limit else { continue };
            let Some(window) = limit.window else { continue };
            let prefix = &shared.options.key_prefix;
            let entries = &descriptor.entries[..limit.depth];
            let key = counter_key(prefix, &request.domain, entries, limit, window, now.seconds());
            item.key = Some(key);
            stats::add(&limit.stats().total_hits, item.hits);
        }
        Ok(plan)
    }

    /// Takes out what others replace, and what has no limit.
    fn replace(&mut self) {
        let rule = |item: &Item<'c>| item.limit.as_ref().and_then(|limit| limit.rule);
        let replaced: SmallVec<[&'c str; 4]> =
            self.items.iter().filter_map(rule).flat_map(|rule| rule.replaces().iter().map(String::as_str)).collect();
        for item in &mut self.items {
            item.unlimited = item.limit.as_ref().is_some_and(|limit| limit.window.is_none());
            let replaced = item.limit.as_ref().is_some_and(|limit| replaced.contains(&limit.name()));
            if item.unlimited || replaced {
                item.limit = None;
            }
        }
    }
}

fn item<'c>(
    shared: &Shared,
    config: &'c Config,
    scratch: &mut Scratch,
    request: &RateLimitRequest,
    descriptor: &RateLimitDescriptor,
) -> Result<Item<'c>, CallError> {
    let hits = hits(request, descriptor)?;
    let own = own_limit(config, request, descriptor)?;
    let limit = config.limit(&shared.stats, scratch, &request.domain, &descriptor.entries, own);
    let refund = descriptor.is_negative_hits.then_some(hits);
    Ok(Item {
        capacity: limit.as_ref().map_or(u64::MAX, |limit| u64::from(limit.capacity())),
        limit,
        unlimited: false,
        hits: if refund.is_some() { 0 } else { hits },
        refund,
        key: None,
        over_locally: false,
        would_exceed: false,
        after: 0,
        reset: 0,
        covered: 0,
        ahead: 0,
        without_store: false,
    })
}

/// The descriptor's own addend, or the request's, which counts as 1 where it is not set.
fn hits(request: &RateLimitRequest, descriptor: &RateLimitDescriptor) -> Result<u64, CallError> {
    match descriptor.hits_addend {
        None => Ok(u64::from(request.hits_addend.max(1))),
        Some(addend) if i64::try_from(addend.value).is_ok() => Ok(addend.value),
        Some(addend) => {
            Err(CallError::Request(format!("hits_addend must not be above {}, but is {}", i64::MAX, addend.value)))
        }
    }
}

/// The limit that the request brings. Its unit is checked only where it would count.
fn own_limit(
    config: &Config,
    request: &RateLimitRequest,
    descriptor: &RateLimitDescriptor,
) -> Result<Option<Override>, CallError> {
    let Some(limit) = descriptor.limit.filter(|_| config.has_domain(&request.domain)) else { return Ok(None) };
    match Unit::from_number(limit.unit) {
        Some(unit) => Ok(Some(Override { requests_per_unit: limit.requests_per_unit, window: unit.into() })),
        None => Err(CallError::Request(format!("rate limit override has no valid unit: {}", limit.unit))),
    }
}
