//! What who asks may make of previews.

use axum::Json;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::api::asked;
use super::model::Caller;
use super::problem::ProblemDetails;
use crate::web::Visit;

#[derive(Serialize)]
struct Asked<'a> {
    by: Caller<'a>,
}

/// Where somebody may make previews, and what they may be. Who may make none is told nothing else.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = PreviewRights)]
pub(super) struct Rights {
    /// The namespaces in which he may.
    pub(super) namespaces: Vec<Room>,
    /// The access modes that he may choose: `Public`.
    pub(super) access: Vec<String>,
    /// The hosts that they may have the routes of: names, or globs with a star at one end.
    pub(super) hosts: Vec<String>,
    /// Whether only Services of their own namespace stand in.
    pub(super) services_alone: bool,
    /// Whether a process of his may stand in for a service.
    pub(super) tunnels: bool,
    /// How long one is shown that does not say it, in seconds; none where it stays.
    pub(super) ttl: Option<u64>,
    /// And at most.
    pub(super) max_ttl: Option<u64>,
    /// Why he may make none, where that is so.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) why: String,
}

/// A namespace in which somebody may make previews.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = PreviewRoom)]
pub(super) struct Room {
    /// Its name; `*` is each that there is.
    pub(super) namespace: String,
    /// The repository, where only previews of it are his: `acme/cart`.
    pub(super) repository: Option<String>,
    /// How many more there may be; none where that is not of one namespace.
    pub(super) room: Option<usize>,
}

/// Where who asks may make previews, and what they may be.
#[utoipa::path(get, path = "/api/v1/previews/rights", tag = "previews",
    responses((status = 200, description = "What he may", body = Rights),
        (status = 401, description = "Nobody knows who asks", body = ProblemDetails)))]
pub(super) async fn show(visit: Visit) -> Result<Json<Rights>, ProblemDetails> {
    rights(&visit).await.map(Json)
}

/// The same, for pages.
pub(super) async fn rights(visit: &Visit) -> Result<Rights, ProblemDetails> {
    let by = visit.viewer.identity.as_ref().ok_or_else(ProblemDetails::unknown)?.into();
    asked(visit, "preview-rights", &Asked { by }).await
}
