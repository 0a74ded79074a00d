//! What becomes of a request: the model, asked as Envoy would be.

use std::sync::Arc;

use nuncio_ir::{
    Backend, CHAIN_HEADER, EscapedSlashes, FilterChain, Handler, HeaderMatch, HttpFilter, HttpSettings, Listener,
    Model, PathMatch, PathRewrite, Route, RouteAction, Table, Transport, UnderscoreHeaders, ValueMatch, VirtualHost,
};
use nuncio_translate::{HostPattern, without_port};

use crate::admin::{ExplainRequest, Explanation, HostView, ListenerView, Lost, ObjectRef};
use crate::view::route_view;

/// A request, as routes see it.
struct Request {
    secure: bool,
    host: String,
    port: Option<u16>,
    path: String,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
}

impl Request {
    fn new(request: &ExplainRequest) -> Self {
        let (scheme, rest) = request.url.split_once("://").unwrap_or(("http", &request.url));
        let at = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(at);
        let target = target.split('#').next().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let named = request.headers.iter().find(|header| header.name.eq_ignore_ascii_case("host"));
        let host = named.map_or(authority, |header| &header.value);
        let parsed =
            query.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let mut headers = vec![(":method".to_owned(), request.method.clone())];
        headers.extend(request.headers.iter().map(|header| (header.name.to_ascii_lowercase(), header.value.clone())));
        Self {
            secure: scheme.eq_ignore_ascii_case("https"),
            host: without_port(host).trim_end_matches('.').to_ascii_lowercase(),
            port: authority.strip_prefix(without_port(authority)).and_then(|port| port.strip_prefix(':')?.parse().ok()),
            path: without_dots(path),
            query: parsed.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            headers,
        }
    }

    /// What Envoy sets before it looks for a route.
    fn enter(&mut self, settings: &HttpSettings) {
        if settings.merge_slashes {
            while self.path.contains("//") {
                self.path = self.path.replace("//", "/");
            }
        }
        let trusted = settings.trusted_hops > 0 || !settings.use_remote_address;
        self.headers.retain(|(name, _)| name != CHAIN_HEADER && (trusted || name != "x-forwarded-proto"));
        if !self.headers.iter().any(|(name, _)| name == "x-forwarded-proto") {
            let scheme = if self.secure { "https" } else { "http" };
            self.headers.push(("x-forwarded-proto".to_owned(), scheme.to_owned()));
        }
        self.headers.push((CHAIN_HEADER.to_owned(), settings.chain.to_string()));
        self.headers.push((":authority".to_owned(), self.host.clone()));
    }
}

/// The path without `.` and `..`, as Envoy's `normalize_path` leaves it (RFC 3986, 5.2.4).
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.trim_start_matches('/').split('/').peekable();
    // Slashes at the beginning are merged by the caller, if at all.
    let lead = path.len() - path.trim_start_matches('/').len();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment.to_ascii_lowercase().replace("%2e", ".").as_str() {
            "." if last => kept.push(""),
            "." => {}
            ".." => {
                kept.pop();
                if last {
                    kept.push("");
                }
            }
            _ => kept.push(segment),
        }
    }
    format!("{}{}", "/".repeat(lead.max(1)), kept.join("/"))
}

/// Follows a request through the model.
pub(crate) fn explain(model: &Model, asked: &ExplainRequest) -> Explanation {
    let mut request = Request::new(asked);
    let mut explanation = Explanation {
        request: format!("{} {}", asked.method, asked.url),
        listener: None,
        host: None,
        route: None,
        outcome: String::new(),
        lost: Vec::new(),
    };
    let Some((listener, chain)) = entrance(model, &request) else {
        explanation.outcome = no_listener(model, &request);
        return explanation;
    };
    explanation.listener = Some(listener_view(listener));
    let Handler::Http(settings) = &chain.handler else {
        explanation.outcome = format!("not HTTP: the connection is passed on by {}", chain.name);
        return explanation;
    };
    request.enter(settings);
    if let Some(outcome) = by_itself(settings, chain, &request) {
        explanation.outcome = outcome;
        return explanation;
    }
    match find(model, &settings.class, &request, &mut explanation.lost) {
        Some((table, host, order, route)) => {
            explanation.host = Some(host_view(model, table, host, &request.host));
            explanation.route = Some(route_view(table, &request.host, order, route));
            explanation.outcome = outcome(route, &request);
        }
        None => explanation.outcome = "404: no route takes it".to_owned(),
    }
    explanation
}

