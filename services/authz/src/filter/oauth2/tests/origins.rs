//! Where browsers are sent, and that they come to an end.

use nuncio_auth::Request;
use nuncio_auth::login::new_state;
use serde_json::json;

use super::Rig;
use super::browser::{Browser, location, parameter};
use crate::clock::now;
use crate::engine::Outcome;

const FAR: &str = "https://far.test/x";

#[tokio::test]
async fn a_session_that_does_not_do_at_one_origin_is_not_handed_to_it_again() {
    let rig = Rig::start(|session| {
        session.expires_at = Some(1);
        session.refresh_token = None;
    })
    .await;
    let mut browser = Browser::of(&rig, &["app.test", "far.test"]);
    let start = browser.led(&rig, FAR).await;
    assert!(start.starts_with("https://app.test/.ambassador/oauth2/start?"), "{start}");
    let next = browser.led(&rig, &start).await;
    assert!(next.starts_with(&format!("{}/authorize?", rig.provider.issuer)), "{next}");
    let handoff = location(&browser.come_back(&rig, &next).await);
    assert_eq!(browser.led(&rig, &handoff).await, FAR);
    assert!(browser.get(&rig, FAR).await.is_none(), "it is let through");
}

#[tokio::test]
async fn handing_over_again_and_again_is_a_loop() {
    let rig = Rig::start(|_| {}).await;
    let mut browser = Browser::of(&rig, &["app.test"]);
    for _ in 0..8 {
        browser.forget("far.test");
        let start = browser.led(&rig, FAR).await;
        let handoff = browser.led(&rig, &start).await;
        assert_eq!(browser.led(&rig, &handoff).await, FAR);
    }
    browser.forget("far.test");
    assert_eq!(browser.led(&rig, FAR).await, "400 Bad Request");
}

#[tokio::test]
async fn a_login_for_one_page_asks_for_what_the_others_have() {
    let rig = Rig::start(|session| session.asked.push("orders".to_owned())).await;
    let mut browser = Browser::of(&rig, &["app.test"]);
    let login = browser.led(&rig, "https://app.test/wide").await;
    assert_eq!(parameter(&login, "scope"), "openid wide orders");
    let start = browser.led(&rig, "https://far.test/wide").await;
    let login = browser.led(&rig, &start).await;
    assert_eq!(parameter(&login, "scope"), "openid wide orders");
}

#[tokio::test]
async fn a_strict_cookie_is_followed_by_a_page_of_ours() {
    let rig = Rig::start(|_| {}).await;
    let mut browser = Browser::default();
    let login = browser.led(&rig, "https://app.test/strict").await;
    let page = browser.come_back(&rig, &login).await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("content=\"0;url=https://app.test/strict\""), "{}", page.body);
}

#[tokio::test]
async fn who_has_a_session_by_now_goes_on_although_the_login_is_not_known_any_longer() {
    let rig = Rig::start(|_| {}).await;
    let state = new_state("login", now());
    let callback = format!("https://app.test/.ambassador/oauth2/redirection-endpoint?code=c&state={state}");
    let mut browser = Browser::of(&rig, &["app.test"]);
    assert_eq!(browser.led(&rig, &callback).await, "/");
    let other = callback.replace(&state, &new_state("other", now()));
    assert_eq!(browser.led(&rig, &other).await, "400 Bad Request", "of another filter");
    assert_eq!(Browser::default().led(&rig, &callback).await, "400 Bad Request", "without a session");
}

#[tokio::test]
async fn a_client_that_the_provider_does_not_take_is_no_fault_of_who_logs_in() {
    let rig = Rig::start(|_| {}).await;
    for (error, status) in [("invalid_client", "503 Service Unavailable"), ("invalid_grant", "400 Bad Request")] {
        let mut browser = Browser::default();
        let login = browser.led(&rig, "https://app.test/").await;
        rig.provider.refuse(401, error);
        assert_eq!(location(&browser.come_back(&rig, &login).await), status, "{error}");
    }
}

