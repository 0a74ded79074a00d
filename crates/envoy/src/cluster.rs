//! Upstreams: `Cluster`.

mod discovery;
mod health;
mod protocol;

use std::time::Duration;

use envoy_types::pb::envoy::config::cluster::v3::{
    CircuitBreakers, Cluster as PbCluster, UpstreamConnectionOptions,
    circuit_breakers::Thresholds,
    cluster::{
        CommonLbConfig, LbPolicy as PbLbPolicy,
        common_lb_config::{LocalityConfigSpecifier, LocalityWeightedLbConfig},
    },
};
use envoy_types::pb::envoy::config::core::v3::{RoutingPriority, TcpKeepalive};
use nuncio_ir::{CircuitBreaker, Cluster, Discovery, Keepalive, LbPolicy, Priority};

use crate::{Resource, proto, tls};

pub(crate) use protocol::header_key_format;

/// A cluster that asks DNS is warm only after the first answer, which comes after the ACK.
const DNS_SETTLE: Duration = Duration::from_millis(100);

/// A cluster.
#[must_use]
pub fn cluster(cluster: &Cluster) -> Resource {
    let settle = match cluster.discovery {
        Discovery::Dns { .. } => DNS_SETTLE,
        Discovery::Endpoints | Discovery::Static(_) | Discovery::Unix(_) => Duration::ZERO,
    };
    let mut resource = Resource::new(&cluster.name.0, nuncio_ir::version(cluster), &message(cluster));
    resource.settle = settle;
    resource.body.extend(health::checks(cluster));
    resource
}

fn message(cluster: &Cluster) -> PbCluster {
    let mut message = PbCluster {
        name: cluster.name.to_string(),
        alt_stat_name: cluster.stats_name.clone().unwrap_or_default(),
        connect_timeout: Some(proto::duration(cluster.connect_timeout)),
        per_connection_buffer_limit_bytes: cluster.buffer_limit.map(proto::uint32),
        lb_policy: lb_policy(cluster.lb) as i32,
        // What EDS takes away is gone, whatever its last health check said.
        ignore_health_on_host_removal: cluster.discovery == Discovery::Endpoints && !cluster.health_checks.is_empty(),
        circuit_breakers: circuit_breakers(&cluster.circuit_breakers),
        typed_extension_protocol_options: protocol::options(cluster),
        outlier_detection: cluster.outlier_detection.as_ref().map(health::outlier_detection),
        transport_socket: cluster.tls.as_ref().map(|tls| tls::upstream(tls, cluster.protocol)),
        upstream_connection_options: cluster.keepalive.as_ref().map(connection_options),
        common_lb_config: cluster.by_zone_shares.then(by_zone_shares),
        ..Default::default()
    };
    discovery::apply(cluster, &mut message);
    message
}

fn by_zone_shares() -> CommonLbConfig {
    let shares = LocalityConfigSpecifier::LocalityWeightedLbConfig(LocalityWeightedLbConfig::default());
    CommonLbConfig { locality_config_specifier: Some(shares), ..Default::default() }
}

fn lb_policy(policy: LbPolicy) -> PbLbPolicy {
    match policy {
        LbPolicy::RoundRobin => PbLbPolicy::RoundRobin,
        LbPolicy::LeastRequest => PbLbPolicy::LeastRequest,
        LbPolicy::RingHash => PbLbPolicy::RingHash,
        LbPolicy::Maglev => PbLbPolicy::Maglev,
    }
}

fn circuit_breakers(breakers: &[CircuitBreaker]) -> Option<CircuitBreakers> {
    let thresholds: Vec<_> = breakers.iter().map(threshold).collect();
    (!thresholds.is_empty()).then(|| CircuitBreakers { thresholds, ..Default::default() })
}

fn threshold(breaker: &CircuitBreaker) -> Thresholds {
    Thresholds {
        priority: priority(breaker.priority) as i32,
        max_connections: breaker.max_connections.map(proto::uint32),
        max_pending_requests: breaker.max_pending_requests.map(proto::uint32),
        max_requests: breaker.max_requests.map(proto::uint32),
        max_retries: breaker.max_retries.map(proto::uint32),
        ..Default::default()
    }
}

pub(crate) fn priority(priority: Priority) -> RoutingPriority {
    match priority {
        Priority::Default => RoutingPriority::Default,
        Priority::High => RoutingPriority::High,
    }
}

fn connection_options(keepalive: &Keepalive) -> UpstreamConnectionOptions {
    UpstreamConnectionOptions {
        tcp_keepalive: Some(TcpKeepalive {
            keepalive_probes: keepalive.probes.map(proto::uint32),
            keepalive_time: keepalive.idle_time.map(proto::uint32),
            keepalive_interval: keepalive.interval.map(proto::uint32),
        }),
        ..Default::default()
    }
}
