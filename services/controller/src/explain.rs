//! What becomes of a request: the model, asked as Envoy would be.

mod entrance;
mod failures;
mod fit;
mod limits;
mod needs;
mod operations;
mod outcome;
mod previews;
mod protection;
mod request;

use nuncio_api::{Kind, ObjectId, Severity, Spec, TcpMapping};
use nuncio_ir::{
    FilterChain, Handler, HttpSettings, Listener, Model, Route, RouteAction, Table, TcpProxy, VirtualHost,
};
use nuncio_translate::{HostPattern, World};
use nuncio_xds::Server;

use self::fit::{Fit, fit};
use self::previews::Place;
use self::request::Request;
use crate::admin::{BackendView, ExplainRequest, Explanation, Lost, ObjectRef, TcpView};
use crate::view::{Shown, host_view, listener_view, route_view};

pub(crate) use self::entrance::{probes, tls_chain};
pub(crate) use self::fit::{PathTest, compiled, value_fits};
pub(crate) use self::operations::{Known, operations};
pub(crate) use self::protection::of_listener;

/// The most routes of which it is told that they lost.
const MAX_LOST: usize = 500;

/// Follows a request through the model. What services have fetched is known of a gateway that runs.
pub(crate) fn explain(world: &World, server: Option<&Server>, asked: &ExplainRequest) -> Explanation {
    let mut request = Request::new(asked);
    let mut explanation = Explanation {
        request: if request.http { format!("{} {}", asked.method, asked.url) } else { asked.url.clone() },
        path: None,
        listener: None,
        elsewhere: Vec::new(),
        host: None,
        route: None,
        tcp: None,
        outcome: String::new(),
        protection: Vec::new(),
        rule_set: None,
        limits: Vec::new(),
        failures: Vec::new(),
        lost: Vec::new(),
    };
    let model = world.model();
    let Some(listener) = entrance::listener(model, &request) else {
        explanation.outcome = entrance::nobody_listens(model, &request);
        explanation.elsewhere = entrance::elsewhere(model, asked);
        return explanation;
    };
    explanation.listener = Some(listener_view(listener));
    if !entrance::takes(listener, &request) {
        explanation.elsewhere = entrance::elsewhere(model, asked);
    }
    explanation.outcome = match entrance::chain(listener, &request) {
        Err(outcome) => outcome,
        Ok(FilterChain { handler: Handler::Http(_), .. }) if !request.http => {
            let scheme = if request.tls { "https" } else { "http" };
            format!("HTTP is spoken here: ask with {scheme}:// which route a request gets")
        }
        Ok(FilterChain { handler: Handler::Http(settings), .. }) => {
            request.enter(settings);
            explanation.path = request.is_rewritten().then(|| request.path.clone());
            let unescaped = entrance::unescaped(settings, &request);
            let by_itself = entrance::by_itself(settings, &request);
            if let (None, Some(path)) = (&by_itself, unescaped) {
                // The client comes again.
                request.path.clone_from(&path);
                explanation.path = Some(path.clone());
                let outcome = by_route(world, server, settings, &request, &mut explanation);
                format!("redirected (307) to {path}, since slashes are not escaped in paths; there: {outcome}")
            } else {
                by_itself.unwrap_or_else(|| by_route(world, server, settings, &request, &mut explanation))
            }
        }
        Ok(chain @ FilterChain { handler: Handler::Tcp(proxy), .. }) => {
            explanation.tcp = Some(tcp_view(world, listener, chain, proxy));
            outcome::of_connection(proxy)
        }
        Ok(FilterChain { handler: Handler::Close, .. }) => {
            let name = request.sni.as_deref().unwrap_or("this port");
            format!("the connection is closed: what {name} is for cannot serve, and no other takes its place")
        }
    };
    explanation
}

fn by_route(
    world: &World,
    server: Option<&Server>,
    settings: &HttpSettings,
    request: &Request,
    explanation: &mut Explanation,
) -> String {
    let model = world.model();
    let mut doubts = Vec::new();
    let is_taken = || {
        let own = previews::table(model, &settings.class, &request.host, "")
            .and_then(|table| Some((table, table.hosts.first()?)));
        own.is_some_and(|(table, host)| {
            first_match(model, table, host, request, &mut Vec::new(), &mut Vec::new()).is_some()
        })
    };
    let place = previews::place(model, &settings.class, (&request.host, &request.path), &request.previews, is_taken);
    let found = match &place {
        Place::Nobody => return "answered 404: there is no such preview of this host".to_owned(),
        Place::Choice => {
            return "answered by the gateway: this link chooses a preview for a browser, or leaves it".to_owned();
        }
        Place::Tables { host, preview, wild, .. } => {
            let scopes = [Some((host.as_str(), preview.as_str())), wild.as_deref().map(|preview| ("*", preview))];
            find(model, &settings.class, scopes, request, &mut explanation.lost, &mut doubts)
        }
    };
    let outcome = match found {
        Some((table, host, order, route)) => {
            explanation.host = Some(host_view(world, table, host, &request.host));
            explanation.route =
                Some(route_view(model, &Shown { table, host, name: request.host.clone() }, order, route));
            explanation.protection = protection::of_listener(settings).collect();
            explanation.protection.extend(protection::of_route(model, route, request));
            explanation.rule_set = route.rules.as_ref().map(|check| check.set.to_string());
            explanation.limits = limits::of_route(world, server, route, request);
            explanation.failures = failures::of_route(model, route);
            protection::refusal(model, route, request)
                .unwrap_or_else(|| needs::headline(model, route, request, outcome::of_route(model, route, request)))
        }
        None => "404: no route takes it".to_owned(),
    };
    let outcome = match place {
        Place::Tables { by: Some(by), .. } => format!("{outcome}, in a preview that {by} chooses"),
        _ => outcome,
    };
    match &doubts[..] {
        [] => outcome,
        routes => {
            let routes: Vec<_> = routes.iter().map(|route| title(route)).collect();
            format!("cannot tell whether {} takes it, which only Envoy can try; if not: {outcome}", routes.join(" or "))
        }
    }
}

