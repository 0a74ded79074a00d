//! The port for Prometheus.

use std::sync::Arc;

use axum::Router;
use axum::http::header;
use axum::routing::get;

use crate::aside::aside;
use crate::stats::{self, Exposition, Registry};

/// The route, at `path`.
pub(crate) fn prometheus(path: &str, registry: Arc<Registry>, exposition: Exposition) -> Router {
    let exposition = Arc::new(exposition);
    let metrics = move || async move {
        let page = aside(move || stats::prometheus(&registry, &exposition)).await;
        ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], page)
    };
    Router::new().route(path, get(metrics))
}
