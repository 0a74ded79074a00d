//! New access tokens for sessions: once for each, however many requests and replicas find the old one expired.

use std::sync::Arc;
use std::time::Duration;

use nuncio_auth::jwt::Verified;
use nuncio_auth::login::{IdTokenRules, Provider, Session, TokenResponse, check_id_token};
use tracing::{Instrument, debug_span};

use super::provider::TokenError;
use super::{OAuth2Filter, Problem};
use crate::clock::now;
use crate::engine::Services;
use crate::filter::jwt::verify_given;
use crate::idp::Document;

/// How long to wait for another replica, and how often to look.
const PATIENCE: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// The one refusal that says that there is nothing left to refresh (RFC 6749, section 5.2). Others say that we are not
/// set up as the provider wants us.
const NOTHING_LEFT: &str = "invalid_grant";

/// What came of a refresh, for all who wait for it.
#[derive(Clone, Debug)]
pub(crate) enum Refreshed {
    /// The session with its new token; or with the old one, where that is still good.
    Session(Arc<Session>),
    /// It has ended.
    Ended,
}

impl OAuth2Filter {
    /// The session with a token that is good.
    pub(super) async fn refresh(
        self: &Arc<Self>,
        provider: &Arc<Document<Provider>>,
        place: &str,
        session: Arc<Session>,
        services: &Arc<Services>,
    ) -> Result<Arc<Session>, Problem> {
        if session.refresh_token.is_none() {
            return if session.is_stale(0, now()) { Err(Problem::Login) } else { Ok(session) };
        }
        let key = format!("{place} {}", session.revision);
        let is_good = !session.is_stale(0, now());
        if let Some(reason) = services.failing.get(&key).await {
            return if is_good { Ok(session) } else { Err(Problem::Unavailable(reason)) };
        }
        let work = self.clone().refresh_apart(provider.clone(), place.to_owned(), session.clone(), services.clone());
        let refreshed = Box::pin(services.refreshing.try_get_with(key.clone(), work));
        match refreshed.await {
            Ok(Refreshed::Session(session)) => Ok(session),
            Ok(Refreshed::Ended) => Err(Problem::Login),
            Err(reason) => {
                services.failing.insert(key, reason.as_ref().clone()).await;
                // The provider is down. Until the token has really expired, nobody needs to know.
                if is_good { Ok(session) } else { Err(Problem::Unavailable(reason.as_ref().clone())) }
            }
        }
    }

    /// In a task of its own: what the provider answers must not go with a client that goes before it. Its span is below that of
    /// the decision which found the token expired first.
    async fn refresh_apart(
        self: Arc<Self>,
        provider: Arc<Document<Provider>>,
        place: String,
        session: Arc<Session>,
        services: Arc<Services>,
    ) -> Result<Refreshed, String> {
        let span = debug_span!("refresh", filter = %self.id);
        let work = async move { self.refresh_once(&provider.value, &place, &session, &services).await };
        tokio::spawn(work.instrument(span)).await.unwrap_or_else(|error| Err(error.to_string()))
    }

