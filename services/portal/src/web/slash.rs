//! A slash too many: `/docs/keys/` is `/docs/keys`, to which whoever asks for the other is led.

use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

/// Where pages are. Nobody is led elsewhere: what begins with two slashes would be another host's.
const PAGES: [&str; 2] = ["/docs/", "/console/"];

/// Leads to the page without the slash, where there is none with it.
pub(super) async fn too_many(request: Request, next: Next) -> Response {
    let page = without(&request);
    let response = next.run(request).await;
    match page {
        Some(page) if response.status() == StatusCode::NOT_FOUND => Redirect::permanent(&page).into_response(),
        _ => response,
    }
}

fn without(request: &Request) -> Option<String> {
    let uri = request.uri();
    let page = uri.path().strip_suffix('/')?.trim_end_matches('/');
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    (is_read && PAGES.iter().any(|start| page.starts_with(start))).then(|| format!("{page}{query}"))
}
