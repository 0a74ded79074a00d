//! Cases of the attack suite that need a real Envoy; their numbers are those of docs/security.md.

use http::StatusCode;
use nuncio_authz_tests::{Browser, Gateway, Issuer, Service, Upstream};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::rules_of;

struct Rig {
    issuer: Issuer,
    upstream: Upstream,
    service: Service,
    gateway: Gateway,
}

/// `/public/` is for all, the rest for who has a token, whose `sub` and `email` are passed on.
async fn rig() -> Rig {
    let (issuer, upstream) = (Issuer::start().await, Upstream::start().await);
    let filter = json!({ "id": "jwt.default", "kind": { "jwt": { "jwks_uri": issuer.jwks_uri, "inject_request_headers": [
        { "name": "X-User", "value": "{{ .token.Claims.sub }}" }, { "name": "X-Email", "value": "{{ .token.Claims.email }}" },
    ] } } });
    let list = json!([
        { "origin": "public", "path": "/public/*" },
        { "origin": "css", "path": "*.css" },
        { "origin": "all", "path": "/*", "filters": [{ "filter": "jwt.default" }] },
    ]);
    let service = Service::start(&rules_of(&list, &[filter])).await;
    let gateway = Gateway::start(&service, &upstream).await;
    Rig { issuer, upstream, service, gateway }
}

impl Rig {
    fn browser(&self) -> Browser {
        Browser::api().with("authorization", &format!("Bearer {}", self.issuer.token(&json!({ "sub": "ann" }))))
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.gateway.address)
    }

    /// The status of a request that no library would send.
    async fn raw(&self, head: &str) -> u16 {
        let mut stream = tokio::net::TcpStream::connect(&self.gateway.address).await.unwrap();
        stream.write_all(format!("{head}\r\nConnection: close\r\n\r\n").as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let text = String::from_utf8_lossy(&answer);
        text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
    }
}

/// Cases 1, 2, 3, 5 and 6.
#[tokio::test]
async fn nobody_writes_who_he_is_himself() {
    let rig = rig().await;
    let evil = |browser: Browser| browser.with("x-user", "evil").with("x-email", "evil").with("x-user", "evil2");
    let page = evil(rig.browser()).get(&rig.url("/x")).await;
    assert_eq!((page.sent("x-user").as_deref(), page.sent("x-email")), (Some("ann"), None), "{page:#?}");
    for path in ["/public/x", "/open/x"] {
        let page = evil(Browser::api()).get(&rig.url(path)).await;
        assert_eq!((page.status, page.sent("x-user"), page.sent("x-email")), (StatusCode::OK, None, None), "{path}");
    }
    let page = rig.browser().with("x_user", "evil").get(&rig.url("/x")).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST, "underscores");
    let page = rig.browser().with("connection", "close, x-user").get(&rig.url("/x")).await;
    assert_eq!(page.sent("x-user").as_deref(), Some("ann"));
}

/// Cases 8 to 16, 18 and 19.
#[tokio::test]
async fn no_spelling_of_a_path_leads_around_its_rule() {
    let rig = rig().await;
    let host = "Host: app.test";
    for path in [
        "//admin",
        "/./admin",
        "/x/../admin",
        "/public/../admin",
        "/%2e%2e/admin",
        "/public/%2e%2e/admin",
        "/public/%2E%2e/admin",
        "/admin?x=/public/",
        "/admin?x.css",
        "/ADMIN",
        "/%61dmin",
        "/admin/x",
        "/public/..;/admin",
        "/admin%3fx",
    ] {
        let status = rig.raw(&format!("GET {path} HTTP/1.1\r\n{host}")).await;
        assert!(matches!(status, 400 | 401), "{path}: {status}");
    }
    for path in [
        "/admin%2fx",
        "/admin%2Fx",
        "/public/%252e%252e/admin",
        "/admin/%c0%af",
        "/a%00",
        "/a%0d%0ab",
        "/admin#/public",
        "/public/%5c..%5cadmin",
        "/public/%2e%2e%2fadmin",
    ] {
        let status = rig.raw(&format!("GET {path} HTTP/1.1\r\n{host}")).await;
        assert_eq!(status, 400, "{path}");
    }
    for header in [
        "X-Forwarded-Uri: /public/x",
        "X-Original-URL: /public/x",
        "X-Rewrite-Url: /public/x",
        "X-HTTP-Method-Override: OPTIONS",
        "User-Agent: ELB-HealthChecker/2.0",
        "X-Envoy-Original-Path: /public/x",
        "X-Forwarded-Proto: https",
    ] {
        assert_eq!(rig.raw(&format!("GET /admin HTTP/1.1\r\n{host}\r\n{header}")).await, 401, "{header}");
    }
    assert_eq!(rig.raw(&format!("OPTIONS /admin HTTP/1.1\r\n{host}")).await, 401, "no preflight");
    assert_eq!(
        rig.raw(&format!("OPTIONS /admin HTTP/1.1\r\n{host}\r\nOrigin: https://b.test")).await,
        401,
        "no preflight"
    );
    assert_eq!(rig.upstream.requests(), 0);
    let preflight = "Origin: https://b.test\r\nAccess-Control-Request-Method: PUT";
    assert_eq!(rig.raw(&format!("OPTIONS /admin HTTP/1.1\r\n{host}\r\n{preflight}")).await, 200);
    assert_eq!(rig.raw(&format!("GET http://evil.test/admin HTTP/1.1\r\n{host}")).await, 401, "absolute form");
}

/// Cases 44 and 45.
#[tokio::test]
async fn one_token_in_its_place() {
    let rig = rig().await;
    let token = rig.issuer.token(&json!({ "sub": "ann" }));
    let two = Browser::api().with("authorization", &format!("Bearer {token}, Bearer {token}"));
    assert_eq!(two.clone().get(&rig.url("/x")).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        rig.browser().with("authorization", "Bearer a").get(&rig.url("/x")).await.status,
        StatusCode::UNAUTHORIZED
    );
    let in_query = Browser::api().get(&rig.url(&format!("/x?access_token={token}"))).await;
    assert_eq!(in_query.status, StatusCode::UNAUTHORIZED);
    assert_eq!(rig.upstream.requests(), 0);
    assert!(!rig.service.written().contains(&token), "no token in any log");
}

/// Case 30.
#[tokio::test]
async fn many_and_large_cookies_are_a_bounded_work() {
    let rig = rig().await;
    let many = (0..180).map(|_| "__Host-ambassador_session.f.default=x").collect::<Vec<_>>().join("; ");
    let page = Browser::api().with("cookie", &many).get(&rig.url("/x")).await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED);
    let status = rig.raw(&format!("GET /x HTTP/1.1\r\nHost: a\r\nCookie: a={}", "x".repeat(61_440))).await;
    assert!(matches!(status, 401 | 431), "{status}");
}