#[tokio::test]
async fn a_host_by_the_other_scheme_is_told_apart_from_another_host() {
    let rig = Rig::start(|_| {}).await;
    let message = async |scheme: &str, host: &str| {
        let mut request = Request::new("GET", scheme, host, "/");
        request.add_header("accept", b"application/json");
        let Outcome::Deny(denial) = rig.engine.decide(Some("s"), request).await.outcome else { panic!() };
        assert_eq!((denial.reason, denial.reply.status.as_u16()), ("unknown_origin", 403));
        denial.reply.body
    };
    let told = message("http", "app.test").await;
    assert!(told.contains("logins here are for https://app.test, and this request came in by http"), "{told}");
    let told = message("https", "other.test").await;
    assert!(told.contains("this host is none that the login is for"), "{told}");
}

#[tokio::test]
async fn at_a_host_that_the_login_is_not_for_people_find_a_way_out_and_operators_what_to_write() {
    let rig = Rig::start(|_| {}).await;
    let mut request = Request::new("GET", "https", "web--pr-1.pre.test", "/");
    request.add_header("accept", b"text/html");
    let Outcome::Deny(denial) = rig.engine.decide(Some("s"), request).await.outcome else { panic!() };
    let page = &denial.reply.body;
    assert!(page.contains("Who runs the gateway can change that") && page.contains("usual address"), "{page}");
    for kept in ["app.test", "far.test", "protectedOrigins"] {
        assert!(!page.contains(kept), "{kept} is nobody's business: {page}");
    }
    let told = &denial.detail;
    assert!(told.starts_with("https://web--pr-1.pre.test is none of the protectedOrigins of login, "), "{told}");
    assert!(told.contains("for previews the origin of their domain, with includeSubdomains: true"), "{told}");
}

/// Case 24: another host below the same domain, or clear text, has planted a login of somebody else.
#[tokio::test]
async fn a_login_that_was_planted_is_not_completed() {
    let rig = Rig::start(|_| {}).await;
    let mut attacker = Browser::default();
    let login = attacker.led(&rig, "https://app.test/x").await;
    let mut browser = Browser::default();
    for (name, value) in attacker.kept("app.test", "__Host-nuncio_login.") {
        browser.plant("app.test", name.trim_start_matches("__Host-"), &value);
    }
    assert_eq!(location(&browser.come_back(&rig, &login).await), "/", "to a login of its own");
    assert!(browser.kept("app.test", "__Host-ambassador_session").is_empty());
    assert_eq!(location(&attacker.come_back(&rig, &login).await), "https://app.test/x");
}

#[tokio::test]
async fn nobody_else_says_that_a_browser_is_in_a_loop() {
    let rig = Rig::start(|_| {}).await;
    let now = crate::clock::now();
    for (name, since) in [("nuncio_logins", now), ("__Host-nuncio_logins", now + 1_000_000)] {
        let mut browser = Browser::default();
        browser.plant("app.test", name, &format!("8.{since}"));
        let login = browser.led(&rig, "https://app.test/x").await;
        assert!(login.starts_with(&format!("{}/authorize?", rig.provider.issuer)), "{name}: {login}");
    }
}

#[tokio::test]
async fn an_unknown_state_begins_anew_where_that_can_come_to_an_end() {
    let rig = Rig::start(|_| {}).await;
    let callback =
        |state: &str| format!("https://app.test/.ambassador/oauth2/redirection-endpoint?code=c&state={state}");
    let now = crate::clock::now();
    let state = |at: u64| nuncio_auth::login::new_state("login", at);

    let mut keeps_none = Browser::without_cookies();
    let login = keeps_none.led(&rig, "https://app.test/x").await;
    assert_eq!(keeps_none.led(&rig, &callback(&parameter(&login, "state"))).await, "400 Bad Request");
    assert_eq!(keeps_none.led(&rig, &callback(&state(now - 601))).await, "/", "it took too long");
    assert_eq!(keeps_none.led(&rig, &callback("unknown")).await, "400 Bad Request");

    let mut browser = Browser::of(&rig, &["app.test"]);
    for _ in 0..8 {
        assert_eq!(browser.led(&rig, &callback(&state(now))).await, "/", "another tab's");
    }
    assert_eq!(browser.led(&rig, &callback(&state(now))).await, "400 Bad Request", "a loop");
}

