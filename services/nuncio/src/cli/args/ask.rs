//! The commands that answer a question, of manifests, a cluster or a running gateway.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{ArgGroup, Args, ValueEnum};

use super::{Identity, to_ask_at};
use crate::cli::{ClusterArgs, Place, ZoneArgs};

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
  nuncio check cart.yaml                              a file
  kubectl kustomize . | nuncio check -                what comes in
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
    #[arg(long, value_name = "ADDR", value_parser = to_ask_at)]
    pub(crate) admin: Vec<String>,
    /// The Envoy to look at [default: the one that nuncio up would run]
    #[arg(long, value_name = "FILE", env = "NUNCIO_ENVOY", value_hint = clap::ValueHint::ExecutablePath)]
    pub(crate) envoy: Option<PathBuf>,
    /// The Redis of the gateway, as `nuncio up` is told of it
    #[arg(long, value_name = "URL", env = "NUNCIO_REDIS", hide_env_values = true)]
    pub(crate) redis: Option<String>,
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
    /// The gateway lets its console change objects
    #[arg(long, env = "NUNCIO_ALLOW_EDITS", value_parser = clap::builder::FalseyValueParser::new(), help_heading = "Kubernetes")]
    pub(crate) allow_edits: bool,
    /// The gateway was started with --allow-previews: it needs permissions to create, change and delete Previews
    #[arg(long, env = "NUNCIO_ALLOW_PREVIEWS", value_parser = clap::builder::FalseyValueParser::new(), help_heading = "Kubernetes")]
    pub(crate) allow_previews: bool,
    /// The gateway writes no statuses
    #[arg(long, env = "NUNCIO_NO_STATUS", value_parser = clap::builder::FalseyValueParser::new(), help_heading = "Kubernetes")]
    pub(crate) no_status: bool,
    /// The gateway writes the status of Mappings
    #[arg(long, value_name = "BOOL", default_value = "true", action = clap::ArgAction::Set, help_heading = "Kubernetes",
        env = "AMBASSADOR_UPDATE_MAPPING_STATUS", value_parser = clap::builder::BoolishValueParser::new())]
    pub(crate) mapping_status: bool,
    /// How to print
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    pub(crate) output: Format,
    #[command(flatten)]
    pub(crate) identity: Identity,
}

/// Where to look: in a directory or a cluster, or at a running gateway.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("origin").args(["dir", "admin", "kubernetes"]).required(true))]
pub(crate) struct Origin {
    /// The directory of manifests
    #[arg(value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub(crate) dir: Option<PathBuf>,
    /// The admin address of a running gateway
    #[arg(long, value_name = "ADDR", value_parser = to_ask_at)]
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
  nuncio explain https://shop.example.com/ --published-port 8443:443 manifests
                                          a request that a load balancer takes at another port
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
    /// A port that clients know by another number, as LISTENER:PUBLIC (8443:443): a URL with the latter is asked about at the former. May
    /// be given many times
    #[arg(long = "published-port", value_name = "PORT:PORT", env = "NUNCIO_PORTAL_PUBLISHED_PORTS",
        value_delimiter = ',', value_parser = nuncio_portal::published_port)]
    pub(crate) published_ports: Vec<(u16, u16)>,
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
  nuncio routes manifests -o wide                     nothing is cut to the width of the terminal
  nuncio routes --admin 127.0.0.1:8877 -o json";

/// How to print a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TableFormat {
    /// A table for people: on a terminal as wide as that is, with … where something is left out
    Text,
    /// The same, with all that there is
    Wide,
    /// JSON, as the diagnostics API has it
    Json,
}

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
    #[arg(short, long, value_enum, default_value_t = TableFormat::Text)]
    pub(crate) output: TableFormat,
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
