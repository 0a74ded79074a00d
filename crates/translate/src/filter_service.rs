//! Whom Envoy asks about requests that FilterPolicies are for.

use std::sync::Arc;
use std::time::Duration;

use nuncio_ir::{
    Authorization, AuthorizationProtocol, Cluster, ClusterName, Discovery, Extension, LbPolicy, Protocol, Slot,
    SlotFilter,
};

use crate::compiled::Upstream;
use crate::context::Context;

/// What the service is called: the name of its cluster is no name of a host.
const OWN_NAME: &str = "nuncio-authz";
/// Time for an answer: a login may have to ask its provider twice.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Time for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// The status while nobody can be asked.
const STATUS_ON_ERROR: u16 = 503;
/// Requests that may be asked about at once. There are as many as clients, and none is let through unasked.
const MOST_REQUESTS: u32 = 1_000_000;

/// The cluster of the service.
pub(crate) fn own_cluster() -> ClusterName {
    ClusterName("nuncio/authz".into())
}

/// What Envoy is told, and the cluster for it. Without a service it is asked in vain, so that nobody is let through.
pub(crate) fn compile(context: &Context<'_>) -> (Extension, Option<Arc<Upstream>>) {
    if !context.protection.is_on() {
        return (Extension::idle(Slot::Filters), None);
    }
    let authorization = Authorization {
        cluster: own_cluster(),
        protocol: AuthorizationProtocol::Grpc { raw_headers: true, authority: OWN_NAME.to_owned() },
        add_headers: Vec::new(),
        timeout: TIMEOUT,
        body: None,
        status_on_error: Some(STATUS_ON_ERROR),
        failure_mode_allow: false,
    };
    let filter = SlotFilter::Authorize(Box::new(authorization));
    let extension = Extension { slot: Slot::Filters, filter, origins: Vec::new() };
    (extension, Some(Arc::new(upstream(context))))
}

fn upstream(context: &Context<'_>) -> Upstream {
    let breaker = nuncio_ir::CircuitBreaker {
        priority: nuncio_ir::Priority::Default,
        max_connections: None,
        max_pending_requests: Some(MOST_REQUESTS),
        max_requests: Some(MOST_REQUESTS),
        max_retries: None,
    };
    let cluster = Cluster {
        name: own_cluster(),
        stats_name: Some("nuncio_authz".to_owned()),
        discovery: context.settings.authz.clone().unwrap_or_else(|| Discovery::Static(Vec::new())),
        protocol: Protocol::Http2,
        tls: None,
        connect_timeout: CONNECT_TIMEOUT,
        idle_timeout: None,
        max_connection_lifetime: None,
        lb: LbPolicy::RoundRobin,
        circuit_breakers: vec![breaker],
        health_checks: Vec::new(),
        outlier_detection: None,
        keepalive: None,
        proper_case: false,
        by_zone_shares: false,
        buffer_limit: None,
    };
    Upstream { cluster, sources: Vec::new() }
}
