//! AuthServices: those that agree are asked as one.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use nuncio_api::{AuthProto, AuthService, Kind, Object, ObjectId, Problem, Spec};
use nuncio_ir::auth::{REQUEST_HEADERS, RESPONSE_HEADERS, is_clients_own};
use nuncio_ir::{
    Authorization, AuthorizationBody, AuthorizationProtocol, BUFFER_LIMIT, ClusterName, Discovery, Extension, LbPolicy,
    Protocol, Slot, SlotFilter, version,
};

use crate::compiled::Upstream;
use crate::context::Context;
use crate::limit_service::EDGE_STACK_PORT;
use crate::mapping::DEFAULT_TIMEOUT_MS;
use crate::upstream::{Resolved, Wanted, family, resolve};
use crate::world::invalid_reason;

/// The original's time for an answer.
const DEFAULT_ANSWER_MS: u64 = 5_000;

/// Part of a larger body that is sent by the older spelling.
const OLD_BODY: AuthorizationBody = AuthorizationBody { max_bytes: 4096, allow_partial: true };

/// Status of every request while no AuthService can be asked; the original's.
const REFUSED: u16 = 500;

/// What the AuthServices come to.
#[derive(Debug)]
pub(crate) struct Auth {
    pub(crate) extension: Extension,
    pub(crate) upstream: Option<Arc<Upstream>>,
    /// Headers by which upstreams learn from the service who a request is from.
    pub(crate) identity_headers: Vec<String>,
    /// All headers of requests that the service may write, as far as that is known.
    pub(crate) written_headers: Vec<String>,
}

impl Default for Auth {
    fn default() -> Self {
        Self {
            extension: Extension::idle(Slot::Auth),
            upstream: None,
            identity_headers: Vec::new(),
            written_headers: Vec::new(),
        }
    }
}

impl Auth {
    /// Whether requests are asked about at all, be it in vain.
    pub(crate) fn is_on(&self) -> bool {
        self.extension.filter != SlotFilter::Idle
    }

    /// How much of a body it is shown, where that is more than a connection buffers. Of one that must be shown wholly Envoy
    /// buffers as much by itself.
    pub(crate) fn large_part_of_body(&self) -> Option<u32> {
        match &self.extension.filter {
            SlotFilter::Authorize(authorization) => authorization.body.filter(|body| body.allow_partial),
            _ => None,
        }
        .map(|body| body.max_bytes)
        .filter(|bytes| *bytes > BUFFER_LIMIT)
    }

    fn refuse(reason: String, origins: Vec<ObjectId>) -> Self {
        let filter = SlotFilter::Refuse { status: REFUSED, reason };
        Self { extension: Extension { slot: Slot::Auth, filter, origins }, ..Self::default() }
    }
}

/// An AuthService that can be asked.
struct Member<'a> {
    id: &'a ObjectId,
    service: &'a AuthService,
    upstream: Upstream,
    authority: String,
}

/// What AuthServices must agree in, to be asked as one.
fn agreed(service: &AuthService) -> AuthService {
    AuthService {
        ambassador_id: Vec::new(),
        auth_service: nuncio_api::ServiceRef::default(),
        allowed_request_headers: Vec::new(),
        allowed_authorization_headers: Vec::new(),
        stats_name: None,
        v2_explicit_tls: None,
        protocol_version: None,
        proto: Some(service.proto.unwrap_or_default()),
        timeout_ms: Some(service.timeout_ms.unwrap_or(DEFAULT_ANSWER_MS)),
        failure_mode_allow: Some(service.failure_mode_allow.unwrap_or(false)),
        ..service.clone()
    }
}

