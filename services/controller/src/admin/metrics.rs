//! One page of metrics: the controller's, and those of the services and the Envoy beside it.

use std::fmt::Write;

use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::IntoResponse;
use futures_util::{StreamExt, stream};
use http_body_util::BodyExt;
use serde::Deserialize;
use tracing::debug;
use utoipa::IntoParams;

use super::Shared;
use super::client::AdminClient;

/// The older Prometheus text format, which Envoy speaks.
const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Only what was ever touched: an Envoy has hundreds of series for each cluster, most of them zero for ever.
const ENVOY_PATH: &str = "/stats/prometheus?usedonly";

/// What of the page is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// Whether Envoy's statistics are: those of thousands of clusters cost an Envoy much, and can be asked of it by itself.
    #[serde(default = "yes")]
    #[param(default = true)]
    envoy: bool,
}

fn yes() -> bool {
    true
}

/// The metrics of the controller, and of the services and the Envoy beside it if there are such.
#[utoipa::path(get, path = "/metrics", tag = "probes", params(Wanted),
    responses((status = 200, description = "Prometheus text format", content_type = "text/plain", body = String)))]
pub(super) async fn metrics(State(view): State<Shared>, Query(wanted): Query<Wanted>) -> impl IntoResponse {
    let mut page = to_prometheus(&view.metrics());
    let limits = view.clone();
    // A page of its own where there are many limits: no call may wait for it. What fails is only missing.
    page.push_str(&tokio::task::spawn_blocking(move || limits.limiter_metrics()).await.unwrap_or_default());
    let body = match view.envoy_admin().filter(|_| wanted.envoy) {
        Some(socket) => with_envoy(page, &AdminClient::unix(socket)).await,
        None => page.into(),
    };
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], body)
}

/// Envoy's statistics after `page`, as they come: of many clusters they are many megabytes. A scrape does not fail because
/// there is no Envoy; that is said.
async fn with_envoy(mut page: String, envoy: &AdminClient) -> Body {
    let statistics = match envoy.stream(ENVOY_PATH).await {
        Ok(reply) if reply.status().is_success() => Some(reply.into_body()),
        Ok(reply) => {
            debug!("Envoy gives no statistics: status {}", reply.status());
            None
        }
        Err(error) => {
            debug!("Envoy gives no statistics: {error}");
            None
        }
    };
    page.push_str("# HELP nuncio_envoy_stats_up Whether the statistics of the local Envoy follow.\n");
    page.push_str("# TYPE nuncio_envoy_stats_up gauge\n");
    // Writing to a string does not fail.
    let _ = writeln!(page, "nuncio_envoy_stats_up {}", u8::from(statistics.is_some()));
    match statistics {
        Some(statistics) => {
            Body::from_stream(stream::iter([Ok(Bytes::from(page))]).chain(statistics.into_data_stream()))
        }
        None => page.into(),
    }
}

/// `OpenMetrics` as the older format: it names a counter with its `_total`, and knows no end mark and no units.
fn to_prometheus(open_metrics: &str) -> String {
    let is_counter = |name: &str| open_metrics.contains(&format!("# TYPE {name} counter\n"));
    let mut text = String::with_capacity(open_metrics.len());
    for line in open_metrics.lines() {
        let mut words = line.splitn(4, ' ');
        match (words.next(), words.next(), words.next()) {
            (Some("#"), Some("EOF" | "UNIT"), _) => continue,
            (Some("#"), Some(what @ ("TYPE" | "HELP")), Some(name)) if is_counter(name) => {
                let _ = write!(text, "# {what} {name}_total {}", words.next().unwrap_or_default());
            }
            _ => text.push_str(line),
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_keep_their_type() {
        let open = "# HELP a_b Things.\n# TYPE a_b counter\na_b_total 1\n# TYPE c gauge\n# UNIT c bytes\nc 2\n# EOF\n";
        let old = "# HELP a_b_total Things.\n# TYPE a_b_total counter\na_b_total 1\n# TYPE c gauge\nc 2\n";
        assert_eq!(to_prometheus(open), old);
    }
}
