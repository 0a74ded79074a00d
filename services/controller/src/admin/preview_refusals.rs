//! Why nothing was done with a Preview, told as RFC 9457 has it, so that the portal can pass it on.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Why there is no change.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PreviewError {
    /// Nobody knows who he is, or what is signed.
    #[error("{0}")]
    Unauthorized(String),
    /// He may not.
    #[error("{0}")]
    Forbidden(String),
    /// There is no such Preview.
    #[error("there is no Preview {0}")]
    Missing(String),
    /// It is no Preview that could be used.
    #[error("{0}")]
    Invalid(String),
    /// The same, by what one of its fields says.
    #[error("{why}")]
    Field {
        /// Which: `spec.access.mode`.
        field: String,
        /// Why.
        why: String,
    },
    /// The same, by what some of its lines say.
    #[error("{}", in_lines(.faults))]
    Lines {
        /// The field of the first, where it is one.
        field: Option<String>,
        /// What is wrong with them.
        faults: Vec<PreviewFault>,
    },
    /// Something else is in the way.
    #[error("{0}")]
    Conflict(String),
    /// So much is under way that it was not begun: it may be asked for again.
    #[error("{0}")]
    Busy(String),
}

/// What is wrong with a line of a manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PreviewFault {
    /// Which, from 1.
    pub line: u32,
    /// What is wrong, with the field where it is one.
    pub detail: String,
}

/// For who sees the lines.
fn in_lines(faults: &[PreviewFault]) -> String {
    let told = faults.iter().map(|PreviewFault { line, detail }| format!("line {line}: {detail}"));
    told.collect::<Vec<_>>().join("; ")
}

impl PreviewError {
    fn status(&self) -> StatusCode {
        match self {
            Self::Unauthorized(_) => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::Missing(_) => StatusCode::NOT_FOUND,
            Self::Invalid(_) | Self::Field { .. } | Self::Lines { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::Busy(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// Why something was not done (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProblemDetails {
    /// The status of the answer.
    pub status: u16,
    /// What that means.
    pub title: String,
    /// Why, in this case.
    pub detail: String,
    /// The field of the Preview that is at fault, where it is one: `spec.access.mode`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The same, line by line, for who shows the manifest otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<PreviewFault>,
}

/// What else may be answered to who wants something of a Preview that is there.
#[derive(utoipa::IntoResponses)]
#[allow(dead_code, reason = "it describes answers, and is none")]
pub(super) enum Refusals {
    /// Nobody knows by whom the request is
    #[response(status = 401)]
    Unauthenticated(ProblemDetails),
    /// He may not, or nobody may
    #[response(status = 403)]
    Forbidden(ProblemDetails),
    /// There is no such Preview
    #[response(status = 404)]
    Missing(ProblemDetails),
    /// Something else is in the way
    #[response(status = 409)]
    Conflict(ProblemDetails),
    /// What is wanted cannot be
    #[response(status = 422)]
    Invalid(ProblemDetails),
}

impl IntoResponse for PreviewError {
    fn into_response(self) -> Response {
        let status = self.status();
        let title = status.canonical_reason().unwrap_or_default().to_owned();
        let detail = self.to_string();
        let (field, faults) = match self {
            Self::Field { field, .. } => (Some(field), Vec::new()),
            Self::Lines { field, faults } => (field, faults),
            _ => (None, Vec::new()),
        };
        let details = ProblemDetails { status: status.as_u16(), title, detail, field, faults };
        let mut response = (status, Json(details)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, header::HeaderValue::from_static("5"));
        }
        response
    }
}
