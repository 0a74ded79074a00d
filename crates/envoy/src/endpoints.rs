//! Endpoints: `ClusterLoadAssignment`.

use std::net::SocketAddr;

use envoy_types::pb::envoy::config::core::v3::{Address, Locality};
use envoy_types::pb::envoy::config::endpoint::v3::{
    ClusterLoadAssignment, Endpoint as PbEndpoint, LbEndpoint, LocalityLbEndpoints, endpoint::AdditionalAddress,
    lb_endpoint::HostIdentifier,
};
use nuncio_ir::{Endpoint, Endpoints};

use crate::{Resource, proto};

/// The endpoints of a cluster whose discovery is `Endpoints`. Named for the cluster.
#[must_use]
pub fn endpoints(endpoints: &Endpoints) -> Resource {
    let of_one_place = |a: &Endpoint, b: &Endpoint| (a.rank, &a.zone) == (b.rank, &b.zone);
    let places = endpoints.endpoints.chunk_by(of_one_place);
    let message = assignment(&endpoints.cluster.0, places.map(|place| locality(place, endpoints)).collect());
    Resource::new(&endpoints.cluster.0, nuncio_ir::version(endpoints), &message)
}

/// Endpoints of one rank and zone.
fn locality(place: &[Endpoint], all: &Endpoints) -> LocalityLbEndpoints {
    let first = place.first();
    let zone = first.and_then(|first| first.zone.as_deref());
    LocalityLbEndpoints {
        locality: zone.map(|zone| Locality { zone: zone.to_owned(), ..Default::default() }),
        priority: first.map_or(0, |first| first.rank),
        load_balancing_weight: all.shares.get(zone.unwrap_or_default()).copied().map(proto::uint32),
        lb_endpoints: place.iter().map(|at| endpoint(&all.hostname, proto::address(at.address), at.other)).collect(),
        ..Default::default()
    }
}

/// An assignment of fixed addresses.
pub(crate) fn fixed(cluster: &str, addresses: impl Iterator<Item = SocketAddr>) -> ClusterLoadAssignment {
    let endpoints: Vec<_> = addresses.map(|address| endpoint("", proto::address(address), None)).collect();
    assignment(cluster, vec![LocalityLbEndpoints { lb_endpoints: endpoints, ..Default::default() }])
}

/// An assignment of one address of whatever sort.
pub(crate) fn single(cluster: &str, address: Address) -> ClusterLoadAssignment {
    let endpoints = vec![endpoint("", address, None)];
    assignment(cluster, vec![LocalityLbEndpoints { lb_endpoints: endpoints, ..Default::default() }])
}

/// An assignment of DNS names with their ports.
pub(crate) fn names(cluster: &str, hosts: &[(String, u16)]) -> ClusterLoadAssignment {
    let name = |(host, port): &(String, u16)| endpoint("", proto::host_address(host, *port), None);
    let endpoints = hosts.iter().map(name).collect();
    assignment(cluster, vec![LocalityLbEndpoints { lb_endpoints: endpoints, ..Default::default() }])
}

fn assignment(cluster: &str, endpoints: Vec<LocalityLbEndpoints>) -> ClusterLoadAssignment {
    ClusterLoadAssignment { cluster_name: cluster.to_owned(), endpoints, ..Default::default() }
}

fn endpoint(hostname: &str, address: Address, other: Option<SocketAddr>) -> LbEndpoint {
    let other = other.map(|other| AdditionalAddress { address: Some(proto::address(other)) });
    LbEndpoint {
        host_identifier: Some(HostIdentifier::Endpoint(PbEndpoint {
            address: Some(address),
            hostname: hostname.to_owned(),
            additional_addresses: other.into_iter().collect(),
            ..Default::default()
        })),
        ..Default::default()
    }
}
