//! Which of a Service's endpoints take requests: those that are ready, near ones first where zones count.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use nuncio_api::{self as api, EndpointSlice, EndpointTarget, Service};
use nuncio_ir::Endpoint;

/// How the gateway's zone counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Topology {
    /// All endpoints are alike.
    #[default]
    Ignore,
    /// Those first whose hints name the zone. Only where each endpoint has hints and one names the zone, as Kubernetes'
    /// own proxy has it.
    Hints(Arc<str>),
    /// Those of the zone first, whatever the hints.
    Zone(Arc<str>),
}

/// Which port of a slice is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SlicePort<'a> {
    /// The one of this name; its number where the slice stands for all ports.
    Named { name: &'a str, number: u16 },
    /// This one, whatever the slice says.
    Number(u16),
}

/// An address of an endpoint.
#[derive(Clone, Copy)]
struct Candidate<'a> {
    endpoint: &'a api::Endpoint,
    address: SocketAddr,
}

/// The endpoints that take requests, sorted.
pub(crate) fn of<'a>(
    slices: impl Iterator<Item = &'a EndpointSlice> + Clone,
    port: SlicePort<'_>,
    service: &Service,
    topology: &Topology,
) -> Vec<Endpoint> {
    let mut pool: Vec<_> = candidates(slices.clone(), port).filter(|found| is_ready(found.endpoint)).collect();
    if pool.is_empty() {
        // Better one that still answers while it ends than none.
        pool = candidates(slices, port).filter(|found| ends_serving(found.endpoint)).collect();
    }
    let near = near(&pool, topology);
    let mut found = joined(&pool, service, |candidate| place(candidate.endpoint, topology, near));
    found.sort_unstable();
    // While slices are made anew an endpoint may be in two of them.
    let mut seen = BTreeSet::new();
    found.retain(|endpoint| seen.insert(endpoint.address));
    found
}

/// Whether there is one.
pub(crate) fn any<'a>(slices: impl Iterator<Item = &'a EndpointSlice>, port: SlicePort<'_>) -> bool {
    candidates(slices, port).any(|found| is_ready(found.endpoint) || ends_serving(found.endpoint))
}

fn is_ready(endpoint: &api::Endpoint) -> bool {
    endpoint.conditions.ready.unwrap_or(true)
}

fn ends_serving(endpoint: &api::Endpoint) -> bool {
    let conditions = &endpoint.conditions;
    conditions.terminating.unwrap_or(false) && conditions.serving.or(conditions.ready).unwrap_or(true)
}

fn candidates<'a>(
    slices: impl Iterator<Item = &'a EndpointSlice>,
    port: SlicePort<'_>,
) -> impl Iterator<Item = Candidate<'a>> {
    slices.filter_map(move |slice| Some((slice, number(slice, port)?))).flat_map(|(slice, port)| {
        slice.endpoints.iter().filter_map(move |endpoint| {
            // Of several addresses, which all lead to the same, only the first is to be used.
            let ip: IpAddr = endpoint.addresses.first()?.parse().ok()?;
            Some(Candidate { endpoint, address: SocketAddr::new(ip, port) })
        })
    })
}

/// The number of a port in a slice. A slice with one port without a name is for every port: slices written by hand often
/// are so.
fn number(slice: &EndpointSlice, port: SlicePort<'_>) -> Option<u16> {
    let (name, number) = match port {
        SlicePort::Number(number) => return Some(number),
        SlicePort::Named { name, number } => (name, number),
    };
    let is_tcp = |port: &&api::EndpointPort| port.protocol.as_deref().unwrap_or("TCP") == "TCP";
    let called = |port: &&api::EndpointPort| port.name.as_deref().unwrap_or_default() == name;
    let unnamed = || match &slice.ports[..] {
        [only] if only.name.as_deref().unwrap_or_default().is_empty() => Some(only),
        _ => None,
    };
    let found = slice.ports.iter().filter(is_tcp).find(called).or_else(unnamed)?;
    Some(found.port.unwrap_or(number))
}

/// Whether the zone tells the near endpoints from the others: some must be near.
fn near(pool: &[Candidate<'_>], topology: &Topology) -> bool {
    let hinted = || pool.iter().all(|found| !hints(found.endpoint).is_empty());
    let complete = match topology {
        Topology::Ignore => false,
        Topology::Hints(_) => hinted(),
        Topology::Zone(_) => true,
    };
    complete && pool.iter().any(|found| is_near(found.endpoint, topology))
}

fn is_near(endpoint: &api::Endpoint, topology: &Topology) -> bool {
    match topology {
        Topology::Ignore => true,
        Topology::Hints(zone) => hints(endpoint).iter().any(|hint| *hint.name == **zone),
        Topology::Zone(zone) => endpoint.zone.as_deref() == Some(zone),
    }
}

fn hints(endpoint: &api::Endpoint) -> &[api::ForZone] {
    endpoint.hints.as_ref().map_or(&[], |hints| &hints.for_zones)
}

/// The rank and the zone that an endpoint is told with.
fn place(endpoint: &api::Endpoint, topology: &Topology, near: bool) -> (u32, Option<Arc<str>>) {
    if !near {
        return (0, None);
    }
    (u32::from(!is_near(endpoint, topology)), endpoint.zone.as_deref().map(Into::into))
}

/// Endpoints of candidates. What has an address in both families is one endpoint with two addresses, the Service's
/// preferred one first.
fn joined(
    pool: &[Candidate<'_>],
    service: &Service,
    place: impl Fn(&Candidate<'_>) -> (u32, Option<Arc<str>>),
) -> Vec<Endpoint> {
    let endpoint = |candidate: &Candidate<'_>, other| {
        let (rank, zone) = place(candidate);
        Endpoint { rank, zone, address: candidate.address, other }
    };
    let v6_first = service.ip_families.first().is_some_and(|family| family == "IPv6");
    let (first, second): (Vec<&Candidate<'_>>, Vec<_>) =
        pool.iter().partition(|found| found.address.is_ipv6() == v6_first);
    if first.is_empty() || second.is_empty() {
        return pool.iter().map(|found| endpoint(found, None)).collect();
    }
    let mut others: BTreeMap<&EndpointTarget, SocketAddr> = BTreeMap::new();
    for found in &second {
        if let Some(target) = &found.endpoint.target {
            others.entry(target).or_insert(found.address);
        }
    }
    let other = |found: &Candidate<'_>| found.endpoint.target.as_ref().and_then(|target| others.get(target).copied());
    let mut endpoints: Vec<_> = first.iter().map(|found| endpoint(found, other(found))).collect();
    let joined: BTreeSet<_> = endpoints.iter().filter_map(|endpoint| endpoint.other).collect();
    endpoints.extend(second.iter().filter(|found| !joined.contains(&found.address)).map(|found| endpoint(found, None)));
    endpoints
}

#[cfg(test)]
mod tests;
