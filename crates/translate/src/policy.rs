//! What a Host says about the requests for its names, and which Host speaks for a name.

use std::collections::BTreeMap;
use std::sync::Arc;

use nuncio_api::{LabelSelector, ObjectId};
use nuncio_ir::{
    CHAIN_HEADER, Check, HeaderMatch, PathMatch, Redirect, Respond, Route, RouteAction, RouteMatch, ValueMatch,
};

use crate::compiled::{Compiled, HostCondition, Labels};
use crate::mapping::AUTHORITY;
use crate::pattern::HostPattern;

/// What happens to requests in clear text: the later, the stricter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Insecure {
    Route,
    Redirect,
    Reject,
}

/// How a listener tells secure requests from others: `securityModel`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Security {
    /// By `x-forwarded-proto`, which Envoy sets from the connection or believes from trusted proxies.
    Xfp,
    /// All are.
    Secure,
    /// None is.
    Insecure,
}

/// The filter chain of a Host with TLS settings of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OwnChain {
    pub(crate) name: Arc<str>,
    /// It asks for client certificates, which nothing that comes in clear text can have shown.
    pub(crate) asks_for_certificates: bool,
}

/// What a Host says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostPolicy {
    pub(crate) id: ObjectId,
    pub(crate) pattern: HostPattern,
    /// `mappingSelector`; `None` takes Mappings by host name alone.
    pub(crate) selector: Option<LabelSelector>,
    pub(crate) insecure: Insecure,
    /// How TLS connections must come in, where the Host has TLS settings of its own.
    pub(crate) own_chain: Option<OwnChain>,
    /// The Host of the same name whose certificate is shown, where this one has none.
    pub(crate) certificate_of: Option<ObjectId>,
    /// The Host is out, and its names answer nothing.
    pub(crate) invalid: bool,
}

impl HostPolicy {
    /// Whether the Mapping joins this Host.
    pub(crate) fn takes(&self, mapping: &Compiled) -> bool {
        !self.invalid && self.wants(mapping)
    }

    /// Whether the Mapping would join this Host if that were valid.
    pub(crate) fn wants(&self, mapping: &Compiled) -> bool {
        let selected = |labels: &Labels| self.selector.as_ref().is_none_or(|selector| selector.matches(labels));
        match &mapping.host {
            HostCondition::None => self.selector.is_some() && selected(&mapping.labels),
            HostCondition::Pattern(pattern) => pattern.overlaps(&self.pattern) && selected(&mapping.labels),
            HostCondition::Regex(..) => selected(&mapping.labels),
        }
    }
}

/// The Hosts that listeners of one sort see: the tables of one class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Class {
    /// Behind the scope key; empty for listeners that take every Host by `XFP`.
    pub(crate) key: Arc<str>,
    pub(crate) security: Security,
    /// Whether there is an AuthService to ask.
    pub(crate) auth: bool,
    /// Whether services call each other by one of its Listeners.
    pub(crate) internal: bool,
    /// Hosts of one name.
    pub(crate) exact: BTreeMap<Arc<str>, Arc<HostPolicy>>,
    /// Hosts of many names, in the order in which they are tried.
    pub(crate) patterns: Vec<Arc<HostPolicy>>,
}

impl Class {
    /// A class of these Hosts, each name with those that want it settled among them.
    pub(crate) fn new(
        key: Arc<str>,
        security: Security,
        auth: bool,
        names: impl IntoIterator<Item = Arc<HostPolicy>>,
    ) -> Self {
        let mut exact = BTreeMap::new();
        let mut patterns = BTreeMap::new();
        for host in names {
            match &host.pattern {
                HostPattern::Exact(name) => {
                    exact.insert(Arc::clone(name), host);
                }
                pattern => {
                    patterns.insert((pattern.specificity(), pattern.clone()), host);
                }
            }
        }
        Self { key, security, auth, internal: false, exact, patterns: patterns.into_values().collect() }
    }

    /// The Host that speaks for `name`.
    pub(crate) fn governing(&self, name: &str) -> Option<&Arc<HostPolicy>> {
        self.exact.get(name).or_else(|| self.patterns.iter().find(|host| host.pattern.takes(name)))
    }

    /// Whether a Host of one name asks more of requests than the Host that would take them if its table were not there.
    pub(crate) fn asks_more(&self, name: &str, host: &HostPolicy) -> bool {
        let wide = self.patterns.iter().find(|wide| wide.pattern.takes(name));
        wide.is_some_and(|wide| !wide.invalid && (host.own_chain.is_some() || host.insecure > wide.insecure))
    }

    /// Every Host.
    pub(crate) fn hosts(&self) -> impl Iterator<Item = &Arc<HostPolicy>> {
        self.exact.values().chain(&self.patterns)
    }
}

/// Routes before all others: what refuses or redirects requests that are not secure, or that came in
/// by the wrong connection.
pub(crate) fn guards(host: &HostPolicy, security: Security) -> Vec<Route> {
    by_other_tls(host).into_iter().chain(in_clear_text(host, security)).collect()
}

