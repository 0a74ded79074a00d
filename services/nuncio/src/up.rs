//! `nuncio up`: the controller and its Envoy, started together and ended in order.

mod portal;
mod ports;
mod services;

use self::portal::{Portal, beside, counted};
pub(crate) use self::ports::require_free;
use self::services::{decide, limit, limited};

use std::path::{Path, PathBuf};
use std::thread::available_parallelism;

use anyhow::Context;
use nuncio_controller::admin::{AdminClient, IdentityKeys};
use nuncio_controller::{Decider, Event, OwnAuthz, OwnLimiter, OwnService, XdsAddress};
use nuncio_envoy::{Ads, Bootstrap, bootstrap};
use nuncio_ratelimit::{Observed, RunError};
use nuncio_telemetry::{Health, LogFormat, Metrics, SharedToken, shutdown_on_signal};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinError, JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::cli::{Limits, UpArgs};
use crate::controller::{self, EVENT_QUEUE, Parts, audit_log, bind_admin, config, init_telemetry, tokens};
use crate::environment;
use crate::envoy::{Binary, Launch, RuntimeDir, Supervisor};
use crate::exit::{Failure, Outcome, print_text};
use crate::report::{Report, cannot_bind, tell};

/// Serves the manifests until told to stop.
pub(crate) fn run(args: UpArgs) -> Outcome {
    controller::runtime()?.block_on(serve(args))
}

