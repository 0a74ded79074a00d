//! API keys, passwords, other services, and several filters after each other.

use http::StatusCode;
use http::header::ACCEPT;
use nuncio_auth::jwt::{KeySet, check};
use nuncio_authz_tests::{Browser, Gateway, Nginx, Page, Service, Upstream, replace, signing_key};
use nuncio_test_support::{Authority, eventually};
use serde_json::{Value, json};

use crate::tokens::now;
use crate::{rules, rules_of};

fn keys(secret: &str) -> Value {
    json!({ "id": "keys.default", "kind": { "api_key": {
        "sources": [{ "header": "X-API-Key" }], "keys": [{ "owner": "ann", "secret": secret }],
        "identity": { "header": "X-User", "remove_credential": true } } } })
}

#[tokio::test]
async fn a_key_lets_in_until_it_is_taken_away() {
    let upstream = Upstream::start().await;
    let service = Service::start(&rules(&[keys("key-1")])).await;
    let gateway = Gateway::start(&service, &upstream).await;
    let url = format!("http://{}/", gateway.address);
    let get = async |key: &str| Browser::api().with("x-api-key", key).get(&url).await;
    let page = get("key-1").await;
    assert_eq!((page.status, page.sent("x-user").as_deref()), (StatusCode::OK, Some("ann")), "{page:#?}");
    assert_eq!(page.sent("x-api-key"), None, "the key is not passed on");
    assert_eq!(get("key-2").await.status, StatusCode::UNAUTHORIZED);
    service.write_rules(&rules(&[keys("key-2")])).await;
    assert_eq!((get("key-1").await.status, get("key-2").await.status), (StatusCode::UNAUTHORIZED, StatusCode::OK));
    // Who does not ask for a page gets none, and who does gets one.
    let mut curl = Browser::api();
    curl.headers.insert(ACCEPT, "*/*".parse().unwrap());
    let kind = |page: &Page| page.header("content-type").map(str::to_owned);
    let told = curl.with("x-api-key", "wrong").get(&url).await;
    assert_eq!((told.status, kind(&told).as_deref()), (StatusCode::UNAUTHORIZED, Some("application/json")));
    let shown = Browser::default().with("x-api-key", "wrong").get(&url).await;
    assert_eq!((shown.status, kind(&shown).as_deref()), (StatusCode::UNAUTHORIZED, Some("text/html; charset=utf-8")));
    let written = service.written();
    assert!(!written.contains("key-1") && !written.contains("key-2"), "{written}");
}

#[tokio::test]
async fn a_password_lets_in() {
    let hash = hash_of_pw();
    let basic = json!({ "id": "basic.default", "kind": { "basic": {
        "realm": "shop", "users": format!("ann:{hash}\n"), "identity": { "header": "X-User", "remove_credential": true } } } });
    let upstream = Upstream::start().await;
    let service = Service::start(&rules(&[basic])).await;
    let gateway = Gateway::start(&service, &upstream).await;
    let url = format!("http://{}/", gateway.address);
    // ann:pw, then ann:no.
    let good = Browser::api().with("authorization", "Basic YW5uOnB3").get(&url).await;
    assert_eq!((good.status, good.sent("x-user").as_deref()), (StatusCode::OK, Some("ann")), "{good:#?}");
    assert_eq!(good.sent("authorization"), None);
    let bad = Browser::api().with("authorization", "Basic YW5uOm5v").get(&url).await;
    assert_eq!(
        (bad.status, bad.header("www-authenticate")),
        (StatusCode::UNAUTHORIZED, Some("Basic realm=\"shop\", charset=\"UTF-8\""))
    );
}

/// `{SHA}` of `pw`.
fn hash_of_pw() -> &'static str {
    "{SHA}GpHWL3ymc5liWkNopqtdSjuqYHM="
}

#[tokio::test]
async fn another_service_decides_and_its_edits_are_seen_by_the_next_filter() {
    let upstream = Upstream::start().await;
    let other = Service::start(&rules(&[keys("key-1")])).await;
    let external = |protocol: &Value, url: &str| {
        json!({ "id": "ext.default", "kind": { "external": {
            "url": format!("http://{url}"), "protocol": protocol, "timeout": { "secs": 5, "nanos": 0 }, "status_on_error": 502 } } })
    };
    let by_http = json!({ "http": {
        "path_prefix": "/check/s", "allowed_request_headers": ["x-api-key"], "allowed_authorization_headers": ["x-user"] } });
    // Passes only what the filter before it has marked.
    let marked = json!({ "id": "marked.default", "kind": { "invalid": { "reason": "only for who is not marked" } } });
    let list = json!([{ "origin": "r", "path": "*", "filters": [
        { "filter": "ext.default" },
        { "filter": "marked.default", "if_request_header": { "name": "x-user", "value": { "exact": "ann" }, "negate": true } },
    ] }]);
    let service = Service::start(&rules_of(&list, &[external(&by_http, &other.http), marked.clone()])).await;
    let gateway = Gateway::start(&service, &upstream).await;
    let url = format!("http://{}/x", gateway.address);
    let good = Browser::api().with("x-api-key", "key-1").get(&url).await;
    assert_eq!((good.status, good.sent("x-user").as_deref()), (StatusCode::OK, Some("ann")), "{good:#?}");
    let bad = Browser::api().with("x-api-key", "no").get(&url).await;
    assert_eq!(bad.status, StatusCode::UNAUTHORIZED, "{bad:#?}");

    let nobody = rules_of(&list, &[external(&by_http, "127.0.0.1:1"), marked]);
    service.write_rules(&nobody).await;
    let down = Browser::api().with("x-api-key", "key-1").get(&url).await;
    assert_eq!(down.status, StatusCode::BAD_GATEWAY, "{down:#?}");
}

