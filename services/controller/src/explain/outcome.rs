//! What comes of a request or a connection, in a sentence.

use nuncio_api::{Kind, ObjectId};
use nuncio_ir::{
    Backend, ClusterName, Discovery, Forward, Mirror, Model, PathMatch, PathRewrite, Redirect, Respond, Route,
    RouteAction, TcpProxy,
};

use super::request::Request;
use crate::view::service_of;

/// What the route does with the request.
pub(super) fn of_route(model: &Model, route: &Route, request: &Request) -> String {
    match &route.action {
        RouteAction::Forward(forward) => forwarded(model, forward, route, request),
        RouteAction::Redirect(redirect) => redirected(redirect, route, request),
        RouteAction::Respond(Respond { status, body }) => match (body.trim(), guard(route)) {
            ("", Some(host)) => format!("answered {status}: {host} rejects what is not secure"),
            ("", None) => format!("answered {status}"),
            (reason, _) => format!("answered {status}: {reason}"),
        },
    }
}

/// The Host that a route stands guard for, before all others.
pub(super) fn guard(route: &Route) -> Option<&ObjectId> {
    route.origins.first().filter(|_| route.origins.iter().all(|id| id.kind == Kind::Host))
}

fn forwarded(model: &Model, forward: &Forward, route: &Route, request: &Request) -> String {
    let total: u64 = forward.arms.iter().map(|arm| u64::from(arm.weight)).sum();
    let arms = forward.arms.iter().map(|arm| {
        let path = rewritten(arm.rewrite.as_ref(), route, &request.path);
        let share = if forward.arms.len() == 1 { String::new() } else { format!("{}/{total} ", arm.weight) };
        match &arm.backend {
            Backend::Cluster(name) if lacks_endpoints(model, name) => {
                format!("{share}answered 503: {} has no endpoints", service_of(name))
            }
            Backend::Cluster(name) => format!("{share}to {} as {path}", service_of(name)),
            Backend::Invalid { status, reason, .. } => format!("{share}answered {status}: {reason}"),
        }
    });
    let arms = arms.collect::<Vec<_>>().join(", ") + &copies(forward);
    let serves = |backend: &Backend| matches!(backend, Backend::Cluster(name) if !lacks_endpoints(model, name));
    if forward.arms.iter().any(|arm| serves(&arm.backend)) { format!("forwarded {arms}") } else { arms }
}

/// Who is sent copies, behind whoever answers.
fn copies(forward: &Forward) -> String {
    let copies = forward.mirrors.iter().map(|Mirror { cluster, percent, .. }| {
        let of = if *percent == 100 { "each request".to_owned() } else { format!("{percent} % of the requests") };
        format!("; a copy of {of} goes to {}, whose answer nobody waits for", service_of(cluster))
    });
    copies.collect()
}

/// Whether it is known that nobody stands behind a cluster.
fn lacks_endpoints(model: &Model, name: &ClusterName) -> bool {
    let is_told = model.clusters.get(name).is_some_and(|cluster| matches!(cluster.discovery, Discovery::Endpoints));
    is_told && model.endpoints.get(name).is_none_or(|known| known.endpoints.is_empty())
}

fn redirected(redirect: &Redirect, route: &Route, request: &Request) -> String {
    let scheme = redirect.scheme.clone().unwrap_or_else(|| if request.tls { "https" } else { "http" }.to_owned());
    let host = redirect.host.clone().unwrap_or_else(|| request.host.clone());
    let port = redirect.port.map(|port| format!(":{port}")).unwrap_or_default();
    let path = rewritten(redirect.path.as_ref(), route, &request.path);
    // A path with a query of its own replaces the request's.
    let query = if path.contains('?') { String::new() } else { request.query_text() };
    format!("redirected ({}) to {scheme}://{host}{port}{path}{query}", redirect.status)
}

/// Where a connection goes as it comes.
pub(super) fn of_connection(proxy: &TcpProxy) -> String {
    let total: u64 = proxy.clusters.iter().map(|weighted| u64::from(weighted.weight)).sum();
    let places = proxy.clusters.iter().map(|weighted| match proxy.clusters.len() {
        1 => format!("to {}", service_of(&weighted.cluster)),
        _ => format!("{}/{total} to {}", weighted.weight, service_of(&weighted.cluster)),
    });
    format!("passed on {}", places.collect::<Vec<_>>().join(", "))
}

/// The path as it goes on. The result of a regex is not computed.
fn rewritten(rewrite: Option<&PathRewrite>, route: &Route, path: &str) -> String {
    match rewrite {
        None => path.to_owned(),
        Some(PathRewrite::Full(full)) => full.clone(),
        Some(PathRewrite::Regex { pattern, substitution }) => format!("{path} with {pattern} → {substitution}"),
        Some(PathRewrite::Matched(replacement)) => match &route.matches.path {
            PathMatch::Prefix { value, .. } => {
                format!("{replacement}{}", path.get(value.len()..).unwrap_or_default())
            }
            // What is left begins with a slash, or is empty.
            PathMatch::Segments(value) => match path.get(value.len()..).unwrap_or_default() {
                "" => replacement.clone(),
                rest => format!("{}{rest}", replacement.trim_end_matches('/')),
            },
            PathMatch::Exact { .. } | PathMatch::Regex(_) => replacement.clone(),
        },
    }
}
