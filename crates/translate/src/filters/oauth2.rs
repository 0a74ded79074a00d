//! Logins, and tokens for machines.

use std::sync::Arc;
use std::time::Duration;

use nuncio_api::{self as api, GrantType, Problem};
use nuncio_auth::jwt::Signer;
use nuncio_ir::auth::{
    AccessTokenValidation, AuthorizationCode, ClientAuthentication, Grant, InheritedJwtFilter, JwtAssertion, OAuth2,
    ProtectedOrigin, Sensitive, SessionCookies,
};

use super::{Compiler, client, filter_id, injected};
use crate::filter_rules::condition;

/// How long an assertion is good.
const ASSERTION_LIFE: Duration = Duration::from_secs(60);

impl Compiler<'_> {
    pub(super) fn oauth2(&mut self, spec: &api::OAuth2Filter) -> Option<OAuth2> {
        let grant = self.grant(spec);
        let access_token_jwt_filter = spec.access_token_jwt_filter.as_ref().and_then(|named| self.inherited(named));
        let client_authentication = authentication(spec.client_authentication.as_ref());
        self.check_signature(&client_authentication, grant.as_ref());
        Some(OAuth2 {
            issuer: spec.authorization_url.as_str().into(),
            grant: grant?,
            client_authentication,
            expiration_safety_margin: spec.expiration_safety_margin.unwrap_or_default().0,
            access_token_validation: match spec.access_token_validation.unwrap_or_default() {
                api::AccessTokenValidation::Auto => AccessTokenValidation::Auto,
                api::AccessTokenValidation::Jwt => AccessTokenValidation::Jwt,
                api::AccessTokenValidation::UserInfo => AccessTokenValidation::UserInfo,
            },
            access_token_jwt_filter,
            allow_malformed_access_token: spec.allow_malformed_access_token.unwrap_or(false),
            audience: spec.audience.as_deref().map(Into::into),
            inject_request_headers: injected(&spec.inject_request_headers),
            client: client(spec.insecure_tls, spec.max_stale),
        })
    }

    fn grant(&mut self, spec: &api::OAuth2Filter) -> Option<Grant> {
        let client_id = || -> Arc<str> { spec.client_id.as_deref().unwrap_or_default().into() };
        Some(match spec.grant_type.unwrap_or_default() {
            GrantType::ClientCredentials => Grant::ClientCredentials,
            GrantType::Password => {
                Grant::Password { client_id: client_id(), client_secret: self.password_of_client(spec)? }
            }
            GrantType::AuthorizationCode => {
                let client_secret = self.password_of_client(spec)?;
                Grant::AuthorizationCode(Box::new(AuthorizationCode {
                    client_id: client_id(),
                    client_secret,
                    protected_origins: origins(spec, self.around.previews.as_ref()),
                    extra_authorization_parameters: parameters(spec),
                    session_max_idle: spec.client_session_max_idle.map(|idle| idle.0),
                    session_max_life: spec.session_max_life.map(|life| life.0),
                    session_cookies: session_cookies(spec.use_session_cookies.as_ref()),
                    post_logout_redirect_uri: spec.post_logout_redirect_uri.as_deref().map(Into::into),
                    pkce: spec.pkce.is_some(),
                    state_expire_redirect: spec.state_expire_redirect.unwrap_or(false),
                    pushed_authorization_requests: spec.pushed_authorization_requests.unwrap_or(false),
                    dpop: spec.dpop.unwrap_or(false),
                }))
            }
        })
    }

    fn password_of_client(&mut self, spec: &api::OAuth2Filter) -> Option<Sensitive> {
        match &spec.secret_name {
            Some(name) => self.client_secret(name, spec.secret_namespace.as_deref(), "spec.OAuth2.secretName"),
            None => Some(spec.secret.as_ref()?.expose().into()),
        }
    }

    fn inherited(&mut self, named: &api::AccessTokenJwtFilter) -> Option<InheritedJwtFilter> {
        let filter = filter_id(&named.name, named.namespace.as_deref().unwrap_or(&self.id.namespace));
        let field = "spec.OAuth2.accessTokenJWTFilter";
        match (self.around.jwt)(&filter) {
            Some(true) => {}
            Some(false) => {
                let message = format!("the Filter {filter} is not of kind JWT");
                self.problems.push(Problem::error("InvalidFilter", field, message));
                return None;
            }
            None => {
                let message = format!("there is no Filter {filter}");
                self.problems.push(Problem::error("FilterNotFound", field, message));
                return None;
            }
        }
        Some(InheritedJwtFilter {
            filter,
            inherit_scope_argument: named.inherit_scope_argument.unwrap_or(false),
            strip_inherited_scope: named.strip_inherited_scope.unwrap_or(false),
            scope: named.arguments.iter().flat_map(|told| &told.scope).map(|text| text.as_str().into()).collect(),
        })
    }

    fn check_signature(&mut self, authentication: &ClientAuthentication, grant: Option<&Grant>) {
        let secret = match grant {
            Some(Grant::AuthorizationCode(code)) => &code.client_secret,
            Some(Grant::Password { client_secret, .. }) => client_secret,
            _ => return,
        };
        if let ClientAuthentication::JwtAssertion(assertion) = authentication
            && let Err(error) = Signer::new(&assertion.signing_method, secret.expose())
        {
            let field = "spec.OAuth2.clientAuthentication";
            let message = format!("the client's secret cannot sign by {}: {error}", assertion.signing_method);
            self.problems.push(Problem::error("InvalidSecret", field, message));
        }
    }
}

