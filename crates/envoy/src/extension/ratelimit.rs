//! The filter that asks about limits. What is asked is said by routes.

use envoy_types::pb::envoy::config::core::v3::{ApiVersion, GrpcService, grpc_service};
use envoy_types::pb::envoy::config::ratelimit::v3::RateLimitServiceConfig;
use envoy_types::pb::envoy::extensions::filters::http::ratelimit::v3::RateLimit;
use nuncio_ir::LimitService;

use crate::proto;

/// Stands for the cluster where nobody can be asked: there is none of this name.
const NOBODY: &str = "nuncio/nobody";

pub(super) fn message(service: &LimitService) -> RateLimit {
    let LimitService { cluster, authority, domain, timeout, deny_on_failure, resource_exhausted } = service;
    RateLimit {
        domain: domain.clone(),
        timeout: Some(proto::duration(*timeout)),
        failure_mode_deny: *deny_on_failure,
        rate_limited_as_resource_exhausted: *resource_exhausted,
        rate_limit_service: Some(RateLimitServiceConfig {
            grpc_service: Some(GrpcService {
                target_specifier: Some(grpc_service::TargetSpecifier::EnvoyGrpc(grpc_service::EnvoyGrpc {
                    cluster_name: cluster.as_ref().map_or_else(|| NOBODY.to_owned(), ToString::to_string),
                    // The name of a cluster, which Envoy would take, is no name of a host.
                    authority: authority.clone(),
                    ..Default::default()
                })),
                ..Default::default()
            }),
            transport_api_version: ApiVersion::V3 as i32,
        }),
        ..Default::default()
    }
}