/// Of previews: whoever makes one can have cookies set for the whole domain.
#[tokio::test]
async fn strangers_below_a_domain_log_nobody_in_for_each_other() {
    let rig = Rig::start(|_| {}).await;
    let mut login = super::rules(&rig.provider.issuer)["filters"][0].take();
    login["kind"]["oauth2"]["grant"]["authorization_code"]["protected_origins"] =
        json!([{ "origin": "https://pre.test", "include_subdomains": true, "strangers": "pre.test" }]);
    rig.engine.active.apply(serde_json::from_value(json!({ "filters": [login] })).unwrap()).unwrap();

    let mut browser = Browser::default();
    let (page, sibling) = ("https://a.pre.test/x", "https://b.pre.test/y");
    let start = browser.led(&rig, page).await;
    assert!(start.starts_with("https://pre.test/.ambassador/oauth2/start?"), "{start}");
    let login = browser.led(&rig, &start).await;
    assert_eq!(parameter(&login, "redirect_uri"), "https://pre.test/.ambassador/oauth2/redirection-endpoint");
    let handoff = location(&browser.come_back(&rig, &login).await);
    assert_eq!(browser.led(&rig, &handoff).await, page);
    assert!(browser.get(&rig, page).await.is_none(), "it is let through");
    let [(_, session)] = &browser.kept("a.pre.test", "__Host-ambassador_session.")[..] else { panic!("no session") };

    // What a sibling can set for all hosts of the domain is a session nowhere, and neither is a handoff of its own login.
    for name in ["__Secure-ambassador_session.login", "ambassador_session.login"] {
        let mut victim = Browser::default();
        for host in ["b.pre.test", "pre.test"] {
            victim.plant(host, name, session);
        }
        let start = victim.led(&rig, sibling).await;
        let login = victim.led(&rig, &start).await;
        assert!(login.starts_with(&format!("{}/authorize?", rig.provider.issuer)), "{name}: {login}");
        assert_eq!(victim.led(&rig, &handoff).await, "400 Bad Request");
    }
    // The same browser needs no second login at the provider.
    let start = browser.led(&rig, sibling).await;
    let handoff = browser.led(&rig, &start).await;
    assert!(handoff.starts_with("https://b.pre.test/.ambassador/oauth2/multicookie?"), "{handoff}");
    assert_eq!(browser.led(&rig, &handoff).await, sibling);
    assert!(browser.get(&rig, sibling).await.is_none(), "it is let through");
}

/// A login for all hosts of a domain, of which previews are a part.
#[tokio::test]
async fn a_stranger_below_a_domain_logs_nobody_in_at_a_host_beside() {
    let rig = Rig::start(|_| {}).await;
    let mut login = super::rules(&rig.provider.issuer)["filters"][0].take();
    login["kind"]["oauth2"]["grant"]["authorization_code"]["protected_origins"] =
        json!([{ "origin": "https://corp.test", "include_subdomains": true, "strangers": "pre.corp.test" }]);
    rig.engine.active.apply(serde_json::from_value(json!({ "filters": [login] })).unwrap()).unwrap();

    let mut browser = Browser::default();
    let (page, beside) = ("https://a.pre.corp.test/x", "https://shop.corp.test/y");
    for page in [page, beside] {
        let start = browser.led(&rig, page).await;
        assert!(start.starts_with("https://corp.test/.ambassador/oauth2/start?"), "{start}");
        let mut next = browser.led(&rig, &start).await;
        if next.starts_with(&rig.provider.issuer) {
            next = location(&browser.come_back(&rig, &next).await);
        }
        assert_eq!(browser.led(&rig, &next).await, page);
        assert!(browser.get(&rig, page).await.is_none(), "it is let through");
    }
    let [(_, session)] = &browser.kept("a.pre.corp.test", "__Host-ambassador_session.")[..] else {
        panic!("no session")
    };

    // What a preview can set for the domain is a session nowhere.
    for name in ["__Secure-ambassador_session.login", "ambassador_session.login"] {
        let mut victim = Browser::default();
        for host in ["shop.corp.test", "corp.test"] {
            victim.plant(host, name, session);
        }
        let start = victim.led(&rig, beside).await;
        let login = victim.led(&rig, &start).await;
        assert!(login.starts_with(&format!("{}/authorize?", rig.provider.issuer)), "{name}: {login}");
    }
}
