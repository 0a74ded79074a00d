//! TCPMappings: connections that go to a service as they come, or with TLS taken off.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use nuncio_api::{DnsType, ObjectId, Problem, TcpMapping, TlsContext};
use nuncio_ir::{
    ChainMatch, DownstreamTls, FilterChain, Handler, HttpSettings, LbPolicy, Protocol, TcpProxy, Transport,
    WeightedCluster,
};

use crate::chains::{closing, server_name};
use crate::compiled::Upstream;
use crate::context::{Context, SecretRef, file_field};
use crate::frame::{Frame, Port};
use crate::host::{CompiledHost, HostTls, host_tls};
use crate::pattern::HostPattern;
use crate::rivals::Verdict;
use crate::shares::{no_share, shares, weight};
use crate::upstream::{Resolved, Wanted, family, resolve};

/// The original's time for a connection to an upstream.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// The chains of the TCPMappings on one port.
pub(crate) fn chains(
    frame: &mut Frame,
    port: &Port<'_>,
    hosts: &[CompiledHost],
    http: &HttpSettings,
    context: &Context<'_>,
) -> Vec<FilterChain> {
    let mut by_host: BTreeMap<Option<HostPattern>, Vec<(&ObjectId, &TcpMapping)>> = BTreeMap::new();
    for (id, mapping) in &port.tcp {
        let host = mapping.host.as_deref().and_then(HostPattern::parse).filter(|host| *host != HostPattern::Any);
        let http_port =
            port.listener.is_some_and(|(_, listener)| listener.layers().contains(&nuncio_api::ProtocolLayer::Http));
        if let (None, true, Some((listener, _))) = (&host, http_port, port.listener) {
            let message = format!("needs a `host` on the port of {listener}, which speaks HTTP");
            frame.problem(id, Problem::error("PortConflict", "spec.host", message));
            continue;
        }
        if let Some(host) = host.as_ref().filter(|host| server_name(host).is_none()) {
            let message =
                format!("TLS cannot be chosen for `{host}`: only `*.` and what follows it can be a server name");
            frame.problem(id, Problem::error("UnsupportedServerName", "spec.host", message));
            continue;
        }
        by_host.entry(host).or_default().push((id, mapping));
    }
    let closed: Vec<_> = port.closed.iter().filter(|host| !by_host.contains_key(&Some((*host).clone()))).collect();
    let closed = closed.into_iter().filter_map(closing).collect::<Vec<_>>();
    let served = by_host.into_iter().filter_map(|(host, members)| chain(frame, host, &members, hosts, http, context));
    served.chain(closed).collect()
}

/// The chain of the TCPMappings for one name, or for the whole port. If they cannot serve, their name is closed; a whole
/// port is left to nobody by that.
fn chain(
    frame: &mut Frame,
    host: Option<HostPattern>,
    members: &[(&ObjectId, &TcpMapping)],
    hosts: &[CompiledHost],
    http: &HttpSettings,
    context: &Context<'_>,
) -> Option<FilterChain> {
    let tls = host.as_ref().map(|pattern| termination(frame, pattern, members, hosts, context));
    let clusters = clusters(frame, members, context);
    if clusters.is_empty() || tls == Some(None) {
        return closing(&host?);
    }
    let (id, _) = members[0];
    let proxy = TcpProxy {
        stat_prefix: http.stat_prefix.clone(),
        clusters,
        idle_timeout: members.iter().find_map(|(_, mapping)| mapping.idle_timeout_ms).map(Duration::from_millis),
        access_log: http.access_log.clone(),
    };
    let matches = match &host {
        None => ChainMatch::default(),
        Some(pattern) => ChainMatch { transport: Transport::Tls, server_names: vec![pattern.to_string()] },
    };
    let name = format!("tcp:{}", host.map_or_else(|| format!("{}/{}", id.namespace, id.name), |host| host.to_string()));
    Some(FilterChain { name: name.into(), matches, tls: tls.flatten(), handler: Handler::Tcp(proxy) })
}

/// How TLS ends for a server name; where nothing says so, each member has a problem.
fn termination(
    frame: &mut Frame,
    pattern: &HostPattern,
    members: &[(&ObjectId, &TcpMapping)],
    hosts: &[CompiledHost],
    context: &Context<'_>,
) -> Option<DownstreamTls> {
    let found = certificate(frame, pattern, members[0].0, hosts, context);
    if found.is_none() {
        let message =
            format!("neither a Host nor a TLSContext has a certificate for `{pattern}`: its connections are closed");
        for (id, _) in members {
            frame.problem(id, Problem::error("NoCertificate", "spec.host", message.clone()));
        }
    }
    found.map(|tls| tls.tls)
}

/// The certificate for a server name: of a Host, the closest one first, or of a TLSContext that lists it.
fn certificate(
    frame: &mut Frame,
    pattern: &HostPattern,
    id: &ObjectId,
    hosts: &[CompiledHost],
    context: &Context<'_>,
) -> Option<HostTls> {
    let covering = hosts.iter().filter(|host| !host.is_fallback && host.policy.pattern.covers(pattern));
    let covering: Vec<_> = covering.filter(|host| host.policy.invalid || host.tls.is_some()).collect();
    if let Some(closest) = covering.iter().map(|host| &host.policy.pattern).min_by_key(|host| host.specificity()) {
        // A Host that is not valid is not made up for by a wider one, which may ask less of clients.
        let rivals: Vec<_> = covering.iter().copied().filter(|host| host.policy.pattern == *closest).collect();
        return match Verdict::of(&rivals)? {
            Verdict::Counts(host) => host.tls.clone(),
            Verdict::Deadlock(_) => None,
        };
    }
    of_context(frame, pattern, id, context)
}

