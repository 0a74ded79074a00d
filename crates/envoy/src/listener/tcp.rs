//! TCP proxies.

use envoy_types::pb::envoy::extensions::filters::network::tcp_proxy::v3::{
    TcpProxy as PbTcpProxy,
    tcp_proxy::{ClusterSpecifier, WeightedCluster as PbWeightedCluster, weighted_cluster::ClusterWeight},
};
use nuncio_ir::{TcpProxy, WeightedCluster};

use super::access_log;
use crate::proto;

pub(super) fn proxy(proxy: &TcpProxy) -> PbTcpProxy {
    PbTcpProxy {
        stat_prefix: proxy.stat_prefix.clone(),
        cluster_specifier: Some(clusters(&proxy.clusters)),
        idle_timeout: proxy.idle_timeout.map(proto::duration),
        access_log: vec![access_log::connections(&proxy.access_log)],
        ..Default::default()
    }
}

fn clusters(clusters: &[WeightedCluster]) -> ClusterSpecifier {
    match clusters {
        [only] => ClusterSpecifier::Cluster(only.cluster.to_string()),
        _ => {
            let clusters = clusters
                .iter()
                .map(|weighted| ClusterWeight {
                    name: weighted.cluster.to_string(),
                    weight: weighted.weight,
                    ..Default::default()
                })
                .collect();
            ClusterSpecifier::WeightedClusters(PbWeightedCluster { clusters })
        }
    }
}
