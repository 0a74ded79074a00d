//! `envoy.service.ratelimit.v3.RateLimitService`.

use std::sync::Arc;
use std::time::Instant;

use envoy_types::pb::envoy::service::ratelimit::v3::rate_limit_service_server::RateLimitService;
use envoy_types::pb::envoy::service::ratelimit::v3::{RateLimitRequest, RateLimitResponse};
use tonic::{Request, Response, Status};

use crate::limiter::Limiter;

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

#[tonic::async_trait]
impl RateLimitService for Service {
    async fn should_rate_limit(
        &self,
        request: Request<RateLimitRequest>,
    ) -> Result<Response<RateLimitResponse>, Status> {
        let begun = Instant::now();
        let result = self.limiter.should_rate_limit(request.get_ref()).await;
        self.limiter.shared().stats.service.should_rate_limit.record(begun.elapsed());
        // All errors are UNKNOWN with the original.
        result.map(Response::new).map_err(|error| Status::unknown(error.to_string()))
    }
}
