//! Other services that decide.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use nuncio_api::{self as api, ExternalProto, FromSecret, Problem, Scheme};
use nuncio_ir::Endpoint;
use nuncio_ir::auth::{External, ExternalProtocol, HttpClient, IncludeBody, Sensitive, is_clients_own};

use super::Compiler;
use crate::service::{EndpointSource, Target, target};
use crate::upstream::{Location, find};

/// The original's time for an answer.
const TIMEOUT: Duration = Duration::from_secs(5);
/// What the older spelling sends of a body.
const OLD_BODY: IncludeBody = IncludeBody { max_bytes: 4_096, allow_partial: true };
/// The status when it cannot be asked.
const STATUS_ON_ERROR: u16 = 403;

impl Compiler<'_> {
    pub(super) fn external(&mut self, spec: &api::ExternalFilter) -> External {
        let is_tls = spec.auth_service.scheme.map_or(spec.tls == Some(true), |scheme| scheme == Scheme::Https);
        let lower = |names: &[String]| lower(names).collect();
        let config = spec.tls_config.as_ref();
        let certificate = config.and_then(|tls| tls.certificate.as_ref());
        let authorities = config.and_then(|tls| tls.ca_certificate.as_ref());
        let timeout = spec.timeout_ms.map(Duration::from_millis).or(spec.timeout.map(|timeout| timeout.0));
        let (url, addresses) = self.place(&spec.auth_service, is_tls);
        External {
            url,
            addresses,
            protocol: match spec.proto.unwrap_or_default() {
                ExternalProto::Grpc => ExternalProtocol::Grpc,
                ExternalProto::Http => ExternalProtocol::Http {
                    path_prefix: spec.path_prefix.as_deref().unwrap_or_default().into(),
                    allowed_request_headers: lower(&spec.allowed_request_headers),
                    allowed_authorization_headers: lower(&spec.allowed_authorization_headers),
                },
            },
            timeout: timeout.unwrap_or(TIMEOUT),
            include_body: match (spec.include_body, spec.allow_request_body.unwrap_or(false)) {
                (Some(body), _) => Some(IncludeBody { max_bytes: body.max_bytes, allow_partial: body.allow_partial }),
                (None, old) => old.then_some(OLD_BODY),
            },
            status_on_error: spec.status_on_error.map_or(STATUS_ON_ERROR, |status| status.code),
            failure_mode_allow: spec.failure_mode_allow.unwrap_or(false),
            identity_headers: identity_headers(spec),
            add_linkerd_headers: spec.add_linkerd_headers.unwrap_or(false),
            client: HttpClient {
                authorities: authorities.and_then(|from| self.authorities(from)),
                certificate: certificate.and_then(|from| self.certificate(from)),
                ..HttpClient::default()
            },
        }
    }

    /// Its URL, and the endpoints of the Service that it is: found as a Mapping finds its own.
    fn place(&mut self, service: &api::ServiceRef, is_tls: bool) -> (Arc<str>, Option<Vec<Vec<SocketAddr>>>) {
        let (scheme, port) = if is_tls { ("https", 443) } else { ("http", 80) };
        let port = service.port.unwrap_or(port);
        let context = self.around.context;
        let named = api::ServiceRef { port: Some(port), ..service.clone() };
        let found = find(&named, context.lookup_namespace(&self.id.namespace), context);
        self.tell_absent(service, found.source.as_ref());
        let host = match found.location {
            Location::Service(key) if !service.host.contains('.') => format!("{}.{}", key.name, key.namespace),
            Location::Name(name) => name,
            // As it is written: its certificate may be for that name.
            Location::Service(_) | Location::Address(_) => service.url_host().into_owned(),
        };
        let addresses = found.source.map(|source| {
            let endpoints = context.services.endpoints(&[source], &context.settings.topology);
            by_rank(&endpoints)
        });
        (format!("{scheme}://{host}:{port}").into(), addresses)
    }

    /// Says why nobody can be asked: its Service has no endpoints, or is most likely one that is not there.
    fn tell_absent(&mut self, service: &api::ServiceRef, source: Option<&EndpointSource>) {
        let context = self.around.context;
        let message = match (source, target(&service.host, context.lookup_namespace(&self.id.namespace))) {
            (Some(source), _) => context.services.lacks_endpoints(source).map(|error| error.to_string()),
            (None, Target::Name(Some(key))) => context.services.not_there(&key, "it cannot be asked"),
            (None, _) => None,
        };
        let problem = |message| Problem::warning("NoEndpoints", "spec.External.auth_service", message);
        self.problems.extend(message.map(problem));
    }

    fn authorities(&mut self, from: &FromSecret) -> Option<Arc<str>> {
        let named = from.from_secret.as_ref()?;
        let name = self.secret_ref(&named.name, named.namespace.as_deref());
        let field = "spec.External.tlsConfig.caCertificate.fromSecret";
        self.secret(&name, &["tls.crt", "ca.crt"], field).map(Into::into)
    }

    fn certificate(&mut self, from: &FromSecret) -> Option<(Arc<str>, Sensitive)> {
        let named = from.from_secret.as_ref()?;
        let name = self.secret_ref(&named.name, named.namespace.as_deref());
        let field = "spec.External.tlsConfig.certificate.fromSecret";
        let chain = self.secret(&name, &["tls.crt"], field)?;
        let key = self.secret(&name, &["tls.key"], field)?;
        Some((chain.into(), key.as_str().into()))
    }
}

/// Where they are, those of a rank together: they are sorted.
fn by_rank(endpoints: &[Endpoint]) -> Vec<Vec<SocketAddr>> {
    let ranks = endpoints.chunk_by(|one, next| one.rank == next.rank);
    ranks.map(|rank| rank.iter().map(|endpoint| endpoint.address).collect()).collect()
}

/// What it passes on, but for what clients are meant to send, or send with every right.
fn identity_headers(spec: &api::ExternalFilter) -> Vec<Arc<str>> {
    let sent: Vec<Arc<str>> = lower(&spec.allowed_request_headers).collect();
    lower(&spec.allowed_authorization_headers).filter(|name| !sent.contains(name) && !is_clients_own(name)).collect()
}

fn lower(names: &[String]) -> impl Iterator<Item = Arc<str>> {
    names.iter().map(|name| name.to_ascii_lowercase().into())
}
