//! Keys that readers give themselves, on their page.

use std::fs;

use nuncio_auth::jwt::Signer;

use super::*;
use crate::access::tests::{access, signed};

/// A portal with keys, what signs for its readers, and where the keys are.
async fn with_keys() -> (Router, Signer, tempfile::TempDir) {
    let (signer, directory) = (Signer::ephemeral().unwrap(), tempfile::tempdir().unwrap());
    let keys = Keys::open(&crate::keys::Place::File(directory.path().join("keys.yaml")), None).await.unwrap();
    let site = Site { access: access(&signer), keys: Some(keys), ..site(of_service(), &cart(), &[], None) };
    (router(site), signer, directory)
}

/// Sends a form from a page of `from`.
async fn post(
    portal: &Router,
    path: &str,
    from: &'static str,
    body: &str,
    headers: HeaderMap,
) -> (StatusCode, HeaderMap, String) {
    let mut request = Request::post(path).body(Body::from(body.to_owned())).unwrap();
    *request.headers_mut() = headers;
    request.headers_mut().insert("sec-fetch-site", from.parse().unwrap());
    request.headers_mut().insert(header::CONTENT_TYPE, "application/x-www-form-urlencoded".parse().unwrap());
    answer(portal, request).await
}

/// Asks for a page with what was set as a cookie.
async fn with_cookie(portal: &Router, path: &str, cookie: &str, headers: HeaderMap) -> (StatusCode, HeaderMap, String) {
    let mut request = Request::get(path).body(Body::empty()).unwrap();
    *request.headers_mut() = headers;
    request.headers_mut().insert(header::COOKIE, cookie.parse().unwrap());
    answer(portal, request).await
}

