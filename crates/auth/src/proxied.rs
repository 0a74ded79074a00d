//! Requests that a proxy has sent on.

use http::HeaderMap;

/// Whether a proxy sent the request on: whatever name and address it has then say nothing of who it is from.
#[must_use]
pub fn came_by_a_proxy(headers: &HeaderMap) -> bool {
    let is_of_proxies = |name: &str| {
        ["x-forwarded-", "x-envoy-"].iter().any(|prefix| name.starts_with(prefix))
            || ["forwarded", "via", "x-request-id"].contains(&name)
    };
    headers.keys().any(|name| is_of_proxies(name.as_str()))
}
