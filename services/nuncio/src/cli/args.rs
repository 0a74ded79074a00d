//! Every argument, its default and the environment variable that sets it too.

use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::TypedValueParser;
use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, Parser, Subcommand, ValueEnum};
use nuncio_controller::{ServiceAddress, XdsAddress};
use nuncio_telemetry::LogFormat;

use super::{ClusterArgs, Place, RatelimitArgs, StatusArgs, WebhookArgs, ZoneArgs};

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

const EXAMPLES: &str = "\
Examples:
  nuncio up examples/shop                 serve a directory of manifests, and follow its changes
  nuncio check examples/shop              what is wrong in it? (exit code 1 if anything is)
  nuncio explain http://shop.localhost:8080/api/carts/ann examples/shop
                                          which route does this request get, and why?
  nuncio routes --admin 127.0.0.1:8877    what is a running gateway serving?
  source <(nuncio completions bash)       complete commands and flags in this shell

A first manifest, to save as hello/hello.yaml and run with `nuncio up hello`:

apiVersion: getambassador.io/v3alpha1
kind: Listener
metadata: {name: http}
spec: {port: 8080, protocol: HTTP, securityModel: XFP, hostBinding: {namespace: {from: ALL}}}
---
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: hello}
spec: {hostname: \"*\", prefix: /hello/, service: http://127.0.0.1:8000}

Each command has a --help of its own.";

/// An edge gateway on Envoy that is configured by Ambassador manifests.
#[derive(Debug, Parser)]
#[command(name = "nuncio", version, styles = STYLES, after_help = EXAMPLES, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve manifests: the controller, and an Envoy that it looks after
    Up(Box<UpArgs>),
    /// Run the controller alone, for Envoys that are started elsewhere
    Controller(Box<ControllerArgs>),
    /// Say what is wrong with manifests
    Check(CheckArgs),
    /// Look for what may keep a gateway from its work, and say what to do about it
    Doctor(Box<DoctorArgs>),
    /// Say which route a request gets, and why
    Explain(ExplainArgs),
    /// List routes in the order in which they are tried
    Routes(RoutesArgs),
    /// Print what Envoy would be sent, as JSON without private keys
    EnvoyConfig(EnvoyConfigArgs),
    /// Print the custom resource definitions for a Kubernetes cluster
    Crds(Box<crate::crds::CrdsArgs>),
    /// Serve Envoy's global rate limits, set up by the environment variables of envoyproxy/ratelimit, or ask about them
    Ratelimit(RatelimitArgs),
    /// Log users in and check tokens and keys for Envoy; or say why a request is decided on as it is
    Authz(Box<nuncio_authz::Arguments>),
    /// Show developers every API that a gateway serves, with its documentation
    Portal(Box<nuncio_portal::Arguments>),
    /// Print a completion script for a shell
    Completions {
        /// The shell to complete in
        shell: clap_complete::Shell,
    },
    /// Print the version
    Version,
    /// Become an Envoy that does not outlive the process which started it
    #[command(hide = true)]
    EnvoyChild(EnvoyChildArgs),
}

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
    pub(crate) drain: Drain,
    #[command(flatten)]
    pub(crate) portal: PortalArgs,
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

/// Where diagnostics are served, and for whom.
#[derive(Clone, Debug, Args)]
pub(crate) struct AdminArgs {
    /// Where to serve probes, metrics and diagnostics. Port 0 picks one
    #[arg(id = "admin", long, value_name = "ADDR", default_value = "127.0.0.1:8877", env = "NUNCIO_ADMIN")]
    pub(crate) address: SocketAddr,
    /// A host name that diagnostics are served as, besides addresses and localhost. May be given many times
    #[arg(long = "admin-host", value_name = "NAME", env = "NUNCIO_ADMIN_HOST", value_delimiter = ',')]
    pub(crate) names: Vec<String>,
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
    /// The address that Listeners bind to
    #[arg(long, value_name = "IP", default_value = "0.0.0.0", env = "AMBASSADOR_ENVOY_BIND_ADDRESS")]
    pub(crate) bind: IpAddr,
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

/// How to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A table for people
    Text,
    /// JSON, as the diagnostics API has it
    Json,
}

const CHECK_HELP: &str = "\
Examples:
  nuncio check manifests
  nuncio check manifests -o json | jq '.items[] | select(.severity == \"error\")'

Exit code: 0 if nothing is wrong (warnings are allowed), 1 if something is, 2 if the manifests cannot be read.";

/// What `nuncio check` is told.
#[derive(Debug, Args)]
#[command(after_help = CHECK_HELP)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub(crate) place: Place,
    /// How to print
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    pub(crate) output: Format,
    #[command(flatten)]
    pub(crate) identity: Identity,
}

const DOCTOR_HELP: &str = "\
Examples:
  nuncio doctor --kubernetes --namespace nuncio --service-account nuncio
  kubectl --namespace nuncio exec deploy/nuncio -- nuncio doctor --kubernetes
  nuncio doctor manifests                             Envoy, ports, certificates, objects, before nuncio up
  nuncio doctor --kubernetes -o json | jq '.checks[] | select(.outcome == \"failed\")'

Nothing is changed. Exit code: 0 if nothing has failed (warnings are allowed), 1 if something has, 2 if it was called wrongly.";

