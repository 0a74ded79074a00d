//! Clusters: what a `service` becomes with the settings beside it.

mod elsewhere;
mod lookup;

use std::sync::Arc;
use std::time::Duration;

use nuncio_api::{self as api, LoadBalancerPolicy, Problem, RoutingPriority, Scheme, ServiceRef};
use nuncio_ir::{
    CircuitBreaker, Cluster, ClusterName, Discovery, HashPolicy, HeaderAdd, HeaderEdits, HealthCheck, HealthCheckKind,
    IpFamily, Keepalive, LbPolicy, OutlierDetection, Priority, Protocol, StatusRange, UpstreamTls, version,
};

use crate::compiled::Upstream;
use crate::context::Context;
use crate::endpoints::Topology;
use crate::service::EndpointSource;

pub(crate) use elsewhere::{Location, audience, elsewhere, find, location, tunnelled};
use lookup::{Dns, Lookup};

/// What a Mapping or TCPMapping says about its upstream.
pub(crate) struct Wanted<'a> {
    pub(crate) namespace: &'a Arc<str>,
    pub(crate) service: &'a ServiceRef,
    /// Whose Service a bare name is, unless the Module says that it is the edge's.
    pub(crate) service_namespace: &'a Arc<str>,
    pub(crate) resolver: Option<&'a str>,
    pub(crate) tls: Option<&'a str>,
    pub(crate) cluster_tag: Option<&'a str>,
    pub(crate) stats_name: Option<&'a str>,
    pub(crate) protocol: Protocol,
    pub(crate) connect_timeout: Duration,
    pub(crate) idle_timeout: Option<Duration>,
    pub(crate) max_connection_lifetime: Option<Duration>,
    pub(crate) lb: LbPolicy,
    pub(crate) circuit_breakers: &'a [api::CircuitBreaker],
    pub(crate) health_checks: &'a [api::HealthCheck],
    pub(crate) outlier_detection: Option<&'a api::OutlierDetection>,
    pub(crate) keepalive: Option<&'a api::Keepalive>,
    pub(crate) dns_type: api::DnsType,
    pub(crate) respect_dns_ttl: bool,
    /// `None` if none is left.
    pub(crate) family: Option<IpFamily>,
}

/// An upstream, or why there is none.
pub(crate) struct Resolved {
    pub(crate) upstream: Result<Upstream, Problem>,
    /// `host:port` as the manifest means it, for meshes.
    pub(crate) authority: String,
    pub(crate) warnings: Vec<Problem>,
}

/// How names become endpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resolver {
    /// A Service's endpoints where there is one, DNS otherwise.
    Service,
    /// Endpoints only.
    Endpoint,
}

/// Finds the cluster for what is wanted.
pub(crate) fn resolve(wanted: &Wanted<'_>, context: &Context<'_>) -> Resolved {
    let mut warnings = Vec::new();
    let service_namespace = context.lookup_namespace(wanted.service_namespace);
    let service = qualified(wanted.service, service_namespace, context);
    let tls = upstream_tls(wanted, context, &mut warnings);
    let port = service.port.unwrap_or(if matches!(tls, Ok(None)) { 80 } else { 443 });
    let authority = format!("{}:{port}", service.url_host());
    if wanted.family.is_none() {
        let message = "neither IPv4 nor IPv6 is left, so IPv4 is used";
        warnings.push(Problem::warning("NoEffect", "spec.enable_ipv4", message));
    }
    let resolver = context.resolver(wanted.resolver, wanted.namespace);
    let upstream = match (tls, resolver) {
        (Err(problem), _) | (_, Err(problem)) => Err(problem),
        (Ok(tls), Ok(resolver)) => Ok(build(wanted, context, &service, port, tls, resolver)),
    };
    Resolved { upstream, authority, warnings }
}

/// The service as DNS would know it: a bare name outside the edge's own namespace gets its namespace.
fn qualified(service: &ServiceRef, namespace: &Arc<str>, context: &Context<'_>) -> ServiceRef {
    let ServiceRef { host, port, .. } = service;
    let bare = !host.contains(['.', ':']) && !host.eq_ignore_ascii_case("localhost");
    let host =
        if bare && **namespace != *context.settings.namespace { format!("{host}.{namespace}") } else { host.clone() };
    ServiceRef { host, port: *port, ..ServiceRef::default() }
}

