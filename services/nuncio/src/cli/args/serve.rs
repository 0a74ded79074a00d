//! The commands that serve: `up` and `controller`, and what they have in common.

use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::TypedValueParser;
use nuncio_controller::{PortalOrigins, ServiceAddress, XdsAddress};
use nuncio_telemetry::{LogFormat, SharedToken};

use crate::cli::{Place, StatusArgs, WebhookArgs, ZoneArgs};

const UP_HELP: &str = "\
Examples:
  nuncio up manifests
  nuncio up manifests --admin 127.0.0.1:0           let the system choose the port, and print it
  nuncio up manifests --concurrency 4 --log-format json
  nuncio up --kubernetes                            serve the objects of a cluster, in a pod of it or from outside

Save a file, and the change is live in a few milliseconds; a line says so. A file that is wrong changes nothing else,
and what it served before stays. SIGTERM or Ctrl-C stops taking new work, finishes what is in flight, and leaves.";

/// What `nuncio up` is told.
#[derive(Debug, Args)]
#[command(after_help = UP_HELP)]
pub(crate) struct UpArgs {
    #[command(flatten)]
    pub(crate) place: Place,
    #[command(flatten)]
    pub(crate) zone: ZoneArgs,
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
    /// The address that Listeners bind to
    #[arg(long, value_name = "IP", default_value = "0.0.0.0", env = "AMBASSADOR_ENVOY_BIND_ADDRESS")]
    pub(crate) bind: IpAddr,
    /// The Envoy to run [default: .tools/bin/envoy here or above the nuncio binary, then envoy from PATH]
    #[arg(long, value_name = "FILE", env = "NUNCIO_ENVOY", value_hint = clap::ValueHint::ExecutablePath)]
    pub(crate) envoy: Option<PathBuf>,
    /// Envoy's worker threads [default: one for each core]
    #[arg(long, value_name = "N", env = "NUNCIO_CONCURRENCY", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) concurrency: Option<u32>,
    /// The Redis that counts what RateLimits limit: `redis://[[user]:password@]HOST:PORT`, `rediss://…`, `unix:PATH` [default:
    /// counts are kept in this process]
    #[arg(long, value_name = "URL", env = "NUNCIO_REDIS", hide_env_values = true)]
    pub(crate) redis: Option<String>,
    #[command(flatten)]
    pub(crate) limits: Limits,
    #[command(flatten)]
    pub(crate) stats: Stats,
    #[command(flatten)]
    pub(crate) drain: Drain,
    /// Longest time in seconds that requests, streams and upgraded connections go on which came by a Listener before a change of it, or of
    /// what its filters say
    #[arg(long, value_name = "SECONDS", default_value = "600", env = "NUNCIO_LISTENER_DRAIN_TIME",
        value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub(crate) listener_drain_time: u32,
    #[command(flatten)]
    pub(crate) portal: PortalArgs,
    #[command(flatten)]
    pub(crate) origins: OriginArgs,
    #[command(flatten)]
    pub(crate) status: StatusArgs,
    #[command(flatten)]
    pub(crate) webhook: WebhookArgs,
    #[command(flatten)]
    pub(crate) identity: Identity,
    #[command(flatten)]
    pub(crate) logs: Logs,
}

/// Whether the developer portal runs beside the gateway.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Developer portal")]
pub(crate) struct PortalArgs {
    /// Serve the developer portal of this gateway, too [default address: 127.0.0.1:8088]. Port 0 picks one
    #[arg(id = "portal", long = "portal", value_name = "ADDR", env = "NUNCIO_PORTAL", num_args = 0..=1,
        require_equals = true, default_missing_value = "127.0.0.1:8088")]
    pub(crate) address: Option<SocketAddr>,
    #[command(flatten)]
    pub(crate) settings: nuncio_portal::Settings,
}

/// Where a developer portal's pages are.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Developer portal")]
pub(crate) struct OriginArgs {
    /// An origin of developer portal pages, as in `https://developers.example.com`, from which requests may be sent to Mappings that
    /// say nothing of cors, with the cookies of who is logged in. May be given many times [default: the own portal's, without
    /// cookies]
    #[arg(long = "portal-origin", value_name = "ORIGIN", env = "NUNCIO_PORTAL_ORIGINS", value_delimiter = ',')]
    origins: Vec<PortalOrigins>,
    /// What Mappings call the portal, as in `portal.shop:8088` (a Service, its namespace and port), `10.1.2.3:8088`: what the gateway
    /// tells another service of who asks is worth nothing at the portal. May be given many times [default: the own portal's address]
    #[arg(long = "portal-audience", value_name = "NAME", env = "NUNCIO_PORTAL_AUDIENCE", value_delimiter = ',')]
    pub(crate) audiences: Vec<String>,
}

impl OriginArgs {
    /// What the portal is called that is at `own`, and those that are said.
    pub(crate) fn audiences(&self, own: Option<SocketAddr>) -> Vec<String> {
        own.map(nuncio_auth::audiences_at).into_iter().flatten().chain(self.audiences.iter().cloned()).collect()
    }

