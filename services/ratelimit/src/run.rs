//! The service as a whole.

use std::sync::Arc;

use futures_util::future::select_all;
use nuncio_grpc::{Setup, Tls, Workers};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::announce::announce;
use crate::backends::Backends;
use crate::lease;
use crate::limiter::Shared;
use crate::provider::{Active, files, xds};
use crate::server::{self, Component, Health, Service};
use crate::settings::{BackendType, ConfigType, Settings};
use crate::stats::{Exposition, Mapper, Registry, Sink};
use crate::store::{LocalCache, Outage};
use crate::tls::ReloadingAcceptor;
use crate::top::Top;

/// Why the service cannot run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// An address is taken or not there.
    #[error("cannot listen at {address} ({variables}): {error}")]
    Listen {
        /// Where.
        address: String,
        /// Which variables say so.
        variables: &'static str,
        /// Why not.
        error: std::io::Error,
    },
    /// A setting cannot be used.
    #[error("{0}")]
    Setting(String),
    /// Threads cannot be started.
    #[error("cannot start threads: {0}")]
    Threads(std::io::Error),
}

/// What whoever runs the service may look at meanwhile.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// What is over its limit most often.
    pub top: Arc<Top>,
    /// All that is counted.
    pub stats: Arc<Registry>,
    /// Whether the Redis of all limits but those a second can be used.
    pub outage: Arc<Outage>,
}

/// Runs the service until stopped. Must be called in a runtime; calls over gRPC have threads of their own.
///
/// # Errors
/// When settings cannot be used or a port cannot be had.
pub async fn run(settings: Settings, observed: Observed, stop: CancellationToken) -> Result<(), RunError> {
    settings.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
    announce(&settings);
    let Observed { top, stats, outage } = observed;
    let shared = Arc::new(shared(&settings, top, stats));
    let backends = Backends::new(&settings, outage, shared.clone()).map_err(RunError::Setting)?;
    let (reporter, health_service) = tonic_health::server::health_reporter();
    let health = Health::new(failing(&settings), reporter).await;
    let active = Active::new(shared.clone(), settings.merge_domains);
    let loads = active.loads();
    let mut tasks = JoinSet::new();

    let limiter = Arc::new(backends.limiter());
    match settings.config_type {
        ConfigType::File => _ = tasks.spawn(files::watch(settings.files.clone(), active, stop.clone())),
        ConfigType::Xds => _ = tasks.spawn(xds::watch(settings.xds.clone(), active, stop.clone())),
    }
    tasks.spawn(watch_config(loads.clone(), health.clone(), settings.healthy_with_config));
    let drained = CancellationToken::new();
    tasks.spawn(lease::keep(limiter.clone(), drained.clone()));
    tasks.spawn(watch_redis(limiter.connected(), health.clone(), settings.health_by_connection));
    serve_metrics(&settings, &shared, &stop, &mut tasks)?;
    if !settings.listen.debug.is_empty() {
        let listener = bind(&settings.listen.debug, "DEBUG_HOST, DEBUG_PORT")?;
        tasks.spawn(server::serve(listener, server::debug(limiter.clone()), stop.clone()));
    }
    if !settings.listen.http.is_empty() {
        let listener = bind(&settings.listen.http, "HOST, PORT")?;
        tasks.spawn(server::serve(listener, server::http(limiter, health.clone()), stop.clone()));
    }

    let service = move || Service { limiter: backends.limiter(), health: health_service.clone() };
    let workers = Workers::start(Setup {
        threads: nuncio_grpc::threads(settings.listen.threads),
        service: Arc::new(service),
        tls: tls(&settings)?,
        max_age: (settings.listen.max_connection_age, settings.listen.max_connection_age_grace),
        stop: stop.clone(),
    })
    .map_err(RunError::Threads)?;
    serve_grpc(&settings, &workers, loads, &stop).await?;

    health.set(Component::Running, false).await;
    workers.drained().await;
    drained.cancel();
    // What comes last is that leases are given back, and metrics sent.
    let last = async { while tasks.join_next().await.is_some() {} };
    _ = tokio::time::timeout(std::time::Duration::from_secs(1), last).await;
    Ok(())
}

fn shared(settings: &Settings, top: Arc<Top>, stats: Arc<Registry>) -> Shared {
    let local_cache = (settings.local_cache_bytes > 0).then(|| LocalCache::new(settings.local_cache_bytes));
    Shared { top: Some(top), stats, ..Shared::new(settings.limiter.clone(), local_cache) }
}

fn failing(settings: &Settings) -> Vec<Component> {
    let mut failing = Vec::new();
    if settings.backend == BackendType::Redis {
        failing.push(Component::Redis);
    }
    if settings.healthy_with_config {
        failing.push(Component::Config);
    }
    failing
}

