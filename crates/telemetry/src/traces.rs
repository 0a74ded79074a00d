//! Spans to an OpenTelemetry collector, by OTLP over gRPC or HTTP.
//!
//! What a service does not say of them, the variables of the OpenTelemetry specification do: `OTEL_EXPORTER_OTLP_ENDPOINT`,
//! `OTEL_EXPORTER_OTLP_PROTOCOL`, `OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_TRACES_SAMPLER`, `OTEL_SERVICE_NAME` and so on.

mod certificates;

use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{TraceContextExt, TracerProvider};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig, WithTonicConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::resource::ResourceBuilder;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use tracing::{Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::registry::LookupSpan;

use self::certificates::Certificates;
use crate::Error;

/// How long the end of the process waits for the collector.
pub(crate) const FLUSH_TIMEOUT: Duration = Duration::from_secs(3);

/// Makes a span part of the trace that a caller names in the headers of W3C's Trace Context. Changes nothing where there is none, or
/// where no traces are exported.
pub fn follow(span: &Span, traceparent: Option<&str>, tracestate: Option<&str>) {
    let caller = TraceContextPropagator::new().extract(&Caller { traceparent, tracestate });
    if caller.span().span_context().is_valid() {
        // Without an exporter there is nothing to be part of.
        let _ = span.set_parent(caller);
    }
}

struct Caller<'h> {
    traceparent: Option<&'h str>,
    tracestate: Option<&'h str>,
}

impl Extractor for Caller<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        match name {
            "traceparent" => self.traceparent,
            "tracestate" => self.tracestate,
            _ => None,
        }
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent", "tracestate"]
    }
}

/// Which spans are exported, and how.
#[derive(Clone, Debug, Default)]
pub struct Traces {
    /// None for the one of `OTEL_EXPORTER_OTLP_PROTOCOL`, and gRPC where it names none.
    pub protocol: Option<TraceProtocol>,
    /// How many of the traces that begin here, from 0 to 1; none for what `OTEL_TRACES_SAMPLER` says. Whoever began a trace
    /// elsewhere has decided.
    pub share: Option<f64>,
    /// Of the service, such as `service.namespace`; those of the environment give way.
    pub attributes: Vec<(&'static str, String)>,
}

/// What OTLP is sent over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TraceProtocol {
    /// gRPC, by default to port 4317.
    Grpc,
    /// HTTP with messages of protobuf, by default to port 4318.
    Http,
}

impl Traces {
    /// None where the environment names no collector.
    #[must_use]
    pub fn of_environment() -> Option<Self> {
        variable("ENDPOINT").is_some().then(Self::default)
    }

    /// What makes and exports spans of this service.
    pub(crate) fn provider(self, service: &'static str) -> Result<SdkTracerProvider, Error> {
        let exporter = self.protocol.map_or_else(TraceProtocol::of_environment, Ok)?.exporter()?;
        let attributes = self.attributes.into_iter().map(|(name, value)| KeyValue::new(name, value));
        let resource = resource(service).with_attributes(attributes).build();
        let mut builder = SdkTracerProvider::builder().with_resource(resource).with_batch_exporter(exporter);
        if let Some(share) = self.share {
            builder = builder.with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(share))));
        }
        Ok(builder.build())
    }
}

impl TraceProtocol {
    fn of_environment() -> Result<Self, Error> {
        match variable("PROTOCOL").as_deref() {
            None | Some("grpc") => Ok(Self::Grpc),
            Some("http/protobuf") => Ok(Self::Http),
            Some(other) => Err(Error::TraceProtocol(other.to_owned())),
        }
    }

    fn exporter(self) -> Result<SpanExporter, Error> {
        let certificates = Certificates::of_environment()?;
        Ok(match self {
            Self::Grpc => {
                let mut builder = SpanExporter::builder().with_tonic();
                // Not for clear text: it takes a system with authorities.
                if !is_clear_text() {
                    builder = builder.with_tls_config(certificates.for_grpc());
                }
                builder.build()?
            }
            Self::Http => {
                let builder = SpanExporter::builder().with_http().with_protocol(Protocol::HttpBinary);
                builder.with_http_client(certificates.for_http(is_clear_text())?).build()?
            }
        })
    }
}

/// Whether the collector is reached without TLS, as it is at the address that is taken where none is given.
fn is_clear_text() -> bool {
    variable("ENDPOINT").is_none_or(|endpoint| endpoint.starts_with("http://"))
}

/// `OTEL_EXPORTER_OTLP_…`, or the one for traces alone, which wins.
fn variable(name: &str) -> Option<String> {
    let names = ["OTEL_EXPORTER_OTLP_TRACES_", "OTEL_EXPORTER_OTLP_"].map(|prefix| format!("{prefix}{name}"));
    names.iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
}

/// `OTEL_SERVICE_NAME` wins over the service's own name (OpenTelemetry, "Environment Variable Specification").
fn resource(service: &'static str) -> ResourceBuilder {
    let builder = Resource::builder();
    if std::env::var_os("OTEL_SERVICE_NAME").is_some() { builder } else { builder.with_service_name(service) }
}

/// The layer that gives our own spans to the exporter, and no other: the exporter's connection has spans too.
pub(crate) fn layer<S>(provider: &SdkTracerProvider) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
{
    let ours = Targets::new().with_target("nuncio", LevelFilter::DEBUG);
    tracing_opentelemetry::layer().with_tracer(provider.tracer("nuncio")).with_filter(ours).boxed()
}