/// Makes one of all AuthServices among these objects, which come in the order of their ids. Where there are some and none of
/// them can be asked, every request is refused.
pub(crate) fn build<'a>(
    objects: impl Iterator<Item = &'a Arc<Object>>,
    context: &Context<'_>,
    problem: &mut dyn FnMut(&ObjectId, Problem),
) -> Auth {
    let mut members: Vec<Member<'a>> = Vec::new();
    let mut reasons = Vec::new();
    let mut origins = Vec::new();
    for object in objects.filter(|object| object.id.kind == Kind::AuthService) {
        origins.push(object.id.clone());
        let Spec::AuthService(service) = &object.spec else {
            reasons.push(invalid_reason(object));
            continue;
        };
        // The one that Edge Stack runs beside its Envoy decides by Filters, as ours does.
        if context.settings.authz.is_some() && is_edge_stack(service) {
            origins.pop();
            continue;
        }
        match member(&object.id, service, context, problem) {
            Ok(member) => match members.first() {
                Some(first) if !agree(first, &member) => {
                    let message = format!("is not asked: its settings are not those of {}, which is", first.id);
                    problem(&object.id, Problem::error("ConflictingAuthService", "spec", message));
                }
                _ => members.push(member),
            },
            Err(error) => {
                reasons.push(format!("{}: {}", object.id, error.message));
                problem(&object.id, error);
            }
        }
    }
    match (members.is_empty(), origins.is_empty()) {
        (true, true) => Auth::default(),
        (true, false) => Auth::refuse(format!("no AuthService can be asked: {}", reasons.join("; ")), origins),
        (false, _) => ask(&members, context),
    }
}

/// Whether it names the service that Edge Stack runs beside its Envoy.
fn is_edge_stack(service: &AuthService) -> bool {
    matches!(service.auth_service.host.as_str(), "127.0.0.1" | "localhost")
        && service.auth_service.port == Some(EDGE_STACK_PORT)
        && service.proto == Some(AuthProto::Grpc)
}

fn agree(a: &Member<'_>, b: &Member<'_>) -> bool {
    agreed(a.service) == agreed(b.service) && a.upstream.cluster.tls == b.upstream.cluster.tls
}

fn member<'a>(
    id: &'a ObjectId,
    service: &'a AuthService,
    context: &Context<'_>,
    problem: &mut dyn FnMut(&ObjectId, Problem),
) -> Result<Member<'a>, Problem> {
    let module = context.module;
    let breakers =
        if service.circuit_breakers.is_empty() { &module.circuit_breakers } else { &service.circuit_breakers };
    let is_grpc = service.proto == Some(AuthProto::Grpc);
    let wanted = Wanted {
        namespace: &id.namespace,
        service: &service.auth_service,
        service_namespace: context.namespace_of_asked(&service.auth_service, &id.namespace),
        resolver: None,
        tls: service.tls.as_deref(),
        cluster_tag: Some("auth"),
        stats_name: service.stats_name.as_deref(),
        protocol: if is_grpc { Protocol::Http2 } else { Protocol::Http1 },
        connect_timeout: Duration::from_millis(DEFAULT_TIMEOUT_MS),
        idle_timeout: module.cluster_idle_timeout_ms.map(Duration::from_millis),
        max_connection_lifetime: module.cluster_max_connection_lifetime_ms.map(Duration::from_millis),
        lb: LbPolicy::RoundRobin,
        circuit_breakers: breakers,
        health_checks: &[],
        outlier_detection: None,
        keepalive: None,
        dns_type: nuncio_api::DnsType::default(),
        respect_dns_ttl: false,
        family: family(None, None, module),
    };
    let Resolved { upstream, authority, warnings } = resolve(&wanted, context);
    warnings.into_iter().for_each(|warning| problem(id, warning));
    Ok(Member { id, service, upstream: upstream?, authority })
}

