//! Requests of who is logged in.

use http::header::{HeaderValue, SET_COOKIE};
use nuncio_auth::cookie::{self, Cookie, prefixed};
use nuncio_auth::login::{Origin, Session};
use nuncio_auth::{Identity, Request, Step, Strength};
use nuncio_ir::auth::SameSite;
use std::sync::Arc;

use super::validate::Offered;
use super::{Code, OAuth2Filter, Problem, cookies, identity};
use crate::clock::now;
use crate::config::Config;
use crate::engine::Services;
use crate::session::Sessions;

/// Counts logins, so that a browser that keeps no session is not sent round and round.
pub(super) const LOOP_COOKIE: &str = "nuncio_logins";
/// So many logins, in so many seconds, are a loop.
const LOOP: (u32, u64) = (8, 60);
/// How long after a login it is not asked for anew although it is not as strong as it should be, in seconds.
const JUST_NOW: u64 = 30;

/// A session with what a browser calls it.
pub(super) struct Found {
    pub(super) id: String,
    pub(super) place: String,
    pub(super) session: Arc<Session>,
}

impl OAuth2Filter {
    /// Lets a request of a session through.
    pub(super) async fn check_session(
        self: &Arc<Self>,
        code: &Code,
        origin: &Origin,
        request: &mut Request,
        step: &Step,
        config: &Config,
        services: &Arc<Services>,
    ) -> Result<Identity, Problem> {
        let found = self.find(code, origin, request, services).await?.ok_or(Problem::Login)?;
        let mut session = found.session.clone();
        request.identity = Some(identity(&session));
        let provider = self.provider(services).await?;
        if session.is_stale(self.spec.expiration_safety_margin.as_secs(), now()) {
            session = Box::pin(self.refresh(&provider, &found.place, session, services)).await?;
        }
        self.check_scope(&session, step)?;
        self.check_strength(&session, step)?;
        let mut token = self.validate(&provider.value, Offered::of(&session), step, config, services).await;
        if matches!(token, Err(Problem::Login)) && may_replace(&found, &session, services) {
            session = Box::pin(self.refresh(&provider, &found.place, session, services)).await?;
            token = self.validate(&provider.value, Offered::of(&session), step, config, services).await;
        }
        let token = token?;
        if let Some(Err(reason)) = step.require.as_ref().map(|require| require.holds(&session.claims)) {
            return Err(Problem::Forbidden("claims", reason));
        }
        self.pass_on(request, &session.access_token, token.as_deref(), Some(&session))?;
        self.live_on(origin, request, &found, &session, services).await;
        Ok(identity(&session))
    }

    /// The first of the sessions that the browser offers which is one.
    pub(super) async fn find(
        &self,
        code: &Code,
        origin: &Origin,
        request: &Request,
        services: &Services,
    ) -> Result<Option<Found>, Problem> {
        for id in cookies::offered(request, &self.id.0, origin) {
            let place = Sessions::place(&id);
            let Some(session) = services.sessions.get(&place).await? else { continue };
            if self.is_ours(code, &session) && !session.is_over(now()) {
                return Ok(Some(Found { id, place, session }));
            }
        }
        Ok(None)
    }

    /// Whether a session is of this filter as it is now: its tokens are of this provider, and for this client.
    pub(super) fn is_ours(&self, code: &Code, session: &Session) -> bool {
        let issuer = session.text("iss").unwrap_or_default();
        session.filter == *self.id.0
            && session.client_id == *code.spec.client_id
            && issuer.trim_end_matches('/') == self.spec.issuer.trim_end_matches('/')
    }

    /// Ends the session that a browser has, since it gets another one. That it has none is as good.
    pub(super) async fn end_offered(&self, request: &Request, origin: &Origin, services: &Services) {
        for id in cookies::offered(request, &self.id.0, origin) {
            if let Err(error) = services.sessions.end(&Sessions::place(&id)).await {
                tracing::warn!("a session that was replaced lives on until it is forgotten: {error}");
            }
        }
    }