/// What the gateway answers before it looks for a route.
fn by_itself(settings: &HttpSettings, chain: &FilterChain, request: &Request) -> Option<String> {
    let client = chain.tls.as_ref().and_then(|tls| tls.client.as_ref());
    if client.is_some_and(|client| client.required) && !request.headers.iter().any(|(name, _)| name == CLIENT) {
        let how = "say that there is one with -H 'x-client-certificate: yes'";
        return Some(format!("the TLS handshake fails without a client certificate ({how})"));
    }
    let probe = |filter: &HttpFilter| matches!(filter, HttpFilter::HealthCheck { path } if *path == request.path);
    if settings.filters.iter().any(probe) {
        return Some("answered 200 by the gateway itself: a probe (503 while it drains)".to_owned());
    }
    let underscored = request.headers.iter().find(|(name, _)| name.contains('_'));
    if let (UnderscoreHeaders::RejectRequest, Some((name, _))) = (settings.underscores, underscored) {
        return Some(format!("answered 400: the name of the header {name} has an underscore"));
    }
    let path = request.path.to_ascii_lowercase();
    let escaped = path.contains("%2f") || path.contains("%5c");
    match settings.escaped_slashes {
        EscapedSlashes::UnescapeAndRedirect if escaped => {
            Some("redirected (307) to the same path with its slashes unescaped".to_owned())
        }
        EscapedSlashes::Reject if escaped => Some("answered 400: the path has escaped slashes".to_owned()),
        _ => None,
    }
}

/// Pretends a client certificate, in questions only.
const CLIENT: &str = "x-client-certificate";

/// The listener and filter chain that take the connection.
fn entrance<'a>(model: &'a Model, request: &Request) -> Option<(&'a Listener, &'a FilterChain)> {
    let port = |listener: &&Arc<Listener>| request.port.is_none_or(|port| listener.address.port() == port);
    model.listeners.values().filter(port).find_map(|listener| {
        let chain = if request.secure { tls_chain(listener, &request.host) } else { clear_chain(listener) };
        chain.map(|chain| (&**listener, chain))
    })
}

fn clear_chain(listener: &Listener) -> Option<&FilterChain> {
    listener.chains.iter().find(|chain| chain.tls.is_none() && chain.matches.transport != Transport::Tls)
}

/// The chain of the closest server name.
fn tls_chain<'a>(listener: &'a Listener, name: &str) -> Option<&'a FilterChain> {
    let names = |chain: &'a FilterChain| {
        let any = chain.matches.server_names.is_empty().then_some(HostPattern::Any);
        let patterns = chain.matches.server_names.iter().filter_map(|name| HostPattern::parse(name));
        patterns.chain(any).map(move |pattern| (pattern, chain))
    };
    let chains = listener.chains.iter().filter(|chain| chain.tls.is_some()).flat_map(names);
    chains
        .filter(|(pattern, _)| pattern.takes(name))
        .min_by_key(|(pattern, _)| pattern.specificity())
        .map(|(_, chain)| chain)
}

fn no_listener(model: &Model, request: &Request) -> String {
    let open: Vec<_> = model.listeners.values().map(|listener| listener.address.to_string()).collect();
    let open = if open.is_empty() { "nothing is bound".to_owned() } else { format!("bound is {}", open.join(", ")) };
    match (request.port, request.secure) {
        (Some(port), _) if !model.listeners.values().any(|listener| listener.address.port() == port) => {
            format!("connection refused: no Listener is on port {port}; {open}")
        }
        (_, true) => format!("the TLS handshake fails: no Listener has a certificate for {}; {open}", request.host),
        (_, false) => format!("connection refused: no Listener takes clear text; {open}"),
    }
}

type FoundRoute<'a> = (&'a Table, &'a VirtualHost, usize, &'a Route);

