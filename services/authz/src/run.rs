//! The service as a whole.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use nuncio_auth::crypto::Keys;
use nuncio_redis::Subscriber;
use nuncio_telemetry::{Condition, Health, Metrics};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::audit::Audit;
use crate::config::Active;
use crate::engine::{Engine, KeyUse, Services};
use crate::idp::Clients;
use crate::metrics::AuthzMetrics;
use crate::provider::{file, xds};
use crate::server::{self, Listener};
use crate::session::{MemoryStore, RedisStore, STORE_PATIENCE, Sessions, Store, StoreError};
use crate::settings::{Address, Settings};
use crate::{changes, lookout};

/// How long what is in flight may take when the service is stopped: an identity provider may have to answer first.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a refresh may take beside asking for tokens and for keys: waiting for the store to keep what came of it.
const WRITING: Duration = Duration::from_secs(7);

/// Why the service cannot run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// An address is taken or not there.
    #[error("cannot listen at {0}: {1}")]
    Listen(String, std::io::Error),
    /// A file cannot be used.
    #[error("{0}: {1}")]
    File(String, String),
    /// Settings do not go together.
    #[error("{0}")]
    Setting(String),
    /// Threads cannot be started.
    #[error("cannot start threads: {0}")]
    Threads(std::io::Error),
}

impl From<StoreError> for RunError {
    fn from(error: StoreError) -> Self {
        Self::Setting(error.to_string())
    }
}

/// A service that can run: its settings are good, and it has the addresses of its pages. It answers nobody yet.
#[derive(Debug)]
pub struct Service {
    settings: Settings,
    engine: Engine,
    admin: Option<Listener>,
    http: Option<Listener>,
}

impl Service {
    /// Tells what is wrong before anything relies on the service.
    ///
    /// # Errors
    /// When settings cannot be used or an address cannot be had.
    pub async fn new(settings: Settings) -> Result<Self, RunError> {
        if settings.xds.is_none() && settings.rules.is_none() {
            return Err(RunError::Setting("say where rules come from: --xds or --rules".to_owned()));
        }
        let listen = async |address: Option<&Address>| match address {
            Some(address) => Listener::bind(address).await.map(Some),
            None => Ok(None),
        };
        let engine = engine(&settings)?;
        let (admin, http) = (listen(settings.admin.as_ref()).await?, listen(settings.http.as_ref()).await?);
        Ok(Self { settings, engine, admin, http })
    }

    /// Whether operators have an address to ask at. They may before any Envoy does.
    #[must_use]
    pub fn answers_operators(&self) -> bool {
        self.admin.is_some()
    }

    /// Has upstreams assured of who a request is from, with a key of this process alone where the settings name none: for one
    /// that runs in this process too.
    ///
    /// # Errors
    /// When there is no key to be made.
    pub fn assure_upstreams(&self) -> Result<(), RunError> {
        if self.settings.assertion_key.is_some() {
            return Ok(());
        }
        self.engine.services.assertions.take_ephemeral().map_err(RunError::Setting)
    }

    /// What gives the keys by which upstreams verify that, as they are at the time.
    #[must_use]
    pub fn identity_keys(&self) -> Arc<dyn Fn() -> serde_json::Value + Send + Sync> {
        let services = Arc::clone(&self.engine.services);
        Arc::new(move || services.assertions.public_keys())
    }

    /// What tells how often the API key of an owner was used since the process began.
    pub fn key_uses(&self) -> impl Fn(&str) -> Option<KeyUse> + Send + Sync + use<> {
        let services = Arc::clone(&self.engine.services);
        move |owner| services.key_uses.of(owner)
    }

