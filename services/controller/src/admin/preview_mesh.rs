//! What a mesh is told of previews.

use axum::Json;
use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::Shared;
use super::model::ObjectRef;
use super::page::{ListQuery, Page};

/// The routes of a Preview for a mesh.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PreviewMeshView {
    /// Which object.
    #[serde(flatten)]
    pub id: ObjectRef,
    /// `HTTPRoute`s of the Gateway API with a Service as their parent (GAMMA), and the `ReferenceGrant`s that they need.
    #[schema(value_type = Vec<Object>)]
    pub objects: Vec<Value>,
    /// What a mesh cannot be told of it, and why.
    pub left_out: Vec<String>,
}

/// Routes of previews for a mesh, where the `PreviewPolicy` says `mesh: true`.
#[utoipa::path(get, path = "/api/v1/preview-meshes", tag = "lists", params(ListQuery),
    responses((status = 200, description = "The part of the list that was asked for", body = Page<PreviewMeshView>)))]
pub(super) async fn meshes(State(view): State<Shared>, Query(query): Query<ListQuery>) -> Json<Page<PreviewMeshView>> {
    Json(view.preview_meshes(&query))
}
