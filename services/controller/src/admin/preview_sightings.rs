//! What gateways of the same objects tell each other of what they have seen of previews.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Shared;
use super::previews::PreviewEventView;

/// What is asked for.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default, deny_unknown_fields)]
pub struct SightingsQuery {
    /// What the gateway that asks calls itself: one that asks itself is told nothing.
    pub by: String,
    /// What was seen since then, in seconds since 1970 by the clock of who is asked; everything where absent.
    pub since: u64,
}

/// What a gateway has seen of previews.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SightingsView {
    /// What this gateway calls itself since it began: the same at each of its addresses.
    pub gateway: String,
    /// When it tells that, by its clock, in seconds since 1970.
    pub now: u64,
    /// Those of which it has seen something.
    pub previews: Vec<SightingView>,
}

/// What a gateway has seen of a preview.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SightingView {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its requests, by what Envoy counts them as. All that this gateway ever counted, where there was one since then.
    pub ways: BTreeMap<String, u64>,
    /// When the last came, in seconds since 1970.
    pub last: Option<u64>,
    /// Since when they are counted; none where there was none.
    pub counted_since: Option<u64>,
    /// What has happened to it since then, the last first; what others have noticed is among it.
    pub events: Vec<PreviewEventView>,
}

/// What this gateway has seen of previews by itself: requests, and what has happened to them. Lists of previews have what all
/// gateways have seen.
#[utoipa::path(get, path = "/api/v1/preview-sightings", tag = "lists", params(SightingsQuery),
    responses((status = 200, description = "What it has seen", body = SightingsView)))]
pub(super) async fn sightings(State(view): State<Shared>, Query(query): Query<SightingsQuery>) -> Json<SightingsView> {
    Json(view.preview_sightings(&query))
}