    /// Those that are said; else those of the portal at `own`, whom its own machine alone reaches.
    pub(crate) fn origins(self, own: Option<SocketAddr>) -> PortalOrigins {
        if !self.origins.is_empty() {
            let origins = self.origins.into_iter().flat_map(|one| one.origins).collect();
            return PortalOrigins { origins, credentials: true };
        }
        let own = own.filter(|own| own.ip().is_loopback());
        let origins = own.map(|own| vec![format!("http://{own}"), format!("http://localhost:{}", own.port())]);
        PortalOrigins { origins: origins.unwrap_or_default(), credentials: false }
    }
}

/// Where diagnostics are served, and for whom.
#[derive(Clone, Debug, Args)]
pub(crate) struct AdminArgs {
    /// Where to serve probes, metrics and diagnostics. Port 0 picks one
    #[arg(id = "admin", long, value_name = "ADDR", default_value = "127.0.0.1:8877", env = "NUNCIO_ADMIN")]
    pub(crate) address: SocketAddr,
    /// A host name that diagnostics are served as, besides addresses and localhost. May be given many times
    #[arg(long = "admin-host", value_name = "NAME", env = "NUNCIO_ADMIN_HOST", value_delimiter = ',')]
    pub(crate) names: Vec<String>,
    /// A file with the token that opens diagnostics to other machines, as to a portal in a pod of its own: 16 characters or more, and
    /// more than one line where it is being changed [default: they are for this machine alone, but for probes and metrics]
    #[arg(long = "admin-token-file", value_name = "FILE", env = SharedToken::OF_ADMIN, value_hint = clap::ValueHint::FilePath)]
    pub(crate) token_file: Option<PathBuf>,
    /// Diagnostics of the other gateways of the same objects, HOST:PORT: a name that stands for all of them will do, this one among
    /// them. Whoever is there is shown, in clear text, what is made of the token and opens what gateways ask each other of previews.
    /// What they see is told with what this one sees. May be given many times [default: this one alone]
    #[arg(long = "peers", value_name = "ADDR", env = "NUNCIO_PEERS", value_delimiter = ',', value_parser = peer)]
    pub(crate) peers: Vec<String>,
    /// Let whoever diagnostics are for change objects in the directory or the cluster, as the console's editor does
    #[arg(long, env = "NUNCIO_ALLOW_EDITS", value_parser = clap::builder::FalseyValueParser::new())]
    pub(crate) allow_edits: bool,
    /// Let the portal create, change and delete previews in the directory or the cluster: for whom and where the PreviewPolicy
    /// says. Whoever asks diagnostics for it on this machine is believed when he says for whom; from elsewhere the gateway's own
    /// signed word counts, for the portal (--portal-audience)
    #[arg(long, env = "NUNCIO_ALLOW_PREVIEWS", value_parser = clap::builder::FalseyValueParser::new())]
    pub(crate) allow_previews: bool,
    /// Write a JSON line to this file for each process that begins or ends to serve a preview (`nuncio preview serve`): who, what, how
    /// long, how many requests, why it ended; `-` for standard output [default: none]
    #[arg(long, value_name = "FILE", env = "NUNCIO_AUDIT", value_hint = clap::ValueHint::FilePath)]
    pub(crate) audit: Option<PathBuf>,
}

/// Where Envoy begins to refuse work rather than to fail.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Limits {
    /// Connections of clients beyond which Envoy accepts no more
    #[arg(long, value_name = "N", default_value = "50000", env = "NUNCIO_MAX_CONNECTIONS",
        value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) max_connections: u64,
    /// Envoy's heap in MiB near which it sheds load: requests from 93 %, connections from 95 % of it [default: no limit]
    #[arg(long, value_name = "MIB", env = "NUNCIO_MAX_HEAP", value_parser = clap::value_parser!(u64).range(64..))]
    pub(crate) max_heap: Option<u64>,
}

/// What Envoys count.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Stats {
    /// Have Envoys count requests, errors and latency of each route, for the console and their own metrics: some kilobytes of memory
    /// for each route and host [default: by service alone]
    #[arg(id = "route-stats", long = "route-stats", env = "NUNCIO_ROUTE_STATS",
        value_parser = clap::builder::FalseyValueParser::new())]
    pub(crate) by_route: bool,
}

/// How long requests in flight may take.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Drain {
    /// Longest time in seconds for requests in flight to finish: when stopping, and before a cluster goes that no route names
    /// any more (that is kept for 10 seconds at least)
    #[arg(long = "drain-time", value_name = "SECONDS", default_value = "10", env = "NUNCIO_DRAIN_TIME",
        value_parser = clap::value_parser!(u32).range(0..=3600))]
    seconds: u32,
}

impl Drain {
    /// Longest time for requests in flight.
    pub(crate) fn time(self) -> Duration {
        Duration::from_secs(self.seconds.into())
    }
}

