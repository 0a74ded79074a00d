//! Reading what was asked.

use std::time::Duration;

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::Reviewer;

/// How long a review may take to arrive. API servers wait 30 s at most for an answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// What all handlers share.
pub(super) struct State {
    pub(super) reviewer: Reviewer,
    /// A body is held in memory as a whole: no more than so many at once.
    turns: Semaphore,
}

impl State {
    pub(super) fn new(reviewer: Reviewer) -> Self {
        let turns = Semaphore::new(reviewer.limits.concurrency);
        Self { reviewer, turns }
    }

    /// Reads a review of at most `limit` bytes and answers it.
    pub(super) async fn answer<Q, A>(&self, body: Body, limit: usize, answer: impl FnOnce(Q) -> A) -> Response
    where
        Q: DeserializeOwned,
        A: Serialize,
    {
        let Ok(_turn) = self.turns.acquire().await else {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        };
        let Ok(bytes) = timeout(PATIENCE, to_bytes(body, limit)).await else {
            return StatusCode::REQUEST_TIMEOUT.into_response();
        };
        let Ok(bytes) = bytes else {
            return (StatusCode::PAYLOAD_TOO_LARGE, format!("expected at most {limit} bytes\n")).into_response();
        };
        match serde_json::from_slice(&bytes) {
            Ok(question) => Json(answer(question)).into_response(),
            Err(error) => (StatusCode::BAD_REQUEST, format!("no review: {error}\n")).into_response(),
        }
    }
}
