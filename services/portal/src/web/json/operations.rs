//! Operations of an API as JSON, each with what the gateway does with it.

use axum::Json;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::catalog::Entry;
use crate::reference::{Operation, Reference};
use crate::web::Visit;
use crate::web::edge::{Edge, edges};
use crate::web::reference::{PER_PAGE, api_link};

/// Which part of the list is wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
pub(super) struct Part {
    /// From 0 on; a page has 200.
    page: usize,
}

/// Operations of an API.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OperationsView {
    /// Those of the page.
    operations: Vec<OperationView>,
    /// How many there are in all.
    total: usize,
}

/// An operation.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OperationView {
    /// Its name in URLs.
    id: String,
    /// In upper case.
    method: String,
    /// As clients ask for it.
    path: String,
    /// In a few words.
    summary: String,
    /// It is not to be used any more.
    deprecated: bool,
    /// A request for it gets somewhere.
    is_routed: bool,
    /// What the gateway does with it; none where the gateway does not tell.
    edge: Option<Edge>,
    /// Its page.
    page: String,
}

/// The operations of an API: the routes that their requests get, and what these hold them to.
#[utoipa::path(get, path = "/docs/api/v1/apis/{namespace}/{name}/operations", tag = "catalog",
    params(("namespace" = String, Path, description = "Namespace of its Mapping"),
        ("name" = String, Path, description = "Name of its Mapping"), Part),
    responses((status = 200, description = "A page of them, in the order of the document", body = OperationsView),
        (status = 404, description = "The gateway serves no such API, or it has no document")))]
pub(super) async fn operations(
    site: Visit,
    Path((namespace, name)): Path<(String, String)>,
    Query(part): Query<Part>,
) -> Result<Json<OperationsView>, StatusCode> {
    let entry = site.catalog().find(&namespace, &name).cloned().ok_or(StatusCode::NOT_FOUND)?;
    let reference = entry.reference.as_deref().ok_or(StatusCode::NOT_FOUND)?;
    let wanted = reference.in_order().skip(part.page.saturating_mul(PER_PAGE)).take(PER_PAGE).collect();
    let operations = views(&site, &entry, reference, wanted).await;
    Ok(Json(OperationsView { operations, total: reference.operations.len() }))
}

/// An operation of an API, by its name in URLs.
#[utoipa::path(get, path = "/docs/api/v1/apis/{namespace}/{name}/operations/{id}", tag = "catalog",
    params(("namespace" = String, Path, description = "Namespace of its Mapping"),
        ("name" = String, Path, description = "Name of its Mapping"),
        ("id" = String, Path, description = "Its name in URLs")),
    responses((status = 200, description = "The operation", body = OperationView),
        (status = 404, description = "There is none")))]
pub(super) async fn operation(
    site: Visit,
    Path((namespace, name, id)): Path<(String, String, String)>,
) -> Result<Json<OperationView>, StatusCode> {
    let entry = site.catalog().find(&namespace, &name).cloned().ok_or(StatusCode::NOT_FOUND)?;
    let reference = entry.reference.as_deref().ok_or(StatusCode::NOT_FOUND)?;
    let operation = reference.operation(&id).ok_or(StatusCode::NOT_FOUND)?;
    let view = views(&site, &entry, reference, vec![operation]).await.pop();
    view.map(Json).ok_or(StatusCode::NOT_FOUND)
}

async fn views(site: &Visit, entry: &Entry, reference: &Reference, wanted: Vec<&Operation>) -> Vec<OperationView> {
    let link = api_link(&reference.api.id);
    let told = edges(site, entry, &wanted).await;
    let view = |(operation, edge): (&Operation, Option<Edge>)| OperationView {
        id: operation.slug.clone(),
        method: operation.method.clone(),
        path: operation.path.clone(),
        summary: operation.summary.clone(),
        deprecated: operation.deprecated,
        is_routed: edge.as_ref().map_or(operation.unrouted.is_none(), |edge| !edge.is_lost()),
        page: format!("{link}/operations/{}", crate::web::escape_path(&operation.slug)),
        edge,
    };
    wanted.into_iter().zip(told).map(view).collect()
}
