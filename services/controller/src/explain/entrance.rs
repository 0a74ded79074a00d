//! The way in: the listener on a port, and the filter chain that takes a connection.

use std::sync::Arc;

use nuncio_api::without_port;
use nuncio_ir::{
    EscapedSlashes, FilterChain, Handler, HttpFilter, HttpSettings, Listener, Model, Transport, UnderscoreHeaders,
};
use nuncio_translate::HostPattern;

use super::request::Request;
use crate::admin::ExplainRequest;

/// The listener on the port that is connected to.
pub(super) fn listener<'a>(model: &'a Model, request: &Request) -> Option<&'a Arc<Listener>> {
    model.listeners.values().find(|listener| listener.address.port() == request.port)
}

/// What is said where there is none.
pub(super) fn nobody_listens(model: &Model, request: &Request) -> String {
    let open: Vec<_> = model.listeners.values().map(|listener| listener.address.port().to_string()).collect();
    let open = match &open[..] {
        [] => "no Listener can be served at all".to_owned(),
        [port] => format!("there is one on port {port}"),
        ports => format!("there are some on ports {}", ports.join(", ")),
    };
    format!("connection refused: no Listener is on port {}; {open}", request.port)
}

/// The most URLs that are offered for one that nobody takes.
const MAX_ELSEWHERE: usize = 20;

/// The same URL at every port where connections of its kind are taken: those with its own scheme first.
pub(super) fn elsewhere(model: &Model, asked: &ExplainRequest) -> Vec<String> {
    let (own, rest) = asked.url.split_once("://").unwrap_or(("http", &asked.url));
    let (authority, target) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let (own, name) = (own.to_ascii_lowercase(), without_port(authority));
    let others = ["http", "https"].into_iter().filter(|other| own.starts_with("http") && *other != own);
    let mut urls: Vec<String> = Vec::new();
    for scheme in std::iter::once(&*own).chain(others) {
        for listener in model.listeners.values() {
            let url = format!("{scheme}://{name}:{}{target}", listener.address.port());
            let request = Request::new(&ExplainRequest { url: url.clone(), ..asked.clone() });
            if takes(listener, &request) && !urls.contains(&url) && urls.len() < MAX_ELSEWHERE {
                urls.push(url);
            }
        }
    }
    urls
}

/// Whether connections of this kind are taken: there is a chain for them, which speaks what follows.
pub(super) fn takes(listener: &Listener, request: &Request) -> bool {
    open_chain(listener, request).is_some_and(|chain| match chain.handler {
        Handler::Http(_) => request.http,
        Handler::Tcp(_) => !request.http,
        Handler::Close => false,
    })
}

/// The chain that is for such a connection.
fn open_chain<'a>(listener: &'a Listener, request: &Request) -> Option<&'a FilterChain> {
    if request.tls { tls_chain(listener, request.sni.as_deref()) } else { clear_chain(listener) }
}

/// The chain that takes the connection; if none does, what becomes of it.
pub(super) fn chain<'a>(listener: &'a Listener, request: &Request) -> Result<&'a FilterChain, String> {
    let chain = open_chain(listener, request).ok_or_else(|| no_chain(listener, request))?;
    let client = chain.tls.as_ref().and_then(|tls| tls.client.as_ref());
    if client.is_some_and(|client| client.required) && !request.client_certificate {
        let name = request.sni.as_deref().unwrap_or("this port");
        return Err(format!(
            "the TLS handshake fails: {name} needs a client certificate (if the client presents one: --client-cert)"
        ));
    }
    Ok(chain)
}

fn no_chain(listener: &Listener, request: &Request) -> String {
    let port = request.port;
    if !request.tls {
        return format!("the connection is closed: only TLS is spoken on port {port}");
    }
    if listener.chains.iter().all(|chain| chain.tls.is_none()) {
        return format!("the TLS handshake fails: no TLS is spoken on port {port}");
    }
    match &request.sni {
        Some(name) => format!("the TLS handshake fails: no certificate on port {port} is for {name}"),
        None => format!("the TLS handshake fails: port {port} has no certificate for clients without a server name"),
    }
}

fn clear_chain(listener: &Listener) -> Option<&FilterChain> {
    listener.chains.iter().find(|chain| chain.tls.is_none() && chain.matches.transport != Transport::Tls)
}

/// The chain of the closest server name. TLS that is not ended here passes a chain that takes all.
pub(crate) fn tls_chain<'a>(listener: &'a Listener, name: Option<&str>) -> Option<&'a FilterChain> {
    let names = |chain: &'a FilterChain| {
        let any = chain.matches.server_names.is_empty().then_some(HostPattern::Any);
        let patterns = chain.matches.server_names.iter().filter_map(|name| HostPattern::parse(name));
        patterns.chain(any).map(move |pattern| (pattern, chain))
    };
    let takes = |pattern: &HostPattern| name.map_or(*pattern == HostPattern::Any, |name| pattern.takes(name));
    let passes = |chain: &FilterChain| match chain.handler {
        Handler::Http(_) => chain.tls.is_some(),
        Handler::Tcp(_) => chain.tls.is_some() || chain.matches.transport == Transport::Any,
        Handler::Close => true,
    };
    let chains = listener.chains.iter().filter(|chain| passes(chain)).flat_map(names);
    chains
        .filter(|(pattern, _)| takes(pattern))
        .min_by_key(|(pattern, _)| pattern.specificity())
        .map(|(_, chain)| chain)
}

/// What the gateway answers before it looks for a route.
pub(super) fn by_itself(settings: &HttpSettings, request: &Request) -> Option<String> {
    if probes(settings).any(|path| path == request.path) {
        return Some("answered 200 by the gateway itself: a probe (503 while it drains)".to_owned());
    }
    let shuts_all =
        |filter: &HttpFilter| matches!(filter, HttpFilter::IpAccess { allow: true, rules } if rules.is_empty());
    if settings.filters.iter().any(shuts_all) {
        return Some("answered 403: the access list of the Module lets nobody in".to_owned());
    }
    let underscored = request.headers.iter().find(|(name, _)| name.contains('_'));
    if let (UnderscoreHeaders::RejectRequest, Some((name, _))) = (settings.underscores, underscored) {
        return Some(format!("answered 400: the name of the header {name} has an underscore"));
    }
    let is_rejected = settings.escaped_slashes == EscapedSlashes::Reject && request.has_escaped_slashes();
    is_rejected.then(|| "answered 400: the path has escaped slashes".to_owned())
}

/// The path with slashes for escaped ones, where clients are sent there.
pub(super) fn unescaped(settings: &HttpSettings, request: &Request) -> Option<String> {
    let redirects = settings.escaped_slashes == EscapedSlashes::UnescapeAndRedirect;
    (redirects && request.has_escaped_slashes()).then(|| request.unescaped())
}

/// The paths that the gateway answers by itself.
pub(crate) fn probes(settings: &HttpSettings) -> impl Iterator<Item = &str> {
    settings.filters.iter().filter_map(|filter| match filter {
        HttpFilter::HealthCheck { path } => Some(&**path),
        _ => None,
    })
}
