//! New access tokens for sessions: once for each, however many requests and replicas find the old one expired.

use std::sync::Arc;
use std::time::Duration;

use nuncio_auth::login::{IdTokenRules, Provider, Session, check_id_token};

use super::provider::TokenError;
use super::{OAuth2Filter, Problem};
use crate::clock::now;
use crate::engine::Services;
use crate::filter::jwt::verify_signature;

/// How long to wait for another replica, and how often to look.
const PATIENCE: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(50);

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
        &self,
        provider: &Provider,
        place: &str,
        session: Arc<Session>,
        services: &Services,
    ) -> Result<Arc<Session>, Problem> {
        if session.refresh_token.is_none() {
            return if session.is_stale(0, now()) { Err(Problem::Login) } else { Ok(session) };
        }
        let key = format!("{place} {}", session.revision);
        let is_good = !session.is_stale(0, now());
        if let Some(reason) = services.failing.get(&key).await {
            return if is_good { Ok(session) } else { Err(Problem::Unavailable(reason)) };
        }
        let work = Box::pin(self.refresh_once(provider, place, &session, services));
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
        let tokens = match self.tokens(services, provider, self.client(), &parameters).await {
            Ok(tokens) => tokens,
            Err(TokenError::Unavailable(reason)) => {
                services.metrics.refreshed("unavailable");
                return Err(reason);
            }
            Err(TokenError::Refused(reason)) => {
                services.metrics.refreshed("refused");
                // Perhaps since somebody has used it already, whose result is what counts.
                if let Some(newer) = self.newer(place, session, services).await? {
                    return Ok(newer);
                }
                tracing::info!("{}: a session has ended, since its refresh is refused: {reason}", self.id);
                services.sessions.end(place).await.map_err(|error| error.to_string())?;
                return Ok(Refreshed::Ended);
            }
        };
        services.metrics.refreshed("done");
        let now = now();
        let mut next = session.clone();
        next.revision += 1;
        next.expires_at = tokens.expires_at(now);
        next.granted = tokens.granted(&session.granted);
        if let Some(id_token) = &tokens.id_token {
            match self.refreshed_claims(provider, session, id_token, services).await {
                Ok(claims) => {
                    next.claims = claims;
                    next.id_token = Some(id_token.clone());
                }
                Err(reason) => return Err(format!("the new ID token: {reason}")),
            }
        }
        next.access_token = tokens.access_token;
        // Providers that do not rotate send none.
        next.refresh_token = tokens.refresh_token.or(next.refresh_token);
        let written = services.sessions.write(place, &next, now).await.map_err(|error| error.to_string())?;
        if !written {
            // It ended, or was refreshed, in between.
            return Ok(self.newer(place, session, services).await?.unwrap_or(Refreshed::Ended));
        }
        Ok(Refreshed::Session(Arc::new(next)))
    }

    /// The claims of an ID token that came with a refresh: it must say of the same user (OpenID Connect Core, 12.2).
    async fn refreshed_claims(
        &self,
        provider: &Provider,
        session: &Session,
        id_token: &str,
        services: &Services,
    ) -> Result<serde_json::Value, String> {
        let verified = verify_signature(services, &self.spec.client, &provider.jwks_uri, &[], id_token)
            .await
            .map_err(|_| "its signature is not good".to_owned())?;
        let rules =
            IdTokenRules { issuer: &provider.issuer, client_id: &session.client_id, nonce: None, access_token: None };
        check_id_token(&rules, &verified, now())?;
        if verified.text("sub") != session.text("sub") {
            return Err("it is of another user".to_owned());
        }
        Ok(verified.claims.clone())
    }
}