/// The table of the name, then that of the wildcards.
fn find<'a>(model: &'a Model, class: &str, request: &Request, lost: &mut Vec<Lost>) -> Option<FoundRoute<'a>> {
    let table =
        |host: &str| model.tables.values().find(|table| *table.scope.host == *host && *table.scope.class == *class);
    if let Some(table) = table(&request.host) {
        let host = table.hosts.first()?;
        if let Some((order, route)) = first_match(table, host, request, lost) {
            return Some((table, host, order, route));
        }
    }
    let table = table("*")?;
    let host = closest(table, &request.host)?;
    let (order, route) = first_match(table, host, request, lost)?;
    Some((table, host, order, route))
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
    table: &Table,
    host: &'a VirtualHost,
    request: &Request,
    lost: &mut Vec<Lost>,
) -> Option<(usize, &'a Route)> {
    let mut found = None;
    for (order, route) in host.routes.iter().enumerate() {
        let reason = match (&found, miss(route, request)) {
            (None, None) => {
                found = Some((order, route));
                continue;
            }
            (Some((_, winner)), None) => format!("{} comes first", winner.name),
            // Of the routes behind the winner only those tell something that would have taken the request.
            (Some(_), Some(_)) => continue,
            (None, Some(reason)) => reason,
        };
        if !route.origins.is_empty() {
            lost.push(Lost { route: route_view(table, &request.host, order, route), reason });
        }
    }
    found
}

/// Why a route does not take the request.
fn miss(route: &Route, request: &Request) -> Option<String> {
    if !path_matches(&route.matches.path, &request.path) {
        return Some(format!("the path {} does not fit", request.path));
    }
    let header = route.matches.headers.iter().find_map(|header| header_miss(header, request));
    header.or_else(|| {
        route.matches.query.iter().find_map(|wanted| {
            let value = request.query.iter().find(|(name, _)| *name == wanted.name);
            match value {
                None => Some(format!("the query parameter {} is missing", wanted.name)),
                Some((_, value)) if !value_matches(&wanted.value, value) => {
                    Some(format!("the query parameter {} is {value:?}", wanted.name))
                }
                Some(_) => None,
            }
        })
    })
}

fn header_miss(wanted: &HeaderMatch, request: &Request) -> Option<String> {
    let values: Vec<_> =
        request.headers.iter().filter(|(name, _)| *name == wanted.name).map(|(_, value)| value).collect();
    if values.is_empty() {
        return Some(format!("the header {} is missing", wanted.name));
    }
    let matches = values.iter().any(|value| value_matches(&wanted.value, value));
    let name = wanted.name.trim_start_matches(':');
    (matches == wanted.invert).then(|| format!("{name} is {:?}", values[0]))
}

