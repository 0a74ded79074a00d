//! Routes with all that a request meets on its way, as a console draws them.

use axum::Json;
use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::model::{ClusterView, ListenerView, RouteView};
use super::stats::CountsView;
use super::{Shared, traffic};

/// Routes when the client does not say how many.
const DEFAULT_LIMIT: usize = 30;

/// Which routes are wanted. All conditions must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct TopologyQuery {
    /// Only of host names that hold this text.
    pub host: Option<String>,
    /// Only to services that hold this text.
    pub service: Option<String>,
    /// Only those that say this text: in what they match, or in the names of their objects.
    pub text: Option<String>,
    /// With `namespace` and `name`, without which it says nothing: only those that this object makes, or whose requests meet it on
    /// their way.
    pub kind: Option<String>,
    /// Only of objects of this namespace.
    pub namespace: Option<String>,
    /// Only of objects of this name.
    pub name: Option<String>,
    /// Those that the gateway adds by itself too. Default true.
    pub own: Option<bool>,
    /// Those of previews' hosts too. Default true.
    pub previews: Option<bool>,
    /// At most this many routes. Default 30.
    pub limit: Option<usize>,
    /// Leave out this many at the start.
    pub offset: Option<usize>,
}

impl TopologyQuery {
    /// At most so many routes.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.limit.unwrap_or(DEFAULT_LIMIT)
    }
}

/// Routes, and what is before and behind them. Nothing is named that is not there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TopologyView {
    /// The listeners of those hosts.
    pub listeners: Vec<ListenerView>,
    /// The hosts of those routes.
    pub hosts: Vec<EntryView>,
    /// The routes, by host, in the order in which they are tried.
    pub routes: Vec<WayView>,
    /// The clusters that they lead to.
    pub clusters: Vec<ClusterView>,
    /// How many routes there are in all, of those that the query wants.
    pub total: usize,
    /// How many previews have such routes too, where the query leaves those of previews out.
    #[serde(default)]
    pub previews: usize,
    /// Whether Envoys count requests by route (`--route-stats`).
    #[serde(default)]
    pub counts_routes: bool,
}

/// A host name, as a way in. What customers and services both ask for has routes for each, and is told for each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EntryView {
    /// The host name or pattern.
    pub hostname: String,
    /// The listeners that serve it.
    pub listeners: Vec<String>,
    /// The secret with its certificate, if it terminates TLS: `namespace/name`.
    pub certificate: Option<String>,
}

/// A route, and what its requests are held to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WayView {
    /// The route.
    #[serde(flatten)]
    pub route: RouteView,
    /// The place of its host in `hosts`.
    pub entry: usize,
    /// Timeouts, retries, limits and the like, each in a few words.
    pub policies: Vec<String>,
    /// What the Envoy beside the controller counts of it. None where requests are not counted by route, or it does not tell.
    #[serde(default)]
    pub traffic: Option<CountsView>,
}

/// Routes with the listeners and hosts before them and the clusters behind them.
#[utoipa::path(get, path = "/api/v1/topology", tag = "lists", params(TopologyQuery),
    responses((status = 200, description = "The routes that were asked for", body = TopologyView)))]
pub(super) async fn topology(State(view): State<Shared>, Query(query): Query<TopologyQuery>) -> Json<TopologyView> {
    let mut topology = view.topology(&query);
    traffic::tell(&*view, &mut topology.routes).await;
    Json(topology)
}
