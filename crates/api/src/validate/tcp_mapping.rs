//! Mappings of connections.

use super::value::{address, milliseconds, port, weight};
use super::{hostname, invalid, policy, target};
use crate::TcpMapping;
use crate::parse::Issues;
use crate::yaml::Path;

/// Checks a `TCPMapping`.
pub(crate) fn tcp_mapping(mapping: &mut TcpMapping, path: &Path<'_>, issues: &mut Issues<'_>) {
    for text in [&mut mapping.tls, &mut mapping.resolver, &mut mapping.cluster_tag, &mut mapping.stats_name] {
        text.take_if(|text| text.is_empty());
    }
    connections(mapping, path, issues);
    target(&mapping.service, &path.key("service"), issues);
    weight(mapping.weight, &path.key("weight"), issues);
    milliseconds(mapping.idle_timeout_ms, &path.key("idle_timeout_ms"), issues);
    policy::circuit_breakers(&mut mapping.circuit_breakers, &path.key("circuit_breakers"), issues);
    if mapping.enable_ipv4 == Some(false) && mapping.enable_ipv6 == Some(false) {
        invalid(&path.key("enable_ipv4"), "one of enable_ipv4 and enable_ipv6 must be true", issues);
    }
}

/// Checks which connections a `TCPMapping` is for.
pub(crate) fn connections(mapping: &mut TcpMapping, path: &Path<'_>, issues: &mut Issues<'_>) {
    for text in [&mut mapping.host, &mut mapping.address] {
        text.take_if(|text| text.is_empty());
    }
    port(mapping.port, &path.key("port"), issues);
    if let Some(host) = &mapping.host {
        hostname::glob(host, &path.key("host"), issues);
    }
    address(mapping.address.as_deref(), &path.key("address"), issues);
}
