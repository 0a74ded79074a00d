//! Filters, with everything that they name, as the service is told of them.

mod external;
mod keys;
mod oauth2;

use std::sync::Arc;
use std::time::Duration;

use nuncio_api::{self as api, ObjectId, Problem, Severity};
use nuncio_ir::auth::{
    Audiences, ErrorResponse, FilterId, FilterKind, HttpClient, InjectedHeader, Introspection, Jwt, JwtAlgorithm,
    Presence, Sensitive,
};

use crate::context::{Context, SecretRef};
use crate::secrets::Secrets;

/// How long what an issuer said of a token is believed.
const INTROSPECTION_CACHE: Duration = Duration::from_secs(30);
/// Where in a Secret the password of a client is.
const CLIENT_SECRET: &str = "oauth2-client-secret";

/// What a Filter may name.
pub(crate) struct Around<'a> {
    pub(crate) secrets: &'a Secrets,
    pub(crate) context: &'a Context<'a>,
    /// Whether there is a Filter of this id, and whether it is of kind JWT.
    pub(crate) jwt: &'a dyn Fn(&FilterId) -> Option<bool>,
    /// The domain below which hosts are previews.
    pub(crate) previews: Option<Arc<str>>,
}

/// Names a Filter as the service does.
pub(crate) fn filter_id(name: &str, namespace: &str) -> FilterId {
    FilterId(format!("{name}.{namespace}").into())
}

/// A Filter that is being compiled.
struct Compiler<'a> {
    id: &'a ObjectId,
    around: &'a Around<'a>,
    problems: Vec<Problem>,
}

/// What a Filter does, unless an error keeps it from being used; and what is wrong.
pub(crate) fn compile(id: &ObjectId, spec: &api::Filter, around: &Around<'_>) -> (Option<FilterKind>, Vec<Problem>) {
    let mut compiler = Compiler { id, around, problems: Vec::new() };
    let kind = compiler.kind(spec);
    let is_usable = compiler.problems.iter().all(|problem| problem.severity == Severity::Warning);
    (kind.filter(|_| is_usable), compiler.problems)
}

impl Compiler<'_> {
    fn kind(&mut self, spec: &api::Filter) -> Option<FilterKind> {
        Some(if let Some(spec) = &spec.jwt {
            FilterKind::Jwt(Box::new(jwt(spec)))
        } else if let Some(spec) = &spec.oauth2 {
            FilterKind::OAuth2(Box::new(self.oauth2(spec)?))
        } else if let Some(spec) = &spec.api_key {
            FilterKind::ApiKey(Box::new(self.api_key(spec)))
        } else if let Some(spec) = &spec.basic {
            FilterKind::Basic(Box::new(self.basic(spec)?))
        } else if let Some(spec) = &spec.external {
            FilterKind::External(Box::new(self.external(spec)))
        } else {
            FilterKind::Introspection(Box::new(self.introspection(spec.introspection.as_deref()?)?))
        })
    }

    fn introspection(&mut self, spec: &api::IntrospectionFilter) -> Option<Introspection> {
        let field = "spec.Introspection.secretName";
        let secret = self.client_secret(&spec.secret_name, spec.secret_namespace.as_deref(), field);
        Some(Introspection {
            endpoint: spec.endpoint.as_str().into(),
            client_id: spec.client_id.as_str().into(),
            client_secret: secret?,
            audiences: spec.audiences.iter().map(|text| text.as_str().into()).collect(),
            cache: spec.cache.map_or(INTROSPECTION_CACHE, |cache| cache.0),
            client: client(spec.insecure_tls, None),
            inject_request_headers: injected(&spec.inject_request_headers),
            error_response: answer(spec.error_response.as_ref()),
        })
    }

    fn secret_ref(&self, name: &str, namespace: Option<&str>) -> SecretRef {
        let namespace = namespace.filter(|namespace| !namespace.is_empty());
        match namespace {
            Some(namespace) => SecretRef::new(namespace, name),
            None => SecretRef::new(Arc::clone(&self.id.namespace), name),
        }
    }

    /// What a Secret has under the first of these keys that is there.
    fn secret(&mut self, name: &SecretRef, keys: &[&str], field: &str) -> Option<String> {
        let data = match self.around.secrets.contents_for(name, self.id) {
            Ok(secret) => &secret.data,
            Err(error) => {
                self.problems.push(Problem::error("InvalidSecret", field, error.to_string()));
                return None;
            }
        };
        let bytes = keys.iter().find_map(|key| data.get(*key)).map(api::SecretBytes::expose);
        let text = bytes.and_then(|bytes| std::str::from_utf8(bytes).ok()).filter(|text| !text.is_empty());
        if text.is_none() {
            let keys = keys.join("` or `");
            let message = format!("Secret {name}: it has no text under `{keys}`");
            self.problems.push(Problem::error("InvalidSecret", field, message));
        }
        text.map(str::to_owned)
    }

    /// The password of a client. A line break at its end is none of it.
    fn client_secret(&mut self, name: &str, namespace: Option<&str>, field: &str) -> Option<Sensitive> {
        let secret = self.secret(&self.secret_ref(name, namespace), &[CLIENT_SECRET], field)?;
        Some(secret.trim_end_matches(['\r', '\n']).into())
    }
}

