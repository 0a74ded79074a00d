//! The service as a whole.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use nuncio_auth::crypto::Keys;
use nuncio_telemetry::{Condition, Health, Metrics};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::audit::Audit;
use crate::config::Active;
use crate::engine::{Engine, Services};
use crate::idp::Clients;
use crate::metrics::AuthzMetrics;
use crate::provider::{file, xds};
use crate::server;
use crate::session::{MemoryStore, RedisStore, Sessions, Store, StoreError, Subscriber};
use crate::settings::Settings;

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
    /// The server ended by itself.
    #[error("the server failed: {0}")]
    Serve(tonic::transport::Error),
}

impl From<StoreError> for RunError {
    fn from(error: StoreError) -> Self {
        Self::Setting(error.to_string())
    }
}

/// Runs the service until stopped; what it counts is in `metrics`.
///
/// # Errors
/// When settings cannot be used or an address cannot be had.
pub async fn run(settings: Settings, metrics: Metrics, stop: CancellationToken) -> Result<(), RunError> {
    let health = Health::default();
    let active = Active::new();
    let engine = Arc::new(engine(&settings, &metrics, active.clone())?);
    let mut tasks = JoinSet::new();
    if let Some(urls) = &settings.redis {
        let others = Subscriber::new(settings.redis_kind, &urls.0, &settings.redis_master.0)?;
        tasks.spawn(engine.services.sessions.follow(others, stop.clone()));
    }

    match (&settings.xds, &settings.rules) {
        (Some(server), _) => _ = tasks.spawn(xds::watch(server.clone(), active.clone(), stop.clone())),
        (None, Some(path)) => _ = tasks.spawn(file::watch(path.clone(), active.clone(), stop.clone())),
        (None, None) => return Err(RunError::Setting("say where rules come from: --xds or --rules".to_owned())),
    }
    // Ready once rules are known, and from then on: an identity provider that is down is none of a load balancer's business.
    let rules = health.condition("rules");
    tasks.spawn(ready_once_known(active.known(), rules, stop.clone()));
    if let Some(address) = &settings.admin {
        let admin = server::admin(engine.clone(), health.clone(), metrics);
        tasks.spawn(serve(bind(address).await?, admin, stop.clone()));
    }
    if let Some(address) = &settings.http {
        tasks.spawn(serve(bind(address).await?, server::http(engine.clone()), stop.clone()));
    }
    tracing::info!("answering Envoy at {}", settings.grpc);
    within(&stop, server::grpc(engine, &settings.grpc, stop.clone())).await.unwrap_or(Ok(()))?;
    health.drain();
    stop.cancel();
    while tasks.join_next().await.is_some() {}
    Ok(())
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

fn engine(settings: &Settings, metrics: &Metrics, active: Active) -> Result<Engine, RunError> {
    let assertion_key = settings.assertion_key.as_deref().map(read).transpose()?;
    let metrics = AuthzMetrics::new(metrics);
    let clients = Clients::new(settings.idp_timeout, metrics.clone());
    let sessions = sessions(settings)?;
    let services =
        Services::new(clients, sessions, metrics.clone(), assertion_key.as_deref()).map_err(RunError::Setting)?;
    let open = |path: &std::path::PathBuf| {
        Audit::open(path).map_err(|error| RunError::File(path.display().to_string(), error.to_string()))
    };
    Ok(Engine { active, services: Arc::new(services), metrics, audit: settings.audit.as_ref().map(open).transpose()? })
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
    let store = match &settings.redis {
        None => Store::Memory(MemoryStore::default()),
        Some(urls) => {
            let redis = RedisStore::new(settings.redis_kind, &urls.0, &settings.redis_master.0);
            Store::Redis(Box::new(redis?))
        }
    };
    Ok(Sessions::new(store, keys, 2 * settings.idp_timeout + WRITING))
}

fn read(path: &Path) -> Result<String, RunError> {
    std::fs::read_to_string(path).map_err(|error| RunError::File(path.display().to_string(), error.to_string()))
}

async fn bind(address: &str) -> Result<TcpListener, RunError> {
    TcpListener::bind(address).await.map_err(|error| RunError::Listen(address.to_owned(), error))
}

async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    let serving = axum::serve(listener, router).with_graceful_shutdown(stop.clone().cancelled_owned());
    if let Some(Err(error)) = within(&stop, serving.into_future()).await {
        tracing::error!("an HTTP server ended: {error}");
    }
}
