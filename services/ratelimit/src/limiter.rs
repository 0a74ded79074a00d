//! A call from beginning to end: which limits apply, what their counters come to, and the reply.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use arc_swap::ArcSwapOption;
use envoy_types::pb::envoy::service::ratelimit::v3::{RateLimitRequest, RateLimitResponse};
use smallvec::SmallVec;

use crate::clock;
use crate::config::{Config, Scratch};
use crate::plan::{Item, Plan};
use crate::reply;
use crate::stats::Registry;
use crate::store::{Action, Backend, Counts, LocalCache, Op, Ops, Store, StoreError};

/// How to decide and reply. The defaults are those of the environment variables.
#[derive(Clone, Debug)]
pub struct Options {
    /// Put in front of every key (`CACHE_KEY_PREFIX`).
    pub key_prefix: String,
    /// From which part of a limit on hits are near it (`NEAR_LIMIT_RATIO`).
    pub near_limit_ratio: f32,
    /// Let every request through (`SHADOW_MODE`).
    pub shadow_mode: bool,
    /// Every descriptor is a quota (`QUOTA_MODE`).
    pub quota_mode: bool,
    /// A request that is over one limit is not counted towards others (`STOP_CACHE_KEY_INCREMENT_WHEN_OVERLIMIT`).
    pub stop_increment: bool,
    /// Replies carry dynamic metadata (`RESPONSE_DYNAMIC_METADATA`).
    pub dynamic_metadata: bool,
    /// Names of the headers for limit, remaining hits and seconds until reset (`LIMIT_…_HEADER`).
    pub headers: Option<[String; 3]>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            key_prefix: String::new(),
            near_limit_ratio: 0.8,
            shadow_mode: false,
            quota_mode: false,
            stop_increment: false,
            dynamic_metadata: false,
            headers: None,
        }
    }
}

/// Why a call failed. Over gRPC all are `UNKNOWN`, as with the original.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The request cannot be answered.
    #[error("{0}")]
    Request(String),
    /// The counters cannot be had.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What all cores share.
#[derive(Debug)]
pub struct Shared {
    /// The rules in force; none until the first are loaded.
    pub config: ArcSwapOption<Config>,
    /// What is counted about it all.
    pub stats: Arc<Registry>,
    /// How to decide and reply.
    pub options: Options,
    /// Counters known to be over their limit, if that is kept.
    pub local_cache: Option<LocalCache>,
}

/// Decides about requests, with stores of its own core.
#[derive(Debug)]
pub struct Limiter {
    shared: Arc<Shared>,
    store: Backend,
    per_second: Option<Backend>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

impl Limiter {
    /// A limiter with its counters in `store`, but those of limits a second in `per_second` where there is one.
    pub fn new(shared: Arc<Shared>, store: Backend, per_second: Option<Backend>) -> Self {
        Self { shared, store, per_second }
    }

    /// What all limiters share.
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Whether all of Redis is connected; none where there is no Redis.
    pub(crate) fn connected(&self) -> Option<tokio::sync::watch::Receiver<bool>> {
        match &self.store {
            Backend::Memory(_) => None,
            Backend::Redis(store) => Some(store.connected()),
        }
    }

    /// Decides about a request, and counts it.
    ///
    /// # Errors
    /// When the request cannot be answered or its counters cannot be had; errors are counted too.
    pub async fn should_rate_limit(&self, request: &RateLimitRequest) -> Result<RateLimitResponse, CallError> {
        let result = self.decide(request).await;
        let service = &self.shared.stats.service;
        match &result {
            Ok(_) => {}
            Err(CallError::Request(_)) => _ = service.service_error.fetch_add(1, Ordering::Relaxed),
            Err(CallError::Store(_)) => _ = service.redis_error.fetch_add(1, Ordering::Relaxed),
        }
        result
    }

