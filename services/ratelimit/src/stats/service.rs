//! The counters of the service itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::timing::Timing;

/// The connections to one Redis, counted.
#[derive(Debug, Default)]
pub struct PoolStats {
    /// How many were made.
    pub connections: AtomicU64,
    /// How many ended.
    pub disconnections: AtomicU64,
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
    /// Connections to Redis.
    pub redis: Arc<PoolStats>,
    /// Connections to the Redis for limits a second.
    pub redis_per_second: Arc<PoolStats>,
    /// How long `ShouldRateLimit` took, over gRPC.
    pub should_rate_limit: Timing,
    /// How long `Check` of `grpc.health.v1` took.
    pub check: Timing,
}

impl ServiceStats {
    /// The connections to each Redis, by the name of the pool. Of one that is not used nothing is told, as by the original.
    pub(super) fn pools(&self) -> impl Iterator<Item = (&'static str, &PoolStats)> {
        let is_used = self.redis_per_second.connections.load(Ordering::Relaxed) > 0;
        let per_second = is_used.then_some(("redis_per_second_pool", &*self.redis_per_second));
        [("redis_pool", &*self.redis)].into_iter().chain(per_second)
    }

    /// How long calls took, by the name of the method. Of health nothing is told before anybody has asked, as by the original.
    pub(super) fn methods(&self) -> impl Iterator<Item = (&'static str, &Timing)> {
        let asked = self.check.count.load(Ordering::Relaxed) > 0;
        [("ShouldRateLimit", &self.should_rate_limit)].into_iter().chain(asked.then_some(("Check", &self.check)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_redis_that_is_used_is_counted_by_itself() {
        let service = ServiceStats::default();
        let names = || service.pools().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names(), ["redis_pool"]);
        service.redis_per_second.connections.store(2, Ordering::Relaxed);
        assert_eq!(names(), ["redis_pool", "redis_per_second_pool"]);
    }
}
