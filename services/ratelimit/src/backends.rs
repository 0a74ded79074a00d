//! Where counters are kept, by the settings.

use std::sync::Arc;

use crate::limiter::{Limiter, Shared};
use crate::settings::{BackendType, Redis, Settings};
use crate::stats::PoolStats;
use crate::store::{Backend, MemoryStore, Outage, RedisOptions, RedisPool, RedisStore, RedisTls};
use crate::tls::client_config;

/// Makes the limiters of threads.
pub(crate) struct Backends {
    shared: Arc<Shared>,
    kind: Kind,
}

enum Kind {
    Memory(Arc<MemoryStore>),
    Redis { usual: Box<Server>, per_second: Option<Box<Server>> },
}

/// A Redis that each thread connects to.
struct Server {
    options: RedisOptions,
    pool: Arc<RedisPool>,
}

impl Server {
    fn new(redis: &Redis, expiration_jitter: u64, pool: RedisPool) -> Result<Box<Self>, String> {
        let options = redis_options(redis, expiration_jitter)?;
        Ok(Box::new(Self { options, pool: Arc::new(pool) }))
    }

    fn store(&self) -> Backend {
        match RedisStore::start(self.options.clone(), self.pool.clone()) {
            Ok(store) => Backend::Redis(store),
            // Checked when the settings were read.
            Err(error) => unreachable!("{error}"),
        }
    }
}

impl Backends {
    /// `outage` is told whether the Redis of all limits but those a second can be used.
    pub(crate) fn new(settings: &Settings, outage: Arc<Outage>, shared: Arc<Shared>) -> Result<Self, String> {
        let kind = match settings.backend {
            BackendType::Memory => Kind::Memory(Arc::default()),
            BackendType::Redis => {
                let service = &shared.stats.service;
                let server = |redis, stats: &Arc<PoolStats>, outage| {
                    Server::new(redis, settings.expiration_jitter, RedisPool::new(stats.clone(), outage))
                };
                let per_second = settings.redis_per_second.as_ref();
                let per_second = per_second.map(|redis| server(redis, &service.redis_per_second, Arc::default()));
                Kind::Redis {
                    usual: server(&settings.redis, &service.redis, outage)?,
                    per_second: per_second.transpose()?,
                }
            }
        };
        Ok(Self { shared, kind })
    }

    /// A limiter with connections of its own, in the runtime this is called in.
    pub(crate) fn limiter(&self) -> Limiter {
        let (store, per_second) = match &self.kind {
            Kind::Memory(store) => (Backend::Memory(store.clone()), None),
            Kind::Redis { usual, per_second } => (usual.store(), per_second.as_ref().map(|server| server.store())),
        };
        Limiter::new(self.shared.clone(), store, per_second)
    }
}

/// How to reach a Redis, by the settings.
pub(crate) fn redis_options(redis: &Redis, expiration_jitter: u64) -> Result<RedisOptions, String> {
    let tls = match &redis.tls {
        Some(tls) => Some(RedisTls::new(client_config(tls).map_err(|error| error.to_string())?)),
        None => None,
    };
    Ok(RedisOptions {
        kind: redis.kind,
        url: redis.url.clone(),
        unix: redis.unix,
        auth: redis.auth.clone(),
        sentinel_auth: redis.sentinel_auth.clone(),
        tls,
        connect_timeout: redis.timeout,
        reply_timeout: redis.reply_timeout,
        expiration_jitter,
    })
}
