//! The filters that keep limits. What is limited is said by routes.

use std::time::Duration;

use envoy_types::pb::envoy::config::core::v3::{ApiVersion, GrpcService, grpc_service};
use envoy_types::pb::envoy::config::ratelimit::v3::RateLimitServiceConfig;
use envoy_types::pb::envoy::extensions::filters::http::{
    local_ratelimit::v3::LocalRateLimit, ratelimit::v3::RateLimit,
};
use nuncio_ir::LimitService;

use crate::proto;

/// Stands for the cluster where nobody can be asked: there is none of this name.
const NOBODY: &str = "nuncio/nobody";

/// Without a bucket of its own it holds nobody up.
pub(super) fn local() -> LocalRateLimit {
    LocalRateLimit { stat_prefix: "local_rate_limit".to_owned(), ..Default::default() }
}

/// Without a service it is there all the same, so that the first one changes as little as possible; no route has
/// descriptors then.
pub(super) fn asked(service: Option<&LimitService>) -> RateLimit {
    let cluster = service.and_then(|service| service.cluster.as_ref());
    RateLimit {
        domain: service.map_or("none", |service| &service.domain).to_owned(),
        timeout: Some(proto::duration(service.map_or(Duration::ZERO, |service| service.timeout))),
        failure_mode_deny: service.is_some_and(|service| service.deny_on_failure),
        rate_limited_as_resource_exhausted: service.is_some_and(|service| service.resource_exhausted),
        rate_limit_service: Some(RateLimitServiceConfig {
            grpc_service: Some(GrpcService {
                target_specifier: Some(grpc_service::TargetSpecifier::EnvoyGrpc(grpc_service::EnvoyGrpc {
                    cluster_name: cluster.map_or_else(|| NOBODY.to_owned(), ToString::to_string),
                    // The name of a cluster, which Envoy would take, is no name of a host.
                    authority: service.map(|service| service.authority.clone()).unwrap_or_default(),
                    ..Default::default()
                })),
                ..Default::default()
            }),
            transport_api_version: ApiVersion::V3 as i32,
        }),
        ..Default::default()
    }
}
