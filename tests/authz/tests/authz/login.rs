//! Logins with a real provider.

use http::{Method, StatusCode};
use nuncio_authz_tests::{Browser, Gateway, Provider, Service, Upstream};
use nuncio_test_support::eventually;
use serde_json::json;

use crate::rig::{CALLBACK, Rig, login_rules, rig};
use crate::rules_of;

#[tokio::test]
async fn a_login_leads_back_to_the_page_first_asked_for() {
    let rig = Rig::simple().await;
    let mut browser = Browser::default();
    let page = browser.log_in(&rig.url("/orders?page=2"), "ann").await;
    assert_eq!((page.status, page.json()["path"].as_str()), (StatusCode::OK, Some("/orders?page=2")), "{page:#?}");
    assert_eq!(page.sent("x-user").as_deref(), Some("ann"));
    assert!(page.sent("authorization").unwrap().starts_with("Bearer "));
    assert!(!page.sent("cookie").unwrap_or_default().contains("ambassador_session"), "upstreams see no session");
    assert_eq!(browser.cookies_like(rig.host(), "nuncio_login.").len(), 0, "the login is over");

    let again = browser.get(&rig.url("/x")).await;
    assert_eq!(again.status, StatusCode::OK);
    assert_eq!(rig.provider.event("grant authorization_code").await, 1);

    let who = browser.get(&rig.url("/.nuncio/userinfo")).await;
    assert_eq!((who.status, &who.json()["sub"]), (StatusCode::OK, &json!("ann")), "{who:#?}");
    assert_eq!(Browser::api().get(&rig.url("/.nuncio/userinfo")).await.status, StatusCode::UNAUTHORIZED);
    let written = rig.service.written();
    for (_, value) in browser.cookies_like(rig.host(), "ambassador_") {
        assert!(!written.contains(&value), "no cookie in any log");
    }
    assert!(!written.contains("edge-secret"));
}

/// Case 50.
#[tokio::test]
async fn each_kind_of_client_gets_an_answer_that_it_can_use() {
    let rig = Rig::simple().await;
    let url = rig.url("/x");
    let kinds = [
        ("accept", "application/json"),
        ("x-requested-with", "XMLHttpRequest"),
        ("sec-fetch-mode", "cors"),
        ("upgrade", "websocket"),
    ];
    for (name, value) in kinds {
        let mut browser = if name == "accept" { Browser::api() } else { Browser::default().with(name, value) };
        if name == "upgrade" {
            browser = browser.with("connection", "upgrade");
        }
        let page = browser.get(&url).await;
        assert_eq!((page.status, page.header("set-cookie")), (StatusCode::UNAUTHORIZED, None), "{name}: {page:#?}");
        assert!(page.header("www-authenticate").is_some(), "{name}");
    }
    let grpc = Browser::api().with("content-type", "application/grpc").send(Method::POST, &url, None).await;
    assert_eq!((grpc.status, grpc.header("grpc-status")), (StatusCode::OK, Some("16")), "{grpc:#?}");
    let page = Browser::default().get(&url).await;
    assert_eq!(page.status, StatusCode::FOUND);
    assert!(page.header("set-cookie").unwrap().contains("nuncio_login."));
}

