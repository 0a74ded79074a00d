//! Bearer tokens that their issuer is asked about (RFC 7662).

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use nuncio_auth::jwt::{ClaimRules, check_claims, check_scope, is_other_kind};
use nuncio_auth::{Bearer, ClientKind, Denial, Identity, Request, Step, Strength, Verdict, bearer, crypto};
use nuncio_expr::template::Value;
use nuncio_ir::auth::{Audiences, FilterId, Introspection};
use serde_json::Value as Json;

use super::answers::{Answers, Problem};
use super::inject::{Injection, compile, inject};
use super::oauth2::basic_credentials;
use crate::clock::now;
use crate::engine::{Introspected, Services};
use crate::idp::{Calls, Failed};

/// An Introspection filter, compiled.
#[derive(Debug)]
pub(crate) struct IntrospectionFilter {
    id: FilterId,
    pub(super) calls: Calls,
    spec: Introspection,
    rules: ClaimRules,
    injections: Vec<Injection>,
    answers: Answers,
}

impl IntrospectionFilter {
    pub(super) fn new(id: &FilterId, spec: Introspection) -> Result<Self, String> {
        let rules = ClaimRules {
            require_audience: !spec.audiences.is_empty(),
            audiences: Audiences::Any(spec.audiences.clone()),
            ..ClaimRules::default()
        };
        Ok(Self {
            id: id.clone(),
            calls: Calls::default(),
            rules,
            injections: compile(&spec.inject_request_headers)?,
            answers: Answers::new(id, &spec.error_response)?,
            spec,
        })
    }

    pub(super) async fn check(&self, request: &mut Request, step: &Step, services: &Services) -> Verdict {
        let token = match bearer(request) {
            Bearer::Token(token) => token.to_owned(),
            Bearer::Absent => {
                return self.deny(
                    request,
                    StatusCode::UNAUTHORIZED,
                    None,
                    "no_token",
                    "the request has no bearer token",
                );
            }
            Bearer::Malformed => {
                let message = "Authorization does not hold one bearer token";
                return self.deny(request, StatusCode::UNAUTHORIZED, Some("invalid_request"), "bad_token", message);
            }
        };
        let claims = match self.introspect(&token, services).await {
            Ok(Some(claims)) => claims,
            Ok(None) => return self.inactive(request),
            Err(reason) => {
                let kind = ClientKind::of(request);
                return Verdict::Deny(Denial::unavailable(kind, "no_introspection", reason, request));
            }
        };
        // Providers call ID tokens active, too.
        if is_other_kind(&claims) || check_claims(&self.rules, &claims, now()).is_err() {
            return self.inactive(request);
        }
        let message = "the token does not allow this";
        if check_scope(&claims, &step.arguments.scope).is_err() {
            return self.deny(request, StatusCode::FORBIDDEN, Some("insufficient_scope"), "scope", message);
        }
        let strength = Strength::of(&step.arguments);
        if !strength.holds(&claims, now()) {
            return Verdict::Deny(self.answers.deny(request, &Problem::weak_login(&strength)));
        }
        if step.require.as_ref().is_some_and(|require| require.holds(&claims).is_err()) {
            return self.deny(request, StatusCode::FORBIDDEN, Some("insufficient_scope"), "claims", message);
        }
        let data = |request: &Request| {
            let token = Value::map([("Raw", Value::Text(token)), ("Claims", Value::from(&*claims))]);
            Value::map([("token", token), ("httpRequestHeader", Value::headers(request.headers()))])
        };
        if inject(&self.injections, request, data).is_err() {
            return self.deny(
                request,
                StatusCode::FORBIDDEN,
                None,
                "template",
                "the token's claims cannot be passed on",
            );
        }
        let text = |claim: &str| claims.get(claim).and_then(Json::as_str).map(str::to_owned);
        let subject = text("sub").or_else(|| text("username")).unwrap_or_default();
        let issuer = text("iss").unwrap_or_else(|| self.id.to_string());
        Verdict::Allow(Some(Identity::new(subject, issuer).with_groups_of(&claims)))
    }

    fn inactive(&self, request: &Request) -> Verdict {
        let message = "the token is not active";
        self.deny(request, StatusCode::UNAUTHORIZED, Some("invalid_token"), "bad_token", message)
    }

