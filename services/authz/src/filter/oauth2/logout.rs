//! The end of a session: by its user, and by the provider.

use http::StatusCode;
use nuncio_auth::jwt::Unverified;
use nuncio_auth::login::{Provider, Session, check_logout_token};
use nuncio_auth::{ClientKind, Reply, Request, crypto};
use nuncio_ir::auth::ENDPOINTS_PREFIX;
use std::sync::Arc;
use std::time::Duration;

use super::provider::TokenError;
use super::{Code, OAuth2Filter, cookies};
use crate::clock::now;
use crate::config::Config;
use crate::engine::Services;
use crate::filter::Kind;
use crate::filter::jwt::{TokenProblem, verify_signature};

/// Ends the session of a page that asks for it: by `POST`, with the word that only pages of this host can read.
pub(super) async fn logout(request: &Request, config: &Config, services: &Arc<Services>) -> Reply {
    let told = |status, message: &str| Reply::message(ClientKind::of_form(request), status, message, request);
    let refused = |message: &str| told(StatusCode::FORBIDDEN, message);
    let away = || told(StatusCode::SERVICE_UNAVAILABLE, "Please try again shortly.");
    if request.method != "POST" {
        return told(StatusCode::METHOD_NOT_ALLOWED, "A logout is a POST.").header("allow", "POST");
    }
    let form: Vec<(String, String)> = form_urlencoded::parse(&request.body).into_owned().collect();
    let in_form = |name: &str| form.iter().find(|(found, _)| found == name).map(|(_, value)| value.clone());
    let in_query = || {
        form_urlencoded::parse(request.query().as_bytes())
            .find(|(name, _)| name == "realm")
            .map(|(_, v)| v.into_owned())
    };
    let Some(realm) = in_form("realm").or_else(in_query) else {
        return refused("The logout does not say of which realm.");
    };
    let Some((filter, code)) = super::endpoint::login_filter(config, &realm) else {
        return refused("There is no such realm.");
    };
    let Some(origin) = code.origins.find(request) else { return refused("This host has no such realm.") };
    let Ok(found) = filter.find(code, &origin, request, services).await else { return away() };
    // Cookies stay as they are: the browser may keep a session's to itself since another site asks.
    let Some(found) = found else { return Reply::redirect(&code.after_logout(&origin.origin)) };
    let sent = in_form("_xsrf").unwrap_or_default();
    if !crypto::same(sent.as_bytes(), found.session.xsrf.as_bytes()) {
        return refused("The logout was not asked for by a page of this site.");
    }
    if let Err(error) = services.sessions.end(&found.place).await {
        tracing::warn!("a logout failed: {error}");
        return away();
    }
    let provider = filter.provider(services).await.ok();
    if let Some(provider) = &provider {
        let (filter, provider) = (filter.clone(), provider.clone());
        let (session, services) = (found.session.clone(), services.clone());
        // The browser has its answer before: its session is over, whatever the provider makes of the tokens.
        tokio::spawn(async move { filter.revoke(&provider.value, &session, &services).await });
    }
    let location = provider
        .and_then(|provider| code.at_provider(&provider.value, &found.session, &origin.origin))
        .unwrap_or_else(|| code.after_logout(&origin.origin));
    cookies::set(Reply::redirect(&location), cookies::no_session(&realm, &origin))
}

/// Where the provider sends a browser back to after its own logout.
pub(super) fn after_logout(request: &Request, config: &Config) -> Reply {
    let mut filters = super::endpoint::login_filters(config);
    let found = filters.find_map(|(_, code)| {
        code.spec.post_logout_redirect_uri.as_ref()?;
        Some(code.after_logout(&code.origins.find(request)?.origin))
    });
    // Going back would otherwise show pages as the browser has left them by now.
    Reply::redirect(found.as_deref().unwrap_or("/")).header("clear-site-data", "\"cache\"")
}

/// Ends sessions that the provider has ended (OpenID Connect Back-Channel Logout 1.0).
pub(super) async fn back_channel(request: &Request, config: &Config, services: &Services) -> Reply {
    let refused = |reason: &str| {
        tracing::info!("a back-channel logout is refused: {reason}");
        Reply::message(ClientKind::Api, StatusCode::BAD_REQUEST, "the logout token is not good", request)
    };
    if request.method != "POST" {
        return Reply::new(StatusCode::METHOD_NOT_ALLOWED).header("allow", "POST");
    }
    let token = form_urlencoded::parse(&request.body)
        .find(|(name, _)| name == "logout_token")
        .map(|(_, token)| token.into_owned());
    let Some(token) = token else { return refused("there is none") };
    let Ok(unverified) = Unverified::parse(&token) else { return refused("it is no JWT") };
    let mut reason = "no filter has its issuer and client".to_owned();
    for (filter, code) in super::endpoint::login_filters(config) {
        if !names(&unverified.claims, &code.spec.client_id) {
            continue;
        }
        match filter.end_by_token(code, &token, services).await {
            Ok(count) => {
                tracing::info!("{}: the provider has ended {count} sessions", filter.id);
                return Reply::new(StatusCode::OK).header("cache-control", "no-store");
            }
            Err(error) => reason = error,
        }
    }
    refused(&reason)
}

