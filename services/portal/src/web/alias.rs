//! A shorter address of what programs ask: `/api/v1/apis` is `/docs/api/v1/apis`. It is for a portal at a port of its own; behind
//! a gateway `/api/` is likely somebody else's, and one Mapping of `/docs/` is enough.

use axum::extract::Request;
use axum::http::Uri;
use axum::middleware::Next;
use axum::response::Response;

/// Previews are at home there.
const OWN: &str = "/api/v1/previews";

/// Has requests for the shorter address go to the whole one.
pub(super) async fn shorter(mut request: Request, next: Next) -> Response {
    if let Some(whole) = whole(request.uri()) {
        *request.uri_mut() = whole;
    }
    next.run(request).await
}

fn whole(uri: &Uri) -> Option<Uri> {
    let path = uri.path();
    let is_own = path.strip_prefix(OWN).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if is_own || !path.starts_with("/api/v1/") {
        return None;
    }
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    format!("/docs{path}{query}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shorter_address_is_that_of_what_has_none_of_its_own() {
        let whole = |path: &str| whole(&path.parse().unwrap()).map(|uri| uri.to_string());
        assert_eq!(whole("/api/v1/apis?x=a%20b").as_deref(), Some("/docs/api/v1/apis?x=a%20b"));
        assert_eq!(whole("/api/v1/previewsome").as_deref(), Some("/docs/api/v1/previewsome"));
        for other in ["/api/v1/previews", "/api/v1/previews/a/b", "/api/v1", "/docs/api/v1/apis", "/api/v2/apis"] {
            assert_eq!(whole(other), None, "{other}");
        }
    }
}