/// Cases 23, 24 and 34, as far as states go.
#[tokio::test]
async fn a_state_is_good_once_and_for_its_browser() {
    let rig = Rig::simple().await;
    let mut ann = Browser::default();
    let form = ann.visit(&rig.url("/x")).await;
    let action = form.action();
    let mut page = ann
        .send(Method::POST, action.as_str(), Some(&[("prompt", "login"), ("login", "ann"), ("password", "x")]))
        .await;
    while !page.location().unwrap().as_str().contains(CALLBACK) {
        page = ann.get(page.location().unwrap().as_str()).await;
    }
    let callback = page.location().unwrap();

    let other = Browser::default().get(callback.as_str()).await;
    assert_eq!(other.status, StatusCode::BAD_REQUEST, "the login of another browser");
    let (forged, _) = callback.as_str().split_once("state=").unwrap();
    assert_eq!(ann.get(&format!("{forged}state=wrong")).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(ann.get(&rig.url(CALLBACK)).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(rig.provider.events("grant"), 0, "no code was sent");

    let mut thief = ann.clone();
    assert_eq!(ann.get(callback.as_str()).await.status, StatusCode::FOUND);
    // With the cookie, too, that the browser has given up by now.
    let replayed = thief.get(callback.as_str()).await;
    assert_eq!(replayed.status, StatusCode::BAD_REQUEST, "{replayed:#?}");
    assert_eq!(rig.provider.event("grant authorization_code").await, 1);
}

/// Cases 25 and 26.
#[tokio::test]
async fn tabs_do_not_fight() {
    let rig = Rig::simple().await;
    let mut browser = Browser::default();
    let first = browser.get(&rig.url("/one")).await;
    let second = browser.get(&rig.url("/two")).await;
    let form = browser.follow(second).await;
    let two = browser.fill_in(&form, "ann").await;
    assert_eq!(two.json()["path"], "/two", "{two:#?}");
    let one = browser.follow(first).await;
    assert_eq!(one.json()["path"], "/one", "{one:#?}");
    for index in 0..20 {
        Browser::clone(&browser).get(&rig.url("/x")).await;
        let mut fresh = Browser::default().with_cookies(&browser);
        for (name, _) in browser.cookies_like(rig.host(), "ambassador_session") {
            fresh.cookies.get_mut(rig.host()).unwrap().remove(&name);
        }
        fresh.get(&rig.url(&format!("/{index}"))).await;
        browser.cookies = fresh.cookies;
    }
    let begun = browser.cookies_like(rig.host(), "nuncio_login.");
    assert!((1..=5).contains(&begun.len()), "{}", begun.len());
    let size: usize = browser.cookies[rig.host()].iter().map(|(name, value)| name.len() + value.len()).sum();
    assert!(size < 16 << 10, "{size}");
}

/// Case 27.
#[tokio::test]
async fn a_session_that_was_planted_is_not_used() {
    let rig = Rig::simple().await;
    let mut browser = Browser::default();
    let planted = nuncio_auth::crypto::random_text();
    let jar = browser.cookies.entry(rig.host().to_owned()).or_default();
    jar.insert("ambassador_session.login.default".to_owned(), planted.clone());
    let page = browser.log_in(&rig.url("/x"), "ann").await;
    assert_eq!(page.status, StatusCode::OK);
    let sessions = browser.cookies_like(rig.host(), "ambassador_session");
    assert!(sessions.len() == 1 && sessions[0].1 != planted);
    let mut attacker = Browser::api();
    attacker.cookies.entry(rig.host().to_owned()).or_default().insert(sessions[0].0.clone(), planted);
    assert_eq!(attacker.get(&rig.url("/x")).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn instead_of_a_redirect() {
    let arguments = json!({ "instead_of_redirect": {
        "if_request_header": { "name": "x-no-login", "value": { "exact": "1" } }, "status": 407 } });
    let pushed = json!({ "pushed_authorization_requests": true });
    let provider = json!({ "features": { "pushedAuthorizationRequests": { "enabled": true } } });
    let rig = rig(&pushed, &arguments, &provider, &[]).await;
    let page = Browser::default().with("x-no-login", "1").get(&rig.url("/x")).await;
    assert_eq!((page.status.as_u16(), page.header("set-cookie")), (407, None), "{page:#?}");
    assert_eq!(Browser::default().log_in(&rig.url("/x"), "ann").await.status, StatusCode::OK);
    rig.provider.event("grant authorization_code").await;
    assert_eq!(rig.provider.events("pushed"), 1, "the provider was told of the one login alone");
}

/// RFC 9470: the provider says when it was only where it is asked for that.
#[tokio::test]
async fn a_login_is_made_stronger_where_a_rule_wants_it() {
    let rig = Rig::simple().await;
    let mut rules = rig.rules.clone();
    let strong = json!({ "origin": "strong", "path": "/strong/*", "filters": [
        { "filter": "login.default", "arguments": { "max_age": 3600 } }] });
    rules["rule_sets"][0]["rules"].as_array_mut().unwrap().insert(0, strong);
    rig.service.write_rules(&rules).await;
    let mut browser = Browser::default();
    assert_eq!(browser.log_in(&rig.url("/x"), "ann").await.status, StatusCode::OK);
    let script = Browser::api().with_cookies(&browser).get(&rig.url("/strong/x")).await;
    assert_eq!(script.status, StatusCode::UNAUTHORIZED, "{script:#?}");
    let said = script.header("www-authenticate").unwrap();
    assert!(said.contains("error=\"insufficient_user_authentication\", max_age=\"3600\""), "{said}");
    let page = browser.visit(&rig.url("/strong/x")).await;
    assert_eq!((page.status, page.json()["path"].as_str()), (StatusCode::OK, Some("/strong/x")), "{page:#?}");
    assert_eq!(rig.provider.event_times("grant authorization_code", 2).await, 2);
}

#[tokio::test]
async fn another_origin_shares_the_login() {
    let upstream = Upstream::start().await;
    let service = Service::start(&rules_of(&json!([]), &[])).await;
    let (one, two) = (Gateway::start(&service, &upstream).await, Gateway::start(&service, &upstream).await);
    let origins = [format!("http://{}", one.address), format!("http://{}", two.address)];
    let provider = Provider::start(&[format!("{}{CALLBACK}", origins[0])], &json!({})).await;
    let code = json!({ "client_id": "edge", "client_secret": "edge-secret",
        "protected_origins": [one.protected_origin(), two.protected_origin()] });
    service.write_rules(&login_rules(&provider, &code, &json!({}))).await;
    let mut browser = Browser::default();
    let page = browser.log_in(&format!("{}/far?x=1", origins[1]), "ann").await;
    assert_eq!((page.status, page.json()["path"].as_str()), (StatusCode::OK, Some("/far?x=1")), "{page:#?}");
    assert_eq!(page.url.host_str(), two.address.split(':').next());
    let near = browser.get(&format!("{}/near", origins[0])).await;
    assert_eq!(near.status, StatusCode::OK, "the first origin has the session, too: {near:#?}");
    assert_eq!(provider.event("grant authorization_code").await, 1);

    // A link with another's session is of no use in a browser that has not asked for it.
    let mut other = Browser::default();
    let begun = other.get(&format!("{}/x", origins[1])).await;
    let at_first = other.get(begun.location().unwrap().as_str()).await;
    let mut evil = Browser::default().with_cookies(&browser);
    evil.cookies.retain(|host, _| one.address.starts_with(host.as_str()));
    let handoff = evil.get(begun.location().unwrap().as_str()).await.location().unwrap();
    assert!(handoff.as_str().contains("multicookie"), "{handoff}");
    let victim = Browser::default().get(handoff.as_str()).await;
    assert_eq!(victim.status, StatusCode::BAD_REQUEST);
    assert_eq!(at_first.status, StatusCode::FOUND);
}

#[tokio::test]
async fn machines_get_tokens_for_their_credentials() {
    let rig = Rig::simple().await;
    let filter = json!({ "id": "machine.default", "kind": { "oauth2": {
        "issuer": rig.provider.issuer, "grant": "client_credentials", "access_token_validation": "user_info" } } });
    let list = json!([{ "origin": "r", "path": "*", "filters": [{ "filter": "machine.default" }] }]);
    rig.service.write_rules(&rules_of(&list, &[filter])).await;
    let with =
        |secret: &str| Browser::api().with("x-ambassador-client-id", "edge").with("x-ambassador-client-secret", secret);
    assert_eq!(Browser::api().get(&rig.url("/x")).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(with("wrong").get(&rig.url("/x")).await.status, StatusCode::UNAUTHORIZED);
    // The provider's tokens for machines are opaque, and none of them is a user's.
    assert_eq!(with("edge-secret").get(&rig.url("/x")).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(rig.provider.event("grant client_credentials").await, 1);
}

#[tokio::test]
async fn parameters_are_pushed_and_tokens_bound_where_asked_for() {
    let filter = json!({ "pushed_authorization_requests": true, "dpop": true });
    let provider =
        json!({ "features": { "pushedAuthorizationRequests": { "enabled": true }, "dPoP": { "enabled": true } } });
    let rig = rig(&filter, &json!({}), &provider, &[]).await;
    let mut browser = Browser::default();
    let begun = browser.get(&rig.url("/x")).await;
    assert!(begun.header("location").unwrap().contains("request_uri=urn"), "{begun:#?}");
    assert!(!begun.header("location").unwrap().contains("code_challenge"));
    rig.provider.event("pushed").await;
}

/// The key is the login's: another process has it, too, and so has whoever asks whose an opaque token is.
#[tokio::test]
async fn a_bound_token_is_good_at_another_replica() {
    let provider = json!({ "features": { "pushedAuthorizationRequests": { "enabled": true }, "dPoP": { "enabled": true } },
        "ttl": { "AccessToken": 2 } });
    let keys = crate::faults::shared_keys();
    let flags = ["--keys", keys.path().to_str().unwrap()];
    let filter = json!({ "pushed_authorization_requests": true, "dpop": true });
    let mut rig = rig(&filter, &json!({}), &provider, &flags).await;
    let mut browser = Browser::default();
    let form = browser.visit(&rig.url("/x")).await;
    rig.service.process().end();
    rig.service.start_again().await;
    let page = browser.fill_in(&form, "ann").await;
    assert_eq!((page.status, page.sent("x-user").as_deref()), (StatusCode::OK, Some("ann")), "{page:#?}");
    eventually("the token is exchanged", async || {
        assert_eq!(browser.get(&rig.url("/x")).await.status, StatusCode::OK);
        if rig.provider.events("grant refresh_token") > 0 { Ok(()) } else { Err("not yet") }
    })
    .await;
    assert_eq!(rig.provider.events("error"), 0);
}