async fn serve(args: UpArgs) -> Outcome {
    let UpArgs {
        place,
        zone,
        admin,
        bind,
        envoy,
        concurrency,
        redis,
        limits,
        stats,
        drain,
        listener_drain_time,
        portal,
        origins,
        status,
        webhook,
        identity,
        logs,
    } = args;
    // In text, the report on standard output tells what `info` would.
    let quiet = if logs.log_format == LogFormat::Json { "info" } else { "warn" };
    let telemetry = init_telemetry(&logs, "nuncio", quiet)?;
    environment::report();
    let manifests = place.manifests(&identity)?;
    let program = Binary::find(envoy.as_deref())?.path;
    let mut admin_tokens = tokens(admin.token_file);
    let audit = audit_log(admin.audit.as_deref())?;
    let listener = bind_admin(admin.address).await?;
    let address = listener.local_addr().context("the admin server has no address")?;
    // Wherever diagnostics are served, the portal of this process may ask there.
    let own_token = SharedToken::Own(nuncio_auth::crypto::random_text().into());
    admin_tokens.push(own_token.clone());
    let portal = Portal::bind(portal, address, own_token, &origins, place.cluster.access()).await?;
    let webhook = webhook.bind(&place).await?;
    append_to_stdout();
    let signalled = shutdown_on_signal().context("cannot handle signals")?;

    let runtime_dir = RuntimeDir::create()?;
    let launch = Launch {
        program,
        bootstrap: write_bootstrap(&runtime_dir, limits)?,
        concurrency: concurrency.unwrap_or_else(cores),
        drain_time: drain.time(),
        listener_drain_time,
    };
    let limiter = nuncio_ratelimit::embedded(&runtime_dir.xds_socket(), &runtime_dir.limit_socket(), redis.as_deref())
        .map_err(Failure::usage)?;
    let authz = nuncio_authz::embedded(&runtime_dir.xds_socket(), &runtime_dir.authz_socket(), redis.as_deref());
    let authz = authz.map_err(|error| Failure::usage(anyhow::anyhow!(error)))?;
    // Here, and not with the first FilterPolicy: what is wrong with its settings must end no gateway that serves.
    let authz = nuncio_authz::Service::new(authz).await.map_err(Failure::new)?;
    if portal.is_some() {
        authz.assure_upstreams().map_err(Failure::new)?;
    }
    let secrets = nuncio_controller::Secrets::default();
    let beside = beside(&authz, secrets.clone());
    let (wanted, limiter_is_wanted) = watch::channel(false);
    let observed = Observed::default();
    let limited = limited(&observed, limiter_is_wanted.clone());
    let (authz_wanted, authz_is_wanted) = watch::channel(false);
    let decisions = Metrics::of_part();
    let supervisor = Supervisor::new(launch, AdminClient::unix(runtime_dir.admin_socket()))?;
    let health = Health::default();
    let config = config(Parts {
        place: &place,
        manifests,
        identity,
        topology: zone.topology(),
        bind,
        xds: XdsAddress::Unix(runtime_dir.xds_socket()),
        admin: listener,
        admin_names: admin.names,
        admin_tokens,
        peers: admin.peers,
        allow_edits: admin.allow_edits,
        allow_previews: admin.allow_previews,
        audit,
        identity_keys: Some(IdentityKeys(authz.identity_keys())),
        route_stats: stats.by_route,
        envoy_admin: Some(runtime_dir.admin_socket()),
        authz: Some(Decider::Own(OwnAuthz {
            service: OwnService { socket: runtime_dir.authz_socket(), wanted: authz_wanted },
            metrics: decisions.clone(),
            key_uses: counted(&authz),
        })),
        limiter: Some(OwnLimiter {
            service: OwnService { socket: runtime_dir.limit_socket(), wanted },
            limited,
            redis: observed.outage.subscribe(),
        }),
        status,
        webhook,
        drain,
        portal_audiences: origins.audiences(portal.as_ref().map(|portal| portal.address)),
        portal_origins: origins.origins(portal.as_ref().map(|portal| portal.address)),
        secrets,
        tunnels: Some(runtime_dir.path().to_owned()),
        health: health.clone(),
    });
    let (events, received) = mpsc::channel(EVENT_QUEUE);
    let (free_ports, ports_are_free) = oneshot::channel();
    let (stop_envoy, stop_controller) = (CancellationToken::new(), CancellationToken::new());
    let report = Report::new(place, address).with_portal(portal.as_ref().map(|portal| portal.address));
    let gateway = Gateway {
        controller: tokio::spawn(nuncio_controller::run(config, stop_controller.clone(), events)),
        limiter: tokio::spawn(limit(limiter, observed, limiter_is_wanted, stop_controller.clone())),
        authz: tokio::spawn(decide(authz, decisions, authz_is_wanted, stop_controller.clone())),
        portal: tokio::spawn(Portal::run(portal, beside, stop_controller.clone())),
        envoy: tokio::spawn(supervise(supervisor, ports_are_free, stop_envoy.clone())),
        reporter: tokio::spawn(
            Reporter { report, format: logs.log_format, stopping: stop_envoy.clone() }.run(received, free_ports),
        ),
        health,
        stop_envoy,
        stop_controller,
        farewell: (logs.log_format == LogFormat::Text)
            .then(|| format!("Stopping: what is in flight has {} s to finish\n", drain.time().as_secs())),
    };
    let outcome = gateway.run(signalled).await;
    drop(runtime_dir);
    telemetry.flush().await;
    outcome
}

/// The running parts.
struct Gateway {
    controller: JoinHandle<Result<(), nuncio_controller::Error>>,
    limiter: JoinHandle<Result<(), RunError>>,
    authz: JoinHandle<Result<(), nuncio_authz::RunError>>,
    portal: JoinHandle<Result<(), nuncio_portal::RunError>>,
    envoy: JoinHandle<anyhow::Result<()>>,
    /// Ends when the controller has, or with the reason why the gateway cannot serve.
    reporter: JoinHandle<Result<(), Failure>>,
    health: Health,
    stop_envoy: CancellationToken,
    stop_controller: CancellationToken,
    /// What people are told when a signal comes.
    farewell: Option<String>,
}

