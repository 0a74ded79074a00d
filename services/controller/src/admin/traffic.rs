//! What the Envoy beside the controller counts of requests to services.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Shared;
use super::client::AdminClient;

/// Of every cluster that ever had a request: how many, how many failed, and how long they took.
const PATH: &str =
    "/stats?format=json&usedonly&filter=%5Ecluster%5C..%2B%5C.upstream_rq_(completed%7C4xx%7C5xx%7Ctime)%24";

/// Requests that went to a service. Routes to the same service are counted together, unless their Mapping has a `stats_name`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TrafficView {
    /// The name under which Envoy counts them.
    pub name: String,
    /// The services that are counted so.
    pub services: BTreeSet<String>,
    /// All requests since this Envoy began.
    pub requests: u64,
    /// Those that were answered with a status from 400 to 499.
    pub client_errors: u64,
    /// Those that were answered with a status from 500 on.
    pub server_errors: u64,
    /// How long the answers took.
    pub all: Option<LatencyView>,
    /// Of the last seconds; none where there was no request.
    pub recent: Option<LatencyView>,
}

/// How long answers took, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LatencyView {
    /// Half of them took no longer.
    pub p50: f64,
    /// Of a hundred, 99 took no longer.
    pub p99: f64,
}

/// Requests to services, as the Envoy beside the controller counts them.
#[utoipa::path(get, path = "/api/v1/traffic", tag = "lists",
    responses(
        (status = 200, description = "By the name under which they are counted", body = Vec<TrafficView>),
        (status = 404, description = "No Envoy runs beside this controller", body = String),
        (status = 503, description = "The Envoy does not tell", body = String),
    ))]
pub(super) async fn traffic(State(view): State<Shared>) -> Result<Json<Vec<TrafficView>>, (StatusCode, String)> {
    let Some(socket) = view.envoy_admin() else {
        let why = "no Envoy runs beside this controller: ask the Envoys themselves\n";
        return Err((StatusCode::NOT_FOUND, why.to_owned()));
    };
    let unavailable = |why: String| (StatusCode::SERVICE_UNAVAILABLE, format!("Envoy does not tell: {why}\n"));
    let reply = AdminClient::unix(socket).get(PATH).await.map_err(|error| unavailable(error.to_string()))?;
    let told: Told = serde_json::from_slice(&reply.body).map_err(|error| unavailable(error.to_string()))?;
    Ok(Json(told.traffic(&view.counted())))
}

/// Envoy's answer.
#[derive(Debug, Deserialize)]
struct Told {
    stats: Vec<Stat>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Stat {
    Counter { name: String, value: u64 },
    Histograms { histograms: Histograms },
}

#[derive(Debug, Deserialize)]
struct Histograms {
    supported_quantiles: Vec<f64>,
    computed_quantiles: Vec<Histogram>,
}

#[derive(Debug, Deserialize)]
struct Histogram {
    name: String,
    values: Vec<Quantile>,
}

#[derive(Debug, Deserialize)]
struct Quantile {
    interval: Option<f64>,
    cumulative: Option<f64>,
}

impl Told {
    /// Of those services that are known by the names of their statistics.
    fn traffic(self, counted: &BTreeMap<String, BTreeSet<String>>) -> Vec<TrafficView> {
        let mut views: BTreeMap<String, TrafficView> = BTreeMap::new();
        for stat in self.stats {
            match stat {
                Stat::Counter { name, value } => note(&mut views, counted, &name, |view, what| match what {
                    "completed" => view.requests = value,
                    "4xx" => view.client_errors = value,
                    "5xx" => view.server_errors = value,
                    _ => {}
                }),
                Stat::Histograms { histograms: Histograms { supported_quantiles, computed_quantiles } } => {
                    for Histogram { name, values } in computed_quantiles {
                        note(&mut views, counted, &name, |view, _| {
                            view.all = latency(&supported_quantiles, &values, |value| value.cumulative);
                            view.recent = latency(&supported_quantiles, &values, |value| value.interval);
                        });
                    }
                }
            }
        }
        views.into_values().collect()
    }
}

/// Notes what `cluster.NAME.upstream_rq_WHAT` says.
fn note(
    views: &mut BTreeMap<String, TrafficView>,
    counted: &BTreeMap<String, BTreeSet<String>>,
    stat: &str,
    note: impl FnOnce(&mut TrafficView, &str),
) {
    let parts = stat.strip_prefix("cluster.").and_then(|rest| rest.split_once(".upstream_rq_"));
    let Some(((name, what), services)) = parts.and_then(|parts| Some((parts, counted.get(parts.0)?))) else { return };
    let view = views.entry(name.to_owned()).or_insert_with(|| TrafficView {
        name: name.to_owned(),
        services: services.clone(),
        ..TrafficView::default()
    });
    note(view, what);
}

fn latency(quantiles: &[f64], values: &[Quantile], of: impl Fn(&Quantile) -> Option<f64>) -> Option<LatencyView> {
    let at = |wanted: f64| {
        let place = quantiles.iter().position(|quantile| (quantile - wanted).abs() < f64::EPSILON)?;
        of(values.get(place)?)
    };
    Some(LatencyView { p50: at(50.0)?, p99: at(99.0)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_envoy_tells_is_told_by_service() {
        let told = r#"{"stats":[{"name":"cluster.cart_80.upstream_rq_5xx","value":2},{"name":"cluster.cart_80.upstream_rq_completed","value":9},
            {"name":"cluster.nuncio_xds.upstream_rq_completed","value":1},{"histograms":{"supported_quantiles":[50,99],
            "computed_quantiles":[{"name":"cluster.cart_80.upstream_rq_time","values":[{"cumulative":1.5,"interval":null},{"cumulative":8.0,"interval":null}]}]}}]}"#;
        let told: Told = serde_json::from_str(told).unwrap();
        let counted = BTreeMap::from([("cart_80".to_owned(), BTreeSet::from(["cart:80".to_owned()]))]);
        let traffic = told.traffic(&counted);
        let [cart] = &traffic[..] else { panic!("{traffic:?}") };
        assert_eq!((cart.requests, cart.server_errors, cart.client_errors), (9, 2, 0));
        assert_eq!((cart.all, cart.recent), (Some(LatencyView { p50: 1.5, p99: 8.0 }), None));
        assert!(cart.services.contains("cart:80"));
    }
}
