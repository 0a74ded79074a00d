//! For proxies that ask by HTTP: nginx (`auth_request`), Traefik (`forwardAuth`), Envoy's HTTP form.
//!
//! `/check/RULES` names the rules in its path, which the proxy's configuration writes. The request that is asked about
//! stands in `x-forwarded-*` (or `x-original-*`), which the proxy must overwrite; without them it is the request itself.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri};
use axum::routing::any;
use nuncio_auth::{Edits, Reply, Request};
use serde::Deserialize;

use crate::engine::{Engine, Outcome};

/// The largest body in bytes: what a Filter may ask for, and one more, by which it is known that there is more.
const LARGEST: usize = (4 << 20) + 1;

/// The routes.
pub(crate) fn router(engine: Arc<Engine>) -> Router {
    Router::new()
        .route("/check/{rules}", any(check))
        .route("/check/{rules}/", any(check_prefixed))
        .route("/check/{rules}/{*path}", any(check_prefixed))
        .layer(DefaultBodyLimit::max(LARGEST))
        .with_state(engine)
}

async fn check(
    State(engine): State<Arc<Engine>>,
    Path(rules): Path<String>,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let Some(mut request) = forwarded(&method, &headers) else {
        return reply(Reply::new(StatusCode::BAD_REQUEST));
    };
    request.body = body.into();
    answer(&engine, &rules, request).await
}

/// What of the path is ours.
#[derive(Deserialize)]
struct Named {
    rules: String,
}

/// Envoy's HTTP form: a `path_prefix` of `/check/RULES`, then the path itself.
async fn check_prefixed(
    State(engine): State<Arc<Engine>>,
    Path(Named { rules }): Path<Named>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    // After `/check/RULES`, as it was written.
    let target = target.splitn(4, '/').nth(3).map_or_else(|| "/".to_owned(), |rest| format!("/{rest}"));
    let host = header(&headers, "host").unwrap_or_default();
    let scheme = header(&headers, "x-forwarded-proto").unwrap_or("https");
    let mut request = with_headers(Request::new(method.as_str(), scheme, host, &target), &headers);
    request.body = body.into();
    answer(&engine, &rules, request).await
}

fn forwarded(method: &Method, headers: &HeaderMap) -> Option<Request> {
    let method = said(headers, &["x-forwarded-method", "x-original-method"]).ok()?.unwrap_or(method.as_str());
    let scheme = said(headers, &["x-forwarded-proto"]).ok()??;
    if !matches!(scheme, "http" | "https") {
        return None;
    }
    let host = said(headers, &["x-forwarded-host"]).ok()??;
    let target = said(headers, &["x-forwarded-uri", "x-original-uri"]).ok()??;
    Some(with_headers(Request::new(method, scheme, host, target), headers))
}

fn with_headers(mut request: Request, headers: &HeaderMap) -> Request {
    for (name, value) in headers {
        request.add_header(name.as_str(), value.as_bytes());
    }
    request.id = request.header("x-request-id").unwrap_or_default().to_owned();
    request.client = request.header("x-forwarded-for").unwrap_or_default().to_owned();
    request
}

/// Two things are said where one is.
#[derive(Debug, PartialEq, Eq)]
struct Ambiguous;

/// What the proxy says under these names. It writes one of them; another may be the client's, which is not to be believed.
fn said<'a>(headers: &'a HeaderMap, names: &[&str]) -> Result<Option<&'a str>, Ambiguous> {
    let mut all = names.iter().flat_map(|name| headers.get_all(*name)).map(|value| value.to_str().ok());
    let Some(first) = all.next() else { return Ok(None) };
    if all.all(|other| other == first) { first.map(Some).ok_or(Ambiguous) } else { Err(Ambiguous) }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

async fn answer(engine: &Engine, rules: &str, request: Request) -> Response<Body> {
    let cookies: Vec<_> = request.headers().get_all(COOKIE).iter().map(|value| value.as_bytes()).collect();
    let cookies = HeaderValue::from_bytes(&cookies.join(&b"; "[..])).ok();
    match engine.decide(Some(rules), request).await.outcome {
        Outcome::Allow(mut edits, _) => {
            // A proxy that copies them has none of its own for those that are as they came.
            edits.headers.entry(COOKIE.as_str().to_owned()).or_insert(cookies);
            allowed(*edits)
        }
        Outcome::Answer(answered) => reply(answered),
        Outcome::Deny(denial) => reply(*denial.reply),
    }
}

/// 200 with the headers for the upstream, which the proxy copies. One that is to be removed is there and empty.
fn allowed(edits: Edits) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    for (name, value) in edits.headers {
        if let Ok(name) = http::HeaderName::try_from(name) {
            response.headers_mut().insert(name, value.unwrap_or(HeaderValue::from_static("")));
        }
    }
    for (name, value) in edits.response {
        response.headers_mut().append(name, value);
    }
    response
}

fn reply(reply: Reply) -> Response<Body> {
    let mut response = Response::new(Body::from(reply.body));
    *response.status_mut() = reply.status;
    for (name, value) in reply.headers {
        response.headers_mut().append(name, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_proxy_does_not_say_is_not_guessed() {
        let headers = |pairs: &[(&'static str, &'static str)]| -> HeaderMap {
            pairs.iter().map(|(n, v)| (http::HeaderName::from_static(n), v.parse().unwrap())).collect()
        };
        assert!(forwarded(&Method::GET, &headers(&[("host", "a"), ("x-forwarded-uri", "/x")])).is_none());
        let all = [
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "A.test"),
            ("x-forwarded-uri", "/x?y"),
            ("x-forwarded-method", "PUT"),
        ];
        let request = forwarded(&Method::GET, &headers(&all)).unwrap();
        assert_eq!(
            (request.method.as_str(), request.origin().as_str(), request.path()),
            ("PUT", "https://a.test", "/x")
        );
        for more in [("x-original-uri", "/public"), ("x-original-method", "GET"), ("x-forwarded-host", "b.test")] {
            let mut two = headers(&all);
            two.append(more.0, more.1.parse().unwrap());
            assert!(forwarded(&Method::GET, &two).is_none(), "{more:?} may be the client's");
        }
    }
}
