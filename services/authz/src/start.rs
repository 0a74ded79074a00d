//! The process: flags, logs, signals.

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use nuncio_telemetry::{Metrics, Traces};

use crate::ask::{Question, User};
use crate::run::Service;
use crate::settings::Settings;

/// What `authz` and `nuncio authz` are told.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Say how a running service decides on a request, and which filter why
    Explain(Question),
    /// End all sessions of a user
    EndSessions(User),
}

/// Login and API protection for Envoy, nginx and Traefik.
#[derive(Debug, Parser)]
#[command(name = "authz", version)]
struct Cli {
    #[command(flatten)]
    arguments: Arguments,
}

/// Does what the command line of this process says.
///
/// # Errors
/// When it cannot be done.
pub fn main() -> anyhow::Result<()> {
    start(Cli::parse().arguments)
}

/// Runs the service until it is told to stop, or asks one that runs.
///
/// # Errors
/// When the settings or the machine do not allow it.
pub fn start(arguments: Arguments) -> anyhow::Result<()> {
    // Fails only where one is in place already, which does as well.
    _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start")?;
    runtime.block_on(async {
        match arguments.command {
            Some(Command::Explain(question)) => question.ask().await,
            Some(Command::EndSessions(user)) => user.end_sessions().await,
            None => serve(arguments.settings).await,
        }
    })
}

async fn serve(settings: Settings) -> anyhow::Result<()> {
    let options = nuncio_telemetry::Options {
        service: "nuncio-authz",
        format: settings.log_format,
        filter: settings.log.clone(),
        traces: Traces::of_environment(),
    };
    let run = async |stop| Ok(Service::new(settings).await?.run(Metrics::new("nuncio-authz"), stop).await?);
    nuncio_telemetry::serve(options, run).await
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
        Cli::try_parse_from(["authz", "--rules", "f.json"]).unwrap();
        Cli::try_parse_from(["authz", "explain", "http://a/", "--rules", "s"]).unwrap();
        Cli::try_parse_from(["authz", "explain", "http://a/"]).unwrap();
        Cli::try_parse_from(["authz", "explain"]).unwrap_err();
        Cli::try_parse_from(["authz", "end-sessions", "https://idp", "ann", "--admin", "/run/a.sock"]).unwrap();
    }
}
