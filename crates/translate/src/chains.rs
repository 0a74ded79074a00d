//! Filter chains of HTTP Listeners: few, one for each certificate with its settings, so that another Host
//! under a certificate that is there already changes no listener.

use std::collections::BTreeMap;
use std::sync::Arc;

use nuncio_api::{ObjectId, Problem, ProtocolLayer};
use nuncio_ir::{ChainMatch, DownstreamTls, FilterChain, Handler, HttpSettings, PreviewEntry, PreviewTrust, Transport};

use crate::frame::Frame;
use crate::host::{CompiledHost, HostTls, chain_name};
use crate::pattern::HostPattern;
use crate::policy::{CLEAR_CHAIN, Class, HostPolicy};

/// Adds the HTTP chains of a Listener to those that TCPMappings have on its port.
pub(crate) fn add(
    frame: &mut Frame,
    chains: &mut Vec<FilterChain>,
    listener: &nuncio_api::Listener,
    class: &Class,
    hosts: &[CompiledHost],
    http: &HttpSettings,
) {
    let ends_tls = listener.layers().contains(&ProtocolLayer::Tls);
    let settings = |chain: &Arc<str>| {
        Handler::Http(Box::new(HttpSettings {
            class: Arc::clone(&class.key),
            chain: Arc::clone(chain),
            trusted_hops: listener.l7_depth.unwrap_or(0),
            max_concurrent_streams: listener.http2_max_concurrent_streams,
            previews: trusted(http.previews.clone(), listener),
            ..http.clone()
        }))
    };
    let clear: Arc<str> = CLEAR_CHAIN.into();
    let transport = if ends_tls || !chains.is_empty() { Transport::Clear } else { Transport::Any };
    let handler = settings(&clear);
    let matches = ChainMatch { transport, server_names: Vec::new() };
    let mut http_chains = vec![FilterChain { name: clear, matches, tls: None, handler }];
    if ends_tls {
        let (claims, owners) = claims(frame, class, hosts, chains);
        for (name, chain) in claims {
            let handler = settings(&name);
            let matches = ChainMatch { transport: Transport::Tls, server_names: chain.server_names };
            http_chains.push(FilterChain { name, matches, tls: Some(chain.tls), handler });
        }
        http_chains.extend(kept_from_tcp(class, &owners, chains));
    }
    chains.extend(http_chains);
}

/// Services that call each other by a Listener of their own are believed.
fn trusted(entry: PreviewEntry, listener: &nuncio_api::Listener) -> PreviewEntry {
    let trust = if listener.is_internal() { PreviewTrust::Internal } else { entry.trust };
    PreviewEntry { trust, ..entry }
}

/// A chain that keeps a server name from every wider one; `None` for what is no server name.
pub(crate) fn closing(pattern: &HostPattern) -> Option<FilterChain> {
    let server_names = vec![server_name(pattern)?];
    let matches = ChainMatch { transport: Transport::Tls, server_names };
    Some(FilterChain { name: format!("closed:{pattern}").into(), matches, tls: None, handler: Handler::Close })
}

struct Claim {
    tls: DownstreamTls,
    server_names: Vec<String>,
}

/// Settles which chain takes which server name. TCPMappings (`tcp`) go first. A Host's own name goes before a
/// name that its certificate merely covers; a Host whose name is covered by a wildcard of its certificate
/// needs no name of its own, unless a closer name leads elsewhere.
fn claims(frame: &mut Frame, class: &Class, hosts: &[CompiledHost], tcp: &[FilterChain]) -> (Claims, Owners) {
    let tls_of: BTreeMap<&ObjectId, &HostTls> =
        hosts.iter().filter_map(|host| Some((&host.policy.id, host.tls.as_ref()?))).collect();
    let shown = |host: &HostPolicy| tls_of.get(host.certificate_of.as_ref().unwrap_or(&host.id)).copied();
    let with_tls = class.hosts().filter_map(|host| Some((host, shown(host)?)));
    let mut owners: Owners = tcp
        .iter()
        .flat_map(|chain| chain.matches.server_names.iter().map(move |name| (name, &chain.name)))
        .filter_map(|(name, chain)| Some((HostPattern::parse(name)?, Arc::clone(chain))))
        .collect();
    let mut chains = Claims::new();
    let mut covered = Vec::new();
    for (host, tls) in with_tls.filter(|(host, _)| !host.invalid) {
        let wildcard = tls.wildcards.iter().find(|wildcard| wildcard.covers(&host.pattern));
        match wildcard {
            Some(wildcard) if !tls.is_isolated() && *wildcard != host.pattern => covered.push((host, tls, wildcard)),
            _ => claim(frame, &mut owners, &mut chains, host, tls, &host.pattern),
        }
    }
    for (host, tls, wildcard) in &covered {
        if !owners.contains_key(*wildcard) {
            claim(frame, &mut owners, &mut chains, host, tls, wildcard);
        }
    }
    // The widest first: a name that one of them claims may lead those below it elsewhere.
    covered.sort_by_key(|(host, ..)| std::cmp::Reverse(host.pattern.specificity()));
    for (host, tls, _) in covered {
        if closest(&owners, &host.pattern) != Some(&shared_name(host, tls)) {
            claim(frame, &mut owners, &mut chains, host, tls, &host.pattern);
        }
    }
    for (pattern, owner) in &owners {
        if let (Some(name), Some(chain)) = (server_name(pattern), chains.get_mut(owner)) {
            chain.server_names.push(name);
        }
    }
    let any = chain_name(&HostPattern::Any);
    chains.retain(|name, chain| *name == any || !chain.server_names.is_empty());
    (chains, owners)
}

