//! `envoy.service.ratelimit.v3.RateLimitService`.

use std::sync::Arc;
use std::time::Instant;

use envoy_types::pb::envoy::service::ratelimit::v3::rate_limit_response::Code;
use envoy_types::pb::envoy::service::ratelimit::v3::rate_limit_service_server::RateLimitService;
use envoy_types::pb::envoy::service::ratelimit::v3::{RateLimitRequest, RateLimitResponse};
use tonic::{Request, Response, Status};
use tracing::field::Empty;
use tracing::{Instrument, Span};

use crate::limiter::{CallError, Limiter};

/// Answers calls.
#[derive(Clone)]
pub(super) struct Service {
    limiter: Arc<Limiter>,
}

impl Service {
    pub(super) fn new(limiter: Arc<Limiter>) -> Self {
        Self { limiter }
    }
}

impl Service {
    /// Decides within a span that is part of the caller's trace.
    async fn traced(&self, span: &Span, request: &Request<RateLimitRequest>) -> Result<RateLimitResponse, CallError> {
        let header = |name| request.metadata().get(name)?.to_str().ok();
        nuncio_telemetry::follow(span, header("traceparent"), header("tracestate"));
        let asked = request.get_ref();
        span.record("domain", asked.domain.as_str())
            .record("descriptors", i64::try_from(asked.descriptors.len()).unwrap_or(i64::MAX));
        let result = self.limiter.should_rate_limit(asked).instrument(span.clone()).await;
        match &result {
            Ok(response) => _ = span.record("over", response.overall_code() == Code::OverLimit),
            Err(error) => _ = span.record("otel.status_code", "ERROR").record("error", error.to_string()),
        }
        result
    }
}

#[tonic::async_trait]
impl RateLimitService for Service {
    async fn should_rate_limit(
        &self,
        request: Request<RateLimitRequest>,
    ) -> Result<Response<RateLimitResponse>, Status> {
        let begun = Instant::now();
        let span = tracing::debug_span!(
            "ShouldRateLimit",
            otel.kind = "server",
            otel.status_code = Empty,
            domain = Empty,
            descriptors = Empty,
            over = Empty,
            error = Empty
        );
        let result = if span.is_disabled() {
            self.limiter.should_rate_limit(request.get_ref()).await
        } else {
            self.traced(&span, &request).await
        };
        self.limiter.shared().stats.service.should_rate_limit.record(begun.elapsed());
        // All errors are UNKNOWN with the original.
        result.map(Response::new).map_err(|error| Status::unknown(error.to_string()))
    }
}
