//! What a Preview says, for who may change it.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::caller::{By, Caller, says_by_whom};
use super::preview_refusals::Refusals;
use super::{PreviewError, Shared};

/// A Preview that somebody wants to change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadPreview {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// By whom; the operator where absent.
    #[serde(default)]
    pub by: Option<Caller>,
}

says_by_whom!(ReadPreview);

/// What a Preview says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PreviewManifestView {
    /// A manifest, in JSON, without what is noted of its source, and without which links are good and the time that it was given
    /// beyond what it says: sent as it is, it changes nothing.
    pub text: String,
    /// Another whenever the text is, or it has ended: sent with a manifest, that is refused where there is another by then.
    pub digest: String,
}

/// What a Preview says that a request has made, as a request says it.
#[utoipa::path(post, path = "/api/v1/preview-manifest", tag = "lists", request_body = ReadPreview,
    responses((status = 200, description = "Its manifest", body = PreviewManifestView), Refusals))]
pub(super) async fn manifest(
    State(view): State<Shared>,
    By(wanted): By<ReadPreview>,
) -> Result<Json<PreviewManifestView>, PreviewError> {
    view.preview_manifest(&wanted).map(Json)
}
