//! `envoy.service.ratelimit.v3.RateLimitService`, and beside it whether the service is well.

use std::time::Instant;

use envoy_types::pb::envoy::service::ratelimit::v3::rate_limit_response::Code;
use envoy_types::pb::envoy::service::ratelimit::v3::{RateLimitRequest, RateLimitResponse};
use http::{HeaderMap, Request, Response};
use nuncio_grpc::{Incoming, Reply};
use tokio::time::Instant as TimerInstant;
use tonic::Status;
use tonic_health::pb::health_server::{Health, HealthServer};
use tracing::field::Empty;
use tracing::{Instrument, Span};

use super::deadline;
use crate::limiter::{CallError, Limiter};

/// The path of the method that asks whether the service is well.
const CHECK: &str = "/grpc.health.v1.Health/Check";
/// How long a request may be; as with the original.
const LONGEST: usize = 4 << 20;
/// The path of the one method.
const SHOULD_RATE_LIMIT: &str = "/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit";

/// Answers calls.
pub(crate) struct Service<H> {
    pub(crate) limiter: Limiter,
    pub(crate) health: HealthServer<H>,
}

impl<H: Health> nuncio_grpc::Service for Service<H> {
    async fn answer(&self, request: Request<Incoming>) -> Response<Reply> {
        if request.uri().path() != SHOULD_RATE_LIMIT {
            return self.other(request).await;
        }
        match self.should_rate_limit(request).await {
            Ok(response) => nuncio_grpc::response(&response),
            Err(status) => status.into_http(),
        }
    }
}

impl<H: Health> Service<H> {
    async fn other(&self, request: Request<Incoming>) -> Response<Reply> {
        let begun = (request.uri().path() == CHECK).then(Instant::now);
        let response = nuncio_grpc::health(&self.health, request).await;
        if let Some(begun) = begun {
            self.limiter.shared().stats.service.check.record(begun.elapsed());
        }
        response
    }

    async fn should_rate_limit(&self, request: Request<Incoming>) -> Result<RateLimitResponse, Status> {
        let (head, body) = request.into_parts();
        let answer_by = deadline::of(&head.headers).and_then(|patience| TimerInstant::now().checked_add(patience));
        let asked = nuncio_grpc::receive(body, LONGEST).await?;
        let begun = Instant::now();
        let span = tracing::debug_span!(
            "ShouldRateLimit",
            otel.name = SHOULD_RATE_LIMIT.trim_start_matches('/'),
            otel.kind = "server",
            otel.status_code = Empty,
            rpc.system = "grpc",
            domain = Empty,
            descriptors = Empty,
            over = Empty,
            error = Empty
        );
        let result = if span.is_disabled() {
            self.limiter.should_rate_limit(&asked, answer_by).await
        } else {
            self.traced(&span, &head.headers, &asked, answer_by).await
        };
        self.limiter.shared().stats.service.should_rate_limit.record(begun.elapsed());
        // All errors are UNKNOWN with the original.
        result.map_err(|error| Status::unknown(error.to_string()))
    }

    /// Decides within a span that is part of the caller's trace.
    async fn traced(
        &self,
        span: &Span,
        headers: &HeaderMap,
        asked: &RateLimitRequest,
        answer_by: Option<TimerInstant>,
    ) -> Result<RateLimitResponse, CallError> {
        let header = |name| headers.get(name)?.to_str().ok();
        nuncio_telemetry::follow(span, header("traceparent"), header("tracestate"));
        span.record("domain", asked.domain.as_str())
            .record("descriptors", i64::try_from(asked.descriptors.len()).unwrap_or(i64::MAX));
        let result = self.limiter.should_rate_limit(asked, answer_by).instrument(span.clone()).await;
        match &result {
            Ok(response) => _ = span.record("over", response.overall_code() == Code::OverLimit),
            Err(error) => _ = span.record("otel.status_code", "ERROR").record("error", error.to_string()),
        }
        result
    }
}