/// Ends the sessions of one of the provider's, in a frame of its page (OpenID Connect Front-Channel Logout 1.0).
pub(super) async fn front_channel(request: &Request, config: &Config, services: &Services) -> Reply {
    let mut parameters = form_urlencoded::parse(request.query().as_bytes());
    let mut parameter = |wanted: &str| parameters.find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned());
    // In this order in the standard's examples; either will do.
    let (issuer, session) = (parameter("iss"), parameter("sid"));
    let again = || {
        form_urlencoded::parse(request.query().as_bytes()).find(|(name, _)| name == "sid").map(|(_, v)| v.into_owned())
    };
    let is_known = |issuer: &str| {
        super::endpoint::login_filters(config)
            .any(|(filter, _)| filter.spec.issuer.trim_end_matches('/') == issuer.trim_end_matches('/'))
    };
    if let (Some(issuer), Some(session)) = (issuer.filter(|issuer| is_known(issuer)), session.or_else(again))
        && let Err(error) = services.sessions.end_all(&issuer, "sid", &session).await
    {
        tracing::warn!("a front-channel logout failed: {error}");
        return Reply::new(StatusCode::SERVICE_UNAVAILABLE);
    }
    Reply::new(StatusCode::OK).header("cache-control", "no-store")
}

fn names(claims: &serde_json::Map<String, serde_json::Value>, client_id: &str) -> bool {
    match claims.get("aud") {
        Some(serde_json::Value::String(one)) => one == client_id,
        Some(serde_json::Value::Array(several)) => several.iter().any(|one| one.as_str() == Some(client_id)),
        _ => false,
    }
}

impl OAuth2Filter {
    async fn end_by_token(&self, code: &Code, token: &str, services: &Services) -> Result<usize, String> {
        let provider = self.provider(services).await.map_err(|error| error.to_string())?;
        let provider = &provider.value;
        let verified = verify_signature(services, &self.spec.client, &provider.jwks_uri, &[], token).await;
        let verified = verified.map_err(|problem| match problem {
            TokenProblem::Unavailable(error) => error.to_string(),
            TokenProblem::Invalid(error) => error.to_string(),
            TokenProblem::Scope(scope) => scope,
        })?;
        let logout = check_logout_token(&provider.issuer, &code.spec.client_id, &verified, now())?;
        let store = |error: crate::session::StoreError| error.to_string();
        let once = format!("logout {} {}", provider.issuer, logout.id);
        if services.sessions.has_been(&once).await.map_err(store)? {
            return Err("it was used before".to_owned());
        }
        let count = services.sessions.end_named(&provider.issuer, &logout).await.map_err(store)?;
        // Not before: where the store fails, the provider sends it again.
        services.sessions.once(&once, Duration::from_secs(1_200)).await.map_err(store)?;
        Ok(count)
    }

    /// Has the provider forget the tokens (RFC 7009). It is a courtesy: they are gone here in any case.
    async fn revoke(&self, provider: &Provider, session: &Session, services: &Services) {
        let Some(endpoint) = &provider.revocation_endpoint else { return };
        let refresh = session.refresh_token.as_deref().map(|token| (token, "refresh_token"));
        for (token, hint) in refresh.into_iter().chain([(session.access_token.as_str(), "access_token")]) {
            let parameters = [("token", token), ("token_type_hint", hint)];
            let client = self.client().bound_to(session.proof_key.as_deref());
            match self.post(services, endpoint, provider, client, &parameters).await {
                Ok(answer) if answer.status.is_success() => {}
                Ok(answer) => tracing::info!("{}: a revocation is answered by {}", self.id, answer.status),
                Err(TokenError::Refused(reason) | TokenError::Unavailable(reason)) => {
                    tracing::info!("{}: a token was not revoked: {reason}", self.id);
                }
            }
        }
    }
}

impl Code {
    /// Where a browser goes after a logout.
    fn after_logout(&self, origin: &str) -> String {
        self.spec.post_logout_redirect_uri.as_deref().map_or_else(|| format!("{origin}/"), str::to_owned)
    }

    /// The provider's own logout (OpenID Connect RP-Initiated Logout 1.0).
    fn at_provider(&self, provider: &Provider, session: &Session, origin: &str) -> Option<String> {
        let endpoint = provider.end_session_endpoint.as_deref()?;
        let mut query = form_urlencoded::Serializer::new(String::new());
        if let Some(id_token) = &session.id_token {
            query.append_pair("id_token_hint", id_token);
        }
        query
            .append_pair("client_id", &session.client_id)
            .append_pair("post_logout_redirect_uri", &format!("{origin}{ENDPOINTS_PREFIX}post-logout-redirect"));
        let sign = if endpoint.contains('?') { '&' } else { '?' };
        Some(format!("{endpoint}{sign}{}", query.finish()))
    }
}

/// Whether a filter is one of logins.
pub(super) fn of_logins(kind: &Kind) -> Option<(&Arc<OAuth2Filter>, &Code)> {
    match kind {
        Kind::OAuth2(filter) => Some((filter, filter.code.as_ref()?)),
        _ => None,
    }
}
