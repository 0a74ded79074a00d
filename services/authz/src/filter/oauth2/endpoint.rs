//! Paths that are answered here on every protected host.

use std::sync::Arc;

use http::StatusCode;
use nuncio_auth::login::{is_state_of, is_state_over};
use nuncio_auth::{ClientKind, Denial, Reply, Request};
use nuncio_ir::auth::{ENDPOINTS_PREFIX, FilterId, OWN_ENDPOINTS_PREFIX};
use serde::de::DeserializeOwned;
use serde_json::json;

use super::begin::{START, Start};
use super::callback::{self, Failed, Returned};
use super::handoff::{HANDOFF, Handoff};
use super::logout::{self, of_logins};
use super::session::{count_login, loops};
use super::{Code, OAuth2Filter, Problem, cookies, identity};
use crate::clock::now;
use crate::config::Config;
use crate::engine::{Outcome, Services};

/// How long a browser may take to the first origin, in seconds.
const START_LIFE: u64 = 600;

/// The answer to a request for an endpoint of ours; none where the path is none of them.
pub(crate) async fn endpoint(request: &mut Request, config: &Config, services: &Arc<Services>) -> Option<Outcome> {
    let path = request.path().to_owned();
    let reply = if let Some(name) = path.strip_prefix(ENDPOINTS_PREFIX) {
        match name {
            "redirection-endpoint" => return Some(login(callback(request, config, services).await, request)),
            "multicookie" => return Some(login(multicookie(request, config, services).await, request)),
            "start" => return Some(login(start(request, config, services).await, request)),
            "logout" => logout::logout(request, config, services).await,
            "post-logout-redirect" => logout::after_logout(request, config),
            "backchannel-logout" => logout::back_channel(request, config, services).await,
            "frontchannel-logout" => logout::front_channel(request, config, services).await,
            _ => return None,
        }
    } else {
        match path.strip_prefix(OWN_ENDPOINTS_PREFIX)? {
            "userinfo" => userinfo(request, config, services).await,
            "jwks" => Reply::new(StatusCode::OK)
                .with_body("application/json", services.assertions.public_keys().to_string())
                .header("cache-control", "max-age=300"),
            _ => return None,
        }
    };
    Some(Outcome::Answer(reply))
}

fn login(result: Result<Reply, Failed>, request: &Request) -> Outcome {
    match result {
        Ok(reply) => Outcome::Answer(reply),
        Err(failed) => {
            tracing::info!("a login failed: {}: {}", failed.reason, failed.detail);
            let reply = callback::page(request, &failed);
            let is_failure = failed.status.is_server_error();
            Outcome::Deny(Denial { is_failure, ..Denial::new(failed.reason, failed.detail, reply) })
        }
    }
}

/// All filters of logins.
pub(super) fn login_filters(config: &Config) -> impl Iterator<Item = (&Arc<OAuth2Filter>, &Code)> {
    config.filters.values().filter_map(|filter| of_logins(&filter.kind))
}

/// The filter of logins with this id.
pub(super) fn login_filter<'a>(config: &'a Config, id: &str) -> Option<(&'a Arc<OAuth2Filter>, &'a Code)> {
    of_logins(&config.filters.get(&FilterId(id.into()))?.kind)
}

async fn callback(request: &Request, config: &Config, services: &Services) -> Result<Reply, Failed> {
    let returned = Returned::of(request);
    let Some(found) = callback::find(request, &returned, config, services) else {
        if let Some(reply) = go_on(request, &returned, config, services).await {
            return Ok(reply);
        }
        return begin_anew(request, &returned, config).ok_or_else(callback::unknown_state);
    };
    let (filter, code) = login_filter(config, &found.1.filter).ok_or_else(callback::unknown_state)?;
    let origin = code.origins.find(request).ok_or_else(callback::unknown_state)?;
    filter.complete(code, &origin, request, &returned, found, services).await
}

/// Sends a browser on that has a session by now: of a tab whose login made way for newer ones, or that came back twice. Where
/// it wanted to go is forgotten with its login.
async fn go_on(request: &Request, returned: &Returned, config: &Config, services: &Services) -> Option<Reply> {
    let (filter, code) = login_filters(config).find(|(filter, _)| is_state_of(&returned.state, &filter.id.0))?;
    let origin = code.origins.find(request).filter(|origin| origin.is_first && !loops(request, origin))?;
    filter.find(code, &origin, request, services).await.ok().flatten()?;
    Some(cookies::set(Reply::redirect("/"), vec![count_login(request, &origin)]))
}

