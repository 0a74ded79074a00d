//! The counters, by name.

use std::borrow::Borrow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use super::names::sanitize;

/// How many names may come from requests (`detailed_metric`, `value_to_metric`, limits in requests, unknown domains).
/// Each takes about 300 bytes here, its own twice, and a series at whoever collects them. What is beyond is counted under
/// [`OVERFLOW`].
const SEEN: usize = 10_000;
/// How long such a name may be: a value may be as long as a request allows.
const LONGEST: usize = 256;
/// The name for all that are beyond [`SEEN`] or [`LONGEST`].
const OVERFLOW: &str = "overflow";

/// The counters of one limit. All count hits, not requests.
#[derive(Debug, Default)]
pub struct RuleStats {
    key: Box<str>,
    /// The key as statsd takes it, where that is another text.
    name: Option<Box<str>>,
    /// Hits asked for.
    pub total_hits: AtomicU64,
    /// Hits beyond the limit.
    pub over_limit: AtomicU64,
    /// Hits within the limit, but beyond `NEAR_LIMIT_RATIO` of it.
    pub near_limit: AtomicU64,
    /// Of those beyond the limit, what the local cache knew.
    pub over_limit_with_local_cache: AtomicU64,
    /// Hits of requests within the limit.
    pub within_limit: AtomicU64,
    /// Hits beyond a limit in shadow mode.
    pub shadow_mode: AtomicU64,
}

impl RuleStats {
    fn new(key: &str) -> Self {
        let name = Some(sanitize(key)).filter(|name| name != key).map(Into::into);
        Self { key: key.into(), name, ..Self::default() }
    }

    /// Domain and descriptors, joined by dots, as they are.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The key as statsd takes it.
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.key)
    }

    /// The counters by the last part of their names.
    pub fn counters(&self) -> [(&'static str, &AtomicU64); 6] {
        [
            ("total_hits", &self.total_hits),
            ("over_limit", &self.over_limit),
            ("near_limit", &self.near_limit),
            ("over_limit_with_local_cache", &self.over_limit_with_local_cache),
            ("within_limit", &self.within_limit),
            ("shadow_mode", &self.shadow_mode),
        ]
    }
}

/// Counts without order towards anything else.
pub(crate) fn add(counter: &AtomicU64, hits: u64) {
    if hits > 0 {
        counter.fetch_add(hits, Ordering::Relaxed);
    }
}

/// The counters of the service itself.
#[derive(Debug, Default)]
pub struct ServiceStats {
    /// Configurations that came into force.
    pub config_load_success: AtomicU64,
    /// Configurations that were refused.
    pub config_load_error: AtomicU64,
    /// Requests over the limit that were let through by the global shadow mode.
    pub global_shadow_mode: AtomicU64,
    /// Requests that failed because of Redis.
    pub redis_error: AtomicU64,
    /// Requests that were answered without their counters, as `store_failure` says.
    pub store_fallback: AtomicU64,
    /// Requests that were refused.
    pub service_error: AtomicU64,
    /// Connections to Redis that were made.
    pub redis_connections: AtomicU64,
    /// Connections to Redis that ended.
    pub redis_disconnections: AtomicU64,
    /// How long `ShouldRateLimit` took, over gRPC.
    pub should_rate_limit: Timing,
}

/// Upper bounds of the buckets of [`Timing`], in microseconds; those of the Prometheus client for Go.
pub(super) const BUCKETS: [u64; 11] =
    [5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000];

/// How often something was done and how long it took.
#[derive(Debug, Default)]
pub struct Timing {
    /// How often.
    pub count: AtomicU64,
    /// In all, in microseconds.
    pub micros: AtomicU64,
    pub(super) buckets: [AtomicU64; BUCKETS.len()],
}

impl Timing {
    /// Counts one that took so long.
    pub fn record(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.count.fetch_add(1, Ordering::Relaxed);
        self.micros.fetch_add(micros, Ordering::Relaxed);
        if let Some(bucket) = BUCKETS.iter().position(|bound| micros <= *bound) {
            self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Found by its key, which is kept only once.
#[derive(Debug)]
struct ByKey(Arc<RuleStats>);

impl Borrow<str> for ByKey {
    fn borrow(&self) -> &str {
        self.0.key()
    }
}

impl Hash for ByKey {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.0.key().hash(hasher);
    }
}

impl PartialEq for ByKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.key() == other.0.key()
    }
}

impl Eq for ByKey {}

/// All counters of the process.
#[derive(Debug, Default)]
pub struct Registry {
    rules: RwLock<HashSet<ByKey>>,
    unknown_domains: RwLock<HashMap<Box<str>, Arc<AtomicU64>>>,
    seen: AtomicUsize,
    /// The service's own.
    pub service: ServiceStats,
}

