//! By HTTP, as Envoy asks: the request's method and path, some of its headers; 200 allows.

use http::{HeaderName, Method, StatusCode};
use nuncio_auth::{Denial, Reply, Request, Verdict};
use nuncio_ir::auth::External;

use super::{Failure, body, length};
use crate::engine::Services;
use crate::idp::{IdpError, Known};

pub(super) async fn check(
    spec: &External,
    known: Option<&Known>,
    path_prefix: &str,
    sent: &[HeaderName],
    passed: &[HeaderName],
    request: &mut Request,
    services: &Services,
) -> Result<Verdict, Failure> {
    let method = Method::from_bytes(request.method.as_bytes());
    let method = method.map_err(|_| Failure::NotTaken("no such method".to_owned()))?;
    let url = format!("{}{path_prefix}{}", spec.url.trim_end_matches('/'), request.target());
    let make = |client: &reqwest::Client, url: reqwest::Url| {
        let mut asked =
            client.request(method, url).timeout(spec.timeout).header(http::header::HOST, &request.authority);
        for name in sent {
            for value in request.headers().get_all(name) {
                asked = asked.header(name, value);
            }
        }
        if spec.add_linkerd_headers {
            asked =
                asked.header("l5d-dst-override", spec.url.trim_start_matches("http://").trim_start_matches("https://"));
        }
        asked.body(body(spec, request).to_vec())
    };
    let answer = match known {
        Some(known) => services.clients.send_to(known, &spec.client, &url, make).await,
        None => services.clients.send(&spec.client, &url, make).await,
    };
    let answer = answer.map_err(|error| match error {
        IdpError::Unavailable(why) => Failure::Absent(why),
        IdpError::NoAnswer(why) => Failure::no_answer(why, length(spec, request)),
        IdpError::Config(why) => Failure::Unusable(why),
    })?;
    if answer.status.is_server_error() {
        return Err(Failure::of_answer(answer.status, length(spec, request)));
    }
    if answer.status == StatusCode::OK {
        for name in passed {
            if let Some(value) = answer.headers.get(name) {
                request.set_header(name, value.clone());
            }
        }
        return Ok(Verdict::Allow(None));
    }
    let mut reply = Reply::new(answer.status);
    for name in passed.iter().chain([&http::header::CONTENT_TYPE]) {
        reply.headers.extend(answer.headers.get_all(name).iter().map(|value| (name.clone(), value.clone())));
    }
    reply.body = String::from_utf8_lossy(&answer.body).into_owned();
    Ok(Verdict::Deny(Denial::new("external", format!("the service says {}", answer.status), reply)))
}
