//! Headers of every answer: a page shows text of strangers to people who are logged in.

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;

/// Of pages that say nothing else: nothing is run, nothing comes from elsewhere, nobody frames a page.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);

/// Adds what is not said yet.
pub(super) async fn harden(mut response: Response) -> Response {
    let fixed = [
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
        (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
        (
            HeaderName::from_static("permissions-policy"),
            HeaderValue::from_static("camera=(), geolocation=(), microphone=()"),
        ),
    ];
    let headers = response.headers_mut();
    headers.extend(fixed);
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(POLICY);
    // What an API is called is nobody's business but the reader's.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("private, no-cache"));
    response
}
