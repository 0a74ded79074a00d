//! The cookies of a login.

use http::header::{HeaderValue, SET_COOKIE};
use nuncio_auth::cookie::{self, Cookie, prefixed};
use nuncio_auth::login::{Origin, Session, session_cookie, xsrf_cookie};
use nuncio_auth::{Reply, Request};
use nuncio_ir::auth::{LOGIN_COOKIES, SameSite};

use super::session::LOOP_COOKIE;

/// How many sessions that a browser offers are looked at.
const MOST: usize = 3;

/// The cookies with which a browser has a session.
pub(super) fn session(filter: &str, origin: &Origin, id: &str, session: &Session, now: u64) -> Vec<HeaderValue> {
    let max_age = session.is_persistent.then(|| session.lifetime(now));
    let named = |name: &str, value: &str, secure: bool, http_only: bool| {
        Cookie {
            name,
            value,
            max_age,
            secure,
            http_only,
            domain: origin.domain.as_deref(),
            same_site: session.same_site,
        }
        .to_header()
    };
    // Pages look for the second by the original's name: it has no prefix. Those of the same host by HTTP, too.
    let secure = origin.is_secure();
    let is_shared = origin.has_clear_twin && session.same_site != SameSite::None;
    let xsrf = named(&xsrf_cookie(filter), &session.xsrf, secure && !is_shared, false);
    let xsrf = xsrf.trim_start_matches("__Host-").trim_start_matches("__Secure-").to_owned();
    values([named(&session_cookie(filter), id, secure, true), xsrf])
}

/// The cookies without which a browser has none.
pub(super) fn no_session(filter: &str, origin: &Origin) -> Vec<HeaderValue> {
    let (secure, domain) = (origin.is_secure(), origin.domain.as_deref());
    let names = [prefixed(&session_cookie(filter), secure, domain), xsrf_cookie(filter)];
    values(names.map(|name| gone(&name, secure, domain)))
}

/// A cookie of a login that was begun.
pub(super) fn pending(name: &str, value: &str, origin: &Origin, same_site: SameSite) -> Vec<HeaderValue> {
    // The provider's page sends the browser back from another site: `Strict` would lose it.
    let same_site = if same_site == SameSite::None { SameSite::None } else { SameSite::Lax };
    let secure = origin.is_secure();
    values([Cookie { name, value, max_age: Some(600), secure, http_only: true, domain: None, same_site }.to_header()])
}

/// Takes cookies away by their whole names.
pub(super) fn remove(names: &[String], origin: &Origin) -> Vec<HeaderValue> {
    values(names.iter().map(|name| gone(name, origin.is_secure(), None)))
}

fn gone(name: &str, secure: bool, domain: Option<&str>) -> String {
    let domain = domain.map(|domain| format!("; Domain={domain}")).unwrap_or_default();
    format!("{name}=; Path=/; Max-Age=0{domain}{}; HttpOnly", if secure { "; Secure" } else { "" })
}

fn values(lines: impl IntoIterator<Item = String>) -> Vec<HeaderValue> {
    lines.into_iter().filter_map(|line| HeaderValue::try_from(line).ok()).collect()
}

/// Adds cookies to an answer.
pub(super) fn set(mut reply: Reply, cookies: Vec<HeaderValue>) -> Reply {
    reply.headers.extend(cookies.into_iter().map(|cookie| (SET_COOKIE, cookie)));
    reply
}

