//! Proxies that ask by HTTP: Envoy's HTTP form, and what nginx (`auth_request`) and Traefik (`forwardAuth`) send.

use http::{HeaderMap, HeaderValue, Method, StatusCode};
use nuncio_authz_tests::{Browser, Gateway, Nginx, Provider, Service, Upstream};
use serde_json::{Value, json};

use crate::rig::{CALLBACK, login_rules};
use crate::rules_of;

/// `/public/` is for all, the rest for who has a key.
fn rules() -> Value {
    let keys = json!({ "id": "keys.default", "kind": { "api_key": {
        "sources": [{ "header": "X-API-Key" }], "keys": [{ "owner": "ann", "secret": "key-1" }],
        "identity": { "header": "X-User", "remove_credential": true } } } });
    let list = json!([
        { "origin": "public", "path": "/public/*" },
        { "origin": "all", "path": "*", "filters": [{ "filter": "keys.default" }] },
    ]);
    rules_of(&list, &[keys])
}

#[tokio::test]
async fn an_envoy_may_ask_by_http() {
    let upstream = Upstream::start().await;
    let service = Service::start(&rules()).await;
    let gateway = Gateway::start_by_http(&service, &upstream).await;
    let url = |path: &str| format!("http://{}{path}", gateway.address);
    let page = Browser::api().with("x-api-key", "key-1").get(&url("/x?y=1")).await;
    assert_eq!((page.status, page.sent("x-user").as_deref()), (StatusCode::OK, Some("ann")), "{page:#?}");
    let page = Browser::api().with("x-user", "ann").get(&url("/x")).await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED, "{page:#?}");
    assert!(page.header("www-authenticate").is_some() && page.json()["status_code"] == 401, "{page:#?}");
    assert_eq!(Browser::api().get(&url("/public/x")).await.status, StatusCode::OK);
    assert_eq!(Browser::api().get(&url("/x?/public/x")).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(upstream.requests(), 2);
}

/// A real nginx with the configuration of the documentation.
#[tokio::test]
async fn nginx_asks_as_the_documentation_says() {
    let upstream = Upstream::start().await;
    let service = Service::start(&rules()).await;
    let nginx = Nginx::start(&service, &upstream).await;
    let url = |path: &str| format!("{}{path}", nginx.origin);

    let page = Browser::api().with("x-api-key", "key-1").with("x-user", "eve").get(&url("/x?y=1")).await;
    assert_eq!((page.status, page.sent("x-user").as_deref()), (StatusCode::OK, Some("ann")), "{page:#?}");
    assert_eq!((page.json()["path"].as_str(), page.sent("x-api-key")), (Some("/x?y=1"), None), "{page:#?}");
    let open = Browser::api().with("x-user", "eve").get(&url("/public/x")).await;
    assert_eq!((open.status, open.sent("x-user")), (StatusCode::OK, None), "{open:#?}");
    let refused = Browser::api().get(&url("/x")).await;
    assert_eq!(
        (refused.status, &refused.json()["status_code"]),
        (StatusCode::UNAUTHORIZED, &json!(401)),
        "{refused:#?}"
    );
    let led = Browser::api().with("x-original-uri", "/public/x").get(&url("/x")).await;
    assert_eq!(led.status, StatusCode::BAD_REQUEST, "{led:#?}");
    assert_eq!(upstream.requests(), 2);

    let provider = Provider::start(&[url(CALLBACK)], &json!({})).await;
    let code = json!({ "client_id": "edge", "client_secret": "edge-secret", "protected_origins": [{ "origin": nginx.origin }] });
    service.write_rules(&login_rules(&provider, &code, &json!({}))).await;
    let mut browser = Browser::default();
    let page = browser.log_in(&url("/orders?page=2"), "ann").await;
    assert_eq!((page.status, page.json()["path"].as_str()), (StatusCode::OK, Some("/orders?page=2")), "{page:#?}");
    assert_eq!(page.sent("x-user").as_deref(), Some("ann"));
    let cookies = page.sent("cookie").unwrap();
    assert!(cookies.contains("ambassador_xsrf.") && !cookies.contains("ambassador_session."), "{cookies}");
    let host = page.url.host_str().unwrap();
    let xsrf = browser.cookies_like(host, "ambassador_xsrf")[0].1.clone();
    let logout = url("/.ambassador/oauth2/logout?realm=login.default");
    let page = browser.send(Method::POST, &logout, Some(&[("_xsrf", &xsrf)])).await;
    assert_eq!((page.status, browser.cookies_like(host, "ambassador_").len()), (StatusCode::FOUND, 0), "{page:#?}");
}

/// nginx sends the path as the client wrote it; both write the headers anew.
#[tokio::test]
async fn nginx_and_traefik_may_ask_and_no_spelling_leads_around_a_rule() {
    let service = Service::start(&rules()).await;
    let ask = async |names: [&'static str; 2], path: &str, key: Option<&'static str>| {
        let mut headers = HeaderMap::new();
        for (name, value) in [("x-forwarded-proto", "https"), ("x-forwarded-host", "shop.test"), (names[1], "GET")] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        headers.insert(names[0], path.parse().unwrap());
        headers.extend(key.map(|key| (http::HeaderName::from_static("x-api-key"), HeaderValue::from_static(key))));
        let request = reqwest::Client::new().get(format!("http://{}/check/s", service.http)).headers(headers);
        request.send().await.unwrap()
    };
    for names in [["x-original-uri", "x-original-method"], ["x-forwarded-uri", "x-forwarded-method"]] {
        let answer = ask(names, "/x?y=1", Some("key-1")).await;
        let header = |name: &str| answer.headers().get(name).map(HeaderValue::as_bytes);
        assert_eq!((answer.status(), header("x-user")), (StatusCode::OK, Some(&b"ann"[..])));
        assert_eq!(header("x-api-key"), Some(&b""[..]), "to be taken away");
        assert_eq!(ask(names, "/x", None).await.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(ask(names, "/public/x", None).await.status(), StatusCode::OK);
        for path in [
            "/public/../x",
            "/public//../x",
            "/public/%2e%2e/x",
            "/public/..;/x",
            "/x?/public/",
            "//x",
            "/public/%252e%252e/x",
        ] {
            let status = ask(names, path, None).await.status().as_u16();
            assert!(matches!(status, 400 | 401), "{path}: {status}");
        }
    }
    // Without what the proxy has to say nothing is guessed, and a set that is not there lets nobody in.
    let plain = reqwest::get(format!("http://{}/check/s", service.http)).await.unwrap();
    assert_eq!(plain.status(), StatusCode::BAD_REQUEST);
    let root = reqwest::get(format!("http://{}/check/s/", service.http)).await.unwrap();
    assert_eq!(root.status(), StatusCode::UNAUTHORIZED, "the path / of Envoy's HTTP form");
    let other = reqwest::get(format!("http://{}/check/other/x", service.http)).await.unwrap();
    assert_eq!(other.status(), StatusCode::SERVICE_UNAVAILABLE);
}