/// What `nuncio doctor` is told.
#[derive(Debug, Args)]
#[command(after_help = DOCTOR_HELP)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    pub(crate) place: Place,
    /// The address that Listeners would bind to
    #[arg(long, value_name = "IP", default_value = "0.0.0.0", env = "AMBASSADOR_ENVOY_BIND_ADDRESS")]
    pub(crate) bind: IpAddr,
    /// The diagnostics of a gateway that runs. May be given many times [default: the one of the environment,
    /// for a directory else 127.0.0.1:8877, if it answers]
    #[arg(long, value_name = "ADDR")]
    pub(crate) admin: Vec<String>,
    /// The Envoy to look at [default: the one that nuncio up would run]
    #[arg(long, value_name = "FILE", env = "NUNCIO_ENVOY", value_hint = clap::ValueHint::ExecutablePath)]
    pub(crate) envoy: Option<PathBuf>,
    /// The gateway's ServiceAccount, to look at its permissions [default: those of whoever asks]
    #[arg(long, value_name = "[NAMESPACE/]NAME", help_heading = "Kubernetes")]
    pub(crate) service_account: Option<String>,
    /// The Service of the gateway's webhook
    #[arg(
        long,
        value_name = "NAME",
        default_value = "nuncio-webhook",
        env = "NUNCIO_WEBHOOK_SERVICE",
        help_heading = "Kubernetes"
    )]
    pub(crate) webhook_service: String,
    /// The ValidatingWebhookConfiguration of the gateway's webhook
    #[arg(long, value_name = "NAME", env = "NUNCIO_WEBHOOK_CONFIGURATION", help_heading = "Kubernetes")]
    pub(crate) webhook_configuration: Option<String>,
    /// The gateway writes no statuses
    #[arg(long, env = "NUNCIO_NO_STATUS", value_parser = clap::builder::FalseyValueParser::new(), help_heading = "Kubernetes")]
    pub(crate) no_status: bool,
    /// How to print
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    pub(crate) output: Format,
    #[command(flatten)]
    pub(crate) identity: Identity,
}

/// Where to look: in a directory or a cluster, or at a running gateway.
#[derive(Debug, Args)]
pub(crate) struct Origin {
    /// The directory of manifests
    #[arg(value_name = "DIR", value_hint = clap::ValueHint::DirPath, required_unless_present_any = ["admin", "kubernetes"],
        conflicts_with_all = ["admin", "kubernetes"])]
    pub(crate) dir: Option<PathBuf>,
    /// The admin address of a running gateway
    #[arg(long, value_name = "ADDR", conflicts_with = "kubernetes")]
    pub(crate) admin: Option<String>,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}

const EXPLAIN_HELP: &str = "\
Examples:
  nuncio explain https://shop.example.com:8443/cart/7 manifests
  nuncio explain localhost:8080/orders/ -X POST -H 'x-version: 2' --admin 127.0.0.1:8877
  nuncio explain https://pay.example.com:8443/ --client-cert manifests
  nuncio explain https://pay.example.com:8443/ --sni shop.example.com manifests
                                          a request on a connection that was opened for another name
  nuncio explain tls://db.example.com:5432 manifests
                                          which TCPMapping gets the connection?

Shows the listener, the host, the route and the cluster, and the routes that lost and why. Sends no request.
Exit code: 0, or 1 if no Listener is on the port (the scheme's where the URL names none).";

/// What `nuncio explain` is told.
#[derive(Debug, Args)]
#[command(after_help = EXPLAIN_HELP)]
pub(crate) struct ExplainArgs {
    /// The URL of the request; http:// may be left out. Or tcp://HOST:PORT, tls://HOST:PORT
    #[arg(value_name = "URL", value_hint = clap::ValueHint::Url)]
    pub(crate) url: String,
    #[command(flatten)]
    pub(crate) origin: Origin,
    /// The method of the request
    #[arg(short = 'X', long = "request", value_name = "METHOD", default_value = "GET")]
    pub(crate) method: String,
    /// A header of the request, as in 'x-version: 2'. May be given many times
    #[arg(short = 'H', long = "header", value_name = "HEADER")]
    pub(crate) headers: Vec<String>,
    /// The server name in the TLS handshake [default: the name in the URL]
    #[arg(long, value_name = "NAME")]
    pub(crate) sni: Option<String>,
    /// The client presents a certificate that its Host trusts
    #[arg(long)]
    pub(crate) client_cert: bool,
    /// How to print
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    pub(crate) output: Format,
    #[command(flatten)]
    pub(crate) identity: Identity,
}

const ROUTES_HELP: &str = "\
Examples:
  nuncio routes manifests
  nuncio routes manifests --host shop.example.com
  nuncio routes --admin 127.0.0.1:8877 -o json";

/// What `nuncio routes` is told.
#[derive(Debug, Args)]
#[command(after_help = ROUTES_HELP)]
pub(crate) struct RoutesArgs {
    #[command(flatten)]
    pub(crate) origin: Origin,
    /// Only the routes of this host name
    #[arg(long, value_name = "NAME")]
    pub(crate) host: Option<String>,
    /// At most this many
    #[arg(long, value_name = "N", default_value = "1000")]
    pub(crate) limit: usize,
    /// How to print
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    pub(crate) output: Format,
    #[command(flatten)]
    pub(crate) identity: Identity,
}

/// What `nuncio envoy-config` is told.
#[derive(Debug, Args)]
pub(crate) struct EnvoyConfigArgs {
    #[command(flatten)]
    pub(crate) place: Place,
    #[command(flatten)]
    pub(crate) zone: ZoneArgs,
    #[command(flatten)]
    pub(crate) identity: Identity,
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
