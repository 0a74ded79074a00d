//! Tokens for machines, and for programs that have a person's password: both come with the request's headers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::StatusCode;
use http::header::HeaderName;
use nuncio_auth::{ClientKind, Denial, Identity, Reply, Request, Step, Strength, Verdict, crypto};
use nuncio_ir::auth::{ClientAuthentication, Grant};

use super::provider::{Client, TokenError};
use super::validate::Offered;
use super::{OAuth2Filter, Problem};
use crate::clock::now;
use crate::config::Config;
use crate::engine::Services;

/// How long a token is used whose provider does not say, and credentials that it refused are not tried again.
const USUAL: u64 = 60;
const REFUSED: u64 = 5;

const CLIENT_ID: HeaderName = HeaderName::from_static("x-ambassador-client-id");
const CLIENT_SECRET: HeaderName = HeaderName::from_static("x-ambassador-client-secret");
const CLIENT_ASSERTION: HeaderName = HeaderName::from_static("x-ambassador-client-assertion");
const USERNAME: HeaderName = HeaderName::from_static("x-ambassador-username");
const PASSWORD: HeaderName = HeaderName::from_static("x-ambassador-password");

/// A token that a provider gave for credentials, or that it gave none.
#[derive(Clone)]
pub(crate) struct MachineToken {
    access_token: Option<Arc<str>>,
    granted: Vec<String>,
    until: u64,
}

impl std::fmt::Debug for MachineToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MachineToken(until {})", self.until)
    }
}

/// Has tokens forgotten when they expire.
pub(crate) struct UntilExpiry;

impl moka::Expiry<[u8; 32], MachineToken> for UntilExpiry {
    fn expire_after_create(&self, _: &[u8; 32], token: &MachineToken, _: Instant) -> Option<Duration> {
        Some(Duration::from_secs(token.until.saturating_sub(now())))
    }
}

/// What a request shows of itself.
struct Shown {
    name: String,
    secret: String,
    /// The secret is a signed assertion.
    is_assertion: bool,
}

impl OAuth2Filter {
    pub(super) async fn check_machine(
        &self,
        request: &mut Request,
        step: &Step,
        config: &Config,
        services: &Services,
    ) -> Verdict {
        let Some(shown) = self.shown(request) else {
            return Verdict::Deny(self.unauthorized(request, "no_credentials", "credentials are needed"));
        };
        match self.check_shown(&shown, request, step, config, services).await {
            Ok(identity) => Verdict::Allow(Some(identity)),
            Err(Problem::Login) => {
                Verdict::Deny(self.unauthorized(request, "bad_credentials", "the credentials are not good"))
            }
            Err(Problem::Forbidden(reason, detail)) => {
                Verdict::Deny(self.forbidden(request, step, reason, "the credentials do not allow this", &detail))
            }
            Err(Problem::Unavailable(detail)) => Verdict::Deny(self.unavailable(request, &detail)),
        }
    }

    fn shown(&self, request: &Request) -> Option<Shown> {
        let header =
            |name: &HeaderName| request.header(name.as_str()).filter(|text| !text.is_empty()).map(str::to_owned);
        if matches!(self.spec.grant, Grant::Password { .. }) {
            return Some(Shown { name: header(&USERNAME)?, secret: header(&PASSWORD)?, is_assertion: false });
        }
        if let Some(assertion) = header(&CLIENT_ASSERTION) {
            return Some(Shown { name: header(&CLIENT_ID).unwrap_or_default(), secret: assertion, is_assertion: true });
        }
        Some(Shown { name: header(&CLIENT_ID)?, secret: header(&CLIENT_SECRET)?, is_assertion: false })
    }

