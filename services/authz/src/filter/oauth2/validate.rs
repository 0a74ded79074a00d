//! Whether an access token is good.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use http::header::{ACCEPT, AUTHORIZATION};
use nuncio_auth::jwt::{Verified, check_claims, has_scopes};
use nuncio_auth::login::{Provider, Session, access_token_rules, is_id_token};
use nuncio_auth::{Step, crypto};
use nuncio_ir::auth::{AccessTokenValidation, Grant, InheritedJwtFilter, JwtAlgorithm};

use super::proof::{Proven, proof, wanted_nonce};
use super::{OAuth2Filter, Problem};
use crate::clock::now;
use crate::config::Config;
use crate::engine::{Introspected, Services};
use crate::filter::Kind;
use crate::filter::jwt::{TokenProblem, verify_signature};
use crate::idp::Answer;

/// How long `UserInfo`'s word is good, and its refusal. While it cannot be asked, its last good word is relied on for longer
/// (`Services::vouched`).
const ASKED: Duration = Duration::from_secs(30);
const REFUSED: Duration = Duration::from_secs(5);

/// Those that the original accepts, and their like.
const ALGORITHMS: [JwtAlgorithm; 10] = [
    JwtAlgorithm::RS256,
    JwtAlgorithm::RS384,
    JwtAlgorithm::RS512,
    JwtAlgorithm::PS256,
    JwtAlgorithm::PS384,
    JwtAlgorithm::PS512,
    JwtAlgorithm::ES256,
    JwtAlgorithm::ES384,
    JwtAlgorithm::ES512,
    JwtAlgorithm::EdDSA,
];

/// An access token that is to be checked.
#[derive(Clone, Copy)]
pub(super) struct Offered<'a> {
    pub(super) token: &'a str,
    /// What it is bound to, where it is.
    pub(super) proof_key: Option<&'a str>,
}

impl<'a> Offered<'a> {
    pub(super) fn of(session: &'a Session) -> Self {
        Self { token: &session.access_token, proof_key: session.proof_key.as_deref() }
    }
}

impl OAuth2Filter {
    /// Checks an access token as configured; its claims, where it has some that are verified.
    pub(super) async fn validate(
        &self,
        provider: &Provider,
        offered: Offered<'_>,
        step: &Step,
        config: &Config,
        services: &Services,
    ) -> Result<Option<Arc<Verified>>, Problem> {
        let token = offered.token;
        if let Some(inherited) = &self.spec.access_token_jwt_filter {
            return self.by_filter(inherited, token, step, config, services).await.map(Some);
        }
        let is_machine = matches!(self.spec.grant, Grant::ClientCredentials);
        match self.spec.access_token_validation {
            AccessTokenValidation::UserInfo => self.by_asking(provider, offered, services).await.map(|()| None),
            AccessTokenValidation::Jwt => self.as_jwt(provider, token, step, services).await.map(Some),
            AccessTokenValidation::Auto if is_machine => self.as_jwt(provider, token, step, services).await.map(Some),
            AccessTokenValidation::Auto => {
                let looks_like_one = token.split('.').count() == 3;
                let verified = match looks_like_one {
                    true => {
                        verify_signature(services, &self.spec.client, &provider.jwks_uri, &ALGORITHMS, token).await.ok()
                    }
                    false => None,
                };
                match verified {
                    Some(verified) => self.check_token(provider, verified, step).map(Some),
                    None => self.by_asking(provider, offered, services).await.map(|()| None),
                }
            }
        }
    }

    async fn by_filter(
        &self,
        inherited: &InheritedJwtFilter,
        token: &str,
        step: &Step,
        config: &Config,
        services: &Services,
    ) -> Result<Arc<Verified>, Problem> {
        let Some(Kind::Jwt(filter)) = config.filters.get(&inherited.filter).map(|filter| &filter.kind) else {
            return Err(Problem::Unavailable(format!("{} is no JWT filter", inherited.filter)));
        };
        let mut scope = inherited.scope.clone();
        if inherited.inherit_scope_argument {
            scope.extend(step.arguments.scope.iter().map(|wanted| match wanted.rsplit_once('/') {
                Some((_, last)) if inherited.strip_inherited_scope => last.into(),
                _ => wanted.clone(),
            }));
        }
        filter.verify(token, &scope, services).await.map_err(refused)
    }

    async fn as_jwt(
        &self,
        provider: &Provider,
        token: &str,
        step: &Step,
        services: &Services,
    ) -> Result<Arc<Verified>, Problem> {
        let verified = verify_signature(services, &self.spec.client, &provider.jwks_uri, &ALGORITHMS, token).await;
        self.check_token(provider, verified.map_err(refused)?, step)
    }

