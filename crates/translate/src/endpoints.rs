//! Which of a Service's endpoints take requests: those that are ready, near ones first where places count.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;

use nuncio_api::{self as api, EndpointHint, EndpointSlice, EndpointTarget, Service};
use nuncio_ir::Endpoint;

/// How the gateway's place counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Topology {
    /// All endpoints are alike.
    #[default]
    Ignore,
    /// Those first whose hints name the node, then those whose hints name the zone. Either only where each endpoint has
    /// such hints and one names ours, as Kubernetes' own proxy has it.
    Hints {
        /// Ours, if it is known.
        zone: Option<Arc<str>>,
        /// Ours, if it is known.
        node: Option<Arc<str>>,
    },
    /// Those of the zone first, whatever the hints.
    Zone(Arc<str>),
    /// All together, the zone's with this share of the requests, the others by their number.
    Shares {
        /// Ours.
        zone: Arc<str>,
        /// From 1 to 99.
        percent: u32,
    },
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
    let ranking = Ranking::new(&pool, topology);
    let found = joined(&pool, service, |candidate| ranking.place(candidate.endpoint));
    // While slices are made anew an endpoint may be in two of them.
    merged(found)
}

/// Endpoints of several sources, sorted: each once, at the best of its ranks, and no rank without one.
pub(crate) fn merged(mut endpoints: Vec<Endpoint>) -> Vec<Endpoint> {
    endpoints.sort_unstable_by(|a, b| (a.address, a).cmp(&(b.address, b)));
    endpoints.dedup_by_key(|endpoint| endpoint.address);
    endpoints.sort_unstable();
    let ranks: BTreeSet<u32> = endpoints.iter().map(|endpoint| endpoint.rank).collect();
    let order: BTreeMap<u32, u32> = ranks.into_iter().zip(0..).collect();
    for endpoint in &mut endpoints {
        endpoint.rank = order.get(&endpoint.rank).copied().unwrap_or_default();
    }
    endpoints
}

/// The shares of zones, where zones have shares. Without endpoints of our zone, or of another, they go by number.
pub(crate) fn shares(endpoints: &[Endpoint], topology: &Topology) -> BTreeMap<Arc<str>, u32> {
    let Topology::Shares { zone: own, percent } = topology else { return BTreeMap::new() };
    let mut numbers = BTreeMap::<Arc<str>, u32>::new();
    for endpoint in endpoints {
        *numbers.entry(endpoint.zone.clone().unwrap_or_default()).or_default() += 1;
    }
    let of_others: u32 = numbers.iter().filter(|(zone, _)| *zone != own).map(|(_, number)| number).sum();
    if of_others > 0 && numbers.contains_key(own) {
        for (zone, number) in &mut numbers {
            *number = if zone == own { percent * of_others } else { (100 - percent) * *number };
        }
    }
    numbers
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
        slice
            .endpoints
            .iter()
            .filter_map(move |endpoint| Some(Candidate { endpoint, address: SocketAddr::new(endpoint.address?, port) }))
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

/// What tells endpoints apart among these.
#[derive(Clone, Copy)]
enum Ranking<'a> {
    None,
    /// By what their hints name.
    Hints {
        node: Option<&'a str>,
        zone: Option<&'a str>,
    },
    /// By their zone.
    Zone(&'a str),
    /// They are told with their zones, which have shares.
    Shares,
}

impl<'a> Ranking<'a> {
    /// Our place counts only where one of them is near.
    fn new(pool: &[Candidate<'_>], topology: &'a Topology) -> Self {
        let any = |is_near: &dyn Fn(&api::Endpoint) -> bool| pool.iter().any(|found| is_near(found.endpoint));
        let useful = |name: &'a Option<Arc<str>>, hints: fn(&api::Endpoint) -> &[EndpointHint]| {
            let name = name.as_deref()?;
            let complete = pool.iter().all(|found| !hints(found.endpoint).is_empty());
            (complete && any(&|endpoint| names(hints(endpoint), name))).then_some(name)
        };
        match topology {
            Topology::Ignore => Self::None,
            Topology::Hints { zone, node } => {
                Self::Hints { node: useful(node, for_nodes), zone: useful(zone, for_zones) }
            }
            Topology::Zone(zone) if any(&|endpoint| is_of(endpoint, zone)) => Self::Zone(zone),
            Topology::Zone(_) => Self::None,
            Topology::Shares { .. } => Self::Shares,
        }
    }

    /// The rank and the zone that an endpoint is told with.
    fn place(self, endpoint: &api::Endpoint) -> (u32, Option<Arc<str>>) {
        let zone = || endpoint.zone.as_deref().map(Into::into);
        match self {
            Self::None | Self::Hints { node: None, zone: None } => (0, None),
            Self::Hints { node, .. } if node.is_some_and(|node| names(for_nodes(endpoint), node)) => (0, zone()),
            Self::Hints { zone: own, .. } if own.is_some_and(|own| names(for_zones(endpoint), own)) => (1, zone()),
            Self::Hints { .. } => (2, zone()),
            Self::Zone(own) => (u32::from(!is_of(endpoint, own)), zone()),
            Self::Shares => (0, zone()),
        }
    }
}

fn is_of(endpoint: &api::Endpoint, zone: &str) -> bool {
    endpoint.zone.as_deref() == Some(zone)
}

fn names(hints: &[EndpointHint], name: &str) -> bool {
    hints.iter().any(|hint| hint.name == name)
}

fn for_zones(endpoint: &api::Endpoint) -> &[EndpointHint] {
    endpoint.hints.as_ref().map_or(&[], |hints| &hints.for_zones)
}

fn for_nodes(endpoint: &api::Endpoint) -> &[EndpointHint] {
    endpoint.hints.as_ref().map_or(&[], |hints| &hints.for_nodes)
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
