//! What `nuncio preview` is told.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand};

use super::{ClusterArgs, Format, Identity, Origin, portal_at, to_ask_at};

const HELP: &str = "\
Examples:
  nuncio preview list manifests
  nuncio preview create cart-pr-42.yaml manifests
  nuncio preview create cart-pr-42.yaml --server https://portal.example.com    as whom NUNCIO_TOKEN says
  open $(nuncio preview url shop/cart-pr-42 --admin 127.0.0.1:8877)
  nuncio preview share shop/cart-pr-42 --ttl 72h --admin 127.0.0.1:8877
  nuncio preview share shop/cart-pr-42 --withdraw --admin 127.0.0.1:8877
  nuncio preview extend shop/cart-pr-42 --ttl 72h --server https://portal.example.com
  nuncio preview logs shop/cart-pr-42 --follow --admin 127.0.0.1:8877
  nuncio preview doctor shop/cart-pr-42 --path /api/carts/ann --admin 127.0.0.1:8877
  nuncio preview mesh shop/cart-pr-42 --admin 127.0.0.1:8877 | kubectl apply -f -
  nuncio preview delete shop/cart-pr-42 --server https://portal.example.com
  nuncio preview serve shop/cart-pr-42 --port 8080 --server https://portal.example.com

Exit code: 0 if it was done, 1 if it was not, 2 if it was called wrongly.";

/// Previews: which there are, and changes of them.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct PreviewArgs {
    #[command(subcommand)]
    pub(crate) command: PreviewCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PreviewCommand {
    /// List previews and where they can be seen
    List(PreviewListArgs),
    /// Print the URLs of a preview, a line each; exit code 1 if it has none
    Url(PreviewNamedArgs),
    /// Make a preview be as a manifest says, whether it is there yet or not, and print its URLs
    Create(PreviewCreateArgs),
    /// Print links by which whoever has one sees a preview whose access mode is `ShareLink`, a line each; or withdraw them all
    Share(PreviewShareArgs),
    /// Have a preview shown for longer, and print when it ends
    Extend(PreviewExtendArgs),
    /// Print what has happened to a preview, and how many requests it has got
    Logs(PreviewLogsArgs),
    /// Follow a request of a preview through the services, and tell where its key was handed on, or lost; exit code 1 if it
    /// did not arrive everywhere, or nobody stands in for a service
    Doctor(PreviewDoctorArgs),
    /// Print the routes by which a mesh leads calls of services to a preview, for `kubectl apply`: `HTTPRoute`s of the Gateway
    /// API whose parent is a Service
    Mesh(PreviewNamedArgs),
    /// Take a preview away
    Delete(PreviewNamedArgs),
    /// Have a process of this machine stand in for a service of a preview, until it is interrupted
    Serve(PreviewServeArgs),
}

/// Where previews are.
#[derive(Clone, Debug, Args)]
#[command(group = ArgGroup::new("previews").args(["dir", "admin", "server", "kubernetes"]).required(true))]
pub(crate) struct PreviewPlace {
    /// The directory of manifests
    #[arg(value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub(crate) dir: Option<PathBuf>,
    /// The diagnostics of a gateway that runs: previews are changed there if it was started with --allow-previews
    #[arg(long, value_name = "ADDR", value_parser = to_ask_at)]
    pub(crate) admin: Option<String>,
    /// The portal behind a gateway, as in `https://portal.example.com`
    #[arg(long, value_name = "URL", value_parser = portal_at, value_hint = clap::ValueHint::Url)]
    pub(crate) server: Option<String>,
    /// The file with the token for --server [default: the variable `NUNCIO_TOKEN`]
    #[arg(long, value_name = "FILE", requires = "server", value_hint = clap::ValueHint::FilePath)]
    pub(crate) token_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
    #[command(flatten)]
    pub(crate) identity: Identity,
}

impl PreviewPlace {
    /// Where those are found that are no server's.
    pub(crate) fn origin(&self) -> Origin {
        Origin { dir: self.dir.clone(), admin: self.admin.clone(), cluster: self.cluster.clone() }
    }
}

/// What `nuncio preview list` is told.
#[derive(Debug, Args)]
pub(crate) struct PreviewListArgs {
    #[command(flatten)]
    pub(crate) place: PreviewPlace,
    /// How to print
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    pub(crate) output: Format,
}

/// Which preview.
#[derive(Debug, Args)]
pub(crate) struct PreviewNamedArgs {
    /// The Preview, as NAME or NAMESPACE/NAME
    #[arg(value_name = "PREVIEW")]
    pub(crate) preview: String,
    #[command(flatten)]
    pub(crate) place: PreviewPlace,
}

