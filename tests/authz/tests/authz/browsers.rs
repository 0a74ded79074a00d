//! Logins in a real Chromium, over TLS.

use std::path::Path;

use nuncio_authz_tests::Upstream;
use nuncio_test_support::story;
use serde_json::{Value, json};

use crate::rig::{Rig, secure_rig};

const LOGIN: &str = "login form";

/// Has a story of `tests/authz/browser` told.
async fn told(name: &str, rig: &Rig, more: &Value) -> Value {
    let mut settings = json!({ "origin": rig.gateway.origin, "realm": "login.default" });
    settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    story(&Path::new(env!("CARGO_MANIFEST_DIR")).join("browser").join(name), &settings).await
}

/// The names of the cookies that a browser has.
fn names(seen: &Value) -> String {
    seen["cookies"].to_string()
}

fn page_of_ann(path: &str) -> Value {
    json!({ "path": path, "user": "ann" })
}

#[tokio::test]
async fn a_login_leads_back_and_its_cookies_are_kept_from_scripts_and_other_sites() {
    let rig = secure_rig(&json!({}), &json!({ "same_site": "lax" })).await;
    let elsewhere = Upstream::start().await;
    let seen = told("login.mjs", &rig, &json!({ "elsewhere": format!("http://{}", elsewhere.address) })).await;
    assert_eq!(seen["landed"], page_of_ann("/orders?page=2"), "{seen:#}");
    assert_eq!((&seen["script"], &seen["linked"]), (&json!(200), &page_of_ann("/linked")), "{seen:#}");
    assert_eq!(seen["forged"], 302, "a form of another site is sent without the session: {seen:#}");

    let cookie = |name: &str| seen["cookies"].as_array().unwrap().iter().find(|cookie| cookie["name"] == name).unwrap();
    for (name, hidden) in [("__Host-ambassador_session.login.default", true), ("ambassador_xsrf.login.default", false)]
    {
        let cookie = cookie(name);
        let attributes = [&cookie["secure"], &cookie["httpOnly"], &cookie["sameSite"], &cookie["path"]];
        assert_eq!(attributes, [&json!(true), &json!(hidden), &json!("Lax"), &json!("/")], "{cookie:#}");
        assert_eq!(cookie["domain"], rig.host(), "of this host alone");
        let readable = seen["readable"].as_str().unwrap();
        assert_eq!(readable.contains(name), !hidden, "scripts can read {readable}");
    }
}

#[tokio::test]
async fn two_tabs_that_ask_at_once_come_each_to_its_page() {
    let rig = secure_rig(&json!({}), &json!({})).await;
    let seen = told("tabs.mjs", &rig, &json!({})).await;
    assert_eq!(seen["asked"], json!([LOGIN, LOGIN]), "{seen:#}");
    assert_eq!(seen["landed"], json!([page_of_ann("/one"), page_of_ann("/two")]), "{seen:#}");
    assert!(!names(&seen).contains("nuncio_login."), "both logins are over: {seen:#}");
}

#[tokio::test]
async fn a_logout_ends_it_in_both_tabs_and_going_back_shows_nothing() {
    let rig = secure_rig(&json!({ "post_logout_redirect_uri": "/open/bye" }), &json!({})).await;
    let seen = told("logout.mjs", &rig, &json!({})).await;
    assert_eq!(seen["before"], page_of_ann("/other"), "{seen:#}");
    assert!(!names(&seen).contains("ambassador_"), "{seen:#}");
    assert_eq!((&seen["script"], &seen["second"]), (&json!(401), &json!(LOGIN)), "{seen:#}");
    let back = seen["back"].as_array().unwrap();
    assert!(back.contains(&json!(LOGIN)), "{seen:#}");
    assert!(back.iter().all(|page| page.get("user").is_none()), "{seen:#}");
}

#[tokio::test]
async fn a_session_that_ends_during_a_visit_is_said_to_scripts_and_begun_again_for_pages() {
    let rig = secure_rig(&json!({ "session_max_life": { "secs": 3, "nanos": 0 } }), &json!({})).await;
    let seen = told("expiry.mjs", &rig, &json!({})).await;
    assert_eq!((&seen["sent"], &seen["next"]), (&json!(401), &page_of_ann("/next")), "{seen:#}");
    assert_eq!(rig.provider.event_times("grant authorization_code", 2).await, 2);
}