/// Where a filter wants it so, sends a browser with a state that is not good any longer to where a login begins. One that
/// keeps no cookies would be sent round without end: it comes back in time, and with nothing.
fn begin_anew(request: &Request, returned: &Returned, config: &Config) -> Option<Reply> {
    let (_, code) = login_filters(config).find(|(filter, _)| is_state_of(&returned.state, &filter.id.0))?;
    let origin = code.origins.find(request).filter(|origin| origin.is_first && code.spec.state_expire_redirect)?;
    let may_succeed = is_state_over(&returned.state, now()) || cookies::has_any(request);
    (may_succeed && !loops(request, &origin))
        .then(|| cookies::set(Reply::redirect("/"), vec![count_login(request, &origin)]))
}

/// At the first origin: a browser that another one has sent.
async fn start(request: &Request, config: &Config, services: &Services) -> Result<Reply, Failed> {
    let (_, mut start): (_, Start) = sealed(request, "to", START, services)?;
    let (filter, code) = login_filter(config, &start.filter).ok_or_else(callback::unknown_state)?;
    let origin = code.origins.find(request).filter(|origin| origin.is_first).ok_or_else(callback::unknown_state)?;
    let target = start.target.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
    if now().saturating_sub(start.at) > START_LIFE || !code.origins.contains(&target) {
        return Err(callback::unknown_state());
    }
    let wants_new = !start.strength.is_any();
    if let Ok(Some(found)) = filter.find(code, &origin, request, services).await {
        let is_enough = start.scope.iter().all(|scope| found.session.asked.contains(scope));
        if !wants_new && is_enough && start.lacking.as_ref() != Some(&found.place) {
            return Ok(Reply::redirect(&filter.hand_off(&start, &found.id, services)));
        }
        start.ask_also(&found.session.asked);
    }
    filter.send_to_provider(code, &origin, request, &start, services).await.map_err(|detail| Failed {
        status: StatusCode::SERVICE_UNAVAILABLE,
        reason: "unavailable",
        message: "The login cannot begin at the moment. Please try again shortly.",
        detail,
    })
}

/// At another origin: a browser that comes back with a session.
async fn multicookie(request: &Request, config: &Config, services: &Services) -> Result<Reply, Failed> {
    let (text, handoff): (_, Handoff) = sealed(request, "handoff", HANDOFF, services)?;
    let (filter, code) = login_filter(config, &handoff.filter).ok_or_else(callback::unknown_state)?;
    let origin = code.origins.find(request).ok_or_else(callback::unknown_state)?;
    filter.take_over(code, &origin, request, &text, &handoff, services).await
}

/// What we have sealed into a parameter.
fn sealed<T: DeserializeOwned>(
    request: &Request,
    name: &str,
    purpose: &str,
    services: &Services,
) -> Result<(String, T), Failed> {
    let text = form_urlencoded::parse(request.query().as_bytes())
        .find(|(found, _)| found == name)
        .map(|(_, value)| value.into_owned());
    let opened = text.and_then(|text| {
        let json = services.sessions.keys().open_text(purpose, &text)?;
        Some((text, serde_json::from_slice(&json).ok()?))
    });
    opened.ok_or_else(callback::unknown_state)
}

/// Who am I? For pages, without a library of any kind.
async fn userinfo(request: &Request, config: &Config, services: &Services) -> Reply {
    let answer = |status, body: serde_json::Value| {
        Reply::new(status).with_body("application/json", body.to_string()).header("cache-control", "no-store")
    };
    for (filter, code) in login_filters(config) {
        let Some(origin) = code.origins.find(request) else { continue };
        match filter.find(code, &origin, request, services).await {
            Ok(Some(found)) => {
                let who = identity(&found.session);
                let claim = |name: &str| found.session.claims.get(name).cloned();
                let shown = ["name", "preferred_username", "email", "email_verified", "picture", "locale", "groups"];
                let mut body = json!({
                    "sub": who.subject, "iss": who.issuer, "realm": filter.id.0, "scope": found.session.granted,
                });
                for name in shown {
                    if let Some(value) = claim(name) {
                        body[name] = value;
                    }
                }
                return answer(StatusCode::OK, body);
            }
            Ok(None) => {}
            Err(Problem::Login | Problem::Forbidden(..)) => {}
            Err(Problem::Unavailable(_)) => {
                return Reply::message(
                    ClientKind::Api,
                    StatusCode::SERVICE_UNAVAILABLE,
                    "please try again shortly",
                    request,
                );
            }
        }
    }
    answer(StatusCode::UNAUTHORIZED, json!({ "status_code": 401, "message": "nobody is logged in" }))
        .challenge("Bearer realm=\"nuncio\"")
}
