//! The beginning of a login.

use http::StatusCode;
use nuncio_auth::crypto::random_text;
use nuncio_auth::jwt::Signer;
use nuncio_auth::login::{
    AuthorizationRequest, Origin, Pending, new_state, pending_name, return_target, state_digest, surplus,
};
use nuncio_auth::{ClientKind, Denial, Reply, Request, Step, Strength, Verdict};
use nuncio_ir::auth::ENDPOINTS_PREFIX;
use serde::{Deserialize, Serialize};

use super::provider::{Client, TokenError};
use super::{Code, OAuth2Filter, Problem, cookies};
use crate::clock::{milliseconds, now};
use crate::engine::Services;

/// A browser that another origin sends to the first one for its login: sealed, in the address.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Start {
    pub(super) filter: String,
    pub(super) target: String,
    /// Of the state in the other origin's cookie.
    pub(super) digest: String,
    pub(super) scope: Vec<String>,
    #[serde(default)]
    pub(super) strength: Strength,
    pub(super) is_persistent: bool,
    pub(super) same_site: nuncio_ir::auth::SameSite,
    /// The place of the session that the browser has there and that does not do.
    #[serde(default)]
    pub(super) lacking: Option<String>,
    pub(super) at: u64,
}

impl Start {
    /// Asks for what a session was asked for that is to be replaced, too: other tabs need it.
    pub(super) fn ask_also(&mut self, asked: &[String]) {
        let more: Vec<_> = asked.iter().filter(|scope| !self.scope.contains(scope)).cloned().collect();
        self.scope.extend(more);
    }
}

/// The name under which `Start`s are sealed.
pub(super) const START: &str = "start";

impl OAuth2Filter {
    /// Sends a browser to its login; tells other clients that one is needed.
    pub(super) async fn begin(
        &self,
        code: &Code,
        origin: &Origin,
        request: &Request,
        step: &Step,
        services: &Services,
    ) -> Verdict {
        let kind = ClientKind::of(request);
        let strength = Strength::of(&step.arguments);
        let found = Box::pin(self.find(code, origin, request, services)).await.ok().flatten();
        // Where something else decides, the provider is not even told of a login.
        if !kind.may_log_in() || step.instead.as_ref().is_some_and(|instead| instead.applies(request)) {
            let is_weak = found.is_some_and(|found| !strength.holds(&found.session.claims, now()));
            let message = "a login is needed";
            let reply = Reply::message(kind, StatusCode::UNAUTHORIZED, message, request)
                .challenge(&self.challenge(is_weak.then_some(&strength)));
            return Verdict::Deny(Denial::new("no_session", message, reply));
        }
        if super::session::loops(request, origin) {
            return Verdict::Deny(self.looping(request));
        }
        let mut start = Start {
            filter: self.id.to_string(),
            target: return_target(&origin.origin, request.target()),
            digest: String::new(),
            scope: self.scope(step),
            strength,
            is_persistent: code.is_persistent(request),
            same_site: step.arguments.same_site,
            lacking: None,
            at: now(),
        };
        if let Some(found) = found {
            start.ask_also(&found.session.asked);
            start.lacking = Some(found.place);
        }
        if !origin.is_first {
            return Verdict::Answer(self.send_to_first(code, origin, request, start, services));
        }
        match Box::pin(self.send_to_provider(code, origin, request, &start, services)).await {
            Ok(reply) => Verdict::Answer(reply),
            Err(problem) => Verdict::Deny(self.unavailable(request, &problem)),
        }
    }

    /// The scopes that a rule wants of a login; a login always wants to know who it is.
    pub(super) fn scope(&self, step: &Step) -> Vec<String> {
        let mut scope = vec!["openid".to_owned()];
        for wanted in &step.arguments.scope {
            if !scope.iter().any(|known| **known == **wanted) {
                scope.push(wanted.as_ref().to_owned());
            }
        }
        scope
    }

    /// Only the first origin deals with the provider; the browser's cookie here says that it was it who was sent there.
    fn send_to_first(
        &self,
        code: &Code,
        origin: &Origin,
        request: &Request,
        mut start: Start,
        services: &Services,
    ) -> Reply {
        let state = random_text();
        start.digest = state_digest(&state);
        let pending = self.pending(&start, state);
        let json = serde_json::to_vec(&start).unwrap_or_default();
        let sealed = services.sessions.keys().seal_text(START, &json);
        let location = format!("{}{ENDPOINTS_PREFIX}start?to={sealed}", code.origins.first());
        self.remember(Reply::redirect(&location), origin, request, &pending, services)
    }

