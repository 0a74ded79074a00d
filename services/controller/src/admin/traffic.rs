//! What the Envoy beside the controller counts of requests: to services, and by route.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::client::AdminClient;
use super::stats::{CountsView, Stats, Wanted, any_of};
use super::topology::WayView;
use super::{Shared, View};

/// Of every cluster that ever had a request: how many, how many failed, and how long they took.
const OF_SERVICES: &str = r"^cluster\..+\.upstream_rq_(completed|4xx|5xx|time)$";
/// Of every route that ever had a request: how many. What else there is of them is asked for those alone that are told.
const OF_ROUTES: &str = r"^vhost\..+\.route\.[^.]+\.upstream_rq_completed$";
/// The most routes whose counts Envoy is asked for at a time: it looks at all that it counts for each question.
const MOST: usize = 100;

/// Requests that went to a service. Routes to the same service are counted together, unless their Mapping has a `stats_name`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TrafficView {
    /// The name under which Envoy counts them.
    pub name: String,
    /// The services that are counted so.
    pub services: BTreeSet<String>,
    /// They are asked about requests that are for others, who is let in and how often, and no route sends them any.
    #[serde(default)]
    pub is_asked: bool,
    /// How many there were.
    #[serde(flatten)]
    pub counts: CountsView,
}

/// What is counted under one name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// The services.
    pub services: BTreeSet<String>,
    /// They are asked about requests that are for others, and get none of their own.
    pub is_asked: bool,
}

/// How many routes are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct RouteTrafficQuery {
    /// At most this many, the busiest first. Default and most: 100.
    pub limit: Option<usize>,
}

/// Requests by route.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RouteTrafficView {
    /// Whether Envoys count by route (`--route-stats`).
    pub is_counted: bool,
    /// The busiest routes.
    pub routes: Vec<WayView>,
    /// How many of those that there are ever had a request.
    pub total: usize,
}

/// Requests to services, as the Envoy beside the controller counts them.
#[utoipa::path(get, path = "/api/v1/traffic", tag = "lists",
    responses(
        (status = 200, description = "By the name under which they are counted", body = Vec<TrafficView>),
        (status = 404, description = "No Envoy runs beside this controller", body = String),
        (status = 503, description = "The Envoy does not tell", body = String),
    ))]
pub(super) async fn traffic(State(view): State<Shared>) -> Result<Json<Vec<TrafficView>>, Untold> {
    let stats = ask(&*view, &Wanted::used(OF_SERVICES)).await?;
    Ok(Json(by_service(&stats, view.counted())))
}

/// Requests by route, the busiest first, as the Envoy beside the controller counts them where `--route-stats` says so.
#[utoipa::path(get, path = "/api/v1/route-traffic", tag = "lists", params(RouteTrafficQuery),
    responses(
        (status = 200, description = "The busiest routes", body = RouteTrafficView),
        (status = 404, description = "No Envoy runs beside this controller", body = String),
        (status = 503, description = "The Envoy does not tell", body = String),
    ))]
pub(super) async fn route_traffic(
    State(view): State<Shared>,
    Query(query): Query<RouteTrafficQuery>,
) -> Result<Json<RouteTrafficView>, Untold> {
    if !view.counts_routes() {
        return Ok(Json(RouteTrafficView::default()));
    }
    let stats = ask(&*view, &Wanted::used(OF_ROUTES)).await?;
    let (mut routes, total) = view.counted_routes(&busiest(&stats), query.limit.unwrap_or(MOST).min(MOST));
    tell(&*view, &mut routes).await;
    Ok(Json(RouteTrafficView { is_counted: true, routes, total }))
}

/// Notes at each route what Envoy counts of it: at the first hundred. Where it does not tell, nothing is known.
pub(super) async fn tell(view: &dyn View, routes: &mut [WayView]) {
    let told = routes.len().min(MOST);
    let names: BTreeSet<_> = routes[..told].iter().filter_map(|route| route.route.counted_as.as_deref()).collect();
    if names.is_empty() {
        return;
    }
    let wanted = Wanted::used(format!("^{}\\.upstream_rq_(completed|4xx|5xx|time)$", any_of(names)));
    let stats = match ask(view, &wanted).await {
        Ok(stats) => stats,
        Err((_, why)) => return tracing::debug!("no counts of routes: {why}"),
    };
    for route in &mut routes[..told] {
        let counted = route.route.counted_as.as_deref();
        // Envoy does not tell of what never had a request.
        route.traffic = counted.map(|name| stats.counts(name).unwrap_or_default());
    }
}

/// Why nothing is told.
type Untold = (StatusCode, String);

async fn ask(view: &dyn View, wanted: &Wanted) -> Result<Stats, Untold> {
    let Some(socket) = view.envoy_admin() else {
        let why = "no Envoy runs beside this controller: ask the Envoys themselves\n";
        return Err((StatusCode::NOT_FOUND, why.to_owned()));
    };
    let untold = |why: String| (StatusCode::SERVICE_UNAVAILABLE, format!("Envoy does not tell: {why}\n"));
    Stats::ask(&AdminClient::unix(socket), wanted).await.map_err(untold)
}

/// Of those services that are known by the names of their statistics.
fn by_service(stats: &Stats, counted: BTreeMap<String, Counted>) -> Vec<TrafficView> {
    let counts = |name: &String| stats.counts(&format!("cluster.{name}"));
    let told = counted.into_iter().filter_map(|(name, counted)| Some((counts(&name)?, name, counted)));
    told.map(|(counts, name, Counted { services, is_asked })| TrafficView { name, services, is_asked, counts })
        .collect()
}

/// What the counts of routes begin with, those with the most requests first.
fn busiest(stats: &Stats) -> Vec<String> {
    let name = |name: &str| name.strip_suffix(".upstream_rq_completed").map(str::to_owned);
    let mut all: Vec<_> = stats.values().filter_map(|(stat, value)| Some((value, name(stat)?))).collect();
    all.sort_by(|(a, _), (b, _)| b.cmp(a));
    all.into_iter().map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_envoy_tells_is_told_by_service() {
        let told = br#"{"stats":[{"name":"cluster.cart_80.upstream_rq_5xx","value":2},
            {"name":"cluster.cart_80.upstream_rq_completed","value":9},{"name":"cluster.nuncio_xds.upstream_rq_completed","value":1}]}"#;
        let of = |service: &str| Counted { services: BTreeSet::from([service.to_owned()]), is_asked: false };
        let counted = BTreeMap::from([("cart_80".to_owned(), of("cart:80")), ("idle_80".to_owned(), of("idle:80"))]);
        let traffic = by_service(&Stats::parse(told).unwrap(), counted);
        let [cart] = &traffic[..] else { panic!("{traffic:?}") };
        assert_eq!((cart.counts.requests, cart.counts.server_errors, cart.counts.client_errors), (9, 2, 0));
        assert!(cart.services.contains("cart:80"));
    }

    #[test]
    fn the_busiest_routes_come_first() {
        let told = br#"{"stats":[{"name":"vhost.a.route.x.example.route.s_idle.upstream_rq_completed","value":1},
            {"name":"vhost.a.route.x.example.route.s_busy.upstream_rq_completed","value":9}]}"#;
        let busiest = busiest(&Stats::parse(told).unwrap());
        assert_eq!(busiest, ["vhost.a.route.x.example.route.s_busy", "vhost.a.route.x.example.route.s_idle"]);
    }
}