fn jwt(spec: &api::JwtFilter) -> Jwt {
    let audiences = spec.audience.iter().chain(&spec.audiences).map(|text| text.as_str().into()).collect();
    let presence = |required: Option<bool>, leeway: Option<api::Duration>| Presence {
        required: required.unwrap_or(false),
        leeway: leeway.unwrap_or_default().0,
    };
    Jwt {
        jwks_uri: spec.jwks_uri.as_deref().map(Into::into),
        valid_algorithms: spec.valid_algorithms.iter().filter_map(|name| algorithm(name)).collect(),
        audiences: match spec.require_all_audiences {
            Some(true) => Audiences::All(audiences),
            _ => Audiences::Any(audiences),
        },
        require_audience: spec.require_audience.unwrap_or(false),
        issuer: spec.issuer.as_deref().map(Into::into),
        require_issuer: spec.require_issuer.unwrap_or(false),
        expires_at: presence(spec.require_expires_at, spec.leeway_for_expires_at),
        not_before: presence(spec.require_not_before, spec.leeway_for_not_before),
        issued_at: presence(spec.require_issued_at, spec.leeway_for_issued_at),
        client: client(spec.insecure_tls, spec.max_stale),
        inject_request_headers: injected(&spec.inject_request_headers),
        error_response: answer(spec.error_response.as_ref()),
    }
}

fn injected(headers: &[api::InjectedHeader]) -> Vec<InjectedHeader> {
    let header = |header: &api::InjectedHeader| InjectedHeader {
        name: header.name.as_str().into(),
        value: header.value.as_str().into(),
        keep_client_value: header.keep_client_value.unwrap_or(false),
    };
    headers.iter().map(header).collect()
}

fn answer(response: Option<&api::FilterErrorResponse>) -> ErrorResponse {
    let Some(response) = response else { return ErrorResponse::default() };
    let content_type = response.content_type.iter().map(|value| ("content-type".into(), value.as_str().into()));
    let own = response.headers.iter().map(|header| (header.name.as_str().into(), header.value.as_str().into()));
    ErrorResponse {
        realm: response.realm.as_deref().map(Into::into),
        headers: content_type.chain(own).collect(),
        body_template: response.body_template.as_deref().map(Into::into),
    }
}

fn client(insecure_tls: Option<bool>, max_stale: Option<api::Duration>) -> HttpClient {
    HttpClient {
        insecure_tls: insecure_tls.unwrap_or(false),
        max_stale: max_stale.map(|max_stale| max_stale.0),
        ..HttpClient::default()
    }
}

fn algorithm(name: &str) -> Option<JwtAlgorithm> {
    Some(match name {
        "none" => JwtAlgorithm::None,
        "RS256" => JwtAlgorithm::RS256,
        "RS384" => JwtAlgorithm::RS384,
        "RS512" => JwtAlgorithm::RS512,
        "PS256" => JwtAlgorithm::PS256,
        "PS384" => JwtAlgorithm::PS384,
        "PS512" => JwtAlgorithm::PS512,
        "ES256" => JwtAlgorithm::ES256,
        "ES384" => JwtAlgorithm::ES384,
        "ES512" => JwtAlgorithm::ES512,
        "EdDSA" => JwtAlgorithm::EdDSA,
        _ => return None,
    })
}
