//! Headers of every answer: a page shows text of strangers to people who are logged in.

use std::sync::LazyLock;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::Response;

use super::assets::{Asset, PALETTE};

/// Of what is no page: nothing is run, nothing comes from elsewhere, nobody frames it.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);

/// Of pages that say nothing else.
static OF_PAGES: LazyLock<HeaderValue> = LazyLock::new(|| of_page(&[&PALETTE], ""));
/// Of a page with a form that leads to the identity provider in the end, wherever that is.
pub(super) static WITH_WAY_OUT: LazyLock<HeaderValue> = LazyLock::new(|| policy("", &[&PALETTE], ""));

/// What a page may do: run these scripts, by what they hold, and ask the portal and these addresses, each with a space
/// before it. Its forms lead to the portal.
pub(crate) fn of_page(scripts: &[&Asset], addresses: &str) -> HeaderValue {
    policy("form-action 'self'; ", scripts, addresses)
}

fn policy(forms: &str, scripts: &[&Asset], addresses: &str) -> HeaderValue {
    let scripts: String = scripts.iter().map(|script| format!(" '{}'", script.integrity())).collect();
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src 'self'; {forms}base-uri 'none'; frame-ancestors 'none'; \
         script-src{scripts}; require-trusted-types-for 'script'; connect-src 'self'{addresses}"
    );
    HeaderValue::try_from(policy).unwrap_or(POLICY)
}

fn is_page(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|media| media.as_bytes().starts_with(b"text/html"))
}

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
    let policy = if is_page(headers) { OF_PAGES.clone() } else { POLICY };
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(policy);
    // What an API is called is nobody's business but the reader's.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("private, no-cache"));
    response
}