impl Gateway {
    /// Runs until a signal comes or a part fails, then ends every part: Envoy first, so that it has a controller for as
    /// long as it serves.
    async fn run(mut self, signalled: CancellationToken) -> Outcome {
        let outcome = tokio::select! {
            () = signalled.cancelled() => {
                self.farewell.iter().for_each(|farewell| print_text(farewell));
                Ok(())
            }
            result = &mut self.controller => ended("the controller", result),
            result = &mut self.limiter => ended("the rate limit service", result),
            result = &mut self.authz => ended("the authentication service", result),
            result = &mut self.portal => ended("the developer portal", result),
            result = &mut self.envoy => ended("the supervision of Envoy", result),
            // It ends well only when the controller has ended, which says more.
            Ok(Err(failure)) = &mut self.reporter => Err(failure),
        };
        self.health.drain();
        self.stop_envoy.cancel();
        wait(self.envoy).await;
        self.stop_controller.cancel();
        wait(self.limiter).await;
        wait(self.authz).await;
        wait(self.portal).await;
        wait(self.controller).await;
        wait(self.reporter).await;
        outcome
    }
}

/// A part that should not have ended.
fn ended<E: std::fmt::Display>(part: &str, result: Result<Result<(), E>, JoinError>) -> Outcome {
    match result {
        Ok(Ok(())) => Err(Failure::new(format!("{part} ended by itself"))),
        Ok(Err(error)) => Err(Failure::new(format!("{error:#}"))),
        Err(error) => Err(Failure::new(format!("{part} failed: {error}"))),
    }
}

/// Waits for a part that was told to end. A part that ended before must not be asked again.
async fn wait<T>(part: JoinHandle<T>) {
    if !part.is_finished() {
        // What a part says when it was told to end is of no use any more.
        let _ = part.await;
    }
}

/// Keeps an Envoy running from the moment when it is known that it can have the ports.
async fn supervise(
    supervisor: Supervisor,
    ports_are_free: oneshot::Receiver<()>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    tokio::select! {
        () = stop.cancelled() => Ok(()),
        Ok(()) = ports_are_free => supervisor.run(stop.clone()).await,
    }
}

/// Prints what happens, until the gateway is being stopped.
struct Reporter {
    report: Report,
    format: LogFormat,
    stopping: CancellationToken,
}

impl Reporter {
    /// Ends when the controller has. Fails if, before anything was served, an address turns out to be taken.
    async fn run(mut self, mut events: mpsc::Receiver<Event>, free_ports: oneshot::Sender<()>) -> Result<(), Failure> {
        let mut free_ports = Some(free_ports);
        while let Some(event) = self.report.next(&mut events).await {
            if self.stopping.is_cancelled() {
                continue;
            }
            if let Event::Serving { listeners, .. } = &event
                && let Some(free_ports) = free_ports.take()
            {
                ports::require_free(listeners).map_err(Failure::new)?;
                // Nobody waits for it when the gateway is being stopped already.
                let _ = free_ports.send(());
            }
            if let Some(message) = cannot_bind(&event).filter(|_| !self.report.was_live()) {
                return Err(Failure::new(message));
            }
            tell(&mut self.report, &event, self.format);
        }
        Ok(())
    }
}

fn write_bootstrap(runtime_dir: &RuntimeDir, limits: Limits) -> Result<PathBuf, Failure> {
    let content = bootstrap(&Bootstrap {
        node_id: format!("nuncio-{}", std::process::id()),
        node_cluster: "nuncio".to_owned(),
        admin: runtime_dir.admin_socket(),
        ads: Ads::Unix(runtime_dir.xds_socket()),
        max_heap_bytes: limits.max_heap.map(|mib| mib << 20),
        max_connections: Some(limits.max_connections),
    });
    let file: &Path = &runtime_dir.bootstrap_file();
    std::fs::write(file, content).with_context(|| format!("cannot write {}", file.display()))?;
    Ok(file.to_owned())
}

/// Envoy opens `/dev/stdout` anew for its access log. Where that is a file, the two of us would write over each other,
/// each at its own offset, unless both append.
fn append_to_stdout() {
    let stdout = std::io::stdout();
    if let Ok(flags) = fcntl_getfl(&stdout)
        && let Err(error) = fcntl_setfl(&stdout, flags | OFlags::APPEND)
    {
        tracing::debug!("cannot append to standard output: {error}");
    }
}

/// Worker threads for Envoy: one for each core that we may use.
fn cores() -> u32 {
    available_parallelism().ok().and_then(|n| u32::try_from(n.get()).ok()).unwrap_or(1)
}
