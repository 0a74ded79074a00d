//! Taking in what was asked, and working on it, within bounds: any pod of the cluster can ask.
//!
//! A body counts against one pot of bytes as it arrives, until it is answered. Whoever finds the pot empty is sent away for a
//! second, which API servers heed: if they waited with what they have, all of them might wait for each other. Turns are for work
//! alone, so that those who are slow to send or to read hold up nobody.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::Reviewer;

/// How long a review may take to arrive, and its answer to leave. API servers wait 30 s at most for an answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(15);

/// What all handlers share.
pub(super) struct State {
    pub(super) reviewer: Reviewer,
    /// Bytes that bodies may still take.
    pot: Arc<Semaphore>,
    turns: Arc<Semaphore>,
}

/// A body, and its share of the pot.
#[derive(Debug)]
pub(super) struct Review {
    pub(super) bytes: Bytes,
    _share: OwnedSemaphorePermit,
}

impl State {
    pub(super) fn new(reviewer: Reviewer) -> Self {
        let (pot, turns) = (reviewer.limits.held_bytes, reviewer.limits.concurrency);
        Self { reviewer, pot: Arc::new(Semaphore::new(pot)), turns: Arc::new(Semaphore::new(turns)) }
    }

    /// Takes in a review of at most `limit` bytes.
    pub(super) async fn take_in(&self, body: Body, limit: usize) -> Result<Review, Refusal> {
        timeout(PATIENCE, self.collect(body, limit)).await.unwrap_or(Err(Refusal::Slow))
    }

    async fn collect(&self, mut body: Body, limit: usize) -> Result<Review, Refusal> {
        let announced = usize::try_from(body.size_hint().lower()).ok().filter(|size| *size <= limit);
        // Room that nothing is written into takes no memory.
        let mut bytes = BytesMut::with_capacity(announced.ok_or(Refusal::TooLarge(limit))?);
        let mut share = self.share(0)?;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| Refusal::NoReview(error.to_string()))?;
            let Ok(data) = frame.into_data() else { continue };
            if bytes.len() + data.len() > limit {
                return Err(Refusal::TooLarge(limit));
            }
            share.merge(self.share(data.len())?);
            bytes.extend_from_slice(&data);
        }
        Ok(Review { bytes: bytes.freeze(), _share: share })
    }

    fn share(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Refusal> {
        let bytes = u32::try_from(bytes).map_err(|_| Refusal::Busy)?;
        Arc::clone(&self.pot).try_acquire_many_owned(bytes).map_err(|_| Refusal::Busy)
    }

    /// Does what takes a while, where it is in nobody's way.
    pub(super) async fn work<T: Send + 'static>(
        &self,
        task: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| Refusal::Failed)?;
        let worked = spawn_blocking(move || {
            let _turn = turn;
            task()
        });
        worked.await.map_err(|_| Refusal::Failed)
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Refusal {
    /// It did not arrive in time.
    Slow,
    /// It is larger than this.
    TooLarge(usize),
    /// There is no room for it now.
    Busy,
    /// It cannot be read.
    NoReview(String),
    /// It broke the work on it.
    Failed,
}

impl From<serde_json::Error> for Refusal {
    fn from(error: serde_json::Error) -> Self {
        Self::NoReview(error.to_string())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Slow => StatusCode::REQUEST_TIMEOUT.into_response(),
            Self::TooLarge(limit) => {
                (StatusCode::PAYLOAD_TOO_LARGE, format!("expected at most {limit} bytes\n")).into_response()
            }
            Self::Busy => (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "1")]).into_response(),
            Self::NoReview(error) => (StatusCode::BAD_REQUEST, format!("no review: {error}\n")).into_response(),
            Self::Failed => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }
}