    fn deny(
        &self,
        request: &Request,
        status: StatusCode,
        error: Option<&'static str>,
        reason: &'static str,
        message: &str,
    ) -> Verdict {
        let problem = Problem { status, error, reason, message: message.to_owned(), wanted: Vec::new(), invalid: None };
        Verdict::Deny(self.answers.deny(request, &problem))
    }

    /// The claims of a token that is active. Asked once for all who wait, and remembered within the token's life.
    async fn introspect(&self, token: &str, services: &Services) -> Result<Option<Arc<Json>>, String> {
        let key = crypto::sha256_of(&[self.id.0.as_bytes(), self.spec.endpoint.as_bytes(), token.as_bytes()]);
        if let Some(known) = services.introspected.get(&key).await {
            return Ok(known.claims);
        }
        let ask = async {
            let answer = self.ask(token, services).await;
            let failed = |why: &String| Failed {
                field: "spec.Introspection.endpoint",
                url: self.spec.endpoint.as_ref().to_owned(),
                why: why.clone(),
                is_absent: false,
            };
            services.clients.note(&self.calls, answer.as_ref().err().map(failed));
            answer
        };
        let found = services.introspected.try_get_with(key, ask).await;
        found.map(|found| found.claims).map_err(|error| error.as_ref().clone())
    }

    async fn ask(&self, token: &str, services: &Services) -> Result<Introspected, String> {
        let body: String = form_urlencoded::Serializer::new(String::new())
            .append_pair("token", token)
            .append_pair("token_type_hint", "access_token")
            .finish();
        let login = basic_credentials(&self.spec.client_id, self.spec.client_secret.expose());
        let answer = services
            .clients
            .send(&self.spec.client, &self.spec.endpoint, |client, url| {
                client
                    .post(url)
                    .header(AUTHORIZATION, login)
                    .header(ACCEPT, "application/json")
                    .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                    .body(body)
            })
            .await
            .map_err(|error| error.to_string())?;
        match answer.status {
            StatusCode::OK => Ok(read(&answer.body, self.spec.cache, now())),
            StatusCode::BAD_REQUEST if is_unsupported(&answer.body) => Ok(Introspected::REFUSED),
            status => Err(format!("the answer's status is {status}")),
        }
    }
}

impl Introspected {
    /// Remembered for a while: who guesses tokens does not reach the issuer with each.
    const REFUSED: Self = Self { claims: None, lifetime: Duration::from_secs(5) };
}

/// Whether the provider says that it gives tokens of this sort to nobody as access tokens, such as JWTs where its own are
/// opaque.
fn is_unsupported(body: &[u8]) -> bool {
    serde_json::from_slice::<Json>(body).is_ok_and(|answer| answer["error"] == "unsupported_token_type")
}

/// Active is what says `true`, not what says "true" or nothing.
fn read(body: &[u8], cache: Duration, now: u64) -> Introspected {
    let claims: Json = serde_json::from_slice(body).unwrap_or_default();
    if claims.get("active") != Some(&Json::Bool(true)) {
        return Introspected::REFUSED;
    }
    let left =
        claims.get("exp").and_then(Json::as_u64).map_or(cache, |exp| Duration::from_secs(exp.saturating_sub(now)));
    Introspected { claims: Some(Arc::new(claims)), lifetime: cache.min(left) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Case 43.
    #[test]
    fn only_true_is_active() {
        let cache = Duration::from_secs(60);
        for body in ["{}", r#"{"active":"true"}"#, r#"{"active":1}"#, "[]", "", r#"{"active":false}"#] {
            assert_eq!(read(body.as_bytes(), cache, 0).claims, None, "{body}");
        }
        let good = read(br#"{"active":true,"exp":110}"#, cache, 100);
        assert!(good.claims.is_some() && good.lifetime == Duration::from_secs(10));
    }

    #[test]
    fn a_sort_of_tokens_that_a_provider_does_not_know_is_no_failure_of_its() {
        assert!(is_unsupported(br#"{"error":"unsupported_token_type"}"#));
        for body in ["", "[]", r#"{"error":"invalid_client"}"#] {
            assert!(!is_unsupported(body.as_bytes()), "{body}");
        }
    }
}