    /// A scope that was never asked for is asked for; one that was and is not granted is not there to be had.
    fn check_scope(&self, session: &Session, step: &Step) -> Result<(), Problem> {
        let wanted = self.scope(step);
        let has = |list: &[String], scope: &String| list.contains(scope);
        if !wanted.iter().all(|scope| has(&session.asked, scope)) {
            return Err(Problem::Login);
        }
        let counts = |scope: &&String| !matches!(scope.as_str(), "openid" | "offline_access");
        match wanted.iter().filter(counts).find(|scope| !has(&session.granted, scope)) {
            Some(scope) => Err(Problem::Forbidden("scope", format!("{scope} was not granted"))),
            None => Ok(()),
        }
    }

    /// Whether the login was as a rule wants it (RFC 9470). One that was not, though it was asked to be only just now,
    /// cannot be.
    fn check_strength(&self, session: &Session, step: &Step) -> Result<(), Problem> {
        let wanted = Strength::of(&step.arguments);
        if wanted.holds(&session.claims, now()) {
            return Ok(());
        }
        if session.strength == wanted && now().saturating_sub(session.begun) < JUST_NOW {
            let claim = |name: &str| session.claims.get(name).cloned().unwrap_or_default();
            return Err(Problem::Forbidden(
                "weak_login",
                format!("acr {}, auth_time {}", claim("acr"), claim("auth_time")),
            ));
        }
        Err(Problem::Login)
    }

    /// Has a session that is used live on. Not with each request: when a twentieth of its life is over.
    async fn live_on(
        &self,
        origin: &Origin,
        request: &mut Request,
        found: &Found,
        session: &Session,
        services: &Services,
    ) {
        let every = (session.idle / 20).clamp(1, 3_600);
        if !services.touched(&found.place, every) {
            return;
        }
        if let Err(error) = services.sessions.touch(&found.place, session, now()).await {
            // It lives on for a while in any case, and is told so again.
            tracing::warn!("a session that is used is not prolonged: {error}");
        }
        if session.is_persistent {
            for value in cookies::session(&self.id.0, origin, &found.id, session, now()) {
                request.add_response_header(SET_COOKIE, value);
            }
        }
    }
}

/// Whether an access token that is refused before its time is to be replaced. Not with each request: a provider may refuse
/// all of its own.
fn may_replace(found: &Found, session: &Session, services: &Services) -> bool {
    session.refresh_token.is_some()
        && session.revision == found.session.revision
        && services.touched(&format!("refused {}", found.place), JUST_NOW)
}

/// Whether a browser has logged in again and again.
pub(super) fn loops(request: &Request, origin: &Origin) -> bool {
    let (count, since) = counted(request, origin);
    count >= LOOP.0 && now().saturating_sub(since) < LOOP.1
}

/// The cookie that counts one more login.
pub(super) fn count_login(request: &Request, origin: &Origin) -> HeaderValue {
    let (count, since) = counted(request, origin);
    let goes_on = now().saturating_sub(since) < LOOP.1;
    let (count, since) = if goes_on { (count.saturating_add(1), since) } else { (1, now()) };
    let value = format!("{count}.{since}");
    let cookie = Cookie {
        name: LOOP_COOKIE,
        value: &value,
        max_age: Some(LOOP.1),
        secure: origin.is_secure(),
        http_only: true,
        domain: None,
        same_site: SameSite::Lax,
    };
    HeaderValue::try_from(cookie.to_header()).unwrap_or(HeaderValue::from_static(""))
}

/// How many, since when. Who writes the cookie himself can lock nobody out but himself: by HTTPS another host cannot write
/// it, and none says that it begins later.
fn counted(request: &Request, origin: &Origin) -> (u32, u64) {
    let name = prefixed(LOOP_COOKIE, origin.is_secure(), None);
    let mut values = cookie::values(request.headers(), &name);
    let count = values.next().and_then(|value| {
        let (count, since) = value.split_once('.')?;
        Some((count.parse().ok()?, since.parse().ok()?))
    });
    count.filter(|(_, since)| *since <= now()).unwrap_or((0, 0))
}
