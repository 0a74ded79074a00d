//! The end of a session, by its user and by the provider.

use http::{Method, StatusCode};
use nuncio_authz_tests::{Browser, Gateway, Provider, Service, Upstream};
use serde_json::json;

use crate::rig::{CALLBACK, Rig, login_rules};
use crate::rules_of;

/// Case 48, and what a logout is.
#[tokio::test]
async fn a_logout_ends_the_session_here_and_at_the_provider() {
    let rig = Rig::simple().await;
    let mut browser = Browser::default();
    browser.log_in(&rig.url("/x"), "ann").await;
    let thief = browser.clone();
    let url = rig.url("/.ambassador/oauth2/logout?realm=login.default");
    assert_eq!(browser.get(&url).await.status, StatusCode::METHOD_NOT_ALLOWED);
    let forged = browser.send(Method::POST, &url, Some(&[("_xsrf", "wrong")])).await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN);
    assert_eq!(browser.get(&rig.url("/x")).await.status, StatusCode::OK, "still logged in");

    let xsrf = browser.cookies_like(rig.host(), "ambassador_xsrf.login.default")[0].1.clone();
    let page = browser.send(Method::POST, &url, Some(&[("_xsrf", &xsrf)])).await;
    assert_eq!(page.status, StatusCode::FOUND, "{page:#?}");
    let location = page.location().unwrap().to_string();
    assert!(location.contains("/session/end?") && location.contains("id_token_hint="), "{location}");
    assert!(browser.cookies_like(rig.host(), "ambassador_").is_empty());
    rig.provider.event("revoked").await;
    let mut thief = Browser::api().with_cookies(&thief);
    assert_eq!(thief.get(&rig.url("/x")).await.status, StatusCode::UNAUTHORIZED, "the cookie is worth nothing");

    let form = browser.follow(page).await;
    let (action, secret) = (form.action(), form.field("xsrf").unwrap());
    let done = browser.send(Method::POST, action.as_str(), Some(&[("xsrf", &secret), ("logout", "yes")])).await;
    assert!(done.location().unwrap().as_str().contains("post-logout-redirect"), "{done:#?}");
    let form = browser.visit(&rig.url("/x")).await;
    assert!(form.body.contains("<form"), "the provider asks for a password again: {form:#?}");
}

#[tokio::test]
async fn a_provider_ends_sessions_by_the_back_channel() {
    let upstream = Upstream::start().await;
    let service = Service::start(&rules_of(&json!([]), &[])).await;
    let gateway = Gateway::start(&service, &upstream).await;
    let origin = format!("http://{}", gateway.address);
    let more = json!({ "client": { "backchannel_logout_uri": format!("{origin}/.ambassador/oauth2/backchannel-logout"),
        "backchannel_logout_session_required": true } });
    let provider = Provider::start(&[format!("{origin}{CALLBACK}")], &more).await;
    let origins = [gateway.protected_origin()];
    let code = json!({ "client_id": "edge", "client_secret": "edge-secret", "protected_origins": origins });
    service.write_rules(&login_rules(&provider, &code, &json!({}))).await;
    let mut browser = Browser::default();
    browser.log_in(&format!("{origin}/x"), "ann").await;
    let form = browser.visit(&format!("{}/session/end", provider.issuer)).await;
    let (action, secret) = (form.action(), form.field("xsrf").unwrap());
    browser.send(Method::POST, action.as_str(), Some(&[("xsrf", &secret), ("logout", "yes")])).await;
    provider.event("backchannel").await;
    let mut api = Browser::api().with_cookies(&browser);
    assert_eq!(api.get(&format!("{origin}/x")).await.status, StatusCode::UNAUTHORIZED);
    let forged = api
        .send(
            Method::POST,
            &format!("{origin}/.ambassador/oauth2/backchannel-logout"),
            Some(&[("logout_token", "a.b.c")]),
        )
        .await;
    assert_eq!(forged.status, StatusCode::BAD_REQUEST);
}
