//! Port 6070: what is in force and what was counted.

use std::fmt::Write;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;

use crate::config::Config;
use crate::limiter::Shared;
use crate::stats;

/// The routes.
pub(crate) fn debug(shared: Arc<Shared>) -> Router {
    Router::new()
        .route(
            "/",
            get(|| async { "/rlconfig: print out the currently loaded configuration\n/stats: print out stats\n" }),
        )
        .route("/rlconfig", get(rlconfig))
        .route("/stats", get(counters))
        .with_state(shared)
}

async fn rlconfig(State(shared): State<Arc<Shared>>) -> String {
    shared.config.load().as_ref().map_or_else(String::new, |config| dump(config))
}

async fn counters(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], stats::expvar(&shared.stats))
}

/// A line for each limit, in the original's form.
fn dump(config: &Config) -> String {
    let mut text = String::new();
    for rule in config.rules() {
        let unit = rule.window.map_or_else(|| "UNKNOWN".to_owned(), |window| window.to_string());
        let _ = writeln!(
            text,
            "{}: unit={unit} requests_per_unit={}, shadow_mode: {}, quota_mode: {}",
            rule.full_key(),
            rule.requests_per_unit,
            rule.shadow_mode,
            rule.quota_mode
        );
    }
    text
}