fn path_matches(wanted: &PathMatch, path: &str) -> bool {
    let fold = |text: &str, sensitive: bool| if sensitive { text.to_owned() } else { text.to_ascii_lowercase() };
    match wanted {
        PathMatch::Prefix { value, case_sensitive } => {
            fold(path, *case_sensitive).starts_with(&fold(value, *case_sensitive))
        }
        PathMatch::Exact { value, case_sensitive } => fold(path, *case_sensitive) == fold(value, *case_sensitive),
        PathMatch::Segments(value) => {
            path.strip_prefix(value.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        }
        PathMatch::Regex(regex) => whole(regex, path),
    }
}

fn value_matches(wanted: &ValueMatch, value: &str) -> bool {
    let fold = |text: &str, ignore: bool| if ignore { text.to_ascii_lowercase() } else { text.to_owned() };
    match wanted {
        ValueMatch::Exact(text) => value == text,
        ValueMatch::Prefix { value: text, ignore_case } => {
            fold(value, *ignore_case).starts_with(&fold(text, *ignore_case))
        }
        ValueMatch::Suffix { value: text, ignore_case } => {
            fold(value, *ignore_case).ends_with(&fold(text, *ignore_case))
        }
        ValueMatch::Regex(regex) => whole(regex, value),
        ValueMatch::Present => true,
    }
}

fn whole(regex: &str, text: &str) -> bool {
    regex::Regex::new(&format!("^(?:{regex})$")).is_ok_and(|regex| regex.is_match(text))
}

fn outcome(route: &Route, request: &Request) -> String {
    match &route.action {
        RouteAction::Forward(forward) => {
            let total: u32 = forward.arms.iter().map(|arm| arm.weight).sum();
            let arms = forward.arms.iter().map(|arm| {
                let path = rewritten(arm.rewrite.as_ref(), route, &request.path);
                let share = if forward.arms.len() == 1 { String::new() } else { format!("{}/{total} ", arm.weight) };
                match &arm.backend {
                    Backend::Cluster(name) => format!("{share}to {name} as {path}"),
                    Backend::Invalid { status, reason } => format!("{share}answered {status}: {reason}"),
                }
            });
            format!("forwarded {}", arms.collect::<Vec<_>>().join(", "))
        }
        RouteAction::Redirect(redirect) => {
            let scheme =
                redirect.scheme.clone().unwrap_or_else(|| if request.secure { "https" } else { "http" }.to_owned());
            let host = redirect.host.clone().unwrap_or_else(|| request.host.clone());
            let port = redirect.port.map(|port| format!(":{port}")).unwrap_or_default();
            let path = rewritten(redirect.path.as_ref(), route, &request.path);
            format!("redirected ({}) to {scheme}://{host}{port}{path}", redirect.status)
        }
        RouteAction::Respond(respond) => format!("answered {}", respond.status),
    }
}

/// The path as it goes on. The result of a regex is not computed.
fn rewritten(rewrite: Option<&PathRewrite>, route: &Route, path: &str) -> String {
    match rewrite {
        None => path.to_owned(),
        Some(PathRewrite::Full(full)) => full.clone(),
        Some(PathRewrite::Regex { pattern, substitution }) => format!("{path} with {pattern} → {substitution}"),
        Some(PathRewrite::Matched(replacement)) => match &route.matches.path {
            PathMatch::Prefix { value, .. } | PathMatch::Segments(value) => {
                format!("{replacement}{}", path.get(value.len()..).unwrap_or_default())
            }
            PathMatch::Exact { .. } | PathMatch::Regex(_) => replacement.clone(),
        },
    }
}

fn listener_view(listener: &Listener) -> ListenerView {
    ListenerView {
        name: listener.name.to_string(),
        address: listener.address.to_string(),
        origin: listener.origins.iter().map(ObjectRef::from).collect(),
    }
}

fn host_view(model: &Model, table: &Table, host: &VirtualHost, name: &str) -> HostView {
    let mut objects: Vec<_> = host.routes.iter().flat_map(|route| &route.origins).collect();
    objects.sort_unstable();
    objects.dedup();
    HostView {
        hostname: host.domains.first().filter(|_| *table.scope.host == *"*").map_or(name, |domain| domain).to_owned(),
        objects: objects.into_iter().map(ObjectRef::from).collect(),
        listeners: listeners_of(model, &table.scope.class),
        certificate: certificate_of(model, &table.scope.class, name),
        routes: host.routes.len(),
    }
}

fn http_chains<'a>(model: &'a Model, class: &str) -> impl Iterator<Item = (&'a Listener, &'a FilterChain)> {
    model
        .listeners
        .values()
        .flat_map(|listener| listener.chains.iter().map(move |chain| (&**listener, chain)))
        .filter(move |(_, chain)| matches!(&chain.handler, Handler::Http(settings) if *settings.class == *class))
}

/// The listeners that see the tables of a class.
pub(crate) fn listeners_of(model: &Model, class: &str) -> Vec<String> {
    let mut names: Vec<_> = http_chains(model, class).map(|(listener, _)| listener.name.to_string()).collect();
    names.dedup();
    names
}

/// The certificate that clients of this name are shown.
pub(crate) fn certificate_of(model: &Model, class: &str, name: &str) -> Option<String> {
    let listener = http_chains(model, class).find(|(_, chain)| chain.tls.is_some())?.0;
    let chain = tls_chain(listener, name)?;
    chain.tls.as_ref().map(|tls| tls.certificate.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_are_taken_out_of_paths() {
        for (path, expected) in [
            ("", "/"),
            ("/a/b", "/a/b"),
            ("/a/../b", "/b"),
            ("/a/./b/", "/a/b/"),
            ("/a/b/..", "/a/"),
            ("/../a", "/a"),
            ("/a/%2E%2e/b", "/b"),
            ("//a//b", "//a//b"),
        ] {
            assert_eq!(without_dots(path), expected, "{path}");
        }
    }
}
