//! Endpoints: `ClusterLoadAssignment`.

use std::net::SocketAddr;

use envoy_types::pb::envoy::config::core::v3::Address;
use envoy_types::pb::envoy::config::endpoint::v3::{
    ClusterLoadAssignment, Endpoint, LbEndpoint, LocalityLbEndpoints, lb_endpoint::HostIdentifier,
};
use nuncio_ir::Endpoints;

use crate::{Resource, proto};

/// The endpoints of a cluster whose discovery is `Endpoints`. Named for the cluster.
#[must_use]
pub fn endpoints(endpoints: &Endpoints) -> Resource {
    let addresses = endpoints.endpoints.iter().map(|endpoint| endpoint.address);
    let message = fixed(&endpoints.cluster.0, &endpoints.hostname, addresses);
    Resource::new(&endpoints.cluster.0, nuncio_ir::version(endpoints), &message)
}

/// An assignment of fixed addresses, all of which are `hostname` (empty: unknown).
pub(crate) fn fixed(
    cluster: &str,
    hostname: &str,
    addresses: impl Iterator<Item = SocketAddr>,
) -> ClusterLoadAssignment {
    let endpoints: Vec<_> = addresses.map(|address| endpoint(hostname, proto::address(address))).collect();
    assignment(cluster, endpoints)
}

/// An assignment of one address that may be a DNS name.
pub(crate) fn single(cluster: &str, address: Address) -> ClusterLoadAssignment {
    assignment(cluster, vec![endpoint("", address)])
}

fn assignment(cluster: &str, endpoints: Vec<LbEndpoint>) -> ClusterLoadAssignment {
    let localities = if endpoints.is_empty() {
        Vec::new()
    } else {
        vec![LocalityLbEndpoints { lb_endpoints: endpoints, ..Default::default() }]
    };
    ClusterLoadAssignment { cluster_name: cluster.to_owned(), endpoints: localities, ..Default::default() }
}

fn endpoint(hostname: &str, address: Address) -> LbEndpoint {
    LbEndpoint {
        host_identifier: Some(HostIdentifier::Endpoint(Endpoint {
            address: Some(address),
            hostname: hostname.to_owned(),
            ..Default::default()
        })),
        ..Default::default()
    }
}
