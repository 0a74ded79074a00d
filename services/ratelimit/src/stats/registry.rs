//! The counters, by name.

use std::borrow::Borrow;
use std::collections::{BTreeMap, HashSet};
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use super::names::sanitize;
use super::recent::Version;
use super::seen::Seen;
use super::service::ServiceStats;

/// The name under which is counted what there is no room for.
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
    rules: RwLock<Rules>,
    version: Version,
    unknown_domains: RwLock<Seen<AtomicU64>>,
    /// Of unknown domains that there is no room for.
    more_unknown_domains: AtomicU64,
    /// The service's own.
    pub service: ServiceStats,
}

#[derive(Debug, Default)]
struct Rules {
    configured: HashSet<ByKey>,
    /// Of `detailed_metric`, `value_to_metric` and limits in requests.
    seen: Seen<RuleStats>,
}

impl Rules {
    fn find(&self, key: &str) -> Option<Arc<RuleStats>> {
        self.configured.get(key).map(|found| found.0.clone()).or_else(|| self.seen.get(key))
    }
}

impl Registry {
    /// The counters of a limit in the configuration. They outlive a reload, so that they never go back.
    pub fn configured(&self, key: &str) -> Arc<RuleStats> {
        if let Some(found) = read(&self.rules).configured.get(key) {
            return found.0.clone();
        }
        let mut rules = write(&self.rules);
        let stats = rules.find(key).unwrap_or_else(|| Arc::new(RuleStats::new(key)));
        // Now it stays.
        rules.seen.remove(key);
        rules.configured.insert(ByKey(stats.clone()));
        stats
    }

    /// Lets go of counters of limits that are in no configuration any more: they are kept as those of names that requests
    /// made, while there is room, so that a limit that is back soon counts on. What calls still use is let go next time.
    pub(crate) fn release(&self, now: Instant) {
        let mut rules = write(&self.rules);
        let Rules { configured, seen } = &mut *rules;
        for ByKey(rule) in configured.extract_if(|rule| Arc::strong_count(&rule.0) == 1 && rule.0.key() != OVERFLOW) {
            if rule.total_hits.load(Ordering::Relaxed) > 0 && seen.admits(rule.key(), now) {
                seen.insert(rule.key(), now, || rule.clone());
            }
        }
        configured.shrink_to(2 * configured.len());
        self.version.renew();
    }

    /// The counters of a name that a request made.
    pub(crate) fn seen(&self, key: &str) -> Arc<RuleStats> {
        let found = self.version.recent(key, || read(&self.rules).find(key));
        found.unwrap_or_else(|| self.see(key, Instant::now()))
    }

    fn see(&self, key: &str, now: Instant) -> Arc<RuleStats> {
        // Where there is no room, nobody waits for the lock.
        let admits = read(&self.rules).seen.admits(key, now);
        let make = || {
            let mut rules = write(&self.rules);
            let before = rules.seen.sweeps;
            let made = rules.seen.insert(key, now, || Arc::new(RuleStats::new(key)));
            if rules.seen.sweeps != before {
                self.version.renew();
            }
            made
        };
        let made = admits.then(make);
        made.flatten().unwrap_or_else(|| self.configured(OVERFLOW))
    }

    /// Counts a request for a domain that there is not.
    pub(crate) fn domain_not_found(&self, domain: &str) {
        let now = Instant::now();
        let (found, admits) = {
            let domains = read(&self.unknown_domains);
            (domains.get(domain), domains.admits(domain, now))
        };
        let make = || write(&self.unknown_domains).insert(domain, now, Arc::default);
        match found.or_else(|| admits.then(make).flatten()) {
            Some(counter) => add(&counter, 1),
            None => add(&self.more_unknown_domains, 1),
        }
    }

    /// All limits that have counters.
    pub fn rules(&self) -> Vec<Arc<RuleStats>> {
        let rules = read(&self.rules);
        let configured = rules.configured.iter().map(|rule| rule.0.clone());
        configured.chain(rules.seen.iter().map(|(_, stats)| stats.clone())).collect()
    }

    /// Every counter under the name that the original gives it, in the order of the names.
    pub fn counters(&self) -> BTreeMap<String, u64> {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let mut all = BTreeMap::new();
        for rule in self.rules() {
            for (suffix, counter) in rule.counters() {
                // One that is 0 is not told of, as by the original: most rules are never near their limits.
                let value = load(counter);
                if value == 0 {
                    continue;
                }
                let name = format!("ratelimit.service.rate_limit.{}.{suffix}", rule.name());
                // Names that are equal once sanitized are one counter.
                *all.entry(name).or_default() += value;
            }
        }
        for (domain, counter) in read(&self.unknown_domains).iter() {
            let name = format!("ratelimit.service.rate_limit.{}.domain_not_found", sanitize(domain));
            *all.entry(name).or_default() += load(counter);
        }
        let more = load(&self.more_unknown_domains);
        if more > 0 {
            *all.entry(format!("ratelimit.service.rate_limit.{OVERFLOW}.domain_not_found")).or_default() += more;
        }
        let service = &self.service;
        for (name, counter) in [
            ("ratelimit.service.config_load_success", &service.config_load_success),
            ("ratelimit.service.config_load_error", &service.config_load_error),
            ("ratelimit.service.global_shadow_mode", &service.global_shadow_mode),
            ("ratelimit.service.call.should_rate_limit.redis_error", &service.redis_error),
            ("ratelimit.service.store_fallback", &service.store_fallback),
            ("ratelimit.service.call.should_rate_limit.service_error", &service.service_error),
        ] {
            all.insert(name.to_owned(), load(counter));
        }
        for (pool, stats) in service.pools() {
            all.insert(format!("ratelimit.{pool}.cx_total"), load(&stats.connections));
            all.insert(format!("ratelimit.{pool}.cx_local_close"), load(&stats.disconnections));
        }
        for (method, timing) in service.methods() {
            all.insert(format!("ratelimit_server.{method}.total_requests"), load(&timing.count));
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
mod tests;