/// The guards of several Hosts of one name each, among routes that they share. They have the same insecure action, and
/// all a chain of their own or none. What is added here is nobody's in particular.
pub(crate) fn shared_guards(hosts: &[&HostPolicy], security: Security) -> Vec<Route> {
    let own = hosts.iter().filter_map(|host| {
        let mut route = by_other_tls(host)?;
        let name = format!("(?i:{})", regex::escape(&host.pattern.to_string()));
        let is_host = HeaderMatch { name: AUTHORITY.to_owned(), value: ValueMatch::Regex(name), invert: false };
        route.matches.headers.insert(0, is_host);
        Some(route)
    });
    let routes = own.chain(hosts.first().into_iter().flat_map(|host| in_clear_text(host, security)));
    routes.map(|route| Route { origins: Vec::new(), ..route }).collect()
}

/// A Host with a chain of its own answers 421 on any other TLS connection: clients of HTTP/2 reuse one for
/// every name that its certificate covers.
fn by_other_tls(host: &HostPolicy) -> Option<Route> {
    let own = &host.own_chain.as_ref()?.name;
    Some(misdirected(host, vec![chain(own, true), chain(CLEAR_CHAIN, true)]))
}

/// In clear text there is no client certificate either: where one is asked for, what counts as secure there is refused as
/// well, and the rest is for the insecure action to decide. Other settings are the business of whoever ended TLS before.
fn in_clear_text(host: &HostPolicy, security: Security) -> Vec<Route> {
    let secure = HeaderMatch { name: XFP.to_owned(), value: ValueMatch::Exact("https".to_owned()), invert: false };
    let as_secure = match security {
        Security::Xfp => Some(vec![chain(CLEAR_CHAIN, false), secure]),
        Security::Secure => Some(vec![chain(CLEAR_CHAIN, false)]),
        Security::Insecure => None,
    };
    let asks_for_certificates = host.own_chain.as_ref().is_some_and(|own| own.asks_for_certificates);
    let as_secure = as_secure.filter(|_| asks_for_certificates).map(|conditions| misdirected(host, conditions));
    let action = match host.insecure {
        Insecure::Route => None,
        Insecure::Redirect => Some(RouteAction::Redirect(Box::new(Redirect {
            scheme: Some("https".to_owned()),
            host: None,
            port: None,
            path: None,
            status: 301,
        }))),
        Insecure::Reject => Some(respond(404, String::new())),
    };
    let insecure = action.and_then(|action| Some(guard(host, "insecure", insecure_condition(security)?, action)));
    as_secure.into_iter().chain(insecure).collect()
}

fn chain(name: &str, invert: bool) -> HeaderMatch {
    HeaderMatch { name: CHAIN_HEADER.to_owned(), value: ValueMatch::Exact(name.to_owned()), invert }
}

fn misdirected(host: &HostPolicy, conditions: Vec<HeaderMatch>) -> Route {
    let body = "this name is served on connections of its own\n";
    guard(host, "misdirected", conditions, respond(421, body.to_owned()))
}

/// Name of the filter chain for clear text, as routes see it in [`nuncio_ir::CHAIN_HEADER`].
pub const CLEAR_CHAIN: &str = "clear";

pub(crate) const XFP: &str = "x-forwarded-proto";

/// The condition that a request is not secure; `None` where all are.
pub(crate) fn insecure_condition(security: Security) -> Option<Vec<HeaderMatch>> {
    match security {
        Security::Secure => None,
        Security::Insecure => Some(Vec::new()),
        Security::Xfp => {
            Some(vec![HeaderMatch { name: XFP.to_owned(), value: ValueMatch::Exact("https".to_owned()), invert: true }])
        }
    }
}

/// Name of the route that answers where no Mapping takes a request.
pub const NOT_FOUND: &str = "not-found";

/// The last route of a virtual host that nothing follows.
pub(crate) fn not_found() -> Route {
    added(NOT_FOUND.into(), Vec::new(), respond(404, String::new()), Vec::new())
}

/// The only route of a name whose Host is out.
pub(crate) fn out_of_service(host: &HostPolicy) -> Route {
    let body = "the Host of this name is not valid\n".to_owned();
    guard(host, "invalid-host", Vec::new(), respond(503, body))
}

fn guard(host: &HostPolicy, what: &str, headers: Vec<HeaderMatch>, action: RouteAction) -> Route {
    added(what.into(), headers, action, vec![host.id.clone()])
}

fn added(name: Arc<str>, headers: Vec<HeaderMatch>, action: RouteAction, origins: Vec<ObjectId>) -> Route {
    let matches = RouteMatch { path: PathMatch::any(), headers, query: Vec::new() };
    let response_headers = nuncio_ir::HeaderEdits::default();
    Route {
        name,
        matches,
        action,
        response_headers,
        cors: None,
        auth: Check::Off,
        rules: None,
        counted: None,
        hides_logins: false,
        limits: None,
        origins,
    }
}

fn respond(status: u16, body: String) -> RouteAction {
    RouteAction::Respond(Respond { status, body })
}
