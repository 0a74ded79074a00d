//! Previews that come, change and go by requests: of the portal for people and CI jobs, and of forges by it.
//!
//! All of it needs `--allow-previews`; `caller` finds out by whom a request is. What is refused is told as RFC 9457 has it, so
//! that the portal can pass it on.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Shared;
use super::caller::{By, Caller, Wanted};
use super::previews::PreviewView;

/// A Preview that is to be as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutPreview {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its manifest, in YAML or JSON.
    pub text: String,
    /// Whether it is refused where there is one of that name, unless the same person has sent the very same before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub only_new: bool,
    /// Whether it is refused where the PreviewPolicy would not have it shown, rather than written and told of by its status.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub only_allowed: bool,
    /// That of the text that it was made of: it is refused where the Preview says something else by now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// By whom; the operator where absent, who may do all that the PreviewPolicy allows.
    #[serde(default)]
    pub by: Option<Caller>,
}

/// A Preview that is to go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeletePreview {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// By whom; the operator where absent.
    #[serde(default)]
    pub by: Option<Caller>,
}

/// A Preview that is to be shown for longer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExtendPreview {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// For how long from now: `72h`. Where absent, as long as it was to be shown to begin with.
    #[serde(default)]
    pub ttl: Option<String>,
    /// Whether it is refused where it has ended, rather than shown again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub only_shown: bool,
    /// By whom; the operator where absent.
    #[serde(default)]
    pub by: Option<Caller>,
}

impl Wanted for PutPreview {
    fn by(&mut self) -> &mut Option<Caller> {
        &mut self.by
    }
}

impl Wanted for DeletePreview {
    fn by(&mut self) -> &mut Option<Caller> {
        &mut self.by
    }
}

impl Wanted for ExtendPreview {
    fn by(&mut self) -> &mut Option<Caller> {
        &mut self.by
    }
}

/// What a forge sent, as it came.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Delivery {
    /// `github` or `gitlab`.
    pub provider: String,
    /// `X-GitHub-Event`, `X-Gitlab-Event`.
    pub event: String,
    /// `X-Hub-Signature-256`, `X-Gitlab-Token`.
    pub signature: String,
    /// The body.
    pub body: String,
}

impl std::fmt::Debug for Delivery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Delivery({} {}, {} bytes)", self.provider, self.event, self.body.len())
    }
}

/// What became of a Preview.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PreviewOutcome {
    /// It is new.
    Created,
    /// It says something else.
    Updated,
    /// It was so already.
    Unchanged,
    /// It is gone.
    Deleted,
    /// Nothing was to be done.
    Ignored,
}

/// What became of a Preview.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PreviewChanged {
    /// What was done.
    pub outcome: PreviewOutcome,
    /// Why nothing was, or something else than was asked for, where that is so.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// The Preview, as it is now.
    pub preview: Option<PreviewView>,
}

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
    /// Something else is in the way.
    #[error("{0}")]
    Conflict(String),
    /// So much is under way that it was not begun: it may be asked for again.
    #[error("{0}")]
    Busy(String),
}

impl PreviewError {
    fn status(&self) -> StatusCode {
        match self {
            Self::Unauthorized(_) => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::Missing(_) => StatusCode::NOT_FOUND,
            Self::Invalid(_) | Self::Field { .. } => StatusCode::UNPROCESSABLE_ENTITY,
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
        let field = if let Self::Field { field, .. } = self { Some(field) } else { None };
        let details = ProblemDetails { status: status.as_u16(), title, detail, field };
        let mut response = (status, Json(details)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, header::HeaderValue::from_static("5"));
        }
        response
    }
}

/// Makes a Preview be as it is written. Only where the gateway was started with `--allow-previews`.
#[utoipa::path(post, path = "/api/v1/preview-put", tag = "changes", request_body = PutPreview,
    responses(
        (status = 200, description = "It is so", body = PreviewChanged),
        (status = 401, description = "Nobody knows by whom the request is", body = ProblemDetails),
        (status = 403, description = "He may not, or nobody may", body = ProblemDetails),
        (status = 409, description = "Something else is in the way", body = ProblemDetails),
        (status = 422, description = "It is no Preview that could be used", body = ProblemDetails),
    ))]
pub(super) async fn put(
    State(view): State<Shared>,
    By(wanted): By<PutPreview>,
) -> Result<Json<PreviewChanged>, PreviewError> {
    blocking(move || view.put_preview(&wanted)).await
}

/// Takes a Preview away.
#[utoipa::path(post, path = "/api/v1/preview-delete", tag = "changes", request_body = DeletePreview,
    responses((status = 200, description = "It is gone", body = PreviewChanged), Refusals))]
pub(super) async fn delete(
    State(view): State<Shared>,
    By(wanted): By<DeletePreview>,
) -> Result<Json<PreviewChanged>, PreviewError> {
    blocking(move || view.delete_preview(&wanted)).await
}

/// Has a Preview shown for longer, up to what the policy lets it be.
#[utoipa::path(post, path = "/api/v1/preview-extend", tag = "changes", request_body = ExtendPreview,
    responses((status = 200, description = "It is shown for so long", body = PreviewChanged), Refusals))]
pub(super) async fn extend(
    State(view): State<Shared>,
    By(wanted): By<ExtendPreview>,
) -> Result<Json<PreviewChanged>, PreviewError> {
    blocking(move || view.extend_preview(&wanted)).await
}

/// Does what a forge's webhook asks for, if it is signed as the PreviewPolicy says.
#[utoipa::path(post, path = "/api/v1/preview-hook", tag = "changes", request_body = Delivery,
    responses(
        (status = 200, description = "What came of it", body = PreviewChanged),
        (status = 401, description = "It is not signed by any repository of the policy", body = ProblemDetails),
        (status = 422, description = "It cannot be read", body = ProblemDetails),
        (status = 503, description = "So many are under way that it is to be sent again", body = ProblemDetails),
    ))]
pub(super) async fn hook(
    State(view): State<Shared>,
    Json(delivery): Json<Delivery>,
) -> Result<Json<PreviewChanged>, PreviewError> {
    blocking(move || view.hook(&delivery)).await
}

/// Work that writes files.
pub(super) async fn blocking(
    work: impl FnOnce() -> Result<PreviewChanged, PreviewError> + Send + 'static,
) -> Result<Json<PreviewChanged>, PreviewError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(PreviewError::Conflict(error.to_string()))).map(Json)
}
