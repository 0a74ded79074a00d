//! The wiring of a running controller.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nuncio_api::Defaults;
use nuncio_telemetry::{Condition, Health};
use nuncio_translate::{Settings, Topology, World};
use nuncio_xds::{Options, ServeError, Server};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::beside::{Own, OwnLimiter, Secrets};
use crate::decider::Decider;
use crate::duties::Duties;
use crate::edit::Editor;
use crate::engine::{Engine, TunnelChange, follow_asked};
use crate::event::Event;
use crate::files::Files;
use crate::leader::{LeaseTimes, Progress};
use crate::manifests::{Manifests, Source};
use crate::metrics::Metrics;
use crate::origins::PortalOrigins;
use crate::previews::{Lifecycle, events, probe, traffic};
use crate::source::SourceError;
use crate::source::kubernetes::AccessError;
use crate::status::StatusOptions;
use crate::view::{Changes, EngineView};
use crate::webhook::WebhookOptions;
use crate::{admin, fallback, ports};

/// How often to look whether it is time for something.
const TURNS: Duration = Duration::from_secs(1);

/// How often ports are tried that Listeners wait for.
const TRY_PORTS: Duration = Duration::from_secs(1);

/// Where Envoys connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum XdsAddress {
    /// A Unix socket.
    Unix(PathBuf),
    /// A TCP address.
    Tcp(SocketAddr),
}

/// What a controller needs to know.
#[derive(Debug)]
pub struct Config {
    /// Where manifests come from.
    pub manifests: Manifests,
    /// `AMBASSADOR_ID`: objects for other instances are passed over.
    pub ambassador_id: String,
    /// `AMBASSADOR_NAMESPACE`: namespace of the edge, and of objects that name none.
    pub namespace: String,
    /// Replace `$NAME` and `${NAME}` in manifests from the environment. Off by default: it can leak secrets.
    pub expand_environment: bool,
    /// How the gateway's zone counts.
    pub topology: Topology,
    /// Address that Listeners bind to.
    pub bind_address: IpAddr,
    /// Where Envoys connect to.
    pub xds: XdsAddress,
    /// The bound socket of the admin server.
    pub admin: TcpListener,
    /// Host names that the admin server answers to besides addresses and `localhost`.
    pub admin_names: Vec<String>,
    /// Whether whoever reaches the admin server may change manifests, if they are files.
    pub allow_edits: bool,
    /// Whether whoever reaches the admin server may change previews, by whomever he says that it is.
    pub allow_previews: bool,
    /// Admin socket of the Envoy beside this controller.
    pub envoy_admin: Option<PathBuf>,
    /// The rate limit service that can run beside this controller.
    pub limiter: Option<OwnLimiter>,
    /// Who decides by Filters; without anybody, what FilterPolicies are for is refused.
    pub authz: Option<Decider>,
    /// Which statuses are written to a cluster, if any, by the replica that leads.
    pub status: Option<StatusOptions>,
    /// How long requests in flight may take to finish. A cluster that no route names any more is kept for as long, and
    /// no shorter than [`Options`] says by itself.
    pub drain_time: Duration,
    /// How long a lead lasts.
    pub lease: LeaseTimes,
    /// How to serve the webhook, if it is served.
    pub webhook: Option<WebhookOptions>,
    /// Where a developer portal's pages are from which requests are sent.
    pub portal_origins: PortalOrigins,
    /// Who in this process is told secrets asks there.
    pub secrets: Secrets,
    /// Where sockets may be through which the Envoy beside this controller reaches processes that stand in for services of
    /// previews: a directory that nobody else may enter.
    pub tunnels: Option<PathBuf>,
    /// Whether the gateway takes traffic; the controller adds its own conditions.
    pub health: Health,
}

