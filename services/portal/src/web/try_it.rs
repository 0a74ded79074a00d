//! Requests that a page sends from the browser through the gateway, and why they are answered as they are.

use axum::Json;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use super::assets::{PALETTE, TRY_IT};
use super::headers::of_page;
use super::visit::Visit;
use crate::catalog::Entry;
use crate::cause::Cause;
use crate::gateway::{AskedRequest, Explanation, GatewayError};

/// What a page that sends requests may do: what every page may, and ask the addresses at which the gateway serves the API.
pub(super) fn policy<'o>(origins: impl Iterator<Item = &'o String>) -> HeaderMap {
    let told: String = origins.filter(|origin| is_plain(origin)).map(|origin| format!(" {origin}")).collect();
    HeaderMap::from_iter([(header::CONTENT_SECURITY_POLICY, of_page(&[&PALETTE, &TRY_IT], &told))])
}

/// Whether an address cannot be taken for more of a policy.
fn is_plain(origin: &str) -> bool {
    origin.bytes().all(|byte| byte.is_ascii_alphanumeric() || b":/.-_[]".contains(&byte))
}

/// Why the gateway answers a request for an API as it does. Values of credentials are not needed, and better left out.
#[utoipa::path(post, path = "/docs/api/v1/apis/{namespace}/{name}/explain", tag = "catalog",
    params(("namespace" = String, Path, description = "Namespace of its Mapping"),
        ("name" = String, Path, description = "Name of its Mapping")),
    request_body = AskedRequest,
    responses((status = 200, description = "What becomes of the request", body = Explanation),
        (status = 400, description = "It is no request, or none to an address of the API"),
        (status = 404, description = "The gateway serves no such API, or the request would reach what the reader may not see"),
        (status = 503, description = "The gateway's controller cannot be asked")))]
pub(super) async fn explain(
    site: Visit,
    Path((namespace, name)): Path<(String, String)>,
    Json(asked): Json<AskedRequest>,
) -> Response {
    let Some(entry) = site.catalog().find(&namespace, &name).cloned() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    if !is_of(&site, &entry, &asked.url).await {
        return (StatusCode::BAD_REQUEST, "the URL is not at an address of this API\n").into_response();
    }
    match site.console.admin.explain(&asked).await {
        Ok(explanation) if !is_told(&site, &explanation) => StatusCode::NOT_FOUND.into_response(),
        Ok(explanation) if site.is_by_operator() => Json(explanation).into_response(),
        Ok(explanation) => Json(explanation.for_readers()).into_response(),
        Err(GatewayError::Refused { why, .. }) => (StatusCode::BAD_REQUEST, format!("{why}\n")).into_response(),
        Err(error) => {
            let cause = Cause::from(&error);
            tracing::warn!("a request is not explained: {cause}");
            (StatusCode::SERVICE_UNAVAILABLE, format!("{}\n", site.told(&cause))).into_response()
        }
    }
}

/// Whether the request gets a route that the reader may be told of, or none for what it is itself: at the same addresses there
/// are other APIs, too.
fn is_told(site: &Visit, explanation: &Explanation) -> bool {
    let is_seen = explanation.route.as_ref().is_some_and(|route| site.may_see_route(&route.origin));
    is_seen || explanation.is_of_the_request()
}

/// Whether a URL is at one of the addresses of an API, or of their previews.
async fn is_of(site: &Visit, entry: &Entry, url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else { return false };
    let Some((scheme, authority)) = uri.scheme_str().zip(uri.authority()) else { return false };
    let origin = format!("{scheme}://{authority}");
    let Ok(mount) = &entry.api.mount else { return false };
    if mount.origins.contains(&origin) {
        return true;
    }
    site.preview_addresses(&mount.origins).await.iter().any(|preview| preview.origin == origin)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn what_a_request_is_refused_for_is_told_and_nothing_of_others_routes() {
        let told = |outcome: &str, origin: Value| {
            let explanation =
                json!({ "outcome": outcome, "route": { "origin": origin }, "protection": [], "limits": [] });
            let explanation: Explanation = serde_json::from_value(explanation).unwrap();
            explanation.is_of_the_request().then(|| explanation.for_readers().outcome)
        };
        let twice = told("answered 400: servers may read this path in two ways", json!([])).unwrap();
        assert!(twice.contains("encoded twice"), "{twice}");
        let escaped = "answered 400: the path has escaped slashes";
        assert_eq!(told(escaped, json!([])).as_deref(), Some(escaped));
        let other = json!([{ "kind": "Mapping", "namespace": "shop", "name": "vault" }]);
        assert_eq!(told("answered 400: the vault is closed", other), None);
        assert_eq!(told("404: no route takes it", json!([])), None);
    }
}