    async fn refresh_once(
        &self,
        provider: &Provider,
        place: &str,
        session: &Session,
        services: &Services,
    ) -> Result<Refreshed, String> {
        let sessions = &services.sessions;
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            if let Some(newer) = self.newer(place, session, services).await? {
                return Ok(newer);
            }
            if let Some(lock) = sessions.lock(place).await.map_err(|error| error.to_string())? {
                // Another may have been faster between the look and the lock.
                let result = match self.newer(place, session, services).await {
                    Ok(Some(newer)) => Ok(newer),
                    Ok(None) => self.exchange(provider, place, session, services).await,
                    Err(error) => Err(error),
                };
                if let Err(error) = sessions.unlock(place, &lock).await {
                    tracing::warn!("a lock ends by itself: {error}");
                }
                return result;
            }
            if tokio::time::Instant::now() > deadline {
                return Err("another replica refreshes the session and does not come to an end".to_owned());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// What another replica has made of the session.
    async fn newer(&self, place: &str, session: &Session, services: &Services) -> Result<Option<Refreshed>, String> {
        match services.sessions.read(place).await.map_err(|error| error.to_string())? {
            None => Ok(Some(Refreshed::Ended)),
            Some(stored) if stored.revision > session.revision => Ok(Some(Refreshed::Session(stored))),
            Some(_) => Ok(None),
        }
    }

    async fn exchange(
        &self,
        provider: &Provider,
        place: &str,
        session: &Session,
        services: &Services,
    ) -> Result<Refreshed, String> {
        let token = session.refresh_token.as_deref().unwrap_or_default();
        let parameters = [("grant_type", "refresh_token"), ("refresh_token", token)];
        let client = self.client().bound_to(session.proof_key.as_deref());
        let tokens = match self.tokens(services, provider, client, &parameters).await {
            Ok(tokens) => tokens,
            Err(TokenError::Refused(error)) if error == NOTHING_LEFT => {
                services.metrics.refreshed("refused");
                return self.nothing_left(place, session, services).await;
            }
            Err(TokenError::Refused(reason) | TokenError::Unavailable(reason)) => {
                services.metrics.refreshed("unavailable");
                return Err(reason);
            }
        };
        services.metrics.refreshed("done");
        let Some(next) = self.renewed(provider, session, tokens, services).await else {
            return self.end(place, "its refresh is of another user", services).await;
        };
        if keep(place, &next, services).await? {
            return Ok(Refreshed::Session(Arc::new(next)));
        }
        // It ended, or was refreshed, in between.
        Ok(self.newer(place, session, services).await?.unwrap_or(Refreshed::Ended))
    }

    /// The refresh token is not good: perhaps since somebody has used it already, whose result is what counts.
    async fn nothing_left(&self, place: &str, session: &Session, services: &Services) -> Result<Refreshed, String> {
        match self.newer(place, session, services).await? {
            Some(newer) => Ok(newer),
            None => self.end(place, "its refresh is refused", services).await,
        }
    }

    async fn end(&self, place: &str, reason: &str, services: &Services) -> Result<Refreshed, String> {
        tracing::info!("{}: a session has ended, since {reason}", self.id);
        services.sessions.end(place).await.map_err(|error| error.to_string())?;
        Ok(Refreshed::Ended)
    }

    /// The session with what the provider gave for its refresh token; none where that is another user's.
    async fn renewed(
        &self,
        provider: &Provider,
        session: &Session,
        tokens: TokenResponse,
        services: &Services,
    ) -> Option<Session> {
        let mut next = session.clone();
        next.revision += 1;
        next.expires_at = tokens.expires_at(now());
        next.granted = tokens.granted(&session.granted);
        if let Some(id_token) = tokens.id_token {
            match self.verified(provider, session, &id_token, services).await {
                Ok(verified) if verified.text("sub") != session.text("sub") => return None,
                Ok(verified) => {
                    next.renew_claims(&verified.claims);
                    next.id_token = Some(id_token);
                }
                // The tokens are good all the same, and there are no others: what was known of the user stays.
                Err(reason) => tracing::warn!("{}: an ID token of a refresh is passed over: {reason}", self.id),
            }
        }
        next.access_token = tokens.access_token;
        // Providers that do not rotate send none.
        next.refresh_token = tokens.refresh_token.or(next.refresh_token);
        Some(next)
    }

    /// An ID token that came with a refresh (OpenID Connect Core, 12.2).
    async fn verified(
        &self,
        provider: &Provider,
        session: &Session,
        id_token: &str,
        services: &Services,
    ) -> Result<Arc<Verified>, String> {
        let verified = verify_given(services, &self.spec.client, &provider.jwks_uri, id_token)
            .await
            .map_err(|_| "its signature is not good".to_owned())?;
        let rules =
            IdTokenRules { issuer: &provider.issuer, client_id: &session.client_id, nonce: None, access_token: None };
        check_id_token(&rules, &verified, now())?;
        Ok(verified)
    }
}

/// Writes what the provider gives only once: a store that is away for a moment must not cost the session.
async fn keep(place: &str, session: &Session, services: &Services) -> Result<bool, String> {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        match services.sessions.write(place, session, now()).await {
            Ok(written) => return Ok(written),
            Err(error) if tokio::time::Instant::now() > deadline => return Err(error.to_string()),
            Err(_) => tokio::time::sleep(LOOK_EVERY).await,
        }
    }
}
