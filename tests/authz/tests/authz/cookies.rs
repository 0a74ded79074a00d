//! What becomes of cookies on their way: those of a login are seen by no upstream, and are worth nothing when changed.

use http::StatusCode;
use nuncio_authz_tests::{Browser, Page};

use crate::rig::{CALLBACK, Rig};

const SESSION: &str = "ambassador_session.login.default";

/// A browser that has logged in, keeps a cookie of the site's own, and has begun another login in another tab.
async fn with_all_sorts(rig: &Rig) -> Browser {
    let mut browser = Browser::default();
    assert_eq!(browser.log_in(&rig.url("/x"), "ann").await.status, StatusCode::OK);
    let mut tab = Browser::default();
    assert_eq!(tab.get(&rig.url("/other")).await.status, StatusCode::FOUND);
    let begun = tab.cookies_like(rig.host(), "nuncio_login.");
    let jar = browser.cookies.get_mut(rig.host()).unwrap();
    jar.extend(begun);
    jar.insert("basket".to_owned(), "7".to_owned());
    browser
}

/// The names of the cookies that an upstream was sent.
fn sent(page: &Page) -> Vec<String> {
    let line = page.sent("cookie").unwrap_or_default();
    line.split("; ").filter_map(|pair| Some(pair.split_once('=')?.0.to_owned())).collect()
}

/// Nobody is asked about `/open/`: Envoy takes sessions out by itself, whether or not there is somebody to ask.
#[tokio::test]
async fn a_path_that_is_open_is_sent_no_session_and_all_other_cookies() {
    let mut rig = Rig::simple().await;
    let mut browser = with_all_sorts(&rig).await;
    let page = browser.get(&rig.url("/open/x?y=1")).await;
    assert_eq!((page.status, page.json()["path"].as_str()), (StatusCode::OK, Some("/open/x?y=1")), "{page:#?}");
    let left = ["ambassador_xsrf.login.default", "basket", "nuncio_logins"];
    assert_eq!(sent(&page), left, "{page:#?}");
    assert_eq!((page.sent("x-user"), page.sent("authorization")), (None, None), "nor is it told whose it is");
    assert_eq!(sent(&browser.get(&rig.url("/x")).await), left, "as where a login is needed");
    let own = browser.cookies[rig.host()].keys().map(String::as_str).collect::<Vec<_>>();
    assert!(own.contains(&SESSION) && own.iter().any(|name| name.starts_with("nuncio_login.")), "{own:?}");

    let mut guest = Browser::default();
    guest.cookies.entry(rig.host().to_owned()).or_default().insert("basket".to_owned(), "8".to_owned());
    rig.service.process().end();
    assert_eq!(sent(&guest.get(&rig.url("/open/x")).await), ["basket"], "who has no session needs nobody");
    assert_eq!(sent(&browser.get(&rig.url("/open/x")).await), left, "nor who has one, and no upstream sees it");
}

/// Texts that are almost this one.
fn changed(text: &str) -> Vec<String> {
    let (first, rest) = text.split_at(1);
    let other = if first == "A" { "B" } else { "A" };
    let flipped = format!("{other}{rest}");
    let doubled = format!("{text}{text}");
    vec![flipped, rest.to_owned(), text[..text.len() - 1].to_owned(), format!("{text}A"), doubled, text.to_lowercase()]
}

/// Case 28.
#[tokio::test]
async fn a_cookie_that_was_changed_is_none() {
    let rig = Rig::simple().await;
    let mut browser = Browser::default();
    assert_eq!(browser.log_in(&rig.url("/x"), "ann").await.status, StatusCode::OK);
    let good = browser.cookies_like(rig.host(), SESSION).remove(0).1;
    let status = async |name: &str, value: &str| {
        let mut other = Browser::api();
        other.cookies.entry(rig.host().to_owned()).or_default().insert(name.to_owned(), value.to_owned());
        other.get(&rig.url("/x")).await.status
    };
    assert_eq!(status(SESSION, &good).await, StatusCode::OK);
    for value in changed(&good) {
        assert_eq!(status(SESSION, &value).await, StatusCode::UNAUTHORIZED, "{value}");
    }
    for name in
        ["ambassador_session.other.default", "ambassador_session.login.other", "AMBASSADOR_SESSION.login.default"]
    {
        assert_eq!(status(name, &good).await, StatusCode::UNAUTHORIZED, "{name}");
    }

    // A login that was begun is sealed in its cookie.
    let mut begun = Browser::default();
    let to = begun.get(&rig.url("/x")).await.location().unwrap();
    let (_, state) = to.query_pairs().find(|(name, _)| name == "state").unwrap();
    let callback = rig.url(&format!("{CALLBACK}?code=c&state={state}&iss={}", rig.provider.issuer));
    let (name, sealed) = begun.cookies_like(rig.host(), "nuncio_login.").remove(0);
    for value in changed(&sealed) {
        let mut other = Browser::default();
        other.cookies.entry(rig.host().to_owned()).or_default().insert(name.clone(), value.clone());
        assert_eq!(other.get(&callback).await.status, StatusCode::BAD_REQUEST, "{value}");
    }
    assert_eq!(rig.provider.events("error"), 0, "the code is not shown to the provider");
}
