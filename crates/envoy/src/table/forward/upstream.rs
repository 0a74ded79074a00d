//! `RouteAction`: what happens to a request on its way to a cluster.

use envoy_types::pb::envoy::config::core::v3::RuntimeFractionalPercent;
use envoy_types::pb::envoy::config::route::v3::{
    RetryPolicy, RouteAction, WeightedCluster,
    route_action::{
        ClusterSpecifier, HashPolicy as PbHashPolicy, HostRewriteSpecifier, RequestMirrorPolicy, UpgradeConfig,
        hash_policy::{ConnectionProperties, Cookie, Header, PolicySpecifier},
    },
    weighted_cluster::{ClusterWeight, cluster_weight},
};
use envoy_types::pb::envoy::r#type::v3::{FractionalPercent, fractional_percent::DenominatorType};
use nuncio_ir::{Arm, ClusterName, Forward, HashPolicy, HostRewrite, Mirror, PathMatch, Retry};

use crate::table::path;
use crate::{cluster, header, proto};

/// Everything goes to `cluster`.
pub(super) fn single(
    path: &PathMatch,
    forward: &Forward,
    arm: &Arm,
    cluster: &ClusterName,
    known: Option<&str>,
) -> RouteAction {
    let to_known = || known.map(|host| HostRewriteSpecifier::HostRewriteLiteral(host.to_owned()));
    RouteAction {
        cluster_specifier: Some(ClusterSpecifier::Cluster(cluster.to_string())),
        host_rewrite_specifier: arm.host_rewrite.as_ref().map(host_rewrite).or_else(to_known),
        ..action(path, forward, arm)
    }
}

/// Each cluster gets its share; `first` stands for all in what they have in common.
pub(super) fn weighted(
    path: &PathMatch,
    forward: &Forward,
    first: &Arm,
    clusters: &[(&Arm, &ClusterName)],
    known: Option<&str>,
) -> RouteAction {
    let clusters = clusters.iter().map(|(arm, name)| cluster_weight(arm, name, known)).collect();
    let endpoint_host = first.host_rewrite.as_ref().filter(|rewrite| **rewrite == HostRewrite::Endpoint);
    RouteAction {
        cluster_specifier: Some(ClusterSpecifier::WeightedClusters(WeightedCluster { clusters, ..Default::default() })),
        host_rewrite_specifier: endpoint_host.map(host_rewrite),
        ..action(path, forward, first)
    }
}

fn cluster_weight(arm: &Arm, cluster: &ClusterName, known: Option<&str>) -> ClusterWeight {
    let host = match &arm.host_rewrite {
        Some(HostRewrite::Literal(host)) => Some(host.clone()),
        Some(HostRewrite::Endpoint) => None,
        None => known.map(str::to_owned),
    };
    ClusterWeight {
        name: cluster.to_string(),
        weight: Some(proto::uint32(arm.weight)),
        request_headers_to_add: header::additions(&arm.request_headers),
        request_headers_to_remove: arm.request_headers.remove.clone(),
        host_rewrite_specifier: host.map(cluster_weight::HostRewriteSpecifier::HostRewriteLiteral),
        ..Default::default()
    }
}

/// All but cluster and host.
fn action(path: &PathMatch, forward: &Forward, arm: &Arm) -> RouteAction {
    let mut action = RouteAction {
        timeout: Some(proto::duration(arm.timeout)),
        idle_timeout: arm.idle_timeout.map(proto::duration),
        retry_policy: arm.retry.as_ref().map(retry),
        request_mirror_policies: forward.mirrors.iter().map(mirror).collect(),
        priority: cluster::priority(forward.priority) as i32,
        hash_policy: arm.hash.iter().map(hash).collect(),
        upgrade_configs: upgrades(&arm.upgrades),
        ..Default::default()
    };
    if let Some(change) = &arm.rewrite {
        path::apply_to_route(path, change, &mut action);
    }
    action
}

fn host_rewrite(rewrite: &HostRewrite) -> HostRewriteSpecifier {
    match rewrite {
        HostRewrite::Literal(host) => HostRewriteSpecifier::HostRewriteLiteral(host.clone()),
        HostRewrite::Endpoint => HostRewriteSpecifier::AutoHostRewrite(proto::boolean(true)),
    }
}

fn retry(retry: &Retry) -> RetryPolicy {
    RetryPolicy {
        retry_on: retry.on.join(","),
        num_retries: Some(proto::uint32(retry.retries)),
        per_try_timeout: retry.per_try_timeout.map(proto::duration),
        ..Default::default()
    }
}

fn mirror(mirror: &Mirror) -> RequestMirrorPolicy {
    RequestMirrorPolicy {
        cluster: mirror.cluster.to_string(),
        runtime_fraction: Some(RuntimeFractionalPercent {
            default_value: Some(FractionalPercent {
                numerator: mirror.percent,
                denominator: DenominatorType::Hundred as i32,
            }),
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn hash(policy: &HashPolicy) -> PbHashPolicy {
    let specifier = match policy {
        HashPolicy::Header(name) => PolicySpecifier::Header(Header { header_name: name.clone(), ..Default::default() }),
        HashPolicy::Cookie { name, path, ttl } => PolicySpecifier::Cookie(Cookie {
            name: name.clone(),
            path: path.clone().unwrap_or_default(),
            ttl: ttl.map(proto::duration),
            ..Default::default()
        }),
        HashPolicy::SourceIp => PolicySpecifier::ConnectionProperties(ConnectionProperties { source_ip: true }),
    };
    PbHashPolicy { policy_specifier: Some(specifier), ..Default::default() }
}

fn upgrades(types: &[String]) -> Vec<UpgradeConfig> {
    let config = |name: &String| UpgradeConfig { upgrade_type: name.clone(), ..Default::default() };
    types.iter().map(config).collect()
}
