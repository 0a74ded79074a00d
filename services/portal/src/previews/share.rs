//! Links to previews for who is to see one without a login.

use axum::Json;
use axum::extract::{Path, Query};
use axum::http::{HeaderName, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use super::api::{What, asked, change};
use super::model::{Caller, Shareable, Shared};
use super::problem::{ProblemDetails, Refusals};
use crate::web::Visit;

/// Which links.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// How long they are good: `24h`, which is the default, at most `720h`, and never longer than the preview.
    pub(super) ttl: Option<String>,
}

#[derive(Serialize)]
struct Asked<'a> {
    namespace: &'a str,
    name: &'a str,
    ttl: Option<&'a str>,
    by: Caller<'a>,
}

/// Makes links to a preview whose access mode is `ShareLink`: whoever has one is let in.
#[utoipa::path(post, path = "/api/v1/previews/{namespace}/{name}/share", tag = "previews",
    params(("namespace" = String, Path, description = "Its namespace"), ("name" = String, Path, description = "Its name"), Wanted),
    responses((status = 200, description = "The links", body = Shared), Refusals))]
pub(super) async fn share(
    visit: Visit,
    Path((namespace, name)): Path<(String, String)>,
    Query(wanted): Query<Wanted>,
) -> Result<([(HeaderName, &'static str); 1], Json<Shared>), ProblemDetails> {
    let shared = links(&visit, &namespace, &name, wanted.ttl.as_deref()).await?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(shared)))
}

/// What links to a preview would be: what they open, and for how long. It makes none.
#[utoipa::path(get, path = "/api/v1/previews/{namespace}/{name}/share", tag = "previews",
    params(("namespace" = String, Path, description = "Its namespace"), ("name" = String, Path, description = "Its name"), Wanted),
    responses((status = 200, description = "What they would be", body = Shareable), Refusals))]
pub(super) async fn shareable(
    visit: Visit,
    Path((namespace, name)): Path<(String, String)>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Shareable>, ProblemDetails> {
    let by = visit.viewer.identity.as_ref().ok_or_else(ProblemDetails::unknown)?.into();
    let (namespace, name, ttl) = (&*namespace, &*name, wanted.ttl.as_deref());
    asked(&visit, "preview-shareable", &Asked { namespace, name, ttl, by }).await.map(Json)
}

/// Withdraws all links to a preview that there are: they let nobody in any more, and neither does the cookie of who has
/// followed one.
#[utoipa::path(delete, path = "/api/v1/previews/{namespace}/{name}/share", tag = "previews",
    params(("namespace" = String, Path, description = "Its namespace"), ("name" = String, Path, description = "Its name")),
    responses((status = 204, description = "They let nobody in any more"), Refusals))]
pub(super) async fn withdraw(
    visit: Visit,
    Path((namespace, name)): Path<(String, String)>,
) -> Result<StatusCode, ProblemDetails> {
    change(&visit, &namespace, &name, What::Withdraw {}).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn links(
    visit: &Visit,
    namespace: &str,
    name: &str,
    ttl: Option<&str>,
) -> Result<Shared, ProblemDetails> {
    let by = visit.viewer.identity.as_ref().ok_or_else(ProblemDetails::unknown)?.into();
    asked(visit, "preview-share", &Asked { namespace, name, ttl, by }).await
}
