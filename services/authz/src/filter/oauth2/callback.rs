//! The end of a login: the provider has sent the browser back.

use http::StatusCode;
use nuncio_auth::crypto::random_text;
use nuncio_auth::login::{
    IdTokenRules, Origin, Pending, Provider, Session, TokenResponse, check_id_token, find_pending, state_digest,
};
use nuncio_auth::{ClientKind, Reply, Request};
use nuncio_ir::auth::SameSite;
use std::time::Duration;

use super::endpoint::login_filter;
use super::provider::{INVALID_CLIENT, TokenError};
use super::{Code, OAuth2Filter, cookies};
use crate::clock::now;
use crate::config::Config;
use crate::engine::Services;
use crate::filter::jwt::{TokenProblem, verify_given};

/// How long a session lives without requests where nobody says and it can be refreshed: 14 days.
const IDLE: u64 = 14 * 86_400;
/// And where the provider does not say how long its token is good.
const SHORT_IDLE: u64 = 3_600;

/// What a failed login is answered with. The words are for people, the detail for the log.
pub(super) struct Failed {
    pub(super) status: StatusCode,
    pub(super) reason: &'static str,
    pub(super) message: &'static str,
    pub(super) detail: String,
}

/// What the provider has sent the browser back with.
#[derive(Debug, Default)]
pub(super) struct Returned {
    pub(super) state: String,
    code: String,
    error: String,
    issuer: Option<String>,
}

impl Returned {
    pub(super) fn of(request: &Request) -> Self {
        let mut returned = Self::default();
        for (name, value) in form_urlencoded::parse(request.query().as_bytes()) {
            match &*name {
                "state" => returned.state = value.into_owned(),
                "code" => returned.code = value.into_owned(),
                "error" => returned.error = value.into_owned(),
                "iss" => returned.issuer = Some(value.into_owned()),
                _ => {}
            }
        }
        returned
    }
}

pub(super) fn failed(reason: &'static str, message: &'static str, detail: impl Into<String>) -> Failed {
    Failed { status: StatusCode::BAD_REQUEST, reason, message, detail: detail.into() }
}

pub(super) fn unavailable(detail: impl Into<String>) -> Failed {
    let message = "The login cannot be completed at the moment. Please try again shortly.";
    Failed { status: StatusCode::SERVICE_UNAVAILABLE, reason: "unavailable", message, detail: detail.into() }
}

pub(super) const AGAIN: &str =
    "This login cannot be completed. Please go back to the page that you came from and try again.";

impl OAuth2Filter {
    /// Completes a login that this browser began.
    pub(super) async fn complete(
        &self,
        code: &Code,
        origin: &Origin,
        request: &Request,
        returned: &Returned,
        (cookie, pending): (String, Pending),
        services: &Services,
    ) -> Result<Reply, Failed> {
        if !origin.is_first {
            return Err(failed("wrong_origin", AGAIN, origin.origin.clone()));
        }
        let document = self.provider(services).await.map_err(|error| unavailable(error.to_string()))?;
        let provider = &document.value;
        self.check_returned(provider, returned)?;
        // A state is good once, whoever has seen it.
        let once = format!("state {}", returned.state);
        if !services
            .sessions
            .once(&once, Duration::from_secs(900))
            .await
            .map_err(|error| unavailable(error.to_string()))?
        {
            return Err(failed("replayed_state", AGAIN, ""));
        }
        let mut parameters = vec![("grant_type", "authorization_code"), ("code", &*returned.code)];
        let redirect_uri = code.redirect_uri();
        parameters.push(("redirect_uri", &redirect_uri));
        if !pending.verifier.is_empty() {
            parameters.push(("code_verifier", &pending.verifier));
        }
        let client = self.client().bound_to(pending.proof_key.as_deref());
        let tokens = self.tokens(services, provider, client, &parameters).await.map_err(|error| match error {
            // It is not the login that is no good, but what we say who we are.
            TokenError::Refused(error) if error == INVALID_CLIENT => unavailable(error),
            TokenError::Refused(error) => failed("code_refused", AGAIN, error),
            TokenError::Unavailable(error) => unavailable(error),
        })?;
        let session = self.session(code, provider, &pending, tokens, services).await?;
        self.end_offered(request, origin, services).await;
        let id = crate::session::Sessions::new_id();
        let place = crate::session::Sessions::place(&id);
        let now = now();
        services.sessions.write(&place, &session, now).await.map_err(|error| unavailable(error.to_string()))?;
        let reply = onward(&pending, &self.next(&pending, &id, services));
        let reply = cookies::set(reply, cookies::session(&self.id.0, origin, &id, &session, now));
        let reply = cookies::set(reply, vec![super::session::count_login(request, origin)]);
        Ok(cookies::set(reply, cookies::remove(&[cookie], origin)))
    }