/// What `nuncio preview share` is told.
#[derive(Debug, Args)]
pub(crate) struct PreviewShareArgs {
    #[command(flatten)]
    pub(crate) named: PreviewNamedArgs,
    /// How long the links are good: at most 720h, and never longer than the preview [default: 24h]
    #[arg(long, value_name = "DURATION")]
    pub(crate) ttl: Option<String>,
    /// Make none: no link to it that there is lets anybody in from now on, nor who has followed one
    #[arg(long, conflicts_with = "ttl")]
    pub(crate) withdraw: bool,
}

/// What `nuncio preview extend` is told.
#[derive(Debug, Args)]
pub(crate) struct PreviewExtendArgs {
    #[command(flatten)]
    pub(crate) named: PreviewNamedArgs,
    /// For how long from now, up to what the PreviewPolicy lets it be [default: as long as to begin with]
    #[arg(long, value_name = "DURATION")]
    pub(crate) ttl: Option<nuncio_api::Duration>,
}

/// What `nuncio preview logs` is told.
#[derive(Debug, Args)]
pub(crate) struct PreviewLogsArgs {
    #[command(flatten)]
    pub(crate) named: PreviewNamedArgs,
    /// Go on with what comes, until the preview is gone
    #[arg(short, long)]
    pub(crate) follow: bool,
}

/// What `nuncio preview doctor` is told.
#[derive(Debug, Args)]
pub(crate) struct PreviewDoctorArgs {
    #[command(flatten)]
    pub(crate) named: PreviewNamedArgs,
    /// What to ask for, by GET, at the host of the first entrypoint
    #[arg(long, value_name = "PATH", default_value = "/")]
    pub(crate) path: String,
    /// How to print
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    pub(crate) output: Format,
}

/// What `nuncio preview create` is told.
#[derive(Debug, Args)]
pub(crate) struct PreviewCreateArgs {
    /// The manifest: a file, or - for standard input
    #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(crate) manifest: String,
    #[command(flatten)]
    pub(crate) place: PreviewPlace,
}

const SERVE_HELP: &str = "\
Examples:
  nuncio preview serve shop/tax --service cart --port 8080 --server https://portal.example.com
  nuncio preview serve shop/tax --port 50051 --http2 --server https://portal.example.com --token-file token

The Preview has `tunnel: true` in the place of the service's `backend`, and the PreviewPolicy `tunnels: true`. Who you are says
NUNCIO_TOKEN. Nothing has to reach this machine: the one connection goes out, to the portal. When it breaks it is made again; meanwhile
the preview does what `whenMissing` says. A request is a line: method, path, status, time.

Exit code: 0 if it was interrupted, 1 if the gateway refused it, 2 if it was called wrongly.";

/// What `nuncio preview serve` is told.
#[derive(Clone, Debug, Args)]
#[command(after_help = SERVE_HELP)]
pub(crate) struct PreviewServeArgs {
    /// The Preview, as NAMESPACE/NAME, or as NAME of the namespace default
    #[arg(value_name = "PREVIEW")]
    pub(crate) preview: String,
    /// The service, as the Preview's `baseline` names it [default: the only one that has `tunnel: true`]
    #[arg(long, value_name = "SERVICE")]
    pub(crate) service: Option<String>,
    /// The port of 127.0.0.1 at which the process listens
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) port: u16,
    /// The portal behind a gateway, as in `https://portal.example.com`
    #[arg(long, value_name = "URL", value_parser = portal_at, value_hint = clap::ValueHint::Url)]
    pub(crate) server: String,
    /// The file with the token for it [default: the variable `NUNCIO_TOKEN`]
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(crate) token_file: Option<PathBuf>,
    /// Take over from whoever serves it now
    #[arg(long)]
    pub(crate) replace: bool,
    /// Speak HTTP/2 to the process (without TLS); gRPC is passed on so anyway
    #[arg(long)]
    pub(crate) http2: bool,
    /// How many gateways there are behind the portal's address: one connection is made to each
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=32))]
    pub(crate) gateways: u8,
    /// Print no requests
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_has_examples_and_nothing_between_them() {
        let examples: Vec<_> = HELP.lines().skip(1).take_while(|line| !line.is_empty()).collect();
        assert!(examples.iter().all(|line| line.contains("nuncio preview ")), "{examples:#?}");
        assert!(HELP.lines().skip(2 + examples.len()).all(|line| line.starts_with("Exit code")), "{HELP}");
    }
}
