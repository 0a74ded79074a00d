//! Requests that are refused are explained where they were sent.

use nuncio_e2e::yaml::{documents, mapping_on, object};
use nuncio_e2e::{Client, Gateway, Site, get, keep_secret};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::{text, told_with};
use crate::portal::{HOST, accounts, api, service, shop, stock};

/// From where nobody is let in.
const KEPT_OUT: &str = "203.0.113.7";

/// A token that the shop's identity provider gives a program.
async fn token(site: &Site) -> String {
    let provider = site.at(9200);
    let ask = get(&provider.to_string(), "/token").method("POST").body("grant_type=client_credentials");
    let ask = ask.with("content-type", "application/x-www-form-urlencoded");
    // shop:shop-secret
    let reply = Client::http(provider).ask(&ask.with("authorization", "Basic c2hvcDpzaG9wLXNlY3JldA==")).await;
    let told: Value =
        serde_json::from_str(&reply.text()).unwrap_or_else(|_| panic!("{} {}", reply.status, reply.text()));
    let token = told["access_token"].as_str().unwrap_or_else(|| panic!("{told}")).to_owned();
    keep_secret(&token);
    token
}

/// An API that a token is not enough for, one that a login is not enough for, one for which no login is begun, one whose service is not
/// there, and an address that is kept out.
fn manifests(site: &Site) -> String {
    let mut open = mapping_on(HOST, "stock", "/stock/", site.at(9300));
    open["spec"]["docs"] = json!({ "path": "/openapi.json" });
    let mut gone = mapping_on(HOST, "gone", "/gone/", site.at(9399));
    gone["spec"]["docs"] = json!({ "url": format!("http://{}/openapi.json", site.at(9300)) });
    let mut closed = mapping_on(HOST, "closed", "/closed/", site.at(9300));
    closed["spec"]["docs"] = json!({ "url": format!("http://{}/openapi.json", site.at(9300)) });
    let mut inner = mapping_on(HOST, "inner", "/inner/", site.at(9300));
    inner["spec"]["docs"] = json!({ "url": format!("http://{}/openapi.json", site.at(9300)) });
    let begins_none = json!([{ "name": "login", "arguments": { "insteadOfRedirect": {} } }]);
    let inside = json!({ "host": HOST, "path": "/inner/*", "filters": begins_none });
    let for_nobody = json!([{ "name": "login", "arguments": { "require": "claims.sub == 'nobody'" } }]);
    let closing = json!({ "host": HOST, "path": "/closed/*", "filters": for_nobody });
    let for_ann = json!([{ "name": "token", "arguments": { "require": "claims.sub == 'ann'" } }]);
    let rule = json!({ "host": HOST, "path": "/stock/*", "filters": for_ann });
    // As behind a proxy that is trusted: who asks is who it says.
    let config = json!({ "use_remote_address": false, "ip_deny": [{ "remote": KEPT_OUT }] });
    documents(&[
        open,
        gone,
        closed,
        inner,
        object("FilterPolicy", "stock", json!({ "rules": [rule, closing, inside] })),
        object("Module", "ambassador", json!({ "config": config })),
    ])
}

#[tokio::test]
async fn a_request_that_is_refused_is_explained_on_its_page() {
    let site = Site::new();
    let (_shop, _accounts) = (shop(&site).await, accounts(&site).await);
    let release = watch::Sender::new(stock("1", &["name"]));
    let _stock = service(site.at(9300), &release).await;
    site.write("refused.yaml", manifests(&site));
    let gateway = Gateway::start_with(&site, |command| {
        command.arg(format!("--portal={}", site.at(8088))).args(["--portal-poll", "1"]);
        // The document of the service that is not there is another's.
        command.args(["--portal-allow-host", &site.ip().to_string()]);
    })
    .await;
    for name in ["orders", "catalog", "stock", "gone", "closed", "inner"] {
        api(&site, name, "current").await;
    }
    let settings = json!({ "token": token(&site).await, "address": KEPT_OUT });
    let seen = told_with(&site, "refused.mjs", &settings).await;

    assert_eq!((text(&seen, "/taken/status"), text(&seen, "/taken/body")), ("200 OK", "[]"), "{seen:#}");
    assert!(text(&seen, "/taken/answer").contains("answered by the service"), "{seen:#}");
    for (what, status, parts) in [
        ("wrong", "401 Unauthorized", &["the gateway asks whether its token is valid."][..]),
        (
            "forbidden",
            "403 Forbidden",
            &["Why: the token's claims do not allow this; the gateway asks whether its token is valid."],
        ),
        ("notBegun", "403 Forbidden", &["Why: a login is needed; the request has to show a login.", "Log in"]),
        ("loggedOut", "401 Unauthorized", &["the request has to show a login.", "Log in"]),
        (
            "loggedIn",
            "403 Forbidden",
            &["Why: the login does not allow this; rules decide about the request.", "only from certain addresses"],
        ),
        ("ended", "403 Forbidden", &["You are logged out. Log in again"]),
        ("dead", "503 Service Unavailable", &["no connection to the service is made within", "(counted so far: "]),
        ("keptOut", "403 Forbidden", &["rules decide about the request", "it may pass only from certain addresses"]),
        ("letIn", "200 OK", &["answered by the service"]),
    ] {
        assert_eq!(text(&seen, &format!("/{what}/status")), status, "{what}: {seen:#}");
        let answer = text(&seen, &format!("/{what}/answer"));
        for part in parts {
            assert!(answer.contains(part), "{what}: {part}: {seen:#}");
        }
        // What the rules and the services are called is for operators.
        for name in ["stock.default", "customers.default", "ip_deny", ":9399"] {
            assert!(!answer.contains(name), "{what}: {name}: {seen:#}");
        }
    }
    assert!(!text(&seen, "/loggedIn/answer").contains("a login."), "he has logged in: {seen:#}");
    assert!(!text(&seen, "/loggedIn/answer").contains("logged out"), "nor has that ended: {seen:#}");
    assert!(!text(&seen, "/keptOut/answer").contains("Log in"), "no login would do for him: {seen:#}");
    assert!(!text(&seen, "/dead/answer").contains("circuit breaker"), "what has not happened is no reason: {seen:#}");
    gateway.stop().await;
}
