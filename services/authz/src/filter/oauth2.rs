//! Logins, and tokens for machines.

mod begin;
mod callback;
pub(crate) mod cookies;
mod endpoint;
mod handoff;
mod logout;
mod machine;
mod proof;
mod provider;
mod refresh;
mod session;
#[cfg(test)]
mod tests;
mod validate;

use std::sync::Arc;

use http::StatusCode;
use http::header::AUTHORIZATION;
use nuncio_auth::jwt::{Signer, Unverified, Verified};
use nuncio_auth::login::{Origins, Session};
use nuncio_auth::{ClientKind, Condition, Denial, Identity, Reply, Request, Step, Strength, Verdict, challenge};
use nuncio_expr::template::Value;
use nuncio_ir::auth::{AuthorizationCode, ClientAuthentication, FilterId, Grant, OAuth2};

pub(crate) use endpoint::endpoint;
pub(crate) use machine::{MachineToken, UntilExpiry};
pub(super) use provider::AUTHORIZATION_URL;
pub(crate) use provider::basic_credentials;
pub(crate) use refresh::Refreshed;

use super::inject::{Injection, compile, header_value, inject};
use crate::config::Config;
use crate::engine::Services;
use crate::idp::Calls;

/// An OAuth2 filter, compiled.
#[derive(Debug)]
pub(crate) struct OAuth2Filter {
    id: FilterId,
    pub(super) calls: Calls,
    pub(super) spec: OAuth2,
    code: Option<Code>,
    injections: Vec<Injection>,
    /// Signs who we are, where that is how we show it.
    signer: Option<Signer>,
}

/// What a login needs, compiled.
#[derive(Debug)]
struct Code {
    spec: AuthorizationCode,
    origins: Origins,
    session_cookies: Option<Condition>,
}