#[tokio::test]
async fn another_service_is_shown_the_certificate_that_it_wants() {
    let (upstream, authority) = (Upstream::start().await, Authority::new("services"));
    let other = Service::start(&rules(&[keys("key-1")])).await;
    let nginx = Nginx::start_for_certified(&other, &authority).await;
    let external = |certificate: &Value| {
        rules(&[json!({ "id": "ext.default", "kind": { "external": {
            "url": nginx.origin, "timeout": { "secs": 5, "nanos": 0 }, "status_on_error": 502,
            "protocol": { "http": { "path_prefix": "/check/s", "allowed_request_headers": ["x-api-key"],
                "allowed_authorization_headers": ["x-user"] } },
            "client": { "authorities": authority.pem(), "certificate": certificate } } } })])
    };
    let edge = authority.issue(&["edge.test"]);
    let service = Service::start(&external(&json!([edge.cert, edge.key]))).await;
    let gateway = Gateway::start(&service, &upstream).await;
    let get = async |key: &str| Browser::api().with("x-api-key", key).get(&gateway.origin).await;
    let good = get("key-1").await;
    assert_eq!((good.status, good.sent("x-user").as_deref()), (StatusCode::OK, Some("ann")), "{good:#?}");
    assert_eq!(get("no").await.status, StatusCode::UNAUTHORIZED);
    service.write_rules(&external(&Value::Null)).await;
    let unknown = get("key-1").await;
    assert_eq!(unknown.status, StatusCode::BAD_REQUEST, "nginx wants one: {unknown:#?}");
}

#[tokio::test]
async fn a_service_explains_how_it_decides() {
    let service = Service::start(&rules(&[keys("key-1")])).await;
    let explain = |key: &str| service.explain(&["https://shop.test/x", "--rules", "s", "-H", key]);
    assert_eq!(explain("x-api-key: key-1").lines().next(), Some("allow (status 200)"));
    let refused = explain("x-api-key: no");
    assert!(refused.starts_with("deny (status 401)\n") && refused.contains("keys.default: deny"), "{refused}");
}

/// By keys that are told before they sign, so that what an upstream remembers of them is enough.
#[tokio::test]
async fn an_upstream_can_verify_who_it_is() {
    let (upstream, file) = (Upstream::start().await, tempfile::NamedTempFile::new().unwrap());
    let (one, two) = (signing_key().0, signing_key().0);
    replace(file.path(), &format!("{one}{two}"));
    let flags = ["--assertion-key", file.path().to_str().unwrap()];
    let service = Service::start_with(&rules(&[keys("key-1")]), &flags).await;
    let gateway = Gateway::start(&service, &upstream).await;
    let remembered = KeySet::parse(service.admin("/jwks").await.as_bytes()).unwrap();
    let wanted = json!({ "jwks_uri": "", "issuer": "nuncio", "audiences": { "any": [gateway.portless_origin()] }, "require_audience": true });
    let wanted = serde_json::from_value(wanted).unwrap();
    let verified = async || {
        let mut browser = Browser::api().with("x-api-key", "key-1").with("x-nuncio-assertion", "me");
        let assertion = browser.get(&gateway.origin).await.sent("x-nuncio-assertion").unwrap();
        check(&wanted, &assertion, &remembered, now()).unwrap()
    };
    let first = verified().await;
    assert_eq!(first.text("sub"), Some("ann"));
    replace(file.path(), &format!("{two}{one}"));
    eventually("the other key signs", async || {
        if verified().await.header["kid"] == first.header["kid"] { Err("not yet") } else { Ok(()) }
    })
    .await;
}

#[tokio::test]
async fn nothing_is_let_through_before_rules_are_known_or_without_their_filter() {
    let upstream = Upstream::start().await;
    let mut service = Service::launch(&json!({ "rule_sets": "broken" }), &[]);
    let gateway = Gateway::start(&service, &upstream).await;
    let url = format!("http://{}/", gateway.address);
    assert_eq!(Browser::api().get(&url).await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(service.admin("/readyz").await.contains("rules: not yet"));
    let missing = json!([{ "origin": "r", "path": "/x", "filters": [{ "filter": "gone.default" }] }]);
    service.write_rules(&rules_of(&missing, &[])).await;
    assert_eq!(Browser::api().get(&format!("{url}x")).await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(Browser::api().get(&url).await.status, StatusCode::OK, "no rule is for it");
    service.process().end();
    assert_eq!(Browser::api().get(&url).await.status, StatusCode::SERVICE_UNAVAILABLE, "the service is gone");
    assert_eq!(upstream.requests(), 1);
}