    async fn decide(&self, request: &RateLimitRequest) -> Result<RateLimitResponse, CallError> {
        let shared = &*self.shared;
        let refused = |text: &str| CallError::Request(text.to_owned());
        if request.domain.is_empty() {
            return Err(refused("rate limit domain must not be empty"));
        }
        if request.descriptors.is_empty() {
            return Err(refused("rate limit descriptor list must not be empty"));
        }
        let config = shared.config.load_full().ok_or_else(|| refused("no rate limit configuration loaded"))?;
        let now = clock::now();
        let mut plan = SCRATCH.with_borrow_mut(|scratch| Plan::make(shared, &config, scratch, request, now))?;
        self.count(&mut plan, now).await?;
        Ok(reply::assemble(shared, request, &plan, clock::now()))
    }

    /// Does to the counters what the plan says, and notes what they come to.
    async fn count(&self, plan: &mut Plan<'_>, now: u64) -> Result<(), CallError> {
        if let Some(cache) = &self.shared.local_cache {
            plan.counted(|item, key| {
                item.over_locally = item.refund.is_none() && cache.is_over(key, now);
            });
        }
        let charge = self.charge(plan).await?;
        self.run(plan, |item| {
            if item.over_locally {
                return None;
            }
            Some(item.refund.map_or_else(|| Action::Add(charge.of(item)), Action::Refund))
        })
        .await?;
        if let Some(cache) = &self.shared.local_cache {
            plan.counted(|item, key| {
                if item.refund.is_some() {
                    cache.forget(key);
                } else if let (true, Some(unit)) = (item.is_over() && !item.over_locally, item.unit()) {
                    cache.note(key, now + unit.until_reset(now));
                }
            });
        }
        Ok(())
    }

    /// Which counters to charge, where a request over one limit must not be counted towards others.
    async fn charge(&self, plan: &mut Plan<'_>) -> Result<Charge, StoreError> {
        if !self.shared.options.stop_increment {
            return Ok(Charge::All);
        }
        if plan.items.iter().any(|item| item.over_locally) {
            return Ok(Charge::None);
        }
        self.run(plan, |item| item.refund.is_none().then_some(Action::Read)).await?;
        let mut any = false;
        plan.counted(|item, _| {
            item.would_exceed = item.refund.is_none() && item.after.saturating_add(item.hits) > item.limit_value();
            any |= item.would_exceed;
        });
        Ok(if any { Charge::Exceeded } else { Charge::All })
    }

    async fn run(&self, plan: &mut Plan<'_>, action: impl Fn(&Item<'_>) -> Option<Action>) -> Result<(), StoreError> {
        let mut ops: [Ops; 2] = Default::default();
        let mut places: [SmallVec<[usize; 4]>; 2] = Default::default();
        for (index, item) in plan.items.iter().enumerate() {
            let (Some(key), Some(unit)) = (&item.key, item.unit()) else { continue };
            let Some(action) = action(item) else { continue };
            let which = usize::from(self.per_second.is_some() && unit == crate::unit::Unit::Second);
            ops[which].push(Op { key: key.clone(), action, window: unit.seconds() });
            places[which].push(index);
        }
        // One after the other, as the original: where the first fails, the second is not charged.
        let [usual, per_second] = ops;
        if !usual.is_empty() {
            plan.note(&places[0], &self.store.run(usual).await?);
        }
        if let (Some(store), false) = (&self.per_second, per_second.is_empty()) {
            plan.note(&places[1], &store.run(per_second).await?);
        }
        Ok(())
    }
}

impl Plan<'_> {
    fn note(&mut self, places: &[usize], counts: &Counts) {
        for (place, count) in places.iter().zip(counts) {
            self.items[*place].after = *count;
        }
    }

    /// Each item that has a counter, with the counter's key.
    fn counted(&mut self, mut each: impl FnMut(&mut Item<'_>, &bytes::Bytes)) {
        for item in &mut self.items {
            if let Some(key) = item.key.clone() {
                each(item, &key);
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Charge {
    All,
    None,
    /// Only those whose limit is the reason.
    Exceeded,
}

impl Charge {
    fn of(self, item: &Item<'_>) -> u64 {
        match self {
            Self::All => item.hits,
            Self::Exceeded if item.would_exceed => item.hits,
            Self::None | Self::Exceeded => 0,
        }
    }
}
