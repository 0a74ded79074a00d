//! Port 6070: what is in force, what was counted, and why a request is limited.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::{Query, RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::aside::aside;
use crate::config::Config;
use crate::explain::RuleView;
use crate::limiter::{CallError, Limiter};
use crate::stats;
use crate::top::Often;

const INDEX: &str = "\
/rlconfig: print out the currently loaded configuration
/stats: print out stats
/limits: the limits in force and what was counted, as JSON; ?limit=N&offset=N
/top: the counters that were over their limits most often, as JSON; ?limit=N
/explain?domain=D&KEY=VALUE...: which limit a request is held to, and what is left of it, as JSON
";
/// How many limits a page has if it is not said.
const PAGE: usize = 1_000;

/// The routes.
pub(crate) fn debug(limiter: Arc<Limiter>) -> Router {
    Router::new()
        .route("/", get(|| async { INDEX }))
        .route("/rlconfig", get(rlconfig))
        .route("/stats", get(counters))
        .route("/limits", get(limits))
        .route("/top", get(top))
        .route("/explain", get(explain))
        .with_state(limiter)
}

async fn rlconfig(State(limiter): State<Arc<Limiter>>) -> String {
    let config = limiter.shared().config.load_full();
    aside(move || config.map_or_else(String::new, |config| dump(&config))).await
}

async fn counters(State(limiter): State<Arc<Limiter>>) -> impl IntoResponse {
    let counted = limiter.shared().stats.clone();
    ([(header::CONTENT_TYPE, "application/json")], aside(move || stats::expvar(&counted)).await)
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

#[derive(Deserialize)]
struct Paging {
    limit: Option<usize>,
    #[serde(default)]
    offset: usize,
}

#[derive(Serialize)]
struct Page<T> {
    total: usize,
    items: Vec<T>,
}

#[derive(Serialize)]
struct LimitView {
    #[serde(flatten)]
    rule: RuleView,
    /// Hits under the rule's own name: those with values of requests in their names are in `/stats`.
    total_hits: u64,
    over_limit: u64,
    near_limit: u64,
}

async fn limits(State(limiter): State<Arc<Limiter>>, Query(paging): Query<Paging>) -> Json<Page<LimitView>> {
    let config = limiter.shared().config.load_full();
    let rules = config.as_ref().map_or_else(Vec::new, |config| config.rules());
    let view = |rule: &&crate::config::Rule| LimitView {
        rule: (*rule).into(),
        total_hits: rule.stats.total_hits.load(Ordering::Relaxed),
        over_limit: rule.stats.over_limit.load(Ordering::Relaxed),
        near_limit: rule.stats.near_limit.load(Ordering::Relaxed),
    };
    let items = rules.iter().skip(paging.offset).take(paging.limit.unwrap_or(PAGE)).map(view).collect();
    Json(Page { total: rules.len(), items })
}

async fn top(State(limiter): State<Arc<Limiter>>, Query(paging): Query<Paging>) -> Json<Vec<Often>> {
    let mut list = limiter.shared().top.as_ref().map_or_else(Vec::new, |top| top.list());
    list.truncate(paging.limit.unwrap_or(100));
    Json(list)
}

/// `domain`, and then the entries in their order: keys may come twice.
async fn explain(State(limiter): State<Arc<Limiter>>, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
    let Some(((_, domain), entries)) = pairs.split_first().filter(|((first, _), _)| first == "domain") else {
        return problem(StatusCode::BAD_REQUEST, "expected ?domain=D&KEY=VALUE...");
    };
    let entries: Vec<_> = entries.iter().map(|(key, value)| (key.as_ref(), value.as_ref())).collect();
    match limiter.explain(domain, &entries).await {
        Ok(explanation) => Json(explanation).into_response(),
        Err(CallError::Request(error)) => problem(StatusCode::CONFLICT, &error),
        Err(CallError::Store(error)) => problem(StatusCode::SERVICE_UNAVAILABLE, &error.to_string()),
    }
}

fn problem(status: StatusCode, error: &str) -> Response {
    (status, Json(json!({ "error": error }))).into_response()
}