    /// Sends a browser at the first origin to the provider.
    pub(super) async fn send_to_provider(
        &self,
        code: &Code,
        origin: &Origin,
        request: &Request,
        start: &Start,
        services: &Services,
    ) -> Result<Reply, String> {
        let document = self.provider(services).await.map_err(|error| error.to_string())?;
        let provider = &document.value;
        let mut pending = self.pending(start, new_state(&self.id.0, now()));
        pending.proof_key = code.spec.dpop.then(Signer::new_key).transpose().map_err(|error| error.to_string())?;
        if code.spec.pkce || provider.has_pkce() {
            pending.verifier = random_text();
        }
        let asked = AuthorizationRequest {
            client_id: &code.spec.client_id,
            redirect_uri: &code.redirect_uri(),
            scope: &start.scope,
            state: &pending.state,
            nonce: &pending.nonce,
            verifier: &pending.verifier,
            audience: self.spec.audience.as_deref(),
            extra: &code.spec.extra_authorization_parameters,
            strength: &start.strength,
        };
        let location = match &provider.pushed_authorization_request_endpoint {
            Some(endpoint) if code.spec.pushed_authorization_requests => {
                let client = self.client().bound_to(pending.proof_key.as_deref());
                let uri = self.push(services, provider, client, endpoint, &asked).await?;
                let query = form_urlencoded::Serializer::new(String::new())
                    .append_pair("client_id", &code.spec.client_id)
                    .append_pair("request_uri", &uri)
                    .finish();
                let sign = if provider.authorization_endpoint.contains('?') { '&' } else { '?' };
                format!("{}{sign}{query}", provider.authorization_endpoint)
            }
            _ => asked.url(&provider.authorization_endpoint),
        };
        Ok(self.remember(Reply::redirect(&location), origin, request, &pending, services))
    }

    /// Sends the parameters to the provider directly (RFC 9126); what it calls them.
    async fn push(
        &self,
        services: &Services,
        provider: &nuncio_auth::login::Provider,
        client: Client<'_>,
        endpoint: &str,
        asked: &AuthorizationRequest<'_>,
    ) -> Result<String, String> {
        let parameters = asked.parameters();
        let parameters: Vec<(&str, &str)> = parameters.iter().map(|(name, value)| (&**name, &**value)).collect();
        let answer = match self.post(services, endpoint, provider, client, &parameters).await {
            Ok(answer) => answer,
            Err(TokenError::Refused(reason) | TokenError::Unavailable(reason)) => return Err(reason),
        };
        let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let uri = body.get("request_uri").and_then(serde_json::Value::as_str).filter(|_| answer.status.is_success());
        uri.map(str::to_owned).ok_or_else(|| format!("a pushed request is answered by {}", answer.status))
    }

    fn pending(&self, start: &Start, state: String) -> Pending {
        Pending {
            filter: self.id.to_string(),
            state,
            nonce: random_text(),
            verifier: String::new(),
            target: start.target.clone(),
            binder: Some(start.digest.clone()).filter(|digest| !digest.is_empty()),
            scope: start.scope.clone(),
            strength: start.strength.clone(),
            proof_key: None,
            same_site: start.same_site,
            is_persistent: start.is_persistent,
            begun: now(),
        }
    }

    /// Has the browser keep its login, and forget the oldest of others.
    fn remember(
        &self,
        reply: Reply,
        origin: &Origin,
        request: &Request,
        pending: &Pending,
        services: &Services,
    ) -> Reply {
        let sealed = pending.seal(&services.sessions.keys());
        let name = pending_name(&pending.state, milliseconds());
        let reply = cookies::set(reply, cookies::remove(&surplus(request.headers()), origin));
        cookies::set(reply, cookies::pending(&name, &sealed, origin, pending.same_site))
    }

    fn looping(&self, request: &Request) -> Denial {
        let message = "The login succeeds again and again, and yet this page asks for another one. The browser may not keep \
                       cookies for this site, or the page asks for more than the login gives. Wait a minute, then try again.";
        let reply = Reply::message(ClientKind::of(request), StatusCode::BAD_REQUEST, message, request);
        Denial::new("login_loop", "", reply)
    }
}

impl Code {
    /// Where the provider sends browsers back to.
    pub(super) fn redirect_uri(&self) -> String {
        format!("{}{ENDPOINTS_PREFIX}redirection-endpoint", self.origins.first())
    }
}

impl From<TokenError> for Problem {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Refused(_) => Self::Login,
            TokenError::Unavailable(reason) => Self::Unavailable(reason),
        }
    }
}