    async fn check_shown(
        &self,
        shown: &Shown,
        request: &mut Request,
        step: &Step,
        config: &Config,
        services: &Services,
    ) -> Result<Identity, Problem> {
        let scope: Vec<&str> = step.arguments.scope.iter().map(AsRef::as_ref).collect();
        let scope = scope.join(" ");
        let key = crypto::sha256(
            format!("{}\0{}\0{scope}\0{}\0{}", self.id, self.spec.issuer, shown.name, shown.secret).as_bytes(),
        );
        let provider = self.provider(services).await?;
        let asked =
            services.machines.try_get_with(key, self.ask_for_token(shown, &provider.value, &scope, services)).await;
        let token = asked.map_err(|reason| Problem::Unavailable(reason.as_ref().clone()))?;
        let access_token = token.access_token.clone().ok_or(Problem::Login)?;
        let is_granted = |wanted: &&Arc<str>| {
            matches!(&***wanted, "offline_access" | "openid") || token.granted.iter().any(|scope| **scope == ***wanted)
        };
        if let Some(missing) = step.arguments.scope.iter().find(|wanted| !is_granted(wanted)) {
            return Err(Problem::Forbidden("scope", format!("{missing} was not granted")));
        }
        let verified = self
            .validate(&provider.value, Offered { token: &access_token, proof_key: None }, step, config, services)
            .await?;
        let claims = verified.as_ref().map(|token| token.claims.clone()).unwrap_or_default();
        if !Strength::of(&step.arguments).holds(&claims, now()) {
            return Err(Problem::Forbidden("weak_login", "its token is of no such login".to_owned()));
        }
        if let Some(Err(reason)) = step.require.as_ref().map(|require| require.holds(&claims)) {
            return Err(Problem::Forbidden("claims", reason));
        }
        for name in [CLIENT_SECRET, CLIENT_ASSERTION, PASSWORD] {
            request.remove_header(&name);
        }
        self.pass_on(request, &access_token, verified.as_deref(), None)?;
        let subject = verified.as_ref().and_then(|token| token.text("sub")).unwrap_or(&shown.name).to_owned();
        Ok(Identity::new(subject, provider.value.issuer.clone()))
    }

    async fn ask_for_token(
        &self,
        shown: &Shown,
        provider: &nuncio_auth::login::Provider,
        scope: &str,
        services: &Services,
    ) -> Result<MachineToken, String> {
        let mut parameters = Vec::new();
        let is_password = matches!(self.spec.grant, Grant::Password { .. });
        if is_password {
            parameters.extend([("grant_type", "password"), ("username", &*shown.name), ("password", &*shown.secret)]);
        } else {
            parameters.push(("grant_type", "client_credentials"));
        }
        if !scope.is_empty() {
            parameters.push(("scope", scope));
        }
        if let Some(audience) = &self.spec.audience {
            parameters.push(("audience", audience));
        }
        let mut client = if is_password { self.client() } else { Client::new(&shown.name, &shown.secret) };
        if shown.is_assertion {
            parameters.push(("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"));
            parameters.push(("client_assertion", &shown.secret));
            let sends_id = match &self.spec.client_authentication {
                ClientAuthentication::JwtAssertion(assertion) => assertion.set_client_id,
                _ => false,
            };
            client = Client::new(if sends_id { &shown.name } else { "" }, "");
        }
        let now = now();
        match self.tokens(services, provider, client, &parameters).await {
            Ok(tokens) => {
                let margin = self.spec.expiration_safety_margin.as_secs();
                let asked: Vec<String> = scope.split_ascii_whitespace().map(str::to_owned).collect();
                Ok(MachineToken {
                    until: tokens.expires_at(now).unwrap_or(now + USUAL).saturating_sub(margin),
                    granted: tokens.granted(&asked),
                    access_token: Some(tokens.access_token.into()),
                })
            }
            Err(TokenError::Refused(reason)) => {
                tracing::info!("{}: credentials are refused: {reason}", self.id);
                Ok(MachineToken { access_token: None, granted: Vec::new(), until: now + REFUSED })
            }
            Err(TokenError::Unavailable(reason)) => Err(reason),
        }
    }

    fn unauthorized(&self, request: &Request, reason: &'static str, message: &str) -> Denial {
        let reply = Reply::message(ClientKind::of(request), StatusCode::UNAUTHORIZED, message, request)
            .challenge(&self.challenge(None));
        Denial::new(reason, message, reply)
    }
}
