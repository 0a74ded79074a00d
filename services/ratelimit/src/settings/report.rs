//! Variables of the original that have no meaning here.

use super::environment::Environment;

/// Accepted, and told once that they change nothing, with the reason.
pub(super) const IGNORED: [(&str, &str); 23] = [
    ("REDIS_POOL_SIZE", "each core has one connection that all requests share"),
    ("REDIS_PERSECOND_POOL_SIZE", "each core has one connection that all requests share"),
    ("REDIS_PIPELINE_WINDOW", "commands are batched without waiting"),
    ("REDIS_PERSECOND_PIPELINE_WINDOW", "commands are batched without waiting"),
    ("REDIS_PIPELINE_LIMIT", "commands are batched without waiting"),
    ("REDIS_PERSECOND_PIPELINE_LIMIT", "commands are batched without waiting"),
    ("REDIS_CLUSTER_PIPELINE_PARALLELISM", "all nodes are asked at once"),
    ("REDIS_PERSECOND_CLUSTER_PIPELINE_PARALLELISM", "all nodes are asked at once"),
    ("REDIS_POOL_ON_EMPTY_BEHAVIOR", "there is no pool"),
    ("REDIS_PERSECOND_POOL_ON_EMPTY_BEHAVIOR", "there is no pool"),
    ("REDIS_STARTUP_INITIAL_INTERVAL", "the service starts without Redis and connects when it is there"),
    ("REDIS_STARTUP_MAX_INTERVAL", "the service starts without Redis and connects when it is there"),
    ("REDIS_STARTUP_MAX_ELAPSED_TIME", "the service starts without Redis and connects when it is there"),
    ("MEMCACHE_HOST_PORT", "memcached is not supported"),
    ("MEMCACHE_SRV", "memcached is not supported"),
    ("MEMCACHE_SRV_REFRESH", "memcached is not supported"),
    ("MEMCACHE_MAX_IDLE_CONNS", "memcached is not supported"),
    ("MEMCACHE_TLS", "memcached is not supported"),
    ("MEMCACHE_TLS_CLIENT_CERT", "memcached is not supported"),
    ("MEMCACHE_TLS_CLIENT_KEY", "memcached is not supported"),
    ("MEMCACHE_TLS_CACERT", "memcached is not supported"),
    ("MEMCACHE_TLS_SKIP_HOSTNAME_VERIFICATION", "memcached is not supported"),
    // The original hands it to an interceptor that does not retry unless it is told how often.
    ("CONFIG_GRPC_XDS_SERVER_CONNECT_RETRY_INTERVAL", "XDS_CLIENT_BACKOFF_INITIAL_INTERVAL says how long to wait"),
];

/// Tells of those of [`IGNORED`] that are set.
pub(super) fn ignored(env: &Environment<'_>) {
    for (name, reason) in IGNORED.into_iter().filter(|(name, _)| !env.text(name, "").is_empty()) {
        env.warn(name, &format!("changes nothing: {reason}"));
    }
}
