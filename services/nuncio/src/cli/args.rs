//! Every argument, its default and the environment variable that sets it too.

mod address;
mod ask;
mod serve;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Parser, Subcommand};

pub(crate) use self::address::{portal_at, to_ask_at};
pub(crate) use self::ask::{
    CheckArgs, DoctorArgs, EnvoyConfigArgs, ExplainArgs, Format, Origin, RoutesArgs, TableFormat,
};
pub(crate) use self::serve::{
    ControllerArgs, Drain, EnvoyChildArgs, Identity, Limits, Logs, OriginArgs, PortalArgs, UpArgs,
};
use super::{PortalServiceArgs, PreviewArgs, RatelimitArgs};

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

const EXAMPLES: &str = "\
Examples:
  nuncio up manifests                     serve a directory of manifests, and follow its changes
  nuncio check manifests                  what is wrong in it? (exit code 1 if anything is)
  nuncio explain http://shop.localhost:8080/api/carts/ann manifests
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
    #[command(alias = "/bin/ratelimit")]
    // as a compose file's `command` has it, which is put behind the image's entrypoint
    Ratelimit(RatelimitArgs),
    /// Log users in and check tokens and keys for Envoy; or say why a request is decided on as it is
    Authz(Box<nuncio_authz::Arguments>),
    /// Show developers every API that a gateway serves, with its documentation; or say what has changed in a document
    Portal(Box<PortalServiceArgs>),
    /// List previews of branches and where they can be seen, create and delete them
    Preview(PreviewArgs),
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