fn ask(members: &[Member<'_>], context: &Context<'_>) -> Auth {
    let Some(first) = members.first() else { return Auth::default() };
    let upstream = together(first, members);
    let request_headers = headers(members, |service| &service.allowed_request_headers, &REQUEST_HEADERS);
    let response_headers = headers(members, |service| &service.allowed_authorization_headers, &RESPONSE_HEADERS);
    let identity = response_headers.iter().filter(|name| !request_headers.contains(name) && !is_clients_own(name));
    let (identity_headers, written_headers) = (identity.cloned().collect(), response_headers.clone());
    let service = first.service;
    let protocol = match service.proto.unwrap_or_default() {
        AuthProto::Grpc => AuthorizationProtocol::Grpc { raw_headers: false, authority: String::new() },
        AuthProto::Http => {
            let path_prefix = service.path_prefix.clone().unwrap_or_default();
            AuthorizationProtocol::Http { path_prefix, request_headers, response_headers }
        }
    };
    let authorization = Authorization {
        cluster: upstream.name().clone(),
        protocol,
        add_headers: added(first, context),
        timeout: Duration::from_millis(service.timeout_ms.unwrap_or(DEFAULT_ANSWER_MS)),
        body: match (service.include_body, service.allow_request_body.unwrap_or(false)) {
            (Some(body), _) => Some(AuthorizationBody { max_bytes: body.max_bytes, allow_partial: body.allow_partial }),
            (None, old) => old.then_some(OLD_BODY),
        },
        status_on_error: service.status_on_error.map(|status| status.code),
        failure_mode_allow: service.failure_mode_allow.unwrap_or(false),
    };
    let extension = Extension {
        slot: Slot::Auth,
        filter: SlotFilter::Authorize(Box::new(authorization)),
        origins: members.iter().map(|member| member.id.clone()).collect(),
    };
    Auth { extension, upstream: Some(Arc::new(upstream)), identity_headers, written_headers }
}

/// The lists of all, in lower case, with what is always meant.
fn headers<'a>(
    members: &'a [Member<'_>],
    list: impl Fn(&'a AuthService) -> &'a Vec<String>,
    always: &[&str],
) -> Vec<String> {
    let written = members.iter().flat_map(|member| list(member.service)).map(|name| name.to_ascii_lowercase());
    let names: BTreeSet<_> = written.chain(always.iter().map(|name| (*name).to_owned())).collect();
    names.into_iter().collect()
}

fn added(member: &Member<'_>, context: &Context<'_>) -> Vec<(String, String)> {
    let linkerd = member.service.add_linkerd_headers.or(context.module.add_linkerd_headers).unwrap_or(false);
    let written = member.service.add_auth_headers.iter();
    let written = written.map(|(name, value)| (name.to_ascii_lowercase(), value.clone()));
    written.chain(linkerd.then(|| ("l5d-dst-override".to_owned(), member.authority.clone()))).collect()
}

/// One cluster of the endpoints of several. A cluster has one sort of discovery: where they differ all are asked of DNS,
/// which also takes an address for a name.
fn together(first: &Member<'_>, members: &[Member<'_>]) -> Upstream {
    if members.len() < 2 {
        return first.upstream.clone();
    }
    let upstreams = || members.iter().map(|member| &member.upstream);
    let mut joined = first.upstream.clone();
    let name = version(&upstreams().map(Upstream::name).collect::<Vec<_>>()).0 >> 64;
    joined.cluster.name = ClusterName(format!("auth-services-{name:016x}").into());
    let fixed = upstreams().map(|upstream| match &upstream.cluster.discovery {
        Discovery::Static(addresses) => Some(addresses.clone()),
        Discovery::Endpoints | Discovery::Dns { .. } | Discovery::Unix(_) => None,
    });
    let fixed: Option<Vec<_>> = fixed.collect();
    let of_services = upstreams().all(|upstream| upstream.cluster.discovery == Discovery::Endpoints);
    joined.cluster.by_zone_shares &= of_services;
    joined.sources.clear();
    joined.cluster.discovery = match fixed {
        Some(addresses) => Discovery::Static(addresses.concat()),
        None if of_services => {
            joined.sources = upstreams().flat_map(|upstream| upstream.sources.iter().cloned()).collect();
            Discovery::Endpoints
        }
        None => by_name(upstreams()),
    };
    joined
}

fn by_name<'a>(upstreams: impl Iterator<Item = &'a Upstream>) -> Discovery {
    let mut hosts = Vec::new();
    let mut families = nuncio_ir::IpFamily::default();
    for upstream in upstreams {
        match &upstream.cluster.discovery {
            Discovery::Static(addresses) => {
                hosts.extend(addresses.iter().map(|address| (address.ip().to_string(), address.port())));
            }
            // No service of a manifest is a socket.
            Discovery::Unix(_) => {}
            Discovery::Endpoints => {
                hosts.extend(upstream.sources.iter().map(|source| (source.hostname.clone(), source.port)));
            }
            Discovery::Dns { hosts: names, family, .. } => {
                hosts.extend(names.iter().cloned());
                families = *family;
            }
        }
    }
    Discovery::Dns { hosts, logical: false, respect_ttl: false, family: families }
}
