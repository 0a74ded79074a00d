//! Spans to an OpenTelemetry collector.
//!
//! Everything is configured by the variables of the OpenTelemetry specification: `OTEL_EXPORTER_OTLP_ENDPOINT`,
//! `OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_TRACES_SAMPLER`, `OTEL_SERVICE_NAME` and so on. The protocol is OTLP over gRPC.

use std::time::Duration;

use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{TraceContextExt, TracerProvider};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::{Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::registry::LookupSpan;

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

/// The exporter, if the environment names a collector.
pub(crate) fn provider(service: &'static str) -> Result<Option<SdkTracerProvider>, Error> {
    let names =
        [opentelemetry_otlp::OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, opentelemetry_otlp::OTEL_EXPORTER_OTLP_ENDPOINT];
    if !names.iter().any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty())) {
        return Ok(None);
    }
    let exporter = opentelemetry_otlp::SpanExporter::builder().with_tonic().build()?;
    Ok(Some(SdkTracerProvider::builder().with_resource(resource(service)).with_batch_exporter(exporter).build()))
}

/// `OTEL_SERVICE_NAME` wins over the service's own name (OpenTelemetry, "Environment Variable Specification").
fn resource(service: &'static str) -> Resource {
    let builder = Resource::builder();
    if std::env::var_os("OTEL_SERVICE_NAME").is_some() {
        builder.build()
    } else {
        builder.with_service_name(service).build()
    }
}

/// The layer that gives our own spans to the exporter, and no other: the exporter's connection has spans too.
pub(crate) fn layer<S>(provider: &SdkTracerProvider) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
{
    let ours = Targets::new().with_target("nuncio", LevelFilter::DEBUG);
    tracing_opentelemetry::layer().with_tracer(provider.tracer("nuncio")).with_filter(ours).boxed()
}
