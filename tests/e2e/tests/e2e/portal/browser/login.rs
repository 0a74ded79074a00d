//! Logins, where something asks for them.

use std::fs;

use nuncio_e2e::Site;
use serde_json::json;

use super::{text, told};
use crate::portal::{accounts, api, gateway, shop};

#[tokio::test]
async fn a_reader_logs_in_and_sees_and_calls_what_is_for_him() {
    let site = Site::new();
    let (_shop, _accounts) = (shop(&site).await, accounts(&site).await);
    let web = fs::read_to_string(site.manifests().join("web.yaml")).unwrap();
    site.write("web.yaml", web.replace("display_name: Front page", "visible_to: [staff]"));
    let gateway = gateway(&site).await;
    api(&site, "orders", "current").await;
    let seen = told(&site, "login.mjs").await;
    assert_eq!(text(&seen, "/refused/status"), "401 Unauthorized");
    for part in ["Why: a login is needed; the request has to show a login or ", "Log in"] {
        assert!(text(&seen, "/refused/answer").contains(part), "{part}: {seen:#}");
    }
    for part in ["without one", "with one", "asks whether it may pass"] {
        assert!(!text(&seen, "/refused/answer").contains(part), "{part} is no reason: {seen:#}");
    }
    for part in ["customers.default", "login.default"] {
        assert!(!text(&seen, "/refused/answer").contains(part), "{part} is for operators: {seen:#}");
    }
    assert_eq!((text(&seen, "/answered/status"), text(&seen, "/answered/body")), ("200 OK", "[]"));
    assert_eq!(text(&seen, "/who"), "ann");
    assert_eq!(text(&seen, "/bought/status"), "201 Created", "the body that is filled in is an order: {seen:#}");
    assert!(text(&seen, "/sample").contains("-H \"Authorization: Bearer $TOKEN\""), "{seen:#}");
    assert!(text(&seen, "/page").contains(&format!("access token of http://{}", site.at(9200))), "{seen:#}");
    assert_eq!(seen["web"], json!({ "before": 404, "inside": 200, "after": 404 }));
    gateway.stop().await;
}

#[tokio::test]
async fn what_was_typed_outlives_a_login_and_nothing_secret_of_it() {
    let site = Site::new();
    let (_shop, _accounts) = (shop(&site).await, accounts(&site).await);
    let gateway = gateway(&site).await;
    api(&site, "orders", "current").await;
    let seen = told(&site, "draft.mjs").await;
    assert_eq!(text(&seen, "/refused/status"), "401 Unauthorized");
    assert_ne!(seen["order"], seen["example"], "it is not what the page has of itself");
    assert_eq!(seen["found"], json!({ "body": seen["order"], "headers": "X-Note: kept", "key": "" }), "{seen:#}");
    let with_secrets = (0..5).map(|body| format!("/withSecrets/{body}"));
    for kept in ["/inTab", "/sample"].map(str::to_owned).into_iter().chain(with_secrets) {
        assert!(!text(&seen, &kept).contains("typed-secret"), "{kept}: {seen:#}");
        assert!(text(&seen, &kept).contains("X-Note: kept"), "{kept}: {seen:#}");
    }
    assert_eq!(seen["abandoned"], json!({ "said": "", "left": 0 }), "nobody has logged in: {seen:#}");
    assert!(text(&seen, "/said").contains("What you typed before the login"), "{seen:#}");
    assert_eq!(seen["left"], 0, "it is gone from the tab: {seen:#}");
    assert_eq!(text(&seen, "/bought/status"), "201 Created", "{seen:#}");
    for later in ["again", "late"] {
        assert_eq!(seen[later], json!({ "body": seen["example"], "headers": "", "key": "" }), "{later}: {seen:#}");
    }
    let elsewhere = "nuncio-draft /docs/elsewhere";
    assert_eq!(seen["swept"], json!([elsewhere, "of a service"]), "what is old goes on any page: {seen:#}");
    assert_eq!(seen["beforeLogout"], json!([elsewhere]), "{seen:#}");
    assert_eq!(seen["loggedOut"], 0, "nothing is left for who uses the tab next: {seen:#}");
    gateway.stop().await;
}

/// What `make demo` shows: a real page of the provider, then the page first asked for, and a logout for both tabs.
#[tokio::test]
async fn orders_need_a_login_that_ends_in_both_tabs() {
    let site = Site::new();
    let (_shop, _accounts) = (shop(&site).await, accounts(&site).await);
    let gateway = gateway(&site).await;
    let seen = told(&site, "orders.mjs").await;
    let provider = site.at(9200).to_string();
    assert_eq!(seen["asked"], json!({ "at": provider, "form": true, "title": "Log in to the shop" }), "{seen:#}");
    assert_eq!(text(&seen, "/wrong"), "There is no such name with this password.");
    assert_eq!((&seen["landed"], text(&seen, "/who")), (&json!([]), "ann"), "{seen:#}");
    let session = json!({ "name": "ambassador_session.login.default", "httpOnly": true });
    assert!(seen["own"].as_array().unwrap().contains(&session), "{seen:#}");
    assert!(!seen["left"].to_string().contains("ambassador_"), "{seen:#}");
    assert_eq!((&seen["script"], &seen["tabs"]), (&json!(401), &json!([true, true])), "{seen:#}");
    gateway.stop().await;
}

#[tokio::test]
async fn a_tab_whose_login_has_ended_says_so_and_leads_back() {
    let site = Site::new();
    let (_shop, _accounts) = (shop(&site).await, accounts(&site).await);
    let gateway = gateway(&site).await;
    api(&site, "orders", "current").await;
    let seen = told(&site, "stale.mjs").await;
    for path in ["/refused/answer", "/looked"] {
        assert!(text(&seen, path).contains("You are logged out. Log in again"), "{path}: {seen:#}");
    }
    assert_eq!((text(&seen, "/refused/status"), text(&seen, "/again/status")), ("401 Unauthorized", "200 OK"));
    assert_eq!(seen["isQuiet"], true, "who is logged in is told nothing: {seen:#}");
    gateway.stop().await;
}
