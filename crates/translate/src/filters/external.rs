//! Other services that decide.

use std::sync::Arc;
use std::time::Duration;

use nuncio_api::{self as api, ExternalProto, FromSecret, Scheme};
use nuncio_ir::auth::{External, ExternalProtocol, HttpClient, IncludeBody, Sensitive, is_clients_own};

use super::Compiler;
use crate::service::ServiceKey;

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
        External {
            url: self.url(&spec.auth_service, is_tls),
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

    /// A bare name that is a Service's is one of the Filter's namespace.
    fn url(&self, service: &api::ServiceRef, is_tls: bool) -> Arc<str> {
        let (scheme, port) = if is_tls { ("https", 443) } else { ("http", 80) };
        let name = ServiceKey { namespace: Arc::clone(&self.id.namespace), name: service.host.as_str().into() };
        let host = match self.around.services.get(&name) {
            Some(_) => format!("{}.{}", name.name, name.namespace),
            None => service.url_host().into_owned(),
        };
        format!("{scheme}://{host}:{}", service.port.unwrap_or(port)).into()
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

/// What it passes on, but for what clients are meant to send, or send with every right.
fn identity_headers(spec: &api::ExternalFilter) -> Vec<Arc<str>> {
    let sent: Vec<Arc<str>> = lower(&spec.allowed_request_headers).collect();
    lower(&spec.allowed_authorization_headers).filter(|name| !sent.contains(name) && !is_clients_own(name)).collect()
}

fn lower(names: &[String]) -> impl Iterator<Item = Arc<str>> {
    names.iter().map(|name| name.to_ascii_lowercase().into())
}