/// Which objects are ours.
#[derive(Clone, Debug, Args)]
pub(crate) struct Identity {
    /// Serve the objects with this `ambassador_id` only
    #[arg(long, value_name = "ID", default_value = "default", env = "AMBASSADOR_ID")]
    pub(crate) ambassador_id: String,
    /// The namespace of the gateway, and of objects that name none [default: that of the pod, else default]
    #[arg(long, value_name = "NAME", env = "AMBASSADOR_NAMESPACE", value_parser = namespace_name)]
    pub(crate) namespace: Option<String>,
    /// Replace $NAME and ${NAME} in manifests from the environment, secrets in it included
    #[arg(long)]
    pub(crate) expand_environment: bool,
}

/// Host and port of another gateway's diagnostics.
fn peer(text: &str) -> Result<String, String> {
    let parsed: Option<http::uri::Authority> = text.parse().ok().filter(|_| !text.contains('@'));
    let is_whole = parsed.is_some_and(|parsed| !parsed.host().is_empty() && parsed.port_u16().is_some());
    let expected = "expected host and port of another gateway's diagnostics (its --admin), as in 10.1.2.3:8877";
    is_whole.then(|| text.to_owned()).ok_or_else(|| expected.to_owned())
}

/// A DNS label (RFC 1123), as Kubernetes has them; nothing where it is left to the default.
fn namespace_name(text: &str) -> Result<String, String> {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_label = text.len() <= 63 && text.bytes().all(inner) && !text.starts_with('-') && !text.ends_with('-');
    let rule = "no namespace can be called so: at most 63 of a-z, 0-9 and -, the latter neither first nor last";
    if is_label { Ok(text.to_owned()) } else { Err(rule.to_owned()) }
}

/// What to log.
#[derive(Clone, Debug, Args)]
pub(crate) struct Logs {
    /// Shape of log lines: text or json
    #[arg(long, value_name = "FORMAT", default_value = "text", env = "NUNCIO_LOG_FORMAT",
        value_parser = clap::builder::PossibleValuesParser::new(["text", "json"]).try_map(|text| text.parse::<LogFormat>()))]
    pub(crate) log_format: LogFormat,
    /// A level (error, warn, info, debug, trace), or levels by module: `info,nuncio_xds=debug`
    #[arg(long, value_name = "FILTER", env = "NUNCIO_LOG")]
    pub(crate) log_level: Option<String>,
}

const CONTROLLER_HELP: &str = "\
Examples:
  nuncio controller manifests --xds 0.0.0.0:8003
  nuncio controller manifests --xds unix:/run/nuncio/xds.sock
  nuncio controller --kubernetes --kubeconfig ~/.kube/config --context test
  nuncio controller manifests --authz authz.edge:8500       with `nuncio authz --xds CONTROLLER:8003 --grpc 0.0.0.0:8500`

Envoys connect by delta or state-of-the-world ADS. The protocol has no authentication: keep the address private.";

/// What `nuncio controller` is told.
#[derive(Debug, Args)]
#[command(after_help = CONTROLLER_HELP)]
pub(crate) struct ControllerArgs {
    #[command(flatten)]
    pub(crate) place: Place,
    #[command(flatten)]
    pub(crate) zone: ZoneArgs,
    /// Where Envoys connect: ADDRESS:PORT, or unix:PATH
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8003", env = "NUNCIO_XDS", value_parser = xds_address)]
    pub(crate) xds: XdsAddress,
    /// Where Envoys find the service that decides by Filters (`nuncio authz --xds`, with the address above): HOST:PORT, or
    /// unix:PATH [default: none, and what FilterPolicies are for is refused]
    #[arg(long, value_name = "ADDR", env = "NUNCIO_AUTHZ_SERVICE")]
    pub(crate) authz: Option<ServiceAddress>,
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
    #[command(flatten)]
    pub(crate) status: StatusArgs,
    #[command(flatten)]
    pub(crate) webhook: WebhookArgs,
    #[command(flatten)]
    pub(crate) origins: OriginArgs,
    /// The address that Listeners bind to
    #[arg(long, value_name = "IP", default_value = "0.0.0.0", env = "AMBASSADOR_ENVOY_BIND_ADDRESS")]
    pub(crate) bind: IpAddr,
    #[command(flatten)]
    pub(crate) stats: Stats,
    #[command(flatten)]
    pub(crate) drain: Drain,
    #[command(flatten)]
    pub(crate) identity: Identity,
    #[command(flatten)]
    pub(crate) logs: Logs,
}

/// `unix:/path`, or `address:port`.
fn xds_address(text: &str) -> Result<XdsAddress, String> {
    match text.strip_prefix("unix:") {
        Some("") => Err("a path has to follow unix:".to_owned()),
        Some(path) => Ok(XdsAddress::Unix(path.into())),
        None => text.parse().map(XdsAddress::Tcp).map_err(|_| "neither ADDRESS:PORT nor unix:PATH".to_owned()),
    }
}

/// What the process between us and Envoy is told.
#[derive(Debug, Args)]
pub(crate) struct EnvoyChildArgs {
    /// The process to die with
    pub(crate) parent: u32,
    /// What to become
    pub(crate) program: PathBuf,
    /// Its arguments
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) args: Vec<OsString>,
}
