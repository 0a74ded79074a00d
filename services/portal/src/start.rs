//! The process: flags, logs, signals.

use anyhow::Context;
use clap::{Args, Parser};
use nuncio_telemetry::{LogFormat, SharedToken, Traces};
use tokio::net::TcpListener;

use crate::settings::{Cluster, Settings};

/// What `portal` and `nuncio portal` are told.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Where to serve
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8088", env = "NUNCIO_PORTAL_LISTEN")]
    listen: std::net::SocketAddr,
    /// The admin address of the gateway's controller
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8877", env = "NUNCIO_PORTAL_ADMIN", value_parser = admin_address)]
    admin: String,
    /// A file with the token that opens it, where the gateway runs on another machine, or in another pod: that of its own
    /// --admin-token-file
    #[arg(long, value_name = "FILE", env = SharedToken::OF_ADMIN, value_hint = clap::ValueHint::FilePath)]
    admin_token_file: Option<std::path::PathBuf>,
    /// What Mappings call this portal, as in `portal.shop:8088` (a Service, its namespace and port), `10.1.2.3:8088`: what the gateway
    /// tells another service of who asks is worth nothing here. May be given many times [default: the address of --listen]
    #[arg(long = "portal-audience", value_name = "NAME", env = "NUNCIO_PORTAL_AUDIENCE", value_delimiter = ',')]
    audiences: Vec<String>,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    cluster: Cluster,
    /// Shape of log lines: text or json
    #[arg(long, value_name = "FORMAT", default_value = "text", env = "NUNCIO_LOG_FORMAT", value_parser = log_format)]
    log_format: LogFormat,
    /// A level (error, warn, info, debug, trace), or levels by module
    #[arg(long, value_name = "FILTER", default_value = "info", env = "NUNCIO_LOG")]
    log_level: String,
}

/// Host and port of a controller.
fn admin_address(text: &str) -> Result<String, String> {
    const EXPECTED: &str = "expected host and port of the controller's diagnostics (its --admin), as in 127.0.0.1:8877";
    if text.starts_with("https://") {
        return Err(format!("{EXPECTED}: they speak clear text, so keep both on loopback or in one network policy"));
    }
    let authority = text.strip_prefix("http://").unwrap_or(text).trim_end_matches('/');
    let parsed: Option<http::uri::Authority> = authority.parse().ok().filter(|_| !authority.contains(['@', '/']));
    let has_port = parsed.is_some_and(|parsed| !parsed.host().is_empty() && parsed.port_u16().is_some());
    has_port.then(|| authority.to_owned()).ok_or_else(|| EXPECTED.to_owned())
}

fn log_format(text: &str) -> Result<LogFormat, String> {
    text.parse().map_err(|_| "expected text or json".to_owned())
}

/// The developer portal of a gateway.
#[derive(Debug, Parser)]
#[command(name = "portal", version)]
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

/// Runs the portal until it is told to stop.
///
/// # Errors
/// When the settings or the machine do not allow it.
pub fn start(arguments: Arguments) -> anyhow::Result<()> {
    // Fails only where one is in place already, which does as well.
    _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start")?;
    runtime.block_on(serve(arguments))
}

async fn serve(arguments: Arguments) -> anyhow::Result<()> {
    let Arguments { listen, admin, admin_token_file, audiences, mut settings, cluster, log_format, log_level } =
        arguments;
    settings.cluster = cluster;
    settings.admin_token = admin_token_file.map(SharedToken::File);
    let traces = Traces::of_environment();
    let options = nuncio_telemetry::Options { service: "nuncio-portal", format: log_format, filter: log_level, traces };
    let run = async |stop| {
        let listener = TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
        let address = listener.local_addr()?;
        tracing::info!("the portal is at http://{address}/docs/");
        // Whoever says what Mappings call it may run it elsewhere than the gateway, where a loopback address is another's.
        let names = Some(audiences).filter(|names| !names.is_empty());
        settings.audiences = names.unwrap_or_else(|| nuncio_auth::audiences_at(address));
        Ok(crate::run(settings, &admin, None, listener, stop).await?)
    };
    nuncio_telemetry::serve(options, run).await
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
        Cli::try_parse_from(["portal", "--admin", "127.0.0.1:1", "--published-port", "8443:443"]).unwrap();
        Cli::try_parse_from(["portal", "--published-port", "8443"]).unwrap_err();
    }

    #[test]
    fn a_controller_is_at_a_host_and_a_port() {
        for good in ["127.0.0.1:8877", "nuncio-admin.nuncio:8877", "[::1]:1", "http://127.0.0.1:8877/"] {
            let arguments = Cli::try_parse_from(["portal", "--admin", good]).unwrap().arguments;
            assert_eq!(arguments.admin, good.trim_start_matches("http://").trim_end_matches('/'));
        }
        for bad in ["nonsense", "", "127.0.0.1", "https://a:1", "a:b", "a:1/x", "me@a:1", ":1", "a:99999", "a b:1"] {
            let error = Cli::try_parse_from(["portal", "--admin", bad]).unwrap_err().to_string();
            assert!(error.contains("--admin") && error.contains("127.0.0.1:8877"), "{bad}: {error}");
        }
    }
}
