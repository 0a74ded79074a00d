//! Previews that come, change and go by requests: of the portal for people and CI jobs, and of forges by it.
//!
//! All of it needs `--allow-previews`; `caller` finds out by whom a request is.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Shared;
use super::caller::{By, Caller, says_by_whom};
use super::preview_refusals::{PreviewError, ProblemDetails, Refusals};
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

says_by_whom!(PutPreview, DeletePreview, ExtendPreview);

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