async fn answer(portal: &Router, request: Request<Body>) -> (StatusCode, HeaderMap, String) {
    let (parts, body) = portal.clone().oneshot(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (parts.status, parts.headers, String::from_utf8_lossy(&body).into_owned())
}

/// The cookie that an answer sets, as it is sent back.
fn cookie_of(headers: &HeaderMap) -> &str {
    headers[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap()
}

#[tokio::test]
async fn keys_are_given_to_who_is_logged_in_and_asks_from_a_page_of_ours() {
    let (portal, signer, _directory) = with_keys().await;
    let (ann, bob) = (|| signed(&signer, |_| {}), || signed(&signer, |claims| claims["sub"] = json!("bob")));
    let (status, headers, page) = post(&portal, "/docs/keys", "same-origin", "name=laptop", ann()).await;
    assert_eq!((status, &headers[header::LOCATION]), (StatusCode::SEE_OTHER, &"/docs/keys".parse().unwrap()));
    assert!(!page.contains("nuncio_"), "{page}");
    let set = headers[header::SET_COOKIE].to_str().unwrap();
    for part in ["; Path=/docs/keys;", "; HttpOnly", "; SameSite=Strict", "; Secure", "; Max-Age=120"] {
        assert!(set.contains(part), "{part}: {set}");
    }
    let (_, shown, page) = with_cookie(&portal, "/docs/keys", cookie_of(&headers), ann()).await;
    assert!(page.contains("id=\"secret\">nuncio_") && page.contains(">laptop<"), "{page}");
    assert_eq!(shown[header::CACHE_CONTROL], "no-store");
    let ended = shown[header::SET_COOKIE].to_str().unwrap();
    assert!(ended.starts_with("nuncio_key=;") && ended.contains("Max-Age=0"), "{ended}");
    let (_, _, again) = with_cookie(&portal, "/docs/keys", "a=b", ann()).await;
    assert!(!again.contains("id=\"secret\"") && again.matches(">laptop<").count() == 1, "{again}");
    let (_, _, others) = with_cookie(&portal, "/docs/keys", cookie_of(&headers), bob()).await;
    assert!(!others.contains("id=\"secret\"") && !others.contains("laptop"), "nobody sees another's: {others}");

    let (status, _, page) = post(&portal, "/docs/keys", "same-origin", "name=", ann()).await;
    assert!(status == StatusCode::UNPROCESSABLE_ENTITY && page.contains("needs a name") && !page.contains("nuncio_"));
    assert_eq!(post(&portal, "/docs/keys", "cross-site", "name=x", ann()).await.0, StatusCode::FORBIDDEN);
    let (status, _, page) = post(&portal, "/docs/keys", "same-origin", "name=x", HeaderMap::new()).await;
    assert!(status == StatusCode::UNAUTHORIZED && !page.contains("laptop") && !page.contains("nuncio_"), "{page}");
    assert_eq!(with_cookie(&portal, "/docs/keys", "a=b", HeaderMap::new()).await.0, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn the_name_of_a_key_is_not_lost_where_none_was_made() {
    let (portal, signer, _directory) = with_keys().await;
    let long = "a".repeat(61);
    for (name, headers, status, said) in [
        ("laptop", HeaderMap::new(), StatusCode::UNAUTHORIZED, "You are logged out, so no key was made."),
        (long.as_str(), signed(&signer, |_| {}), StatusCode::UNPROCESSABLE_ENTITY, "60 characters at most"),
    ] {
        let (found, _, page) = post(&portal, "/docs/keys", "same-origin", &format!("name={name}"), headers).await;
        let typed = format!("name=\"name\" value=\"{name}\"");
        assert!(found == status && page.contains(said) && page.contains(&typed), "{found} {page}");
    }
    let (_, _, page) = post(&portal, "/docs/keys", "same-origin", "name=laptop", HeaderMap::new()).await;
    let (_, main) = page.split_once("<main").unwrap();
    assert!(main.contains("href=\"/docs/login?to=%2Fdocs%2Fkeys\" target=\"_blank\""), "{main}");
}

#[tokio::test]
async fn a_key_is_rotated_and_revoked_when_that_was_asked_once_more() {
    let (portal, signer, _directory) = with_keys().await;
    let (ann, bob) = (|| signed(&signer, |_| {}), || signed(&signer, |claims| claims["sub"] = json!("bob")));
    let (_, headers, _) = post(&portal, "/docs/keys", "same-origin", "name=laptop", ann()).await;
    let id = cookie_of(&headers).split(['=', '.']).nth(1).unwrap().to_owned();
    let path = |change: &str| format!("/docs/keys/{id}/{change}");
    for change in ["rotate", "revoke"] {
        let (status, _, page) = with_cookie(&portal, &path(change), "a=b", ann()).await;
        let form = format!("<form class=\"actions\" method=\"post\" action=\"{}\">", path(change));
        assert!(status == StatusCode::OK && page.contains("laptop") && page.contains(&form), "{page}");
        let (status, _, page) = with_cookie(&portal, &path(change), "a=b", bob()).await;
        assert!(status == StatusCode::NOT_FOUND && !page.contains("laptop"), "it is another's: {page}");
    }
    let (_, headers, _) = post(&portal, &path("rotate"), "same-origin", "", ann()).await;
    let (_, _, page) = with_cookie(&portal, "/docs/keys", cookie_of(&headers), ann()).await;
    assert!(page.contains("id=\"secret\">nuncio_") && page.contains(&id), "{page}");
    let (status, headers, _) = post(&portal, &path("revoke"), "same-origin", "", ann()).await;
    assert!(status == StatusCode::SEE_OTHER && !headers.contains_key(header::SET_COOKIE), "{headers:?}");
    assert_eq!(with_cookie(&portal, &path("revoke"), "a=b", ann()).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_new_key_is_not_lost_while_the_keys_cannot_be_read() {
    let (portal, signer, directory) = with_keys().await;
    let ann = || signed(&signer, |_| {});
    let (_, headers, _) = post(&portal, "/docs/keys", "same-origin", "name=laptop", ann()).await;
    let file = directory.path().join("keys.yaml");
    let kept = fs::read(&file).unwrap();
    fs::write(&file, "kind: Mapping\n").unwrap();
    let (status, failed, page) = with_cookie(&portal, "/docs/keys", cookie_of(&headers), ann()).await;
    assert!(status == StatusCode::INTERNAL_SERVER_ERROR && !page.contains("id=\"secret\""), "{status} {page}");
    assert!(!failed.contains_key(header::SET_COOKIE), "the cookie stays: {failed:?}");
    assert!(!page.contains("keys.yaml"), "where they are is for operators: {page}");
    fs::write(&file, kept).unwrap();
    let (_, shown, page) = with_cookie(&portal, "/docs/keys", cookie_of(&headers), ann()).await;
    assert!(page.contains("id=\"secret\">nuncio_"), "{page}");
    assert!(shown[header::SET_COOKIE].to_str().unwrap().contains("Max-Age=0"), "it is shown once: {shown:?}");
}
