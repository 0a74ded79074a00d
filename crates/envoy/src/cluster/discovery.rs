//! Where a cluster's endpoints come from.

use envoy_types::pb::envoy::config::cluster::v3::{
    Cluster as PbCluster,
    cluster::{ClusterDiscoveryType, CustomClusterType, DiscoveryType, EdsClusterConfig},
};
use envoy_types::pb::envoy::extensions::clusters::{common::dns::v3::DnsLookupFamily, dns::v3::DnsCluster};
use nuncio_ir::{Cluster, Discovery, IpFamily};

use crate::{endpoints, proto};

pub(super) fn apply(cluster: &Cluster, message: &mut PbCluster) {
    let name = &cluster.name.0;
    match &cluster.discovery {
        Discovery::Endpoints => {
            message.cluster_discovery_type = Some(ClusterDiscoveryType::Type(DiscoveryType::Eds as i32));
            message.eds_cluster_config =
                Some(EdsClusterConfig { eds_config: Some(proto::ads()), service_name: name.to_string() });
        }
        Discovery::Static(addresses) => {
            message.cluster_discovery_type = Some(ClusterDiscoveryType::Type(DiscoveryType::Static as i32));
            message.load_assignment = Some(endpoints::fixed(name, addresses.iter().copied()));
        }
        Discovery::Unix(path) => {
            message.cluster_discovery_type = Some(ClusterDiscoveryType::Type(DiscoveryType::Static as i32));
            message.load_assignment = Some(endpoints::single(name, proto::pipe(path)));
        }
        Discovery::Dns { hosts, logical, respect_ttl, family } => {
            let dns = DnsCluster {
                respect_dns_ttl: *respect_ttl,
                dns_lookup_family: lookup_family(*family) as i32,
                all_addresses_in_single_endpoint: *logical,
                ..Default::default()
            };
            message.cluster_discovery_type = Some(ClusterDiscoveryType::ClusterType(CustomClusterType {
                name: "envoy.cluster.dns".to_owned(),
                typed_config: Some(proto::any(&dns)),
            }));
            message.load_assignment = Some(endpoints::names(name, hosts));
        }
    }
}

fn lookup_family(family: IpFamily) -> DnsLookupFamily {
    match family {
        IpFamily::V4 => DnsLookupFamily::V4Only,
        IpFamily::V6 => DnsLookupFamily::V6Only,
        IpFamily::Both => DnsLookupFamily::Auto,
    }
}
