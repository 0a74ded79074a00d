//! Which endpoints of a cluster are fit: active checks and outlier detection.

use envoy_types::pb::envoy::config::cluster::v3::OutlierDetection as PbOutlierDetection;
use envoy_types::pb::envoy::config::core::v3::{
    HealthCheck as PbHealthCheck,
    health_check::{GrpcHealthCheck, HealthChecker, HttpHealthCheck},
};
use envoy_types::pb::envoy::r#type::v3::{CodecClientType, Int64Range};
use nuncio_ir::{Cluster, HealthCheck, HealthCheckKind, OutlierDetection, Protocol};
use prost::Message;

use crate::{header, proto};

/// The field `health_checks` of a `Cluster`, encoded; to be appended to the rest of the message.
///
/// Envoy 1.40 refuses several checks without names, and envoy-types 0.7.7 has no field for the name.
/// Messages are concatenated by concatenating their bytes, so that the name is appended to a check,
/// and the checks are appended to the cluster as the bytes that messages are on the wire.
pub(super) fn checks(cluster: &Cluster) -> Vec<u8> {
    let named = cluster.health_checks.len() > 1;
    let health_checks = cluster.health_checks.iter().enumerate().map(|(index, health_check)| {
        let mut bytes = check(health_check, cluster.protocol).encode_to_vec();
        if named {
            bytes.extend(HealthCheckName { name: format!("check-{index}") }.encode_to_vec());
        }
        bytes
    });
    ClusterHealthChecks { health_checks: health_checks.collect() }.encode_to_vec()
}

/// What `envoy.config.core.v3.HealthCheck` lacks in envoy-types.
#[derive(Clone, PartialEq, Eq, Message)]
struct HealthCheckName {
    #[prost(string, tag = "27")]
    name: String,
}

/// The part of `envoy.config.cluster.v3.Cluster` that holds health checks.
#[derive(Clone, PartialEq, Eq, Message)]
struct ClusterHealthChecks {
    #[prost(bytes = "vec", repeated, tag = "8")]
    health_checks: Vec<Vec<u8>>,
}

fn check(check: &HealthCheck, protocol: Protocol) -> PbHealthCheck {
    PbHealthCheck {
        timeout: Some(proto::duration(check.timeout)),
        interval: Some(proto::duration(check.interval)),
        unhealthy_threshold: Some(proto::uint32(check.unhealthy_threshold)),
        healthy_threshold: Some(proto::uint32(check.healthy_threshold)),
        health_checker: Some(checker(&check.kind, protocol)),
        ..Default::default()
    }
}

fn checker(kind: &HealthCheckKind, protocol: Protocol) -> HealthChecker {
    match kind {
        HealthCheckKind::Http { path, hostname, headers, expected_statuses } => {
            HealthChecker::HttpHealthCheck(HttpHealthCheck {
                host: hostname.clone().unwrap_or_default(),
                path: path.clone(),
                request_headers_to_add: header::additions(headers),
                request_headers_to_remove: headers.remove.clone(),
                expected_statuses: expected_statuses
                    .iter()
                    .map(|range| Int64Range { start: i64::from(range.start), end: i64::from(range.end) })
                    .collect(),
                codec_client_type: codec(protocol) as i32,
                ..Default::default()
            })
        }
        HealthCheckKind::Grpc { service, authority } => HealthChecker::GrpcHealthCheck(GrpcHealthCheck {
            service_name: service.clone(),
            authority: authority.clone().unwrap_or_default(),
            ..Default::default()
        }),
    }
}

/// Checks do not follow the cluster's protocol by themselves.
fn codec(protocol: Protocol) -> CodecClientType {
    match protocol {
        Protocol::Http2 => CodecClientType::Http2,
        Protocol::Http1 | Protocol::Tcp => CodecClientType::Http1,
    }
}

/// Envoy counts gateway failures but does not act on them unless told to, in percent.
const ALWAYS: u32 = 100;

pub(super) fn outlier_detection(outlier: &OutlierDetection) -> PbOutlierDetection {
    PbOutlierDetection {
        consecutive_5xx: outlier.consecutive_5xx.map(proto::uint32),
        consecutive_gateway_failure: outlier.consecutive_gateway_failure.map(proto::uint32),
        enforcing_consecutive_gateway_failure: outlier.consecutive_gateway_failure.map(|_| proto::uint32(ALWAYS)),
        consecutive_local_origin_failure: outlier.consecutive_local_origin_failure.map(proto::uint32),
        interval: outlier.interval.map(proto::duration),
        base_ejection_time: outlier.base_ejection_time.map(proto::duration),
        max_ejection_time: outlier.max_ejection_time.map(proto::duration),
        max_ejection_percent: outlier.max_ejection_percent.map(proto::uint32),
        split_external_local_origin_errors: outlier.split_external_local_origin_errors,
        ..Default::default()
    }
}
