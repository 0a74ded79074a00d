//! Bearer tokens that are JWTs.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use nuncio_auth::jwt::{ClaimRules, Invalid, KeySet, Unverified, Verified, check_claims, check_scope};
use nuncio_auth::{Bearer, ClientKind, Denial, Identity, Request, Step, Strength, Verdict, bearer, crypto};
use nuncio_expr::template::Value;
use nuncio_ir::auth::{FilterId, HttpClient, Jwt, JwtAlgorithm};

use super::answers::{Answers, Problem};
use super::inject::{Injection, compile, inject};
use crate::clock::now;
use crate::engine::Services;
use crate::idp::{AT_ONCE, Document, IdpError, NOW_AND_THEN};

/// A JWT filter, compiled.
#[derive(Debug)]
pub(crate) struct JwtFilter {
    id: FilterId,
    pub(super) spec: Jwt,
    rules: ClaimRules,
    injections: Vec<Injection>,
    answers: Answers,
}

/// Why a token does not do.
pub(crate) enum TokenProblem {
    Invalid(Invalid),
    /// The scopes it must have.
    Scope(String),
    Unavailable(IdpError),
}

impl JwtFilter {
    pub(super) fn new(id: &FilterId, spec: Jwt) -> Result<Self, String> {
        let needs_keys = spec.valid_algorithms.iter().any(|a| *a != JwtAlgorithm::None);
        if spec.jwks_uri.is_none() && (needs_keys || spec.valid_algorithms.is_empty()) {
            return Err("jwks_uri is needed unless \"none\" alone is valid".to_owned());
        }
        Ok(Self {
            id: id.clone(),
            rules: ClaimRules::from(&spec),
            injections: compile(&spec.inject_request_headers)?,
            answers: Answers::new(id, &spec.error_response)?,
            spec,
        })
    }

    pub(super) async fn check(&self, request: &mut Request, step: &Step, services: &Services) -> Verdict {
        let problem = |status, error, reason, message: &str| Problem {
            status,
            error,
            reason,
            message: message.to_owned(),
            wanted: Vec::new(),
            invalid: None,
        };
        let unauthorized = StatusCode::UNAUTHORIZED;
        let token = match bearer(request) {
            Bearer::Token(token) => token.to_owned(),
            Bearer::Absent => {
                let none = problem(unauthorized, None, "no_token", "the request has no bearer token");
                return Verdict::Deny(self.answers.deny(request, &none));
            }
            Bearer::Malformed => {
                let message = "Authorization does not hold one bearer token";
                let none = problem(unauthorized, Some("invalid_request"), "bad_token", message);
                return Verdict::Deny(self.answers.deny(request, &none));
            }
        };
        let verified = match self.verify(&token, &[], services).await {
            Ok(verified) => verified,
            Err(error) => return Verdict::Deny(self.refused(request, &error)),
        };
        let issuer = verified.text("iss").unwrap_or_else(|| &self.id.0);
        let identity = Identity::new(verified.text("sub").unwrap_or_default(), issuer).with_groups_of(&verified.claims);
        request.identity = Some(identity.clone());
        if let Err(scope) = check_scope(&verified.claims, &step.arguments.scope) {
            return Verdict::Deny(self.refused(request, &TokenProblem::Scope(scope)));
        }
        let strength = Strength::of(&step.arguments);
        if !strength.holds(&verified.claims, now()) {
            return Verdict::Deny(self.answers.deny(request, &Problem::weak_login(&strength)));
        }
        if let Some(Err(reason)) = step.require.as_ref().map(|require| require.holds(&verified.claims)) {
            let message = "the token's claims do not allow this";
            let denial = self
                .answers
                .deny(request, &problem(StatusCode::FORBIDDEN, Some("insufficient_scope"), "claims", message));
            return Verdict::Deny(Denial { detail: reason, ..denial });
        }
        let data = |request: &Request| {
            Value::map([("token", verified.template_value()), ("httpRequestHeader", Value::headers(request.headers()))])
        };
        if let Err(error) = inject(&self.injections, request, data) {
            let message = "the token's claims cannot be passed on";
            let denial = self.answers.deny(request, &problem(StatusCode::FORBIDDEN, None, "template", message));
            return Verdict::Deny(Denial { detail: error, ..denial });
        }
        Verdict::Allow(Some(identity))
    }

    /// Checks a token, signature first. Signatures that were found good are remembered for as long as the keys are the same.
    pub(crate) async fn verify(
        &self,
        token: &str,
        scope: &[Arc<str>],
        services: &Services,
    ) -> Result<Arc<Verified>, TokenProblem> {
        let verified = self.signature(token, services).await?;
        verified.check_kind().map_err(TokenProblem::Invalid)?;
        check_claims(&self.rules, &verified.claims, now()).map_err(TokenProblem::Invalid)?;
        check_scope(&verified.claims, scope).map_err(TokenProblem::Scope)?;
        Ok(verified)
    }