/// Chains for the names of Hosts that are not valid under the wildcard of a TCPMapping, which guards nothing. Under
/// another Host's they need none: their own tables answer there.
fn kept_from_tcp(class: &Class, owners: &Owners, tcp: &[FilterChain]) -> Vec<FilterChain> {
    let serves = |owner: &Arc<str>| tcp.iter().any(|chain| chain.name == *owner && chain.handler != Handler::Close);
    // A TCPMapping for the very name takes it, as it does from a Host that is valid.
    let hosts = class.hosts().filter(|host| host.invalid && !owners.contains_key(&host.pattern));
    let hosts = hosts.filter(|host| closest(owners, &host.pattern).is_some_and(serves));
    hosts.filter_map(|host| closing(&host.pattern)).collect()
}

type Claims = BTreeMap<Arc<str>, Claim>;

/// Chains by the server name that they take.
type Owners = BTreeMap<HostPattern, Arc<str>>;

/// The chain that takes a server name, as Envoy finds it.
fn closest<'a>(owners: &'a Owners, name: &HostPattern) -> Option<&'a Arc<str>> {
    let covering = owners.iter().filter(|(pattern, _)| pattern.covers(name));
    covering.min_by_key(|(pattern, _)| pattern.specificity()).map(|(_, owner)| owner)
}

fn claim(
    frame: &mut Frame,
    owners: &mut Owners,
    chains: &mut Claims,
    host: &HostPolicy,
    tls: &HostTls,
    pattern: &HostPattern,
) {
    // Any server name needs a chain of its own: a chain's names are alternatives to each other.
    let name = if *pattern == HostPattern::Any { chain_name(pattern) } else { shared_name(host, tls) };
    if *pattern != HostPattern::Any && server_name(pattern).is_none() {
        let message =
            format!("TLS cannot be chosen for `{pattern}`: only `*.` and what follows it can be a server name");
        frame.problem(&host.id, Problem::error("UnsupportedServerName", "spec.hostname", message));
        return;
    }
    owners.entry(pattern.clone()).or_insert_with(|| Arc::clone(&name));
    chains.entry(name).or_insert_with(|| Claim { tls: tls.tls.clone(), server_names: Vec::new() });
}

/// Hosts with equal certificate and settings share a chain.
fn shared_name(host: &HostPolicy, tls: &HostTls) -> Arc<str> {
    if tls.is_isolated() {
        return chain_name(&host.pattern);
    }
    let certificate = &tls.tls.certificate;
    if tls.tls.settings == nuncio_ir::TlsSettings::default() {
        return format!("tls:{certificate}").into();
    }
    format!("tls:{certificate}#{}", nuncio_ir::version(&tls.tls.settings)).into()
}

/// A pattern as a server name of TLS, if it can be one.
pub(crate) fn server_name(pattern: &HostPattern) -> Option<String> {
    match pattern {
        HostPattern::Exact(_) => Some(pattern.to_string()),
        HostPattern::Suffix(suffix) if suffix.starts_with('.') => Some(pattern.to_string()),
        HostPattern::Suffix(_) | HostPattern::Prefix(_) | HostPattern::Any => None,
    }
}
