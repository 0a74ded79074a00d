//! What somebody may make of previews, told before he tries.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Shared;
use super::caller::{By, Caller, says_by_whom};
use super::preview_refusals::ProblemDetails;

/// Whose rights are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SeePreviewRights {
    /// Whose; the operator's where absent.
    pub by: Option<Caller>,
}

says_by_whom!(SeePreviewRights);

/// Where somebody may make previews, and what they may be. Who may make none is told nothing else.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PreviewRightsView {
    /// The namespaces in which he may.
    pub namespaces: Vec<PreviewRoomView>,
    /// The access modes that he may choose: `Public`.
    pub access: Vec<String>,
    /// The hosts that they may have the routes of: names, or globs with a star at one end.
    pub hosts: Vec<String>,
    /// Whether only Services of their own namespace stand in.
    pub services_alone: bool,
    /// Whether a process of his may stand in for a service.
    pub tunnels: bool,
    /// How long one is shown that does not say it, in seconds; none where it stays.
    pub ttl: Option<u64>,
    /// And at most.
    pub max_ttl: Option<u64>,
    /// Why he may make none, where that is so.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
}

/// A namespace in which somebody may make previews.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PreviewRoomView {
    /// Its name; `*` is each that there is.
    pub namespace: String,
    /// The repository, where only previews of it are his: `acme/cart`.
    pub repository: Option<String>,
    /// How many more there may be; none where that is not of one namespace.
    pub room: Option<usize>,
}

/// Where somebody may make previews, and what they may be.
#[utoipa::path(post, path = "/api/v1/preview-rights", tag = "lists", request_body = SeePreviewRights,
    responses((status = 200, description = "What he may", body = PreviewRightsView),
        (status = 401, description = "Nobody knows by whom the request is", body = ProblemDetails)))]
pub(super) async fn rights(State(view): State<Shared>, By(wanted): By<SeePreviewRights>) -> Json<PreviewRightsView> {
    Json(view.preview_rights(&wanted))
}