/// Why a request is not let through.
enum Problem {
    /// Nobody is logged in, or not so that it would do: a login can mend it.
    Login,
    /// The login does not allow it, and no other login would.
    Forbidden(&'static str, String),
    /// Somebody we need does not answer.
    Unavailable(String),
}

impl<E: std::error::Error> From<E> for Problem {
    fn from(error: E) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl OAuth2Filter {
    pub(super) fn new(id: &FilterId, spec: OAuth2) -> Result<Self, String> {
        let code = match &spec.grant {
            Grant::AuthorizationCode(code) => Some(Code::new(code)?),
            Grant::ClientCredentials | Grant::Password { .. } => None,
        };
        let secret = match &spec.grant {
            Grant::AuthorizationCode(code) => code.client_secret.expose(),
            Grant::Password { client_secret, .. } => client_secret.expose(),
            Grant::ClientCredentials => "",
        };
        let signer = match &spec.client_authentication {
            ClientAuthentication::JwtAssertion(assertion) if !secret.is_empty() => {
                Some(Signer::new(&assertion.signing_method, secret).map_err(|error| error.to_string())?)
            }
            _ => None,
        };
        Ok(Self {
            id: id.clone(),
            calls: Calls::default(),
            code,
            injections: compile(&spec.inject_request_headers)?,
            signer,
            spec,
        })
    }

    pub(super) async fn check(
        self: &Arc<Self>,
        request: &mut Request,
        step: &Step,
        config: &Config,
        services: &Arc<Services>,
    ) -> Verdict {
        let Some(code) = &self.code else { return self.check_machine(request, step, config, services).await };
        let Some(origin) = code.origins.find(request) else {
            let (message, detail) = self.no_origin(&code.origins, request);
            return Verdict::Deny(self.forbidden(request, step, "unknown_origin", &message, &detail));
        };
        match self.check_session(code, &origin, request, step, config, services).await {
            Ok(identity) => Verdict::Allow(Some(identity)),
            Err(Problem::Login) => Box::pin(self.begin(code, &origin, request, step, services)).await,
            Err(Problem::Forbidden(reason, detail)) => {
                Verdict::Deny(self.forbidden(request, step, reason, "the login does not allow this", &detail))
            }
            Err(Problem::Unavailable(detail)) => Verdict::Deny(self.unavailable(request, &detail)),
        }
    }

    /// Passes on who it is: the access token, and what templates make of it.
    fn pass_on(
        &self,
        request: &mut Request,
        access_token: &str,
        token: Option<&Verified>,
        session: Option<&Session>,
    ) -> Result<(), Problem> {
        if let Some(value) = header_value(&format!("Bearer {access_token}")) {
            request.set_header(&AUTHORIZATION, value);
        }
        let opaque = || Value::map([("Raw", Value::from(access_token)), ("Claims", Value::Null)]);
        let id_token = session.and_then(|session| session.id_token.as_deref());
        let data = |request: &Request| {
            Value::map([
                ("token", token.map_or_else(opaque, Verified::template_value)),
                ("idToken", id_token.map_or(Value::Null, unverified_value)),
                ("httpRequestHeader", Value::headers(request.headers())),
            ])
        };
        inject(&self.injections, request, data).map_err(|error| Problem::Forbidden("template", error))
    }

    /// Programs are told what would do. Browsers are not: they can make nothing of it.
    fn forbidden(&self, request: &Request, step: &Step, reason: &'static str, message: &str, detail: &str) -> Denial {
        let kind = ClientKind::of(request);
        let reply = Reply::message(kind, StatusCode::FORBIDDEN, message, request);
        let challenge = match reason {
            "weak_login" => Some(self.challenge(Some(&Strength::of(&step.arguments)))),
            "scope" => Some(challenge(
                "Bearer",
                &[("realm", &self.id.0), ("error", "insufficient_scope"), ("scope", &step.arguments.scope.join(" "))],
            )),
            _ => None,
        };
        let reply = match challenge.filter(|_| kind != ClientKind::Navigation) {
            Some(challenge) => reply.challenge(&challenge),
            None => reply,
        };
        Denial::new(reason, detail, reply)
    }

    /// That a login is needed, or one of this strength.
    fn challenge(&self, strength: Option<&Strength>) -> String {
        let wanted = strength.map(Strength::parameters).unwrap_or_default();
        let error = strength.map(|_| ("error", Strength::INSUFFICIENT));
        let wanted = wanted.iter().map(|(name, value)| (*name, &**value));
        let all: Vec<_> = [("realm", &*self.id.0)].into_iter().chain(error).chain(wanted).collect();
        challenge("Bearer", &all)
    }

    /// What is said where a login is not for the origin of a request: to who asks, and to operators. By another scheme than the
    /// host's own it may be: then most likely a proxy in front ends TLS, and is not believed. Whoever asks for any host is not told
    /// of others.
    fn no_origin(&self, origins: &Origins, request: &Request) -> (String, String) {
        let other = if request.scheme == "http" { "https" } else { "http" };
        if let Some(origin) = origins.find(&Request::new("GET", other, &request.authority, "/")) {
            let message =
                format!("logins here are for {}, and this request came in by {}", origin.origin, request.scheme);
            return (message, request.origin());
        }
        let message = "this host is none that the login is for, so nobody can log in here. Who runs the gateway can change that; \
                       until then, go by the site's usual address";
        let detail = format!(
            "{} is none of the protectedOrigins of {}, nor below one with includeSubdomains: add it, or for previews the origin of \
             their domain, with includeSubdomains: true",
            request.origin(),
            self.id
        );
        (message.to_owned(), detail)
    }

    fn unavailable(&self, request: &Request, detail: &str) -> Denial {
        tracing::warn!("{}: {detail}", self.id);
        Denial::unavailable(ClientKind::of(request), "unavailable", detail, request)
    }
}

impl Code {
    fn new(spec: &AuthorizationCode) -> Result<Self, String> {
        let condition = spec.session_cookies.if_request_header.as_ref().map(Condition::new).transpose();
        Ok(Self {
            origins: Origins::new(&spec.protected_origins)?,
            session_cookies: condition.map_err(|error| error.to_string())?,
            spec: spec.clone(),
        })
    }

    /// Whether cookies outlive the browser's session. Where the condition does not hold, the contrary of the value counts.
    fn is_persistent(&self, request: &Request) -> bool {
        let holds = self.session_cookies.as_ref().is_none_or(|condition| condition.holds(request));
        self.spec.session_cookies.value != holds
    }
}

/// A token of our own store, as templates see it: it was verified when it came.
fn unverified_value(raw: &str) -> Value {
    let Ok(token) = Unverified::parse(raw) else { return Value::Null };
    Value::map([
        ("Raw", Value::from(raw)),
        ("Header", token.header_value()),
        ("Claims", Value::from(&serde_json::Value::Object(token.claims))),
        ("Signature", Value::from(raw.rsplit_once('.').map_or("", |(_, signature)| signature))),
    ])
}

/// Who a session is of.
fn identity(session: &Session) -> Identity {
    let text = |claim: &str| session.text(claim).unwrap_or_default();
    Identity::new(text("sub"), text("iss")).with_groups_of(&session.claims).of_login(&session.filter)
}
