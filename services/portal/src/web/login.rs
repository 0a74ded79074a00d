//! The way in and out: both are the gateway's, and lead back here.

use askama::Template;
use axum::extract::Query;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::headers::WITH_WAY_OUT;
use super::page::{Frame, respond};
use super::visit::Visit;

/// Cookies by which the gateway knows that a page of its own wants to log somebody out: the rest of a name is the login's.
const XSRF: &str = "ambassador_xsrf.";

/// By which services learn in which preview they are asked.
const PREVIEW: &str = "x-nuncio-preview";

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// Where to go after a login.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    to: String,
}

#[derive(Template)]
#[template(path = "no_login.html")]
struct NoLogin<'a> {
    frame: Frame<'a>,
    /// By its own address, or chosen at the baseline's: which, the portal is not told. At the former, what the gateway says of who
    /// somebody is is for that address, and nobody is known.
    in_preview: bool,
}

/// A Filter guards this page: who gets here is logged in, and goes on to where he was.
pub(super) async fn login(visit: Visit, headers: HeaderMap, Query(wanted): Query<Wanted>) -> Response {
    if visit.viewer.identity.is_some() {
        return Redirect::to(own(&wanted.to)).into_response();
    }
    let in_preview = headers.contains_key(PREVIEW);
    (StatusCode::FORBIDDEN, respond(&NoLogin { frame: visit.frame(), in_preview })).into_response()
}

/// A page of the portal; its first for everything else.
fn own(to: &str) -> &str {
    let is_of_portal = ["/docs/", "/console/"].iter().any(|part| to.starts_with(part));
    let is_own = is_of_portal && !to.starts_with("/docs/login") && to.bytes().all(|byte| byte.is_ascii_graphic());
    if is_own { to } else { "/docs/" }
}

#[derive(Template)]
#[template(path = "logout.html")]
struct Logout<'a> {
    frame: Frame<'a>,
    logins: Vec<Login<'a>>,
}

/// A login of this browser.
struct Login<'a> {
    /// Its Filter, as the gateway calls it.
    realm: &'a str,
    /// What shows that a page of this address asks for its end.
    xsrf: &'a str,
    /// What ending it is called.
    words: String,
}

/// The way out of the gateway's login.
pub(super) async fn logout(visit: Visit, headers: HeaderMap) -> Response {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|cookies| cookies.to_str().ok());
    let pairs = cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let found: Vec<_> = pairs.filter_map(|(name, xsrf)| Some((name.strip_prefix(XSRF)?, xsrf))).collect();
    let here = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let login = |&(realm, xsrf)| Login { realm, xsrf, words: words(&visit, here, realm, found.len() == 1) };
    let page = Logout { frame: visit.frame(), logins: found.iter().map(login).collect() };
    // The page holds what ends a login.
    let headers = [(header::CONTENT_SECURITY_POLICY, WITH_WAY_OUT.clone()), (header::CACHE_CONTROL, NO_STORE)];
    (headers, respond(&page)).into_response()
}

/// What ending a login is called: by who is logged in and where that was, which people know, if it is by this login that the reader
/// is known. Of several it is known which Filter has which, and no more.
fn words(visit: &Visit, here: &str, realm: &str, is_only: bool) -> String {
    let provider = |issuer: &str| {
        let uri: Uri = issuer.parse().ok().filter(|uri: &Uri| uri.scheme().is_some())?;
        uri.host().map(str::to_owned)
    };
    let identity = visit.viewer.identity.as_ref().filter(|who| is_only && who.realm.as_deref() == Some(realm));
    let known = identity.and_then(|identity| Some((&identity.subject, provider(&identity.issuer)?)));
    match known {
        Some((who, host)) => visit.texts().fill("log_out_end_of", &[("who", who), ("host", &host)]),
        None if is_only => visit.texts().with("log_out_end", "host", &here),
        None => visit.texts().fill("log_out_end_one", &[("host", &here), ("login", &realm)]),
    }
}

#[cfg(test)]
mod tests {
    use super::own;

    #[test]
    fn a_login_leads_nowhere_else() {
        assert_eq!(own("/docs/doc/shop/cart?page=1"), "/docs/doc/shop/cart?page=1");
        assert_eq!(own("/console/objects?kind=Host"), "/console/objects?kind=Host");
        for other in [
            "",
            "//evil.example",
            "https://evil.example/docs/",
            "/\\evil",
            "/docs/login?to=/docs/login",
            "/docs/\r\nx: y",
        ] {
            assert_eq!(own(other), "/docs/", "{other:?}");
        }
    }
}