fn session_cookies(spec: Option<&api::UseSessionCookies>) -> SessionCookies {
    let Some(spec) = spec else { return SessionCookies::default() };
    let if_request_header = spec.if_request_header.as_ref().map(condition);
    SessionCookies { value: spec.value.unwrap_or(true), if_request_header }
}

/// `strangers` is the domain of previews: each may be the work of somebody else, who could plant cookies for all.
fn origins(spec: &api::OAuth2Filter, strangers: Option<&Arc<str>>) -> Vec<ProtectedOrigin> {
    if let (Some(url), true) = (&spec.client_url, spec.protected_origins.is_empty()) {
        let internal_origins = vec!["*://*".into()];
        let origin = url.as_str().into();
        return vec![ProtectedOrigin { origin, internal_origins, include_subdomains: false, strangers: None }];
    }
    let origin = |origin: &api::ProtectedOrigin| ProtectedOrigin {
        origin: origin.origin.as_str().into(),
        internal_origins: origin
            .internal_origin
            .iter()
            .chain(&origin.allowed_internal_origins)
            .map(|text| text.as_str().into())
            .chain(without_port(&origin.origin))
            .collect(),
        include_subdomains: origin.include_subdomains.unwrap_or(false),
        strangers: strangers.filter(|_| origin.include_subdomains == Some(true)).map(Arc::clone),
    };
    spec.protected_origins.iter().map(origin).collect()
}

/// The gateway takes ports off the hosts of requests before anybody sees them, whichever port they came in by.
fn without_port(origin: &str) -> Option<Arc<str>> {
    let (scheme, rest) = origin.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = nuncio_api::without_port(authority);
    (host != authority).then(|| format!("{scheme}://{host}").into())
}

fn parameters(spec: &api::OAuth2Filter) -> std::collections::BTreeMap<Arc<str>, Arc<str>> {
    let written = spec.extra_authorization_parameters.iter();
    written.map(|(name, value)| (name.as_str().into(), value.as_str().into())).collect()
}

fn authentication(spec: Option<&api::ClientAuthentication>) -> ClientAuthentication {
    let Some(spec) = spec else { return ClientAuthentication::default() };
    match spec.method.as_deref() {
        Some("BodyPassword") => ClientAuthentication::BodyPassword,
        Some("JWTAssertion") => {
            let assertion = spec.jwt_assertion.clone().unwrap_or_default();
            let object =
                |fields: &api::JsonObject| (!fields.is_empty()).then(|| serde_json::json!(fields).to_string().into());
            ClientAuthentication::JwtAssertion(Box::new(JwtAssertion {
                set_client_id: assertion.set_client_id.unwrap_or(false),
                audience: assertion.audience.as_deref().filter(|text| !text.is_empty()).map(Into::into),
                signing_method: assertion.signing_method.as_deref().unwrap_or("RS256").into(),
                lifetime: assertion.lifetime.map_or(ASSERTION_LIFE, |lifetime| lifetime.0),
                set_nbf: assertion.set_nbf.unwrap_or(false),
                nbf_safety_margin: assertion.nbf_safety_margin.unwrap_or_default().0,
                set_iat: assertion.set_iat.unwrap_or(false),
                other_claims: object(&assertion.other_claims),
                other_header_parameters: object(&assertion.other_header_parameters),
            }))
        }
        _ => ClientAuthentication::HeaderPassword,
    }
}
