//! The lists. What is in them is the [`View`](super::View)'s matter.

use axum::Json;
use axum::extract::{Query, State};

use super::Shared;
use super::model::{ClusterView, EnvoyView, HostView, LimitView, LimitedView, ObjectView, ProblemView, RouteView};
use super::page::{ListQuery, Page};

/// Objects, and how far each has come.
#[utoipa::path(get, path = "/api/v1/objects", tag = "lists", params(ListQuery),
    responses((status = 200, description = "The part of the list that was asked for", body = Page<ObjectView>)))]
pub(super) async fn objects(State(view): State<Shared>, Query(query): Query<ListQuery>) -> Json<Page<ObjectView>> {
    Json(view.objects(&query))
}

/// Host names, and what serves them.
#[utoipa::path(get, path = "/api/v1/hosts", tag = "lists", params(ListQuery),
    responses((status = 200, description = "The part of the list that was asked for", body = Page<HostView>)))]
pub(super) async fn hosts(State(view): State<Shared>, Query(query): Query<ListQuery>) -> Json<Page<HostView>> {
    Json(view.hosts(&query))
}

/// Routes by host, in the order in which Envoy tries them.
#[utoipa::path(get, path = "/api/v1/routes", tag = "lists", params(ListQuery),
    responses((status = 200, description = "The part of the list that was asked for", body = Page<RouteView>)))]
pub(super) async fn routes(State(view): State<Shared>, Query(query): Query<ListQuery>) -> Json<Page<RouteView>> {
    Json(view.routes(&query))
}

/// Upstream clusters.
#[utoipa::path(get, path = "/api/v1/clusters", tag = "lists", params(ListQuery),
    responses((status = 200, description = "The part of the list that was asked for", body = Page<ClusterView>)))]
pub(super) async fn clusters(State(view): State<Shared>, Query(query): Query<ListQuery>) -> Json<Page<ClusterView>> {
    Json(view.clusters(&query))
}

/// Limits of RateLimits by domain and labels, and whether they are in force.
#[utoipa::path(get, path = "/api/v1/limits", tag = "lists", params(ListQuery),
    responses((status = 200, description = "The part of the list that was asked for", body = Page<LimitView>)))]
pub(super) async fn limits(State(view): State<Shared>, Query(query): Query<ListQuery>) -> Json<Page<LimitView>> {
    Json(view.limits(&query))
}

/// What was most often over a limit, the most often first; empty unless the rate limit service runs beside the controller.
#[utoipa::path(get, path = "/api/v1/limited", tag = "lists", params(ListQuery),
    responses((status = 200, description = "The part of the list that was asked for", body = Page<LimitedView>)))]
pub(super) async fn limited(State(view): State<Shared>, Query(query): Query<ListQuery>) -> Json<Page<LimitedView>> {
    Json(view.limited(&query))
}

/// Connected Envoys.
#[utoipa::path(get, path = "/api/v1/envoys", tag = "lists", params(ListQuery),
    responses((status = 200, description = "The part of the list that was asked for", body = Page<EnvoyView>)))]
pub(super) async fn envoys(State(view): State<Shared>, Query(query): Query<ListQuery>) -> Json<Page<EnvoyView>> {
    Json(view.envoys(&query))
}

/// What is wrong, with objects and with files.
#[utoipa::path(get, path = "/api/v1/problems", tag = "lists", params(ListQuery),
    responses((status = 200, description = "The part of the list that was asked for", body = Page<ProblemView>)))]
pub(super) async fn problems(State(view): State<Shared>, Query(query): Query<ListQuery>) -> Json<Page<ProblemView>> {
    Json(view.problems(&query))
}
