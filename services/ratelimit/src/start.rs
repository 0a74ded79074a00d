//! The process: settings, logs, signals.

use anyhow::Context;
use nuncio_telemetry::LogFormat;

use crate::announce;
use crate::run::Observed;
use crate::settings::{Environment, SettingError, Settings};

/// Runs the service as the environment says, until it is told to stop.
///
/// # Errors
/// When the environment or the machine does not allow it.
pub fn main() -> anyhow::Result<()> {
    let lookup = |name: &str| std::env::var(name).ok();
    let settings = Settings::read(&Environment::new(lookup))?;
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
        let telemetry = nuncio_telemetry::init(options).map_err(|error| named(error, &settings))?;
        let stop = nuncio_telemetry::shutdown_on_signal()?;
        crate::run(settings, Observed::default(), stop).await?;
        telemetry.flush().await;
        Ok(())
    })
}

/// The level in the words of the original's logger, or directives as they are. What is told at the start is no warning, but
/// is told all the same, as by the original.
fn level(name: &str) -> String {
    match name.to_ascii_lowercase().as_str() {
        "panic" | "fatal" => "error".to_owned(),
        "warn" | "warning" => format!("warn,{}=info", announce::TARGET),
        other => other.to_owned(),
    }
}

/// A level that is none, by its variable.
fn named(error: nuncio_telemetry::Error, settings: &Settings) -> anyhow::Error {
    match error {
        nuncio_telemetry::Error::Filter { reason, .. } => {
            SettingError::new("LOG_LEVEL", &settings.log_level, reason).into()
        }
        other => other.into(),
    }
}
