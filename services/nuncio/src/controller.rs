//! Running the controller, alone or beside an Envoy.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use nuncio_controller::admin::IdentityKeys;
use nuncio_controller::webhook::WebhookOptions;
use nuncio_controller::{Config, Decider, Event, Manifests, OwnLimiter, PortalOrigins, Secrets, Topology, XdsAddress};
use nuncio_telemetry::{AuditLog, Health, LogFormat, Options, SharedToken, Telemetry, Traces, shutdown_on_signal};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

use crate::cli::{ControllerArgs, Drain, Identity, Logs, Place, StatusArgs};
use crate::environment;
use crate::exit::{Failure, Outcome};
use crate::report::{Report, tell};

/// Events that may wait to be printed. A terminal that stands still must not hold up the gateway for long.
pub(crate) const EVENT_QUEUE: usize = 1024;

/// Runs the controller until it is told to stop.
pub(crate) fn run(args: ControllerArgs) -> Outcome {
    runtime()?.block_on(serve(args))
}

async fn serve(args: ControllerArgs) -> Outcome {
    let ControllerArgs { place, zone, xds, authz, admin, status, webhook, origins, bind, stats, drain, identity, logs } =
        args;
    let telemetry = init_telemetry(&logs, "nuncio-controller", "info")?;
    environment::report();
    let manifests = place.manifests(&identity)?;
    let shutdown = shutdown_on_signal().context("cannot handle signals")?;
    let admin_tokens = tokens(admin.token_file);
    let audit = audit_log(admin.audit.as_deref())?;
    let listener = bind_admin(admin.address).await?;
    let address = listener.local_addr().context("the admin server has no address")?;
    let webhook = webhook.bind(&place).await?;
    tracing::info!("Envoys connect to {}", describe(&xds));
    let config = config(Parts {
        place: &place,
        manifests,
        identity,
        topology: zone.topology(),
        bind,
        xds,
        admin: listener,
        admin_names: admin.names,
        admin_tokens,
        peers: admin.peers,
        allow_edits: admin.allow_edits,
        allow_previews: admin.allow_previews,
        audit,
        identity_keys: None,
        route_stats: stats.by_route,
        envoy_admin: None,
        limiter: None,
        authz: authz.map(Decider::Elsewhere),
        status,
        webhook,
        drain,
        portal_audiences: origins.audiences(None),
        portal_origins: origins.origins(None),
        secrets: Secrets::default(),
        tunnels: None,
        health: Health::default(),
    });
    let (events, received) = mpsc::channel(EVENT_QUEUE);
    let report = print_events(Report::new(place, address), received, logs.log_format);
    let (result, ()) = tokio::join!(nuncio_controller::run(config, shutdown, events), report);
    telemetry.flush().await;
    result.map_err(Failure::new)
}

fn describe(xds: &XdsAddress) -> String {
    match xds {
        XdsAddress::Unix(path) => format!("unix:{}", path.display()),
        XdsAddress::Tcp(address) => address.to_string(),
    }
}

/// Prints what happens until the controller has ended.
async fn print_events(mut report: Report, mut events: mpsc::Receiver<Event>, format: LogFormat) {
    while let Some(event) = report.next(&mut events).await {
        tell(&mut report, &event, format);
    }
}

