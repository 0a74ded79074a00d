//! What every service does the same way: logs, traces, metrics, health, shutdown, audit logs, files that others read, tokens that they
//! share, errors in whole, work beside the threads that answer.
//!
//! ```no_run
//! # async fn service() -> Result<(), Box<dyn std::error::Error>> {
//! let options = nuncio_telemetry::Options { service: "nuncio-controller", ..Default::default() };
//! nuncio_telemetry::serve(options, async |shutdown| Ok(shutdown.cancelled().await)).await
//! # }
//! ```
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod audit;
mod causes;
mod file;
mod health;
mod logs;
mod metrics;
mod process;
mod shared_token;
mod shutdown;
mod traces;
mod turns;

pub use audit::AuditLog;
pub use causes::causes;
pub use file::{make_file, replace_file};
pub use health::{Condition, Health, NotReady};
pub use logs::{LogFormat, UnknownLogFormat};
pub use metrics::{BoundedLabel, LabelValue, METRICS_CONTENT_TYPE, Metrics, duration_buckets};
pub use shared_token::SharedToken;
pub use shutdown::shutdown_on_signal;
pub use traces::{TraceProtocol, Traces, follow};
pub use turns::Turns;

use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// What to log and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// Name of the service, as traces carry it (`service.name`).
    pub service: &'static str,
    /// Shape of the log lines on standard error.
    pub format: LogFormat,
    /// A level (`info`), or directives by module (`info,nuncio_xds=debug`). Default `info`.
    pub filter: String,
    /// Which spans to export; none for no traces.
    pub traces: Option<Traces>,
}

impl Default for Options {
    fn default() -> Self {
        Self { service: "nuncio", format: LogFormat::Text, filter: "info".to_owned(), traces: None }
    }
}

/// Why telemetry could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The filter is not a level and not a list of directives.
    #[error("the log level {filter:?} is not understood: {reason}")]
    Filter {
        /// The filter as given.
        filter: String,
        /// What is wrong with it.
        reason: String,
    },
    /// `OTEL_EXPORTER_OTLP_*` name something that cannot be used.
    #[error("cannot export traces: {0}")]
    Traces(#[from] opentelemetry_otlp::ExporterBuildError),
    /// Neither of the protocols that there are.
    #[error("OTEL_EXPORTER_OTLP_PROTOCOL={0:?}: use grpc or http/protobuf")]
    TraceProtocol(String),
    /// A file that `OTEL_EXPORTER_OTLP_*` name cannot be read.
    #[error("cannot read {path} for traces: {error}")]
    CertificateFile {
        /// Its path.
        path: String,
        /// Why not.
        error: std::io::Error,
    },
    /// What is in these files are no certificates, or no key.
    #[error("cannot use the certificates for traces: {0:?}")]
    Certificates(reqwest::Error),
    /// A subscriber is in place already.
    #[error("logging was set up before")]
    AlreadySet,
}

/// The running exporters.
#[derive(Debug)]
pub struct Telemetry {
    traces: Option<SdkTracerProvider>,
}

/// Sets up logs on standard error, and traces where they are wanted. Must run inside a tokio runtime, once.
///
/// # Errors
/// When the filter or the exporter's environment is wrong, or when it is called twice.
pub fn init(options: Options) -> Result<Telemetry, Error> {
    let traces = options.traces.map(|traces| traces.provider(options.service)).transpose()?;
    tracing_subscriber::registry()
        .with(logs::layer(options.format, &options.filter)?)
        .with(traces.as_ref().map(traces::layer))
        .try_init()
        .map_err(|_| Error::AlreadySet)?;
    Ok(Telemetry { traces })
}

/// Runs a service until it ends or is told to stop, with logs and traces from its beginning to its end. Must run inside a
/// tokio runtime, once.
///
/// # Errors
/// When it fails, or what it needs for that cannot be set up.
pub async fn serve<E: From<Error> + From<std::io::Error>>(
    options: Options,
    run: impl AsyncFnOnce(CancellationToken) -> Result<(), E>,
) -> Result<(), E> {
    let telemetry = init(options)?;
    let result = run(shutdown_on_signal()?).await;
    telemetry.flush().await;
    result
}

impl Telemetry {
    /// Sends what is still held, for at most a few seconds; call it last.
    pub async fn flush(self) {
        let Some(traces) = self.traces else { return };
        // It blocks, and what is sent over gRPC is sent by this runtime.
        let shutdown = tokio::task::spawn_blocking(move || traces.shutdown_with_timeout(traces::FLUSH_TIMEOUT));
        if let Ok(Err(error)) = shutdown.await {
            tracing::warn!("some traces were not sent: {error}");
        }
    }
}
