//! What forges send when a pull request is opened, changed or closed.

use axum::Json;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde::Serialize;

use super::model::Changed;
use super::problem::ProblemDetails;
use crate::web::Site;

/// The largest delivery; those of pull requests are a tenth of it.
const MAX_BODY: usize = 1 << 20;

/// Where forges send to.
pub(super) fn router() -> Router<Site> {
    Router::new().route("/webhooks/{provider}", post(receive)).layer(DefaultBodyLimit::max(MAX_BODY))
}

/// What a forge sent, as it came.
#[derive(Serialize)]
struct Delivery<'a> {
    provider: &'a str,
    event: &'a str,
    signature: &'a str,
    body: &'a str,
}

async fn receive(
    State(site): State<Site>,
    Path(provider): Path<String>,
    headers: HeaderMap,
    body: String,
) -> Result<Json<Changed>, ProblemDetails> {
    let (event, signature) = match &*provider {
        "github" => ("x-github-event", "x-hub-signature-256"),
        "gitlab" => ("x-gitlab-event", "x-gitlab-token"),
        _ => return Err(ProblemDetails::new(StatusCode::NOT_FOUND, "webhooks are those of github and gitlab")),
    };
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if text("content-type").starts_with("application/x-www-form-urlencoded") {
        let why = "choose application/json as the content type of the webhook";
        return Err(ProblemDetails::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, why));
    }
    let delivery = Delivery { provider: &provider, event: text(event), signature: text(signature), body: &body };
    let (status, answer) = site.console.admin.relay("/api/v1/preview-hook", &delivery).await?;
    if !status.is_success() {
        return Err(ProblemDetails::of(status, &answer));
    }
    let changed = serde_json::from_slice(&answer);
    changed.map(Json).map_err(|error| ProblemDetails::new(StatusCode::BAD_GATEWAY, error.to_string()))
}
