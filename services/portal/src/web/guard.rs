//! Nothing is changed for a page of somebody else (CSRF).
//!
//! A browser says of each request where it comes from: in `Sec-Fetch-Site`, or, over clear text, in `Origin`. What says
//! neither is no browser, and brings no login that it did not mean to bring.

use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Refuses what would change something and comes from elsewhere; and whatever a page of somebody else would fetch of the
/// console: that it cannot read the answer does not spare the work, of which trials are done one at a time.
pub(super) async fn refuse_foreign(request: Request, next: Next) -> Response {
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let is_console = request.uri().path().starts_with("/console");
    let is_refused = changes || (is_console && !is_navigation(request.headers()));
    if is_refused && is_foreign(request.headers()) {
        return (StatusCode::FORBIDDEN, "only pages of the portal may ask for that\n").into_response();
    }
    next.run(request).await
}

/// Whether a page of somebody else led here.
pub(crate) fn is_foreign(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    match (text("sec-fetch-site"), text("origin")) {
        (Some(from), _) => !matches!(from, "same-origin" | "none"),
        (None, Some(origin)) => Some(host(origin)) != text(header::HOST.as_str()).map(host),
        (None, None) => false,
    }
}

/// Whether somebody follows a link, and the answer is the page in his window.
fn is_navigation(headers: &HeaderMap) -> bool {
    let says = |name: &str, value: &str| headers.get(name).is_some_and(|said| said == value);
    says("sec-fetch-mode", "navigate") && says("sec-fetch-dest", "document")
}

/// The name without scheme and port: the gateway takes ports out of `Host`.
fn host(text: &str) -> &str {
    let authority = text.split_once("://").map_or(text, |(_, authority)| authority);
    match authority.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => authority,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_say_where_a_request_comes_from() {
        let foreign = |told: &[(&'static str, &'static str)]| {
            let headers =
                told.iter().map(|(name, value)| (name.parse::<header::HeaderName>().unwrap(), value.parse().unwrap()));
            is_foreign(&headers.collect())
        };
        let host = ("host", "portal.example");
        for own in [
            vec![host],
            vec![host, ("sec-fetch-site", "same-origin"), ("origin", "null")],
            vec![host, ("sec-fetch-site", "none")],
            vec![host, ("origin", "http://portal.example:8080")],
        ] {
            assert!(!foreign(&own), "{own:?}");
        }
        for other in [
            vec![host, ("sec-fetch-site", "cross-site"), ("origin", "http://portal.example")],
            vec![host, ("sec-fetch-site", "same-site")],
            vec![host, ("origin", "http://evil.example")],
            vec![host, ("origin", "null")],
            vec![host, ("origin", "http://portal.example.evil")],
        ] {
            assert!(foreign(&other), "{other:?}");
        }
    }
}