fn upstream_tls(
    wanted: &Wanted<'_>,
    context: &Context<'_>,
    warnings: &mut Vec<Problem>,
) -> Result<Option<UpstreamTls>, Problem> {
    let Some(name) = wanted.tls else {
        return Ok((wanted.service.scheme == Some(Scheme::Https)).then(UpstreamTls::default));
    };
    if wanted.service.scheme == Some(Scheme::Http) {
        let message = format!("TLS is spoken because of `tls: {name}`, although `service` begins with http://");
        warnings.push(Problem::warning("ConflictingScheme", "spec.tls", message));
    }
    context.upstream_tls(name, wanted.namespace).map(Some)
}

fn build(
    wanted: &Wanted<'_>,
    context: &Context<'_>,
    service: &ServiceRef,
    port: u16,
    tls: Option<UpstreamTls>,
    resolver: Resolver,
) -> Upstream {
    let host = service.host.as_str();
    let dns = Dns {
        logical: wanted.dns_type == api::DnsType::LogicalDns,
        respect_ttl: wanted.respect_dns_ttl,
        // None at all would reach nobody.
        family: wanted.family.unwrap_or_default(),
    };
    let namespace = context.lookup_namespace(wanted.service_namespace);
    let lookup = Lookup { service: wanted.service, namespace, resolver, dns };
    let (discovery, source) = lookup.discover(context, host, port);
    let module = context.module;
    let mut cluster = Cluster {
        name: ClusterName("".into()),
        stats_name: Some(wanted.stats_name.map_or_else(|| mangled(&service.to_string()), ToOwned::to_owned)),
        discovery,
        protocol: wanted.protocol,
        tls,
        connect_timeout: wanted.connect_timeout,
        idle_timeout: wanted.idle_timeout,
        max_connection_lifetime: wanted.max_connection_lifetime,
        lb: wanted.lb,
        circuit_breakers: circuit_breakers(wanted.circuit_breakers),
        health_checks: wanted.health_checks.iter().filter_map(health_check).collect(),
        outlier_detection: wanted.outlier_detection.map(outlier_detection),
        keepalive: wanted.keepalive.or(module.keepalive.as_ref()).map(keepalive),
        proper_case: module.sends_proper_case() && wanted.protocol == Protocol::Http1,
        buffer_limit: module.buffer_limit_bytes,
        by_zone_shares: false,
    };
    cluster.by_zone_shares = by_zone_shares(&cluster, context);
    cluster.name = cluster_name(&cluster, wanted.cluster_tag, host, port, source.as_ref());
    Upstream { cluster, sources: source.into_iter().collect() }
}

fn by_zone_shares(cluster: &Cluster, context: &Context<'_>) -> bool {
    cluster.discovery == Discovery::Endpoints && matches!(context.settings.topology, Topology::Shares { .. })
}

/// The name tells people the service and sets apart whatever differs, so that two Mappings share a
/// cluster only where all of it is equal.
fn cluster_name(
    cluster: &Cluster,
    tag: Option<&str>,
    host: &str,
    port: u16,
    source: Option<&EndpointSource>,
) -> ClusterName {
    let service = source.map(|source| (&source.service.namespace, &source.service.name, source.port));
    let digest = version(&(cluster, tag, service)).0 >> 64;
    let tag = tag.map(|tag| format!("{}-", mangled(tag))).unwrap_or_default();
    ClusterName(format!("{tag}{host}:{port}-{digest:016x}").into())
}