/// The TCPMappings that a chain was made of.
fn tcp_view(world: &World, listener: &Listener, chain: &FilterChain, proxy: &TcpProxy) -> TcpView {
    let name = |mapping: &TcpMapping| {
        let host = mapping.host.as_deref().and_then(HostPattern::parse).filter(|host| *host != HostPattern::Any);
        host.map(|host| host.to_string()).into_iter().collect::<Vec<_>>()
    };
    let serves = |id: &ObjectId| !world.problems(id).iter().any(|problem| problem.severity == Severity::Error);
    let objects = world.objects().filter(|object| object.id.kind == Kind::TCPMapping);
    let own = objects.filter(|object| match &object.spec {
        Spec::TcpMapping(mapping) => {
            mapping.port == listener.address.port() && name(mapping) == chain.matches.server_names && serves(&object.id)
        }
        _ => false,
    });
    let backends = proxy.clusters.iter().map(|weighted| BackendView {
        cluster: Some(weighted.cluster.to_string()),
        weight: weighted.weight,
        invalid: None,
    });
    TcpView {
        server_names: chain.matches.server_names.clone(),
        backends: backends.collect(),
        origin: own.map(|object| ObjectRef::from(&object.id)).collect(),
    }
}

type FoundRoute<'a> = (&'a Table, &'a VirtualHost, usize, &'a Route);

/// The first of these tables, by host and preview, that has a route: that of the name, then that of the wildcards. `doubts` are
/// routes before it of which only Envoy knows.
fn find<'a>(
    model: &'a Model,
    class: &str,
    scopes: [Option<(&str, &str)>; 2],
    request: &Request,
    lost: &mut Vec<Lost>,
    doubts: &mut Vec<&'a Route>,
) -> Option<FoundRoute<'a>> {
    scopes.into_iter().flatten().find_map(|(name, preview)| {
        let table = previews::table(model, class, name, preview)?;
        let host = if name == "*" { closest(table, &request.host) } else { table.hosts.first() }?;
        let (order, route) = first_match(model, table, host, request, lost, doubts)?;
        Some((table, host, order, route))
    })
}

fn closest<'a>(table: &'a Table, name: &str) -> Option<&'a VirtualHost> {
    let domains = table.hosts.iter().flat_map(|host| host.domains.iter().map(move |domain| (domain, host)));
    let patterns = domains.filter_map(|(domain, host)| Some((HostPattern::parse(domain)?, host)));
    patterns
        .filter(|(pattern, _)| pattern.takes(name))
        .min_by_key(|(pattern, _)| pattern.specificity())
        .map(|(_, host)| host)
}

fn first_match<'a>(
    model: &Model,
    table: &Table,
    host: &'a VirtualHost,
    request: &Request,
    lost: &mut Vec<Lost>,
    doubts: &mut Vec<&'a Route>,
) -> Option<(usize, &'a Route)> {
    let mut found = None;
    let placed = host.routes.iter().scan(0, |known, route| {
        let order = *known;
        *known += usize::from(!route.is_bearing());
        Some((order, route))
    });
    for (order, route) in placed {
        let reason = match (found, fit(route, request)) {
            (None, Fit::Yes) => {
                found = Some((order, route));
                continue;
            }
            // What a Host refuses is of interest only if it is this request.
            (None, Fit::No(_)) if outcome::guard(route).is_some() => continue,
            (None, Fit::No(reason)) => reason,
            (None, Fit::Unknown(reason)) => {
                doubts.push(route);
                reason
            }
            (Some((_, winner)), Fit::Yes) => format!("{} comes first", title(winner)),
            // Of the routes behind the winner only those tell something that would have taken the request.
            (Some(_), _) => continue,
        };
        let is_same = found.is_some_and(|(_, winner): (usize, &Route)| winner.known_name() == route.known_name());
        if lost.len() < MAX_LOST && !route.origins.is_empty() && !route.is_bearing() && !is_same {
            lost.push(Lost {
                route: route_view(model, &Shown { table, host, name: request.host.clone() }, order, route),
                reason,
            });
        }
    }
    found
}

/// A route, as its user calls it.
fn title(route: &Route) -> String {
    match (outcome::guard(route), &route.action) {
        (Some(host), RouteAction::Redirect(_)) => format!("the redirect to https of {host}"),
        (Some(host), _) => format!("the refusal by {host}"),
        (None, _) => match route.origins.first() {
            Some(id) => id.to_string(),
            None => "the answer for what has no route".to_owned(),
        },
    }
}

#[cfg(test)]
mod tests;