    async fn signature(&self, token: &str, services: &Services) -> Result<Arc<Verified>, TokenProblem> {
        let Some(url) = &self.spec.jwks_uri else {
            let verified =
                Unverified::parse(token).and_then(|t| t.verify(&self.spec.valid_algorithms, &KeySet::default()));
            return verified.map(Arc::new).map_err(TokenProblem::Invalid);
        };
        verify_signature(services, &self.spec.client, url, &self.spec.valid_algorithms, token).await
    }

    fn refused(&self, request: &Request, error: &TokenProblem) -> Denial {
        let (invalid, scope) = match error {
            TokenProblem::Unavailable(error) => {
                let kind = ClientKind::of(request);
                return Denial::unavailable(kind, "no_keys", error.to_string(), request);
            }
            TokenProblem::Invalid(invalid) => (Some(invalid), None),
            TokenProblem::Scope(scope) => (None, Some(scope.clone())),
        };
        let problem = match invalid {
            Some(invalid) => Problem {
                status: StatusCode::UNAUTHORIZED,
                error: Some("invalid_token"),
                reason: "bad_token",
                message: invalid.to_string(),
                wanted: Vec::new(),
                invalid: Some(invalid),
            },
            None => Problem {
                status: StatusCode::FORBIDDEN,
                error: Some("insufficient_scope"),
                reason: "scope",
                message: "the token has not all of the scopes that are needed".to_owned(),
                wanted: scope.into_iter().map(|scope| ("scope", scope)).collect(),
                invalid: None,
            },
        };
        self.answers.deny(request, &problem)
    }
}

/// Where keys are, and how long after a look nobody looks for newer ones.
#[derive(Clone, Copy)]
struct Place<'a> {
    client: &'a HttpClient,
    url: &'a str,
    rest: Duration,
}

/// Verifies a signature by the keys at an address. Where none fits, newer keys are looked for, now and then.
pub(crate) async fn verify_signature(
    services: &Services,
    client: &HttpClient,
    url: &str,
    algorithms: &[JwtAlgorithm],
    token: &str,
) -> Result<Arc<Verified>, TokenProblem> {
    let document = services.keys.get(client, url).await.map_err(TokenProblem::Unavailable)?;
    if let Some(verified) = services.verified.get(&remembered_as(&document, algorithms, token)).await {
        services.metrics.verified("hit");
        return Ok(verified);
    }
    let place = Place { client, url, rest: NOW_AND_THEN };
    let (verified, document) = Box::pin(verify_anew(services, document, place, algorithms, token)).await?;
    services.verified.insert(remembered_as(&document, algorithms, token), verified.clone()).await;
    Ok(verified)
}

/// Verifies the signature of what the issuer itself has just given. Where no key fits there is a newer one, and nobody else can
/// have it looked for. It is looked at this once, and so is not remembered.
pub(crate) async fn verify_given(
    services: &Services,
    client: &HttpClient,
    url: &str,
    token: &str,
) -> Result<Arc<Verified>, TokenProblem> {
    let document = services.keys.get(client, url).await.map_err(TokenProblem::Unavailable)?;
    let place = Place { client, url, rest: AT_ONCE };
    Box::pin(verify_anew(services, document, place, &[], token)).await.map(|(verified, _)| verified)
}

/// By the set of keys as it was fetched: one that was fetched without verifying its host vouches for no other filter's.
fn remembered_as(document: &Document<KeySet>, algorithms: &[JwtAlgorithm], token: &str) -> [u8; 32] {
    let algorithms: Vec<u8> = algorithms.iter().map(|algorithm| *algorithm as u8).collect();
    crypto::sha256_of(&[&document.generation.to_le_bytes(), &algorithms, token.as_bytes()])
}

/// With the keys by which it was verified.
async fn verify_anew(
    services: &Services,
    mut document: Arc<Document<KeySet>>,
    Place { client, url, rest }: Place<'_>,
    algorithms: &[JwtAlgorithm],
    token: &str,
) -> Result<(Arc<Verified>, Arc<Document<KeySet>>), TokenProblem> {
    services.metrics.verified("miss");
    let unverified = Unverified::parse(token).map_err(TokenProblem::Invalid)?;
    let mut result = unverified.clone().verify(algorithms, &document.value);
    // Keys without names can only be told apart by trying: nobody has that done again who may be anybody.
    let may_be_new_key =
        |error: &Invalid| error.may_be_new_key() || rest == AT_ONCE && matches!(error, Invalid::Signature);
    if result.as_ref().is_err_and(may_be_new_key)
        && let Some(newer) = services.keys.renew(client, url, &document, rest).await
    {
        document = newer;
        result = unverified.verify(algorithms, &document.value);
    }
    Ok((Arc::new(result.map_err(TokenProblem::Invalid)?), document))
}