    /// What came back is of this provider (RFC 9207), and is a code.
    fn check_returned(&self, provider: &Provider, returned: &Returned) -> Result<(), Failed> {
        let is_named = match &returned.issuer {
            Some(issuer) => *issuer == provider.issuer,
            None => !provider.authorization_response_iss_parameter_supported,
        };
        if !is_named {
            return Err(failed("wrong_issuer", AGAIN, "the answer is of another provider"));
        }
        if !returned.error.is_empty() {
            let error: String = returned.error.chars().filter(char::is_ascii_graphic).take(64).collect();
            let message = "The identity provider has not let you in.";
            return Err(Failed { status: StatusCode::FORBIDDEN, ..failed("refused_by_provider", message, error) });
        }
        if returned.code.is_empty() {
            return Err(failed("no_code", AGAIN, ""));
        }
        Ok(())
    }

    /// A session of what the provider's token endpoint has answered.
    async fn session(
        &self,
        code: &Code,
        provider: &Provider,
        pending: &Pending,
        tokens: TokenResponse,
        services: &Services,
    ) -> Result<Session, Failed> {
        let bad = |detail: String| failed("bad_id_token", AGAIN, detail);
        let id_token = tokens.id_token.as_deref().ok_or_else(|| bad("there is none".to_owned()))?;
        let verified = verify_given(services, &self.spec.client, &provider.jwks_uri, id_token).await;
        let verified = verified.map_err(|problem| match problem {
            TokenProblem::Unavailable(error) => unavailable(error.to_string()),
            TokenProblem::Invalid(error) => bad(error.to_string()),
            TokenProblem::Scope(scope) => bad(scope),
        })?;
        let rules = IdTokenRules {
            issuer: &provider.issuer,
            client_id: &code.spec.client_id,
            nonce: Some(&pending.nonce),
            access_token: Some(&tokens.access_token),
        };
        let now = now();
        check_id_token(&rules, &verified, now).map_err(bad)?;
        let expires_at = tokens.expires_at(now);
        let usual = match (&tokens.refresh_token, expires_at) {
            (Some(_), _) => IDLE,
            (None, Some(at)) => at.saturating_sub(now),
            (None, None) => SHORT_IDLE,
        };
        Ok(Session {
            filter: self.id.to_string(),
            client_id: code.spec.client_id.as_ref().to_owned(),
            revision: 1,
            expires_at,
            granted: tokens.granted(&pending.scope),
            asked: pending.scope.clone(),
            strength: pending.strength.clone(),
            claims: verified.claims.clone(),
            begun: now,
            ends_at: code.spec.session_max_life.map(|life| now + life.as_secs()),
            idle: code.spec.session_max_idle.map_or(usual, |idle| idle.as_secs()).max(1),
            same_site: pending.same_site,
            is_persistent: pending.is_persistent,
            xsrf: random_text(),
            proof_key: pending.proof_key.clone().filter(|_| tokens.is_bound()),
            access_token: tokens.access_token,
            refresh_token: tokens.refresh_token,
            id_token: tokens.id_token,
        })
    }

    /// Where the browser goes with a session: to what it asked for, or to the origin that sent it here.
    pub(super) fn next(&self, pending: &Pending, id: &str, services: &Services) -> String {
        match &pending.binder {
            Some(digest) => self.hand_over(&pending.target, digest, id, services),
            None => pending.target.clone(),
        }
    }
}

/// Sends a browser on with the session that it has now.
pub(super) fn onward(pending: &Pending, location: &str) -> Reply {
    match pending.same_site {
        SameSite::Strict => Reply::hop(location),
        SameSite::Unset | SameSite::None | SameSite::Lax => Reply::redirect(location),
    }
}

/// The login that the browser began with the state that came back.
pub(super) fn find(
    request: &Request,
    returned: &Returned,
    config: &Config,
    services: &Services,
) -> Option<(String, Pending)> {
    let is_secure = |pending: &Pending| {
        let origin = login_filter(config, &pending.filter).and_then(|(_, code)| code.origins.find(request));
        origin.is_none_or(|origin| origin.is_secure())
    };
    find_pending(request.headers(), &services.sessions.keys(), &state_digest(&returned.state), now(), is_secure)
}

/// The page for a login that failed.
pub(super) fn page(request: &Request, failed: &Failed) -> Reply {
    Reply::message(ClientKind::of_form(request), failed.status, failed.message, request)
}

/// For a state that no login of this browser has.
pub(super) fn unknown_state() -> Failed {
    failed("bad_state", AGAIN, "")
}
