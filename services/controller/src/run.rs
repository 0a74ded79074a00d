//! The wiring of a running controller.

mod config;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nuncio_api::Defaults;
use nuncio_telemetry::Condition;
use nuncio_translate::{Settings, World};
use nuncio_xds::{Options, ServeError, Server};
use tokio::sync::{mpsc, watch};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

pub use self::config::{Config, Error, XdsAddress};
use crate::admin::{Callers, GatewayView};
use crate::beside::Own;
use crate::decider::Decider;
use crate::duties::Duties;
use crate::edit::Editor;
use crate::engine::{Engine, TunnelChange, follow_asked};
use crate::event::Event;
use crate::files::Files;
use crate::leader::Progress;
use crate::manifests::Source;
use crate::metrics::Metrics;
use crate::previews::{Lifecycle, seen, sightings, traffic};
use crate::view::{Changes, EngineView};
use crate::{admin, fallback, leader, ports};

/// How often to look whether it is time for something.
const TURNS: Duration = Duration::from_secs(1);

/// How often ports are tried that Listeners wait for.
const TRY_PORTS: Duration = Duration::from_secs(1);

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
        GatewayView { machine: leader::machine(), source: config.manifests.called(&source) },
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
    let sightings = tokio::spawn(sightings::follow(Arc::clone(&engine), Arc::clone(&lifecycle)));
    let _sightings = AbortOnDropHandle::new(sightings);
    let duties = Duties::begin(&mut config, &mut source, &engine, previews, served.progress.subscribe(), &shutdown);
    let callers = Callers::new(config.identity_keys, &config.portal_audiences);
    let guards = admin::Guards { names: config.admin_names, tokens: config.admin_tokens, callers };
    let router = admin::router(view, guards);
    let admin = admin::serve(config.admin, router, shutdown.clone());
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
        probe_log: config.envoy_admin.as_deref().map(|socket| seen::log_beside(socket).to_string_lossy().into()),
        makes_preview_keys: config.allow_previews,
        authz: config.authz.as_ref().map(Decider::discovery),
        topology: config.topology.clone(),
        route_stats: config.route_stats,
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
