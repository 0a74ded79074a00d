//! Whom Envoy asks about limits.

use std::sync::Arc;
use std::time::Duration;

use nuncio_api::{ModuleConfig, Object, ObjectId, Problem, RateLimitService, Spec};
use nuncio_ir::{Cluster, ClusterName, Discovery, IpFamily, LbPolicy, LimitService, Protocol};

use crate::compiled::Upstream;
use crate::context::Context;
use crate::upstream::{Resolved, Wanted, resolve};

/// The domain of labels where nobody says another.
const DEFAULT_DOMAIN: &str = "ambassador";
/// The original's time for an answer.
const DEFAULT_TIMEOUT: Duration = Duration::from_millis(20);
/// Time for our own service: it is asked on this machine, and letting a request pass because of a pause would be worse.
const OWN_TIMEOUT: Duration = Duration::from_millis(500);
/// Time for a connection to the service.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Where Edge Stack has the services that Filters and RateLimits are for.
pub(crate) const EDGE_STACK_PORT: u16 = 8500;

/// What our own service is called.
const OWN_NAME: &str = "nuncio-ratelimit";

/// Who is asked.
pub(crate) enum Chosen<'a> {
    /// Whom a RateLimitService names.
    Named(&'a ObjectId, &'a RateLimitService),
    /// Our own service: there are RateLimits, and no RateLimitService.
    Own,
}

/// Of several RateLimitServices the first by name counts.
pub(crate) fn choose<'a>(objects: impl Iterator<Item = &'a Arc<Object>>, context: &Context<'_>) -> Option<Chosen<'a>> {
    let mut named = objects.filter_map(|object| match &object.spec {
        Spec::RateLimitService(service) => Some(Chosen::Named(&object.id, service)),
        _ => None,
    });
    named.next().or_else(|| (context.settings.limit_socket.is_some() && context.has_limits).then_some(Chosen::Own))
}

impl Chosen<'_> {
    /// The domain of labels that is asked about.
    pub(crate) fn domain(&self, context: &Context<'_>) -> String {
        let own = match self {
            Self::Named(_, service) => service.domain.as_ref(),
            Self::Own => None,
        };
        domain_of(own, context.module)
    }

    /// The object, if it is one's.
    pub(crate) fn id(&self) -> Option<&ObjectId> {
        match self {
            Self::Named(id, _) => Some(id),
            Self::Own => None,
        }
    }

    /// What Envoy is told, and the cluster for it. Where the service cannot be found it is asked in vain, so that what it says
    /// of failures holds.
    pub(crate) fn compile(
        &self,
        context: &Context<'_>,
        problems: &mut Vec<Problem>,
    ) -> (LimitService, Option<Upstream>) {
        let (authority, upstream) = self.upstream(context, problems);
        let (timeout, deny_on_failure, grpc) = match self {
            Self::Named(_, service) => {
                let usual = if self.is_own(context) { OWN_TIMEOUT } else { DEFAULT_TIMEOUT };
                let timeout = service.timeout_ms.map_or(usual, Duration::from_millis);
                (timeout, service.failure_mode_deny.unwrap_or(false), service.grpc.clone().unwrap_or_default())
            }
            Self::Own => (OWN_TIMEOUT, false, nuncio_api::RateLimitGrpc::default()),
        };
        let service = LimitService {
            cluster: upstream.as_ref().map(|upstream| upstream.name().clone()),
            authority,
            domain: self.domain(context),
            timeout,
            deny_on_failure,
            resource_exhausted: grpc.use_resource_exhausted_code.unwrap_or(false),
        };
        (service, upstream)
    }

    /// Whether it is the service that belongs to this gateway: Edge Stack's, where there are RateLimits for it, is ours.
    pub(crate) fn is_own(&self, context: &Context<'_>) -> bool {
        match self {
            Self::Named(_, service) => {
                is_edge_stack(service) && context.has_limits && context.settings.limit_socket.is_some()
            }
            Self::Own => true,
        }
    }

    /// Its name, and the cluster unless that cannot be told.
    fn upstream(&self, context: &Context<'_>, problems: &mut Vec<Problem>) -> (String, Option<Upstream>) {
        let (Self::Named(id, service), false) = (self, self.is_own(context)) else {
            return (OWN_NAME.to_owned(), own_upstream(context));
        };
        let Resolved { upstream, authority, warnings } = resolve(&wanted(id, service, context), context);
        problems.extend(warnings);
        (authority, upstream.map_err(|problem| problems.push(problem)).ok())
    }
}

/// The domain of labels of an object that says `own`.
pub(crate) fn domain_of(own: Option<&String>, module: &ModuleConfig) -> String {
    let said = [own, module.default_label_domain.as_ref()].into_iter().flatten().find(|domain| !domain.is_empty());
    said.cloned().unwrap_or_else(|| DEFAULT_DOMAIN.to_owned())
}

/// Whether it names the service that Edge Stack runs beside its Envoy.
fn is_edge_stack(service: &RateLimitService) -> bool {
    matches!(service.service.host.as_str(), "127.0.0.1" | "localhost") && service.service.port == Some(EDGE_STACK_PORT)
}

/// The cluster of our own service.
pub(crate) fn own_cluster() -> ClusterName {
    ClusterName("nuncio/ratelimit".into())
}

fn own_upstream(context: &Context<'_>) -> Option<Upstream> {
    let path = context.settings.limit_socket.as_ref()?;
    let cluster = Cluster {
        name: own_cluster(),
        stats_name: Some("nuncio_ratelimit".to_owned()),
        discovery: Discovery::Unix(Arc::clone(path)),
        protocol: Protocol::Http2,
        tls: None,
        connect_timeout: CONNECT_TIMEOUT,
        idle_timeout: None,
        max_connection_lifetime: None,
        lb: LbPolicy::RoundRobin,
        circuit_breakers: Vec::new(),
        health_checks: Vec::new(),
        outlier_detection: None,
        keepalive: None,
        proper_case: false,
        buffer_limit: None,
        by_zone_shares: false,
    };
    Some(Upstream { cluster, sources: Vec::new() })
}

fn wanted<'a>(id: &'a ObjectId, service: &'a RateLimitService, context: &'a Context<'_>) -> Wanted<'a> {
    Wanted {
        namespace: &id.namespace,
        service: &service.service,
        service_namespace: context.namespace_of_asked(&service.service, &id.namespace),
        resolver: None,
        tls: service.tls.as_deref(),
        cluster_tag: None,
        stats_name: service.stats_name.as_deref(),
        protocol: Protocol::Http2,
        connect_timeout: CONNECT_TIMEOUT,
        idle_timeout: None,
        max_connection_lifetime: None,
        lb: LbPolicy::RoundRobin,
        circuit_breakers: &[],
        health_checks: &[],
        outlier_detection: None,
        keepalive: None,
        dns_type: nuncio_api::DnsType::StrictDns,
        respect_dns_ttl: false,
        family: Some(IpFamily::V4),
    }
}

/// What is said to a RateLimitService that does not count.
pub(crate) fn another_counts(other: &ObjectId) -> Problem {
    Problem::error("DuplicateRateLimitService", "", format!("has no effect: {other} is the one that counts"))
}
