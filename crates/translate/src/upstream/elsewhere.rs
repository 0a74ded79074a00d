//! Clusters that stand in for others: where a service is, and the same settings for another.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use nuncio_api::{Scheme, ServiceRef};
use nuncio_ir::{Cluster, ClusterName, Discovery, Protocol, UpstreamTls, version};

use super::lookup::{Dns, Lookup};
use super::{Resolver, by_zone_shares, cluster_name, mangled, qualified};
use crate::compiled::Upstream;
use crate::context::Context;
use crate::service::{EndpointSource, ServiceKey};

/// Where a service is, whichever its port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Location {
    /// A Service of the world.
    Service(ServiceKey),
    /// An address.
    Address(IpAddr),
    /// A name in DNS.
    Name(String),
}

/// A service that was looked for.
pub(crate) struct Found {
    pub(crate) location: Location,
    /// The Service whose endpoints it has, if it is one.
    pub(crate) source: Option<EndpointSource>,
}

/// Finds a service as a Mapping would that says no more of it. A bare name is a Service of `namespace`.
pub(crate) fn find(service: &ServiceRef, namespace: &Arc<str>, context: &Context<'_>) -> Found {
    let named = qualified(service, namespace, context);
    let port = service.port.unwrap_or(default_port(service.scheme == Some(Scheme::Https)));
    let (discovery, source) = lookup(service, namespace, Dns::default(), context).discover(context, &named.host, port);
    let place = of(&discovery, source.as_ref()).map(|(location, _)| location);
    Found { location: place.unwrap_or(Location::Name(named.host)), source }
}

/// Where a cluster sends to.
pub(crate) fn location(upstream: &Upstream) -> Option<(Location, u16)> {
    of(&upstream.cluster.discovery, upstream.sources.first())
}

/// What the service of a cluster is called, whichever text of a Mapping names it: `NAME.NAMESPACE:PORT` of a Service, else address or
/// name with the port. Two that are called the same are the same. What is no service says so.
pub(crate) fn audience(upstream: &Upstream) -> Arc<str> {
    match location(upstream) {
        Some((Location::Service(key), port)) => format!("{}.{}:{port}", key.name, key.namespace).into(),
        Some((Location::Address(address), port)) => SocketAddr::new(address, port).to_string().into(),
        Some((Location::Name(name), port)) => format!("{}:{port}", name.to_ascii_lowercase()).into(),
        None => "tunnel".into(),
    }
}

/// A cluster like another for a service that stands in for its. What the service's text does not say of TLS is as it was. A bare
/// name is a Service of `namespace`.
pub(crate) fn elsewhere(
    baseline: &Upstream,
    service: &ServiceRef,
    namespace: &Arc<str>,
    context: &Context<'_>,
) -> Upstream {
    let mut cluster = baseline.cluster.clone();
    match service.scheme {
        Some(Scheme::Http) => cluster.tls = None,
        Some(Scheme::Https) if cluster.tls.is_none() => cluster.tls = Some(UpstreamTls::default()),
        Some(Scheme::Https) | None => {}
    }
    let port = service.port.unwrap_or(default_port(cluster.tls.is_some()));
    let named = qualified(service, namespace, context);
    let dns = match cluster.discovery {
        Discovery::Dns { logical, respect_ttl, family, .. } => Dns { logical, respect_ttl, family },
        Discovery::Static(_) | Discovery::Endpoints | Discovery::Unix(_) => Dns::default(),
    };
    let (discovery, source) = lookup(service, namespace, dns, context).discover(context, &named.host, port);
    cluster.discovery = discovery;
    cluster.stats_name = Some(mangled(&named.to_string()));
    cluster.by_zone_shares = by_zone_shares(&cluster, context);
    cluster.name = ClusterName("".into());
    cluster.name = cluster_name(&cluster, None, &named.host, port, source.as_ref());
    Upstream { cluster, sources: source.into_iter().collect() }
}

/// A cluster like another for a process that stands in for its service behind a Unix socket. What is said of the service's own
/// endpoints says nothing of that.
pub(crate) fn tunnelled(baseline: &Upstream, service: &ServiceRef, socket: &Arc<str>) -> Upstream {
    let mut cluster = Cluster {
        name: ClusterName("".into()),
        stats_name: Some(mangled(&format!("{service} tunnel"))),
        discovery: Discovery::Unix(Arc::clone(socket)),
        // Whatever the client speaks: it has streams both ways and what follows a body.
        protocol: Protocol::Http2,
        tls: None,
        health_checks: Vec::new(),
        outlier_detection: None,
        keepalive: None,
        proper_case: false,
        by_zone_shares: false,
        ..baseline.cluster.clone()
    };
    let digest = version(&cluster).0 >> 64;
    cluster.name = ClusterName(format!("{service}:tunnel-{digest:016x}").into());
    Upstream { cluster, sources: Vec::new() }
}

/// By the resolver of whoever names none.
fn lookup<'a>(service: &'a ServiceRef, namespace: &'a Arc<str>, dns: Dns, context: &Context<'_>) -> Lookup<'a> {
    let resolver = context.resolver(None, namespace).unwrap_or(Resolver::Service);
    Lookup { service, namespace, resolver, dns }
}

fn default_port(tls: bool) -> u16 {
    if tls { 443 } else { 80 }
}

fn of(discovery: &Discovery, source: Option<&EndpointSource>) -> Option<(Location, u16)> {
    match (discovery, source) {
        (_, Some(source)) => Some((Location::Service(source.service.clone()), source.port)),
        (Discovery::Static(addresses), None) => {
            addresses.first().map(|address| (Location::Address(address.ip()), address.port()))
        }
        (Discovery::Dns { hosts, .. }, None) => hosts.first().map(|(host, port)| (Location::Name(host.clone()), *port)),
        (Discovery::Endpoints | Discovery::Unix(_), None) => None,
    }
}
