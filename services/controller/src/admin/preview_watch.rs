//! What gateways of the same objects ask each other while one of them follows a request of a preview.

use axum::Json;
use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::preview_probe::ProbedCallView;
use super::preview_refusals::Refusals;
use super::{PreviewError, Shared};

/// A request that another gateway follows.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct WatchedPreview {
    /// What that gateway calls itself: one that finds itself among its peers has nothing to write down twice.
    pub by: String,
    /// The namespace of the Preview.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The id of the trace.
    pub trace: String,
}

/// Who watches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WatchView {
    /// What this gateway calls itself since it began: the same at each of its addresses.
    pub gateway: String,
}

/// A request that a gateway has seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlacedCallView {
    /// What it was.
    #[serde(flatten)]
    pub call: ProbedCallView,
    /// The place among the services that the preview replaces of the one that it went to; none where it went to another.
    pub service_at: Option<usize>,
}

/// Has the Envoy beside this gateway write down what it sees of a trace that another gateway follows, for some seconds at most. Only
/// where the gateway was started with `--allow-previews`.
#[utoipa::path(post, path = "/api/v1/preview-watch", tag = "changes", params(WatchedPreview),
    responses((status = 200, description = "It does", body = WatchView), Refusals))]
pub(super) async fn watch(
    State(view): State<Shared>,
    Query(wanted): Query<WatchedPreview>,
) -> Result<Json<WatchView>, PreviewError> {
    let done = tokio::task::spawn_blocking(move || view.watch_preview(&wanted)).await;
    done.unwrap_or_else(|error| Err(PreviewError::Conflict(error.to_string()))).map(Json)
}

/// What that Envoy has seen of it. It writes nothing down any more then.
#[utoipa::path(post, path = "/api/v1/preview-watched", tag = "changes", params(WatchedPreview),
    responses((status = 200, description = "What was seen, the last to be answered first", body = Vec<PlacedCallView>), Refusals))]
pub(super) async fn watched(
    State(view): State<Shared>,
    Query(wanted): Query<WatchedPreview>,
) -> Result<Json<Vec<PlacedCallView>>, PreviewError> {
    let done = tokio::task::spawn_blocking(move || view.watched_preview(&wanted)).await;
    done.unwrap_or_else(|error| Err(PreviewError::Conflict(error.to_string()))).map(Json)
}
