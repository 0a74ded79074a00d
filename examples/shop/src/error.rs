//! What a service answers when it cannot do what was asked.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ShopError {
    /// The caller named something that is not there.
    #[error("there is no {0}")]
    NotFound(String),
    /// The caller asked for something impossible.
    #[error("{0}")]
    Invalid(String),
    /// Another service did not answer, or not sensibly.
    #[error("{service} does not answer: {source}")]
    Unreachable { service: &'static str, source: reqwest::Error },
    /// Another service answered with an error that the caller is not to blame for.
    #[error("{service} answered {status}")]
    Refused { service: &'static str, status: StatusCode },
}

/// The JSON body of an error.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// What went wrong, for people
    error: String,
}

impl IntoResponse for ShopError {
    fn into_response(self) -> Response {
        let status = match self {
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Unreachable { .. } | Self::Refused { .. } => StatusCode::BAD_GATEWAY,
        };
        (status, Json(Problem { error: self.to_string() })).into_response()
    }
}