/// What differs between a controller alone and one beside an Envoy.
pub(crate) struct Parts<'a> {
    /// Where manifests come from, as the command line says.
    pub(crate) place: &'a Place,
    /// And as it was understood.
    pub(crate) manifests: Manifests,
    /// Which objects are ours.
    pub(crate) identity: Identity,
    /// How the gateway's zone counts.
    pub(crate) topology: Topology,
    /// The address that Listeners bind to.
    pub(crate) bind: IpAddr,
    /// Where Envoys connect.
    pub(crate) xds: XdsAddress,
    /// The socket of the admin server.
    pub(crate) admin: TcpListener,
    /// The names that it answers to.
    pub(crate) admin_names: Vec<String>,
    /// What opens it to other machines.
    pub(crate) admin_tokens: Vec<SharedToken>,
    /// Those of other gateways.
    pub(crate) peers: Vec<String>,
    /// Whether it may change manifests.
    pub(crate) allow_edits: bool,
    /// Whether it may change previews.
    pub(crate) allow_previews: bool,
    /// Where it notes who did what.
    pub(crate) audit: Option<Arc<AuditLog>>,
    /// By which it verifies by whom that is wanted.
    pub(crate) identity_keys: Option<IdentityKeys>,
    /// Whether Envoys count by route.
    pub(crate) route_stats: bool,
    /// The admin socket of the Envoy beside it.
    pub(crate) envoy_admin: Option<PathBuf>,
    /// The rate limit service that can run beside it.
    pub(crate) limiter: Option<OwnLimiter>,
    /// The authentication service.
    pub(crate) authz: Option<Decider>,
    /// What is written to a cluster.
    pub(crate) status: StatusArgs,
    /// How the webhook is served, if it is.
    pub(crate) webhook: Option<WebhookOptions>,
    /// How long requests in flight may take.
    pub(crate) drain: Drain,
    /// Where a developer portal's pages are.
    pub(crate) portal_origins: PortalOrigins,
    /// What the gateway calls it.
    pub(crate) portal_audiences: Vec<String>,
    /// Who in this process is told secrets asks there.
    pub(crate) secrets: Secrets,
    /// Where sockets of tunnels may be.
    pub(crate) tunnels: Option<PathBuf>,
    /// Whether the gateway takes traffic.
    pub(crate) health: Health,
}

/// The controller's configuration.
pub(crate) fn config(parts: Parts<'_>) -> Config {
    let Parts {
        place,
        manifests,
        identity,
        topology,
        bind,
        xds,
        admin,
        admin_names,
        admin_tokens,
        peers,
        allow_edits,
        allow_previews,
        audit,
        identity_keys,
        route_stats,
        envoy_admin,
        limiter,
        authz,
        status,
        webhook,
        drain,
        portal_origins,
        portal_audiences,
        secrets,
        tunnels,
        health,
    } = parts;
    let namespace = place.namespace(&identity);
    let Identity { ambassador_id, namespace: _, expand_environment } = identity;
    Config {
        manifests,
        ambassador_id,
        status: status.options(&namespace),
        namespace,
        expand_environment,
        topology,
        bind_address: bind,
        xds,
        admin,
        admin_names,
        admin_tokens,
        peers,
        allow_edits,
        allow_previews,
        audit,
        identity_keys,
        route_stats,
        envoy_admin,
        limiter,
        authz,
        drain_time: drain.time(),
        lease: status.lease(),
        webhook,
        portal_origins,
        portal_audiences,
        secrets,
        tunnels,
        health,
    }
}

/// The runtime that a service runs on.
pub(crate) fn runtime() -> Result<Runtime, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    Ok(runtime.context("cannot start the runtime")?)
}

/// Sets up logs as the command line says, or at the level `default`.
pub(crate) fn init_telemetry(logs: &Logs, service: &'static str, default: &str) -> Result<Telemetry, Failure> {
    let filter = logs.log_level.clone().unwrap_or_else(|| default.to_owned());
    let traces = Traces::of_environment();
    nuncio_telemetry::init(Options { service, format: logs.log_format, filter, traces }).map_err(Failure::usage)
}

/// What opens the admin server to other machines, if the command line says where that is. A file that is of no use lets nobody
/// in, and stops no traffic.
pub(crate) fn tokens(file: Option<PathBuf>) -> Vec<SharedToken> {
    let tokens: Vec<_> = file.map(SharedToken::File).into_iter().collect();
    for why in tokens.iter().filter_map(|token| token.read().err()) {
        tracing::warn!("--admin-token-file {why}: nobody elsewhere is let in");
    }
    tokens
}

/// Where it is noted who did what, if the command line says so.
pub(crate) fn audit_log(file: Option<&Path>) -> Result<Option<Arc<AuditLog>>, Failure> {
    let opened = file.map(|file| AuditLog::open(file).with_context(|| format!("--audit {}", file.display())));
    opened.transpose().map(|log| log.map(Arc::new)).map_err(Failure::usage)
}

/// The socket of the admin server.
pub(crate) async fn bind_admin(address: SocketAddr) -> Result<TcpListener, Failure> {
    let listener = TcpListener::bind(address).await;
    Ok(listener.with_context(|| format!("cannot serve diagnostics on {address} (see --admin)"))?)
}