fn mangled(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

/// Which families DNS is asked for, by a Mapping's own switches or the Module's.
pub(crate) fn family(v4: Option<bool>, v6: Option<bool>, module: &api::ModuleConfig) -> Option<IpFamily> {
    match (v4.or(module.enable_ipv4).unwrap_or(true), v6.or(module.enable_ipv6).unwrap_or(false)) {
        (true, true) => Some(IpFamily::Both),
        (true, false) => Some(IpFamily::V4),
        (false, true) => Some(IpFamily::V6),
        (false, false) => None,
    }
}

fn circuit_breakers(wanted: &[api::CircuitBreaker]) -> Vec<CircuitBreaker> {
    let breaker = |wanted: &api::CircuitBreaker| CircuitBreaker {
        priority: priority(wanted.priority),
        max_connections: wanted.max_connections,
        max_pending_requests: wanted.max_pending_requests,
        max_requests: wanted.max_requests,
        max_retries: wanted.max_retries,
    };
    wanted.iter().map(breaker).collect()
}

pub(crate) fn priority(priority: RoutingPriority) -> Priority {
    match priority {
        RoutingPriority::Default => Priority::Default,
        RoutingPriority::High => Priority::High,
    }
}

fn health_check(check: &api::HealthCheck) -> Option<HealthCheck> {
    let layer = &check.health_check;
    let kind = match (&layer.http, &layer.grpc) {
        (Some(http), _) => HealthCheckKind::Http {
            path: http.path.clone(),
            hostname: http.hostname.clone(),
            headers: HeaderEdits {
                remove: lower_names(&http.remove_request_headers),
                add: added(&http.add_request_headers),
            },
            expected_statuses: http.expected_statuses.iter().map(status_range).collect(),
        },
        (None, Some(grpc)) => {
            HealthCheckKind::Grpc { service: grpc.upstream_name.clone(), authority: grpc.authority.clone() }
        }
        (None, None) => return None,
    };
    Some(HealthCheck {
        timeout: check.timeout.map_or(Duration::from_secs(3), |timeout| timeout.0),
        interval: check.interval.map_or(Duration::from_secs(5), |interval| interval.0),
        unhealthy_threshold: check.unhealthy_threshold.unwrap_or(2),
        healthy_threshold: check.healthy_threshold.unwrap_or(1),
        kind,
    })
}

fn status_range(range: &api::StatusRange) -> StatusRange {
    StatusRange { start: range.min, end: range.max.saturating_add(1) }
}

fn outlier_detection(wanted: &api::OutlierDetection) -> OutlierDetection {
    let millis = |value: Option<u64>| value.map(Duration::from_millis);
    OutlierDetection {
        consecutive_5xx: wanted.consecutive_5xx,
        consecutive_gateway_failure: wanted.consecutive_gateway_failure,
        consecutive_local_origin_failure: wanted.consecutive_local_origin_failure,
        interval: millis(wanted.interval_ms),
        base_ejection_time: millis(wanted.base_ejection_time_ms),
        max_ejection_time: millis(wanted.max_ejection_time_ms),
        max_ejection_percent: wanted.max_ejection_percent,
        split_external_local_origin_errors: wanted.split_external_local_origin_errors.unwrap_or(false),
    }
}

fn keepalive(wanted: &api::Keepalive) -> Keepalive {
    Keepalive { probes: wanted.probes, idle_time: wanted.time.or(wanted.idle_time), interval: wanted.interval }
}

/// The policy and what it hashes.
pub(crate) fn load_balancer(wanted: Option<&api::LoadBalancer>) -> (LbPolicy, Vec<HashPolicy>) {
    let Some(wanted) = wanted else { return (LbPolicy::RoundRobin, Vec::new()) };
    let policy = match wanted.policy {
        LoadBalancerPolicy::RoundRobin => return (LbPolicy::RoundRobin, Vec::new()),
        LoadBalancerPolicy::LeastRequest => return (LbPolicy::LeastRequest, Vec::new()),
        LoadBalancerPolicy::RingHash => LbPolicy::RingHash,
        LoadBalancerPolicy::Maglev => LbPolicy::Maglev,
    };
    let cookie = wanted.cookie.as_ref().map(|cookie| HashPolicy::Cookie {
        name: cookie.name.clone(),
        path: cookie.path.clone(),
        ttl: cookie.ttl.map(|ttl| ttl.0),
    });
    let header = wanted.header.as_ref().map(|name| HashPolicy::Header(name.to_ascii_lowercase()));
    let source_ip = wanted.source_ip.unwrap_or(false).then_some(HashPolicy::SourceIp);
    (policy, cookie.into_iter().chain(header).chain(source_ip).collect())
}

/// Headers to add, sorted by name.
pub(crate) fn added(headers: &api::AddedHeaders) -> Vec<HeaderAdd> {
    let mut added: Vec<_> = headers
        .iter()
        .map(|(name, header)| HeaderAdd {
            name: name.to_ascii_lowercase(),
            value: header.value.clone(),
            append: header.append,
        })
        .collect();
    added.sort_by(|a, b| a.name.cmp(&b.name));
    added
}

/// Header names, lower case, sorted, each once.
pub(crate) fn lower_names(names: &[String]) -> Vec<String> {
    let mut names: Vec<_> = names.iter().map(|name| name.to_ascii_lowercase()).collect();
    names.sort_unstable();
    names.dedup();
    names
}
