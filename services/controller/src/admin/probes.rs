//! Liveness and readiness, at the paths that Kubernetes manifests of the original already have.

use axum::extract::State;
use axum::http::StatusCode;

use super::Shared;

/// Whether the process answers.
#[utoipa::path(get, path = "/ambassador/v0/check_alive", tag = "probes",
    responses((status = 200, description = "It does", body = String)))]
pub(super) async fn check_alive() -> &'static str {
    "alive\n"
}

/// Whether the gateway should get traffic.
#[utoipa::path(get, path = "/ambassador/v0/check_ready", tag = "probes",
    responses(
        (status = 200, description = "It should", body = String),
        (status = 503, description = "It should not, for the reason given", body = String),
    ))]
pub(super) async fn check_ready(State(view): State<Shared>) -> (StatusCode, String) {
    match view.ready() {
        Ok(()) => (StatusCode::OK, "ready\n".to_owned()),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {reason}\n")),
    }
}