/// Why a controller ends.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The directory cannot be read.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The directory cannot be watched.
    #[error("cannot watch the directory: {0}")]
    Watch(#[source] std::io::Error),
    /// The watch ended.
    #[error("the watch of the manifests ended")]
    WatchEnded,
    /// There is no way to the cluster.
    #[error(transparent)]
    Cluster(#[from] AccessError),
    /// The cluster could not be read in time.
    #[error("the cluster could not be read within {patience:?}: {why}")]
    NotRead {
        /// How long it was waited.
        patience: Duration,
        /// What for.
        why: String,
    },
    /// No certificate could be made.
    #[error("cannot make the fallback certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// The xDS server failed.
    #[error("cannot serve xDS: {0}")]
    Xds(#[from] ServeError),
    /// The admin server failed.
    #[error("cannot serve diagnostics: {0}")]
    Admin(#[source] std::io::Error),
}

/// Why a directory cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct DirectoryError(String);

impl From<SourceError> for Error {
    fn from(error: SourceError) -> Self {
        Self::Directory(DirectoryError(error.to_string()))
    }
}

impl From<SourceError> for DirectoryError {
    fn from(error: SourceError) -> Self {
        Self(error.to_string())
    }
}

fn xds_options(drain_time: Duration) -> Options {
    let default = Options::default();
    Options { linger: drain_time.max(default.linger), ..default }
}

/// Runs a controller until `shutdown`.
///
/// # Errors
/// When a part of it cannot start, or ends by itself.
pub async fn run(mut config: Config, shutdown: CancellationToken, events: mpsc::Sender<Event>) -> Result<(), Error> {
    let mut source = config.manifests.open().await?;
    // Before the admin server answers: what is not ready yet must not seem so.
    let served = Served { condition: config.health.condition("envoy"), progress: watch::Sender::default() };
    served.condition.set_not_ready("no Envoy has the configuration yet");
    let read = config.health.condition("manifests");
    let (server, heard) = Server::new(xds_options(config.drain_time));
    let settings = settings(&config)?;
    let editor = Editor::of(&config, &source, settings.clone());
    let engine = engine(&config, settings, server.clone());
    let engine = Arc::new(Mutex::new(engine));
    config.secrets.are_of(&engine);
    let (lifecycle, tunnels) = Lifecycle::of(&config, &source);
    let lifecycle = Arc::new(lifecycle);
    let view = Arc::new(EngineView::new(
        Arc::clone(&engine),
        config.envoy_admin.clone(),
        config.health.clone(),
        config.limiter.as_ref().map(|limiter| limiter.limited.clone()),
        config.authz.as_ref().and_then(Decider::own),
        Changes { editor, lifecycle: Arc::clone(&lifecycle) },
    ));

    let is_beside = config.envoy_admin.is_some();
    // Of replicas that read a cluster one does that, the leader.
    let previews = config.allow_previews.then(|| Arc::clone(&lifecycle));
    let alone = previews.clone().filter(|_| config.manifests.directory().is_some());
    let _previews = alone.map(|previews| AbortOnDropHandle::new(tokio::spawn(previews.keep(Arc::clone(&engine)))));
    let envoy = config.envoy_admin.clone();
    let traffic = envoy.map(|envoy| tokio::spawn(traffic::follow(Arc::clone(&engine), envoy, Arc::clone(&lifecycle))));
    let _traffic = traffic.map(AbortOnDropHandle::new);
    let _events = AbortOnDropHandle::new(tokio::spawn(events::follow(Arc::clone(&engine))));
    let duties = Duties::begin(&mut config, &mut source, &engine, previews, served.progress.subscribe(), &shutdown);
    let admin = admin::serve(config.admin, admin::router(view, config.admin_names.clone()), shutdown.clone());
    let xds = serve_xds(server, config.xds, shutdown.clone());
    let work = async {
        let (source, told) = source.read(&engine, &read).await?;
        served.progress.send_replace(Progress::Alone);
        emit(&events, told).await;
        let own = Own::new(config.limiter.as_ref(), config.authz.as_ref().and_then(Decider::own));
        tokio::select! {
            result = work(&engine, source, Heard { envoys: heard, tunnels }, &events, &served, own) => result,
            () = follow_asked(&engine, &events), if is_beside => Ok(()),
        }
    };
    let result = tokio::select! {
        // That everybody goes is no news then.
        biased;
        () = shutdown.cancelled() => Ok(()),
        result = work => result,
        result = admin => result.map_err(Error::Admin),
        result = xds => result.map_err(Error::Xds),
    };
    if let Some(duties) = duties {
        duties.end().await;
    }
    result
}

fn settings(config: &Config) -> Result<Settings, Error> {
    Ok(Settings {
        ambassador_id: config.ambassador_id.clone(),
        namespace: config.namespace.as_str().into(),
        fallback_certificate: fallback::certificate()?,
        bind_address: config.bind_address,
        limit_socket: config.limiter.as_ref().map(|limiter| limiter.service.path()),
        probe_log: config.envoy_admin.as_deref().map(|socket| probe::log_beside(socket).to_string_lossy().into()),
        authz: config.authz.as_ref().map(Decider::discovery),
        topology: config.topology.clone(),
        cors: config.portal_origins.policy(),
    })
}

fn engine(config: &Config, settings: Settings, server: Server) -> Engine {
    let files = Files::new(defaults(&config.namespace, config.expand_environment)).within(config.manifests.directory());
    let engine = Engine::new(files, World::new(settings), server, Metrics::new());
    let engine = if config.limiter.is_some() { engine.with_private_limits() } else { engine };
    // Elsewhere, ports are others'.
    if config.envoy_admin.is_some() { engine.trying_ports(ports::probe) } else { engine }
}

pub(crate) fn defaults(namespace: &str, expand_environment: bool) -> Defaults {
    let env = expand_environment.then(|| Arc::new(std::env::vars().collect()));
    Defaults { namespace: namespace.into(), env }
}

async fn serve_xds(server: Server, address: XdsAddress, shutdown: CancellationToken) -> Result<(), ServeError> {
    match address {
        XdsAddress::Unix(path) => server.serve_unix(&path, shutdown.cancelled_owned()).await,
        XdsAddress::Tcp(address) => server.serve_tcp(address, shutdown.cancelled_owned()).await,
    }
}

/// Whether an Envoy has the configuration, for those who ask and for the election.
struct Served {
    condition: Condition,
    progress: watch::Sender<Progress>,
}

impl Served {
    fn note(&self, is_served: bool) {
        let progress = if is_served {
            self.condition.set_ready();
            Progress::Serving
        } else {
            self.condition.set_not_ready("no Envoy has the configuration");
            Progress::Alone
        };
        self.progress.send_if_modified(|now| std::mem::replace(now, progress) != progress);
    }
}

/// What is heard besides of manifests.
struct Heard {
    /// What Envoys say.
    envoys: mpsc::UnboundedReceiver<nuncio_xds::Event>,
    /// Processes that stand in for services.
    tunnels: mpsc::UnboundedReceiver<TunnelChange>,
}

/// Takes in what changes and what Envoys say, one after the other.
async fn work(
    engine: &Mutex<Engine>,
    mut source: Source,
    mut heard: Heard,
    events: &mpsc::Sender<Event>,
    served: &Served,
    mut own: Own<'_>,
) -> Result<(), Error> {
    let mut turns = tokio::time::interval(TURNS);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut try_ports = tokio::time::interval(TRY_PORTS);
    try_ports.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        own.want(&lock(engine));
        let told = tokio::select! {
            batch = source.next() => source.take_in(engine, batch.ok_or(Error::WatchEnded)?).await,
            Some(change) = heard.tunnels.recv() => lock(engine).note_tunnel(change),
            Some(event) = heard.envoys.recv() => {
                let mut engine = lock(engine);
                let told = engine.hear(event);
                served.note(engine.is_served());
                told
            }
            why = own.redis() => lock(engine).note_redis(why),
            _ = turns.tick() => {
                let mut engine = lock(engine);
                engine.pass_time()
            }
            _ = try_ports.tick(), if lock(engine).ports.is_waiting() => {
                let mut engine = lock(engine);
                engine.take_freed_ports()
            }
        };
        emit(events, told).await;
    }
}

/// A receiver that is gone does not want to hear any more.
pub(crate) async fn emit(events: &mpsc::Sender<Event>, told: Vec<Event>) {
    for event in told {
        let _ = events.send(event).await;
    }
}

pub(crate) fn lock(engine: &Mutex<Engine>) -> MutexGuard<'_, Engine> {
    engine.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clusters_stay_as_long_as_requests_may_be_in_flight() {
        for (drain, linger) in [(0, 10), (10, 10), (60, 60)] {
            assert_eq!(xds_options(Duration::from_secs(drain)).linger, Duration::from_secs(linger));
        }
    }
}