/// The sessions that a browser offers for a filter. By HTTPS only under the name that no clear text can have set.
pub(super) fn offered(request: &Request, filter: &str, origin: &Origin) -> Vec<String> {
    let name = prefixed(&session_cookie(filter), origin.is_secure(), origin.domain.as_deref());
    let good = |id: &&str| {
        id.len() == 43 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    cookie::values(request.headers(), &name).filter(good).take(MOST).map(str::to_owned).collect()
}

/// Upstreams see no session, no login and no pass to a preview: who has one of them could use it as long as it lives.
pub(crate) fn hide(request: &mut Request) {
    cookie::hide(request, is_credential);
}

/// The same for a while, for who is asked about the request.
pub(crate) fn take(request: &mut Request) -> cookie::Taken {
    cookie::take(request, is_credential)
}

/// Gives them to the filters that follow. Whatever was said under their names meanwhile is nobody's to say.
pub(crate) fn put_back(request: &mut Request, taken: cookie::Taken) {
    hide(request);
    cookie::put_back(request, taken);
}

/// Whether a browser keeps any cookie of ours.
pub(super) fn has_any(request: &Request) -> bool {
    cookie::all(request.headers()).any(|(name, _)| is_credential(name) || name.ends_with(LOOP_COOKIE))
}

fn is_credential(name: &str) -> bool {
    let bare = name.trim_start_matches("__Host-").trim_start_matches("__Secure-");
    LOGIN_COOKIES.iter().any(|login| bare.starts_with(login))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(secure: bool) -> Origin {
        let scheme = if secure { "https" } else { "http" };
        Origin { origin: format!("{scheme}://a"), is_first: true, domain: None, has_clear_twin: false }
    }

    #[test]
    fn upstreams_see_other_cookies_alone() {
        let mut request = Request::new("GET", "https", "a", "/");
        let line = "a=1; __Host-ambassador_session.f.default=x; ambassador_xsrf.f.default=y; __Host-nuncio_login.01=z; \
             __Host-nuncio_share.pr-42=z; b=2";
        request.add_header("cookie", line.as_bytes());
        hide(&mut request);
        assert_eq!(request.header("cookie"), Some("a=1; ambassador_xsrf.f.default=y; b=2"));
        let mut request = Request::new("GET", "https", "a", "/");
        request.add_header("cookie", b"ambassador_session.f.default=x");
        hide(&mut request);
        assert_eq!(request.header("cookie"), None);
    }

    /// Browsers keep `Secure` cookies from clear text, which then could not log out.
    #[test]
    fn pages_by_both_schemes_read_the_text_for_the_logout() {
        let session = serde_json::from_value(serde_json::json!({
            "filter": "f", "client_id": "edge", "revision": 1, "access_token": "a", "asked": [], "granted": [],
            "begun": 0, "idle": 3600, "claims": {}, "xsrf": "x",
        }))
        .unwrap();
        for has_clear_twin in [false, true] {
            let origin = Origin { has_clear_twin, ..origin(true) };
            let cookies = super::session("f", &origin, "id", &session, 0);
            let secure: Vec<_> = cookies.iter().map(|cookie| cookie.to_str().unwrap().contains("Secure")).collect();
            assert_eq!(secure, [true, !has_clear_twin]);
        }
    }

    /// Case 28: a name that clear text can set is none by HTTPS.
    #[test]
    fn sessions_are_offered_under_their_name() {
        let id = nuncio_auth::crypto::random_text();
        let with = |name: &str, value: &str, secure: bool| {
            let mut request = Request::new("GET", "https", "a", "/");
            request.add_header("cookie", format!("{name}={value}").as_bytes());
            offered(&request, "f.default", &origin(secure)).len()
        };
        assert_eq!(with("__Host-ambassador_session.f.default", &id, true), 1);
        assert_eq!(with("ambassador_session.f.default", &id, true), 0);
        assert_eq!(with("ambassador_session.f.default", &id, false), 1);
        assert_eq!(with("__Host-ambassador_session.g.default", &id, true), 0);
        assert_eq!(with("__Host-ambassador_session.f.default", "short", true), 0);
    }

    /// Case 30: each of them would be looked for in the store.
    #[test]
    fn few_of_many_sessions_are_looked_at() {
        let mut request = Request::new("GET", "https", "a", "/");
        for _ in 0..180 {
            let id = nuncio_auth::crypto::random_text();
            request.add_header("cookie", format!("__Host-ambassador_session.f.default={id}").as_bytes());
        }
        assert_eq!(offered(&request, "f.default", &origin(true)).len(), MOST);
    }
}
