//! A call from beginning to end: which limits apply, what their counters come to, and the reply.

mod counting;

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::time::Instant;

use arc_swap::ArcSwapOption;
use envoy_types::pb::envoy::service::ratelimit::v3::{RateLimitRequest, RateLimitResponse};

use crate::clock::Now;
use crate::config::{Config, Scratch, StoreFailure};
use crate::lease::Leases;
use crate::plan::Plan;
use crate::reply;
use crate::stats::Registry;
use crate::store::{Backend, LocalCache, MemoryStore, StoreError};
use crate::top::Top;

/// How many bytes a replica has for its own counters, for when those of all cannot be had.
const FALLBACK: usize = 16 << 20;

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
    /// Replies carry `RateLimit` and `RateLimit-Policy` for every limit (`NUNCIO_IETF_HEADERS`).
    pub ietf_headers: bool,
    /// What to answer when a counter cannot be had, where the rules do not say (`NUNCIO_STORE_FAILURE`).
    pub store_failure: StoreFailure,
    /// How many replicas there are, for the share of each (`NUNCIO_REPLICAS`).
    pub replicas: u32,
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
            ietf_headers: false,
            store_failure: StoreFailure::Error,
            replicas: 1,
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
    /// Where what is over its limit is noted, if it is.
    pub top: Option<Arc<Top>>,
    /// Counters known to be over their limit, if that is kept.
    pub local_cache: Option<LocalCache>,
    /// Hits that are counted already and may still be used.
    pub leases: Leases,
    /// Counters of this replica, for when those of all cannot be had.
    pub fallback: MemoryStore,
}

impl Shared {
    /// Without rules yet.
    pub fn new(options: Options, local_cache: Option<LocalCache>) -> Self {
        Self {
            config: ArcSwapOption::empty(),
            stats: Arc::default(),
            options,
            top: None,
            local_cache,
            leases: Leases::default(),
            fallback: MemoryStore::new(FALLBACK),
        }
    }
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

    /// Of each Redis, whether it is connected.
    pub(crate) fn connected(&self) -> Vec<tokio::sync::watch::Receiver<bool>> {
        let connected = |store: &Backend| match store {
            Backend::Memory(_) => None,
            Backend::Redis(store) => Some(store.connected()),
        };
        std::iter::once(&self.store).chain(&self.per_second).filter_map(connected).collect()
    }

    /// Decides about a request, and counts it. Whoever asks waits until `answer_by`: counters that are not there by then
    /// cannot be had, where the rules say what that means.
    ///
    /// # Errors
    /// When the request cannot be answered or its counters cannot be had; errors are counted too.
    pub async fn should_rate_limit(
        &self,
        request: &RateLimitRequest,
        answer_by: Option<Instant>,
    ) -> Result<RateLimitResponse, CallError> {
        let result = self.decide(request, answer_by).await;
        let service = &self.shared.stats.service;
        match &result {
            Ok(_) => {}
            Err(CallError::Request(_)) => _ = service.service_error.fetch_add(1, Ordering::Relaxed),
            Err(CallError::Store(_)) => _ = service.redis_error.fetch_add(1, Ordering::Relaxed),
        }
        result
    }

    async fn decide(
        &self,
        request: &RateLimitRequest,
        answer_by: Option<Instant>,
    ) -> Result<RateLimitResponse, CallError> {
        let shared = &*self.shared;
        let refused = |text: &str| CallError::Request(text.to_owned());
        if request.domain.is_empty() {
            return Err(refused("rate limit domain must not be empty"));
        }
        if request.descriptors.is_empty() {
            return Err(refused("rate limit descriptor list must not be empty"));
        }
        let config = shared.config.load_full().ok_or_else(|| refused("no rate limit configuration loaded"))?;
        let now = Now::read();
        let mut plan = SCRATCH.with_borrow_mut(|scratch| Plan::make(shared, &config, scratch, request, now))?;
        plan.answer_by = answer_by;
        self.count(&mut plan, now).await?;
        Ok(reply::assemble(shared, request, &plan, Now::read()))
    }
}