/// The certificate of the TLSContext that lists a server name, the closest name first. One that cannot be used is not
/// made up for by a wider one either.
fn of_context(frame: &mut Frame, pattern: &HostPattern, id: &ObjectId, context: &Context<'_>) -> Option<HostTls> {
    let (context_id, tls_context) = closest_context(pattern, context)?;
    let Some(tls_context) = tls_context else {
        let message = format!("{context_id}, which is for this name, cannot be used");
        frame.problem(id, Problem::error("InvalidTLSContext", "spec.host", message));
        return None;
    };
    let mut problems = Vec::new();
    let found = end_tls(context_id, tls_context, context, &mut problems);
    let found = found.map_err(|problem| problems.push(problem)).ok();
    for mut problem in problems {
        let message = format!("{context_id}: {}", problem.message);
        frame.problem(id, Problem::error(problem.reason, "spec.host", message));
        // What a Host has in `tls`, a TLSContext has at the top.
        problem.field = problem.field.replace("spec.tls.", "spec.");
        frame.problem(context_id, problem);
    }
    found
}

/// The TLSContext that lists a server name, the closest name first; without what it says if it cannot be used.
pub(crate) fn closest_context<'a>(
    pattern: &HostPattern,
    context: &Context<'a>,
) -> Option<(&'a ObjectId, Option<&'a TlsContext>)> {
    let closest = |hosts: &[String]| {
        let names = hosts.iter().filter_map(|host| HostPattern::parse(host));
        names.filter(|name| name.covers(pattern)).map(|name| name.specificity()).min()
    };
    let ends_tls = |tls_context: &TlsContext| tls_context.secret.is_some() || tls_context.ca_secret.is_some();
    let usable = context.tls_contexts.iter().filter(|(_, tls_context)| ends_tls(tls_context));
    let usable = usable.filter_map(|(id, it)| Some((closest(&it.hosts)?, id, Some(&**it))));
    let broken = context.broken_contexts.iter().filter_map(|(id, hosts)| Some((closest(hosts)?, id, None)));
    let found = usable.chain(broken).min_by_key(|(closest, id, _)| (*closest, *id));
    found.map(|(_, id, tls_context)| (id, tls_context))
}

fn end_tls(
    id: &ObjectId,
    tls_context: &TlsContext,
    context: &Context<'_>,
    problems: &mut Vec<Problem>,
) -> Result<HostTls, Problem> {
    let config = tls_context.config();
    if let Some(field) = file_field(&config) {
        let message = format!("`{field}` is not supported, name a Secret instead");
        return Err(Problem::error("UnsupportedFile", format!("spec.{field}"), message));
    }
    let split = context.splits_names(tls_context.secret_namespacing);
    let secret_ref = |text: &str| SecretRef::parse(text, &id.namespace, split);
    let secret = tls_context
        .secret
        .as_ref()
        .ok_or_else(|| Problem::error("InvalidTLSContext", "spec.secret", "there is no `secret` with a certificate"))?;
    let found = context.secrets.certificate(&secret_ref(secret));
    let (name, certificate) =
        found.map_err(|error| Problem::error("InvalidTLSSecret", "spec.secret", error.to_string()))?;
    Ok(host_tls(name, &certificate, &config, secret_ref, context, problems))
}

fn clusters(frame: &mut Frame, members: &[(&ObjectId, &TcpMapping)], context: &Context<'_>) -> Vec<WeightedCluster> {
    let mut found: Vec<(Option<u32>, Arc<Upstream>)> = Vec::new();
    for (id, mapping) in members {
        let Resolved { upstream, warnings, .. } = resolve(&wanted(id, mapping, context), context);
        for warning in warnings {
            frame.problem(id, warning);
        }
        match upstream {
            Ok(upstream) => {
                frame.senders.insert((*id).clone(), upstream.name().clone());
                found.push((mapping.weight.map(weight), Arc::new(upstream)));
            }
            Err(problem) => frame.problem(id, problem),
        }
    }
    let is_alone = members.len() == 1;
    let weights = shares(&found.iter().map(|(weight, _)| weight.filter(|_| !is_alone)).collect::<Vec<_>>());
    if !found.is_empty() && weights.iter().all(|weight| *weight == 0) {
        for (id, _) in members {
            frame.problem(id, no_share("its connections are closed"));
        }
    }
    let weighted = found.iter().zip(weights).filter(|(_, weight)| *weight > 0);
    let clusters = weighted.map(|((_, upstream), weight)| WeightedCluster { cluster: upstream.name().clone(), weight });
    let clusters = clusters.collect();
    frame.upstreams.extend(found.into_iter().map(|(_, upstream)| upstream));
    clusters
}

fn wanted<'a>(id: &'a ObjectId, mapping: &'a TcpMapping, context: &Context<'a>) -> Wanted<'a> {
    let module = context.module;
    let breakers =
        if mapping.circuit_breakers.is_empty() { &module.circuit_breakers } else { &mapping.circuit_breakers };
    Wanted {
        namespace: &id.namespace,
        service: &mapping.service,
        service_namespace: &id.namespace,
        resolver: mapping.resolver.as_deref(),
        tls: mapping.tls.as_deref(),
        cluster_tag: mapping.cluster_tag.as_deref(),
        stats_name: mapping.stats_name.as_deref(),
        protocol: Protocol::Tcp,
        connect_timeout: CONNECT_TIMEOUT,
        idle_timeout: None,
        max_connection_lifetime: None,
        lb: LbPolicy::RoundRobin,
        circuit_breakers: breakers,
        health_checks: &[],
        outlier_detection: None,
        keepalive: None,
        dns_type: DnsType::StrictDns,
        respect_dns_ttl: false,
        family: family(mapping.enable_ipv4, mapping.enable_ipv6, module),
    }
}
