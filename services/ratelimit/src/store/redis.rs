//! Counters in Redis.
//!
//! Each core has its own connection (to each node, of a cluster). Whatever waits when the connection's task gets to run
//! is sent at once: alone when idle, in hundreds under load, with no timer. Hits on one key become one `INCRBY`; each
//! request's count is told from the result, as if they had come one after the other.

mod address;
mod batch;
mod cluster;
mod connect;
mod job;
mod link;
mod pool;
mod resolve;
mod resp;
mod script;
mod seen;
mod slots;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::{Counts, Ops, Store};
use cluster::Cluster;
use job::How;
use link::Link;

pub use pool::Pool;
pub use tls::Tls;

/// The servers that `REDIS_URL` names, as they may be shown: without logins.
///
/// # Errors
/// What is wrong with it, without anything that stands in it.
pub(crate) fn servers(kind: ServerKind, url: &str, unix: bool) -> Result<String, String> {
    Ok(match kind {
        ServerKind::Single => address::Target::parse(url, unix)?.address.to_string(),
        ServerKind::Sentinel => {
            let (master, sentinels) = address::master_and_sentinels(url, unix)?;
            format!("{master} of {}", address::shown(&sentinels))
        }
        ServerKind::Cluster => address::shown(&address::Target::list(url.split(','), unix)?),
    })
}

/// What kind of Redis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerKind {
    /// One server.
    Single,
    /// The master that Sentinels name.
    Sentinel,
    /// A cluster.
    Cluster,
}

/// How to reach Redis.
#[derive(Clone)]
pub struct RedisOptions {
    /// What kind.
    pub kind: ServerKind,
    /// `host:port`, a path for Unix sockets, `redis://user:password@host:port`; for Sentinel the master's name and
    /// then Sentinels, for a cluster nodes, by commas.
    pub url: String,
    /// Addresses are paths of Unix sockets.
    pub unix: bool,
    /// `password` or `user:password`; empty for none.
    pub auth: String,
    /// The same, for Sentinels.
    pub sentinel_auth: String,
    /// TLS, where it is used.
    pub tls: Option<Tls>,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long a reply may take; then the connection is given up.
    pub reply_timeout: Duration,
    /// Up to so many seconds are added to what keys live for, so that not all expire at once.
    pub expiration_jitter: u64,
}

impl std::fmt::Debug for RedisOptions {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Without what may hold a password.
        formatter
            .debug_struct("RedisOptions")
            .field("kind", &self.kind)
            .field("unix", &self.unix)
            .finish_non_exhaustive()
    }
}

impl Default for RedisOptions {
    fn default() -> Self {
        Self {
            kind: ServerKind::Single,
            url: String::new(),
            unix: false,
            auth: String::new(),
            sentinel_auth: String::new(),
            tls: None,
            connect_timeout: Duration::from_secs(10),
            reply_timeout: Duration::from_secs(1),
            expiration_jitter: 300,
        }
    }
}

/// The counters of one core in Redis.
#[derive(Debug)]
pub struct RedisStore {
    route: Route,
    connected: watch::Receiver<bool>,
}

#[derive(Debug)]
enum Route {
    One(Link),
    Cluster(Cluster),
}

impl RedisStore {
    /// Starts connecting, in the runtime this is called in.
    ///
    /// # Errors
    /// When the address cannot be understood.
    pub fn start(options: RedisOptions, pool: Arc<Pool>) -> Result<Self, String> {
        let options = Arc::new(options);
        let (alive, connected) = watch::channel(false);
        let alive = Arc::new(alive);
        let route = match options.kind {
            ServerKind::Cluster => Route::Cluster(Cluster::start(options, pool, alive)?),
            ServerKind::Single | ServerKind::Sentinel => {
                let resolver = resolve::Resolver::new(&options)?;
                Route::One(Link::start(link::Setup { resolver, options, pool, alive }))
            }
        };
        Ok(Self { route, connected })
    }

    /// Whether there is a connection; changes are told.
    pub fn connected(&self) -> watch::Receiver<bool> {
        self.connected.clone()
    }
}

impl Store for RedisStore {
    async fn run(&self, ops: Ops, by: Option<Instant>) -> Counts {
        match &self.route {
            Route::One(link) => run_on(link, ops, by).await,
            Route::Cluster(cluster) => cluster.run(ops, by).await,
        }
    }
}

/// Runs on one server; scripts that it does not have any more are sent again.
async fn run_on(link: &Link, ops: Ops, by: Option<Instant>) -> Counts {
    let has_scripts = ops.iter().any(|op| !matches!(op.meter, super::Meter::Number(_)));
    if !has_scripts {
        return link.send(ops, How::default(), by).await;
    }
    let mut results = link.send(ops.clone(), How::default(), by).await;
    for (op, result) in ops.iter().zip(&mut results) {
        if result.as_ref().is_err_and(script::is_missing) {
            *result = link.send_one(op, How { whole: true, asking: false }, by).await;
        }
    }
    results
}
