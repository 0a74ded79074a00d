//! Refusals, as programs read them (RFC 9457).

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::cause::Cause;
use crate::gateway::GatewayError;
use crate::texts::Texts;

/// Why something was not done (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct ProblemDetails {
    /// The status of the answer.
    pub(crate) status: u16,
    /// What that means.
    pub(crate) title: String,
    /// Why, in this case.
    pub(crate) detail: String,
    /// The field of the preview that is at fault, where it is one: `spec.access.mode`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) field: Option<String>,
    /// The same, line by line, where lines of the manifest are at fault.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) faults: Vec<LineFault>,
}

/// What is wrong with a line of a manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = PreviewFault)]
pub(crate) struct LineFault {
    /// Which, from 1.
    pub(crate) line: u32,
    /// What is wrong, with the field where it is one.
    pub(crate) detail: String,
}

/// What else may be answered to who wants something of a preview.
#[derive(utoipa::IntoResponses)]
#[allow(dead_code, reason = "it describes answers, and is none")]
pub(super) enum Refusals {
    /// Nobody knows who asks
    #[response(status = 401)]
    Unknown(ProblemDetails),
    /// The PreviewPolicy does not let him
    #[response(status = 403)]
    Forbidden(ProblemDetails),
    /// There is no such preview
    #[response(status = 404)]
    Missing(ProblemDetails),
    /// Something else is in the way
    #[response(status = 409)]
    Conflict(ProblemDetails),
    /// What is wanted cannot be
    #[response(status = 422)]
    Invalid(ProblemDetails),
}

impl ProblemDetails {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        let title = status.canonical_reason().unwrap_or_default().to_owned();
        Self { status: status.as_u16(), title, detail: detail.into(), field: None, faults: Vec::new() }
    }

    /// For who typed fields, and sees no line of the manifest that was made of them.
    pub(super) fn without_lines(self) -> Self {
        if self.faults.is_empty() {
            return self;
        }
        let details: Vec<_> = self.faults.iter().map(|fault| &*fault.detail).collect();
        Self { detail: details.join("; "), ..self }
    }

    /// Whether who asks has to log in first, whatever else may be wrong.
    pub(super) fn wants_login(&self) -> bool {
        self.code() == StatusCode::UNAUTHORIZED
    }

    /// The status of the answer.
    pub(super) fn code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Nobody knows who asks.
    pub(super) fn unknown() -> Self {
        let detail = "the gateway does not say who you are: log in, or send a token that one of its Filters takes";
        Self::new(StatusCode::UNAUTHORIZED, detail)
    }

    /// There is no such Preview.
    pub(super) fn missing(namespace: &str, name: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("there is no Preview {namespace}/{name}"))
    }

    /// What the controller says of a refusal.
    pub(super) fn of(status: StatusCode, body: &[u8]) -> Self {
        serde_json::from_slice(body).unwrap_or_else(|_| Self::new(status, String::from_utf8_lossy(body).trim()))
    }
}

impl From<GatewayError> for ProblemDetails {
    fn from(error: GatewayError) -> Self {
        let status = match error {
            GatewayError::NoAnswer { .. } => StatusCode::BAD_GATEWAY,
            GatewayError::Refused { .. } => StatusCode::BAD_REQUEST,
        };
        let cause = Cause::from(&error);
        if status.is_server_error() {
            tracing::warn!("previews cannot be asked about: {cause}");
        }
        Self::new(status, cause.told(&Texts::default(), false))
    }
}

impl IntoResponse for ProblemDetails {
    fn into_response(self) -> Response {
        let is_for_now = self.code() == StatusCode::SERVICE_UNAVAILABLE;
        let mut response = (self.code(), Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if is_for_now {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}
