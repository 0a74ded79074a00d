//! Port 8080: `/json` and `/healthcheck`.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use envoy_types::pb::envoy::service::ratelimit::v3::rate_limit_response::Code;

use super::health::Health;
use super::json;
use crate::limiter::Limiter;

/// The largest request in bytes: that of gRPC.
const LARGEST: usize = 4 << 20;

/// The routes.
pub(crate) fn http(limiter: Arc<Limiter>, health: Health) -> Router {
    Router::new()
        .route("/json", any(decide).with_state(limiter))
        .route("/healthcheck", get(healthcheck).with_state(health))
        .layer(DefaultBodyLimit::max(LARGEST))
}

async fn healthcheck(State(health): State<Health>) -> Response {
    if health.is_well() { "OK".into_response() } else { StatusCode::INTERNAL_SERVER_ERROR.into_response() }
}

/// A call for those who do not speak gRPC. Whatever goes wrong is 400, as with the original.
async fn decide(State(limiter): State<Arc<Limiter>>, body: Bytes) -> Response {
    let request = match json::request(&body) {
        Ok(request) => request,
        Err(error) => return refused(&error.to_string()),
    };
    match limiter.should_rate_limit(&request, None).await {
        Ok(reply) => {
            let status = match Code::try_from(reply.overall_code) {
                Ok(Code::Ok) => StatusCode::OK,
                Ok(Code::OverLimit) => StatusCode::TOO_MANY_REQUESTS,
                Ok(Code::Unknown) | Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
            };
            let body = json::response(&reply).to_string();
            (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
        }
        Err(error) => refused(&error.to_string()),
    }
}

fn refused(reason: &str) -> Response {
    tracing::warn!("error: {reason}");
    (StatusCode::BAD_REQUEST, "Bad Request\n").into_response()
}
