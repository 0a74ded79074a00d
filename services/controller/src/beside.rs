//! Services that run beside a controller, in its process.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};

use nuncio_ir::{SecretName, SecretValue};
use tokio::sync::watch;

use crate::admin::LimitedView;
use crate::engine::Engine;
use crate::run::lock;

/// A service that runs beside a controller, when something asks it.
#[derive(Debug)]
pub struct OwnService {
    /// Where it takes calls.
    pub socket: PathBuf,
    /// Becomes true when it is asked.
    pub wanted: watch::Sender<bool>,
}

impl OwnService {
    fn want(&self, is_asked: bool) {
        if is_asked {
            self.wanted.send_if_modified(|wanted| !std::mem::replace(wanted, true));
        }
    }

    pub(crate) fn path(&self) -> Arc<str> {
        self.socket.to_string_lossy().into()
    }
}

/// A rate limit service that runs beside a controller.
#[derive(Debug)]
pub struct OwnLimiter {
    /// The service.
    pub service: OwnService,
    /// What it counted.
    pub limited: Limited,
    /// Why its Redis cannot be used, if that is so.
    pub redis: watch::Receiver<Option<Arc<str>>>,
}

/// An authentication service that runs beside a controller.
#[derive(Debug)]
pub struct OwnAuthz {
    /// The service.
    pub service: OwnService,
    /// What it counts.
    pub metrics: nuncio_telemetry::Metrics,
    /// How often API keys were used.
    pub key_uses: KeyUses,
}

/// Tells how often the API key with an id was used since the process began: how many requests came with it, and when the last
/// did, in seconds since 1970.
#[derive(Clone)]
pub struct KeyUses(pub Arc<TellKeyUse>);

type TellKeyUse = dyn Fn(&str) -> Option<(u64, u64)> + Send + Sync;

impl std::fmt::Debug for KeyUses {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyUses")
    }
}

/// Certificates, keys and authorities that listeners and clusters name, for who runs in this process.
#[derive(Clone, Default)]
pub struct Secrets(Arc<OnceLock<Arc<Mutex<Engine>>>>);

impl Secrets {
    /// One of them; none before the controller runs.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<SecretValue> {
        let engine = lock(self.0.get()?);
        let secret = engine.world.model().secrets.get(&SecretName(name.into()))?;
        Some(secret.value.clone())
    }

    pub(crate) fn are_of(&self, engine: &Arc<Mutex<Engine>>) {
        // Another controller has others.
        _ = self.0.set(Arc::clone(engine));
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets")
    }
}

/// Tells what the limiter counted.
#[derive(Clone)]
pub struct Limited {
    list: Arc<dyn Fn() -> Vec<LimitedView> + Send + Sync>,
    metrics: Arc<dyn Fn() -> String + Send + Sync>,
}

impl Limited {
    /// What was over limits is told by `list`, the most often first; `metrics` are in the older text format of Prometheus.
    pub fn new(
        list: impl Fn() -> Vec<LimitedView> + Send + Sync + 'static,
        metrics: impl Fn() -> String + Send + Sync + 'static,
    ) -> Self {
        Self { list: Arc::new(list), metrics: Arc::new(metrics) }
    }

    pub(crate) fn list(&self) -> Vec<LimitedView> {
        (self.list)()
    }

    pub(crate) fn metrics(&self) -> String {
        (self.metrics)()
    }
}

impl std::fmt::Debug for Limited {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Limited")
    }
}

/// The services beside this controller.
pub(crate) struct Own<'a> {
    limiter: Option<&'a OwnService>,
    authz: Option<&'a OwnService>,
    redis: Option<watch::Receiver<Option<Arc<str>>>>,
}

impl<'a> Own<'a> {
    pub(crate) fn new(limiter: Option<&'a OwnLimiter>, authz: Option<&'a OwnAuthz>) -> Self {
        Self {
            limiter: limiter.map(|limiter| &limiter.service),
            authz: authz.map(|authz| &authz.service),
            redis: limiter.map(|limiter| limiter.redis.clone()),
        }
    }

    /// Has those started that something asks.
    pub(crate) fn want(&self, engine: &Engine) {
        self.limiter.into_iter().for_each(|service| service.want(engine.world.asks_own_limiter()));
        self.authz.into_iter().for_each(|service| service.want(engine.world.asks_own_authz()));
    }

    /// Why Redis cannot be used, or that it can, once that is another.
    pub(crate) async fn redis(&mut self) -> Option<Arc<str>> {
        if let Some(redis) = &mut self.redis
            && redis.changed().await.is_ok()
        {
            return redis.borrow_and_update().clone();
        }
        // There is none, or nobody who could tell.
        std::future::pending().await
    }
}