    /// Runs until stopped; what it counts is in `metrics`.
    ///
    /// # Errors
    /// When Envoy's address cannot be had.
    pub async fn run(self, metrics: Metrics, stop: CancellationToken) -> Result<(), RunError> {
        let Self { settings, engine, admin, http } = self;
        // Before a controller hears of this service: it has Envoy ask as soon as the service has the rules.
        let grpc = Listener::bind(&settings.grpc).await?;
        engine.metrics.register(&metrics);
        let engine = Arc::new(engine);
        let health = Health::default();
        let mut tasks = JoinSet::new();
        if let Some(place) = settings.sessions_in() {
            let others = Subscriber::new(&place, STORE_PATIENCE).map_err(StoreError::from)?;
            tasks.spawn(engine.services.sessions.follow(others, stop.clone()));
        }
        tasks.spawn(lookout::watch(engine.active.clone(), engine.services.clone(), stop.clone()));
        if let Some(server) = settings.xds {
            let troubles = engine.services.troubles.subscribe();
            tasks.spawn(xds::watch(server, engine.active.clone(), troubles, stop.clone()));
        } else if let Some(path) = settings.rules {
            tasks.spawn(file::watch(path, engine.active.clone(), stop.clone()));
        }
        if let Some(path) = settings.keys {
            let services = engine.services.clone();
            let take = move |text: &[u8]| services.sessions.take_keys(text);
            tasks.spawn(changes::follow(path, "keys of sessions", stop.clone(), take));
        }
        if let Some(path) = settings.assertion_key {
            let services = engine.services.clone();
            let take = move |text: &[u8]| services.assertions.take(text);
            tasks.spawn(changes::follow(path, "keys of assertions", stop.clone(), take));
        }
        // Ready once rules are known, and from then on: an identity provider that is down is none of a load balancer's business.
        let rules = health.condition("rules");
        tasks.spawn(ready_once_known(engine.active.known(), rules, stop.clone()));
        if let Some(listener) = admin {
            tasks.spawn(serve(listener, server::admin(engine.clone(), health.clone(), metrics), stop.clone()));
        }
        if let Some(listener) = http {
            tasks.spawn(serve(listener, server::http(engine.clone()), stop.clone()));
        }
        tracing::info!("answering Envoy at {}", settings.grpc);
        let workers = server::grpc(engine, grpc, stop.clone()).await?;
        health.drain();
        while tasks.join_next().await.is_some() {}
        // They go last: other requests use what checks have opened, such as connections to Redis.
        workers.drained().await;
        Ok(())
    }
}

/// Lets what is in flight finish when the service is stopped, and waits for no connection on which nobody says anything.
async fn within<T>(stop: &CancellationToken, serving: impl Future<Output = T>) -> Option<T> {
    let patience = async {
        stop.cancelled().await;
        tokio::time::sleep(PATIENCE).await;
    };
    tokio::select! {
        served = serving => Some(served),
        () = patience => None,
    }
}

/// Ends when the service does: it may be stopped before any rules were known.
async fn ready_once_known(mut known: watch::Receiver<bool>, rules: Condition, stop: CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        Ok(()) = async { known.wait_for(|known| *known).await.map(drop) } => rules.set_ready(),
    }
}

fn engine(settings: &Settings) -> Result<Engine, RunError> {
    let metrics = AuthzMetrics::new();
    let clients = Clients::new(settings.idp_timeout, metrics.clone());
    let services = Services::new(clients, sessions(settings)?, metrics.clone());
    let failed = |path: &Path, error: String| RunError::File(path.display().to_string(), error);
    if let Some(path) = &settings.assertion_key {
        services.assertions.take(read(path)?.as_bytes()).map_err(|error| failed(path, error))?;
    }
    let open = |path: &PathBuf| Audit::open(path).map_err(|error| failed(path, error.to_string()));
    let audit = settings.audit.as_ref().map(open).transpose()?;
    let theme = Arc::new(settings.pages.theme().map_err(RunError::Setting)?);
    Ok(Engine { active: Active::new(), services: Arc::new(services), metrics, audit, theme })
}

/// Sessions, in a store that others share only with keys that they share, too.
fn sessions(settings: &Settings) -> Result<Sessions, RunError> {
    let keys = match (&settings.keys, &settings.redis) {
        (Some(path), _) => {
            Keys::parse(&read(path)?).map_err(|error| RunError::File(path.display().to_string(), error.to_string()))?
        }
        (None, None) => Keys::ephemeral(),
        (None, Some(_)) => {
            let reason =
                "sessions in Redis need keys that all replicas have: --keys (`openssl rand -base64 32` makes one)";
            return Err(RunError::Setting(reason.to_owned()));
        }
    };
    let store = match settings.sessions_in() {
        None => Store::Memory(MemoryStore::default()),
        Some(place) => Store::Redis(Box::new(RedisStore::new(&place)?)),
    };
    Ok(Sessions::new(store, keys, 2 * settings.idp_timeout + WRITING))
}

fn read(path: &Path) -> Result<String, RunError> {
    std::fs::read_to_string(path).map_err(|error| RunError::File(path.display().to_string(), error.to_string()))
}

async fn serve(listener: Listener, pages: Router, stop: CancellationToken) {
    if let Some(Err(error)) = within(&stop, listener.serve(pages, stop.clone())).await {
        tracing::error!("an HTTP server ended: {error}");
    }
}