    /// What is there of `exp`, `nbf`, `iat`, `iss` and `scope` must be right.
    fn check_token(&self, provider: &Provider, token: Arc<Verified>, step: &Step) -> Result<Arc<Verified>, Problem> {
        if is_id_token(&token) {
            return Err(Problem::Forbidden("bad_token", "it is an ID token".to_owned()));
        }
        check_claims(&access_token_rules(&provider.issuer), &token.claims, now())
            .map_err(|error| refused(TokenProblem::Invalid(error)))?;
        let wanted: Vec<_> =
            step.arguments.scope.iter().filter(|scope| !matches!(&***scope, "openid" | "offline_access")).collect();
        let has_scope = token.claims.get("scope").is_none() || has_scopes(&token.claims, &wanted);
        if !has_scope {
            return Err(Problem::Forbidden("scope", "the access token has not all scopes".to_owned()));
        }
        Ok(token)
    }

    /// Asks the provider whose the token is. One without `UserInfo` has given it to us directly: that has to do.
    async fn by_asking(&self, provider: &Provider, offered: Offered<'_>, services: &Services) -> Result<(), Problem> {
        let Some(endpoint) = &provider.userinfo_endpoint else { return Ok(()) };
        let key = crypto::sha256_of(&[b"userinfo", endpoint.as_bytes(), offered.token.as_bytes()]);
        if let Some(Introspected { claims: Some(_), .. }) = services.introspected.get(&key).await {
            return Ok(());
        }
        Box::pin(self.by_asking_anew(key, endpoint, offered, services)).await
    }

    async fn by_asking_anew(
        &self,
        key: [u8; 32],
        endpoint: &str,
        offered: Offered<'_>,
        services: &Services,
    ) -> Result<(), Problem> {
        let is_away = format!("userinfo {endpoint}");
        let asked = match services.failing.get(&is_away).await {
            // Whoever it has vouched for does not wait while it is away.
            Some(reason) if services.vouched.contains_key(&key) => Err(Arc::new(reason)),
            _ => {
                services.introspected.try_get_with(key, self.ask_anew(key, is_away, endpoint, offered, services)).await
            }
        };
        match asked {
            Ok(Introspected { claims: Some(_), .. }) => Ok(()),
            Ok(Introspected { claims: None, .. }) => Err(Problem::Login),
            Err(_) if services.vouched.contains_key(&key) => Ok(()),
            Err(reason) => Err(Problem::Unavailable(reason.as_ref().clone())),
        }
    }

    /// Asks, and notes what that means while it cannot be asked again.
    async fn ask_anew(
        &self,
        key: [u8; 32],
        is_away: String,
        endpoint: &str,
        offered: Offered<'_>,
        services: &Services,
    ) -> Result<Introspected, String> {
        let answer = self.ask(endpoint, offered, services).await;
        match &answer {
            Ok(Introspected { claims: Some(_), .. }) => services.vouched.insert(key, ()).await,
            Ok(Introspected { claims: None, .. }) => services.vouched.invalidate(&key).await,
            Err(reason) => services.failing.insert(is_away, reason.clone()).await,
        }
        answer
    }

    async fn ask(&self, endpoint: &str, offered: Offered<'_>, services: &Services) -> Result<Introspected, String> {
        let mut answer = self.ask_once(endpoint, offered, None, services).await?;
        if offered.proof_key.is_some()
            && answer.status == StatusCode::UNAUTHORIZED
            && let Some(nonce) = wanted_nonce(&answer)
        {
            answer = self.ask_once(endpoint, offered, Some(&nonce), services).await?;
        }
        match answer.status {
            StatusCode::OK => {
                let claims = serde_json::from_slice(&answer.body).unwrap_or_default();
                Ok(Introspected { claims: Some(Arc::new(claims)), lifetime: ASKED })
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Ok(Introspected { claims: None, lifetime: REFUSED }),
            other => Err(format!("UserInfo answers {other}")),
        }
    }

    async fn ask_once(
        &self,
        endpoint: &str,
        Offered { token, proof_key }: Offered<'_>,
        nonce: Option<&str>,
        services: &Services,
    ) -> Result<Answer, String> {
        let proven = Proven { method: "GET", endpoint, token: Some(token), nonce };
        let proof = proof_key.map(|key| proof(key, proven)).transpose()?;
        let scheme = if proof.is_some() { "DPoP" } else { "Bearer" };
        let sent = services.clients.send(&self.spec.client, endpoint, |client, url| {
            let asked =
                client.get(url).header(AUTHORIZATION, format!("{scheme} {token}")).header(ACCEPT, "application/json");
            match proof {
                Some(proof) => asked.header("dpop", proof),
                None => asked,
            }
        });
        sent.await.map_err(|error| error.to_string())
    }
}

fn refused(problem: TokenProblem) -> Problem {
    match problem {
        TokenProblem::Unavailable(error) => Problem::Unavailable(error.to_string()),
        // An expired one is what a login mends; another would not be good either.
        TokenProblem::Invalid(nuncio_auth::jwt::Invalid::Expired) => Problem::Login,
        TokenProblem::Invalid(error) => Problem::Forbidden("bad_token", error.to_string()),
        TokenProblem::Scope(scope) => Problem::Forbidden("scope", format!("the access token needs {scope}")),
    }
}