impl Registry {
    /// The counters of a limit in the configuration. They outlive a reload, so that they never go back.
    pub fn configured(&self, key: &str) -> Arc<RuleStats> {
        self.find(key).unwrap_or_else(|| self.insert(key))
    }

    /// The counters of a name that a request made.
    pub(crate) fn seen(&self, key: &str) -> Arc<RuleStats> {
        if let Some(stats) = self.find(key) {
            return stats;
        }
        if self.has_room_for(key) {
            return self.insert(key);
        }
        self.configured(OVERFLOW)
    }

    /// Whether one more name may come from a request.
    fn has_room_for(&self, name: &str) -> bool {
        name.len() <= LONGEST && self.seen.fetch_add(1, Ordering::Relaxed) < SEEN
    }

    /// Counts a request for a domain that there is not.
    pub(crate) fn domain_not_found(&self, domain: &str) {
        let found = read(&self.unknown_domains).get(domain).cloned();
        let counter = found.unwrap_or_else(|| {
            let name = if self.has_room_for(domain) { domain } else { OVERFLOW };
            write(&self.unknown_domains).entry(name.into()).or_default().clone()
        });
        add(&counter, 1);
    }

    fn find(&self, key: &str) -> Option<Arc<RuleStats>> {
        read(&self.rules).get(key).map(|found| found.0.clone())
    }

    fn insert(&self, key: &str) -> Arc<RuleStats> {
        let mut rules = write(&self.rules);
        if let Some(found) = rules.get(key) {
            return found.0.clone();
        }
        let new = Arc::new(RuleStats::new(key));
        rules.insert(ByKey(new.clone()));
        new
    }

    /// All limits that have counters.
    pub fn rules(&self) -> Vec<Arc<RuleStats>> {
        read(&self.rules).iter().map(|rule| rule.0.clone()).collect()
    }

    /// Every counter under the name that the original gives it, in the order of the names.
    pub fn counters(&self) -> BTreeMap<String, u64> {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let mut all = BTreeMap::new();
        for rule in self.rules() {
            for (suffix, counter) in rule.counters() {
                let name = format!("ratelimit.service.rate_limit.{}.{suffix}", rule.name());
                // Names that are equal once sanitized are one counter.
                *all.entry(name).or_default() += load(counter);
            }
        }
        for (domain, counter) in read(&self.unknown_domains).iter() {
            let name = format!("ratelimit.service.rate_limit.{}.domain_not_found", sanitize(domain));
            *all.entry(name).or_default() += load(counter);
        }
        let service = &self.service;
        for (name, counter) in [
            ("ratelimit.service.config_load_success", &service.config_load_success),
            ("ratelimit.service.config_load_error", &service.config_load_error),
            ("ratelimit.service.global_shadow_mode", &service.global_shadow_mode),
            ("ratelimit.service.call.should_rate_limit.redis_error", &service.redis_error),
            ("ratelimit.service.call.should_rate_limit.store_fallback", &service.store_fallback),
            ("ratelimit.service.call.should_rate_limit.service_error", &service.service_error),
            ("ratelimit.redis_pool.cx_total", &service.redis_connections),
            ("ratelimit.redis_pool.cx_local_close", &service.redis_disconnections),
            ("ratelimit_server.ShouldRateLimit.total_requests", &service.should_rate_limit.count),
        ] {
            all.insert(name.to_owned(), load(counter));
        }
        all
    }
}

fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> std::sync::RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_requests_are_bounded() {
        let registry = Registry::default();
        for value in 0..SEEN + 5 {
            registry.seen(&format!("d.k_{value}")).total_hits.fetch_add(1, Ordering::Relaxed);
        }
        assert_eq!(registry.rules().len(), SEEN + 1);
        assert_eq!(registry.configured(OVERFLOW).total_hits.load(Ordering::Relaxed), 5);
    }

    #[test]
    fn long_names_from_requests_are_counted_together() {
        let registry = Registry::default();
        let long = "x".repeat(LONGEST + 1);
        registry.configured(&format!("{long}.configured"));
        for key in [&long, &format!("{long}y"), &format!("{long}.configured"), &long[1..].to_owned()] {
            registry.seen(key).total_hits.fetch_add(1, Ordering::Relaxed);
            registry.domain_not_found(key);
        }
        assert_eq!(registry.configured(OVERFLOW).total_hits.load(Ordering::Relaxed), 2);
        assert_eq!(registry.rules().len(), 3);
        assert_eq!(read(&registry.unknown_domains).len(), 2);
    }
}
