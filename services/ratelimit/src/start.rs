//! The process: settings, logs, signals.

use anyhow::Context;
use nuncio_telemetry::LogFormat;

use crate::settings::{Environment, Settings, ignored};

/// Runs the service as the environment says, until it is told to stop.
///
/// # Errors
/// When the environment or the machine does not allow it.
pub fn main() -> anyhow::Result<()> {
    let lookup = |name: &str| std::env::var(name).ok();
    let environment = Environment::new(&lookup);
    let settings = Settings::read(&environment)?;
    // Fails only where one is in place already, which does as well.
    _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start")?;
    runtime.block_on(async {
        let options = nuncio_telemetry::Options {
            service: "nuncio-ratelimit",
            format: if settings.log_json { LogFormat::Json } else { LogFormat::Text },
            filter: level(&settings.log_level),
            traces: settings.traces.clone(),
        };
        let telemetry = nuncio_telemetry::init(options)?;
        for (name, reason) in ignored(&environment) {
            tracing::warn!("{name} changes nothing: {reason}");
        }
        let stop = nuncio_telemetry::shutdown_on_signal()?;
        crate::run(settings, stop).await?;
        telemetry.flush().await;
        Ok(())
    })
}

/// The level in the words of the original's logger, or directives as they are.
fn level(name: &str) -> String {
    match name.to_ascii_lowercase().as_str() {
        "panic" | "fatal" => "error".to_owned(),
        "warning" => "warn".to_owned(),
        other => other.to_owned(),
    }
}