fn tls(settings: &Settings) -> Result<Option<Tls>, RunError> {
    let Some(tls) = &settings.listen.tls else { return Ok(None) };
    let acceptor = Arc::new(ReloadingAcceptor::new(tls).map_err(|error| RunError::Setting(error.to_string()))?);
    Ok(Some(Arc::new(move |stream| {
        let acceptor = acceptor.clone();
        Box::pin(async move { acceptor.accept(stream).await })
    })))
}

fn bind(address: &str, variables: &'static str) -> Result<tokio::net::TcpListener, RunError> {
    let wrong = |error| RunError::Listen { address: address.to_owned(), variables, error };
    let (listener, is_shared) = server::bind(address).map_err(wrong)?;
    if is_shared {
        tracing::warn!(
            "somebody else listens at {address} ({variables}) too: some connections go there, some come here"
        );
    }
    Ok(listener)
}

/// Accepts calls over gRPC until stopped, once the first rules are here or known to be wrong.
async fn serve_grpc(
    settings: &Settings,
    workers: &Workers,
    mut loads: watch::Receiver<crate::provider::Loads>,
    stop: &CancellationToken,
) -> Result<(), RunError> {
    if !settings.force_start {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            _ = loads.wait_for(|loads| loads.events > 0) => {}
        }
    }
    if settings.listen.grpc_unix.is_empty() {
        let listener = bind(&settings.listen.grpc, "GRPC_HOST, GRPC_PORT")?;
        tracing::info!("Listening for gRPC on '{}'", settings.listen.grpc);
        workers.accept(listener, stop).await;
    } else {
        let path = &settings.listen.grpc_unix;
        let wrong = |error| RunError::Listen { address: path.clone(), variables: "GRPC_UDS", error };
        let listener = server::bind_unix(path).map_err(wrong)?;
        tracing::info!("Listening for gRPC on '{path}'");
        workers.accept_unix(listener, stop).await;
    }
    Ok(())
}

fn serve_metrics(
    settings: &Settings,
    shared: &Arc<Shared>,
    stop: &CancellationToken,
    tasks: &mut JoinSet<()>,
) -> Result<(), RunError> {
    let metrics = &settings.metrics;
    if let Some((address, path)) = &metrics.prometheus {
        let exposition = Exposition {
            mapper: mapper(&metrics.mapper_file)?,
            milliseconds: metrics.response_time_in_milliseconds,
            tags: metrics.tags.clone(),
        };
        let router = server::prometheus(path, shared.stats.clone(), exposition);
        tasks.spawn(server::serve(bind(address, "PROMETHEUS_ADDR")?, router, stop.clone()));
    }
    if let Some(target) = &metrics.statsd {
        let sink = Sink::new(target.clone());
        tasks.spawn(sink.run(shared.stats.clone(), metrics.flush_interval, stop.clone()));
    }
    Ok(())
}

/// What a file makes of the names of metrics; none for the default. Envoy Gateway names one that need not be there.
fn mapper(path: &str) -> Result<Option<Mapper>, RunError> {
    if path.is_empty() {
        return Ok(None);
    }
    let wrong = |error: String| RunError::Setting(format!("PROMETHEUS_MAPPER_YAML={path}: {error}"));
    match std::fs::read_to_string(path) {
        Ok(text) => Mapper::parse(&text).map(Some).map_err(wrong),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            tracing::warn!("PROMETHEUS_MAPPER_YAML={path} is not there: metrics have their default names");
            Ok(None)
        }
        Err(error) => Err(wrong(error.to_string())),
    }
}

async fn watch_config(mut loads: watch::Receiver<crate::provider::Loads>, health: Health, matters: bool) {
    while matters && loads.changed().await.is_ok() {
        let has_domains = loads.borrow_and_update().has_domains;
        health.set(Component::Config, has_domains).await;
    }
}

/// Healthy once each Redis was connected; where asked to, only while all are.
async fn watch_redis(mut connected: Vec<watch::Receiver<bool>>, health: Health, follow: bool) {
    if !follow {
        for connected in &mut connected {
            if connected.wait_for(|connected| *connected).await.is_err() {
                return;
            }
        }
        return health.set(Component::Redis, true).await;
    }
    while !connected.is_empty() {
        // Each is looked at, or one that is not would be told of at once again.
        let missing = connected.iter_mut().filter_map(|one| (!*one.borrow_and_update()).then_some(())).count();
        health.set(Component::Redis, missing == 0).await;
        let changes = connected.iter_mut().map(|connected| Box::pin(connected.changed()));
        if select_all(changes).await.0.is_err() {
            return;
        }
    }
}
