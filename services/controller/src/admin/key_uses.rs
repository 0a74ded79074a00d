//! How often API keys were used.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Shared;

/// The most keys of one question.
const MOST: usize = 100;

/// Which keys.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyUsesQuery {
    /// Their ids (names of entries in a Secret of an `APIKey` Filter), with commas between them: at most 100.
    ids: String,
}

/// How often a key was used since the gateway began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct KeyUseView {
    /// How many requests came with it.
    pub count: u64,
    /// When the last did, in seconds since 1970.
    pub last: u64,
}

/// How often API keys were used, as the authentication service of this process counts: by id, without those that never were.
#[utoipa::path(get, path = "/api/v1/key-uses", tag = "lists", params(KeyUsesQuery),
    responses((status = 200, description = "Uses by the id of the key", body = BTreeMap<String, KeyUseView>)))]
pub(super) async fn key_uses(
    State(view): State<Shared>,
    Query(KeyUsesQuery { ids }): Query<KeyUsesQuery>,
) -> Json<BTreeMap<String, KeyUseView>> {
    let ids = ids.split(',').take(MOST);
    Json(ids.filter_map(|id| Some((id.to_owned(), view.key_use(id)?))).collect())
}
