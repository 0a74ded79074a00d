//! Cases of the attack suite that need a real Envoy, from manifests alone; their numbers are those of docs/security.md.

use http::StatusCode;
use nuncio_authz_tests::{Browser, Issuer, Provider, Upstream};
use nuncio_e2e::yaml::{documents, host, listener, mapping_on, object, text_secret};
use nuncio_e2e::{Gateway, Site};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

struct Rig<'s> {
    issuer: Issuer,
    upstream: Upstream,
    site: &'s Site,
    gateway: Gateway<'s>,
}

/// At `app.test`, `/public/` is for all, `/open/` is not asked about, and the rest is for who has a token, whose `sub` and `email`
/// are passed on.
async fn rig(site: &Site) -> Rig<'_> {
    let (issuer, upstream) = (Issuer::start().await, Upstream::start().await);
    let filter = json!({"JWT": {"jwksURI": issuer.jwks_uri, "injectRequestHeaders": [
        {"name": "X-User", "value": "{{ .token.Claims.sub }}"}, {"name": "X-Email", "value": "{{ .token.Claims.email }}"},
    ]}});
    let rule = |path: &str, filters: &[&str]| {
        let filters: Vec<_> = filters.iter().map(|name| json!({"name": name})).collect();
        json!({"host": "app.test", "path": path, "filters": filters})
    };
    let rules = json!([rule("/public/*", &[]), rule("*.css", &[]), rule("/*", &["token"])]);
    let service = upstream.address.parse().unwrap();
    let mut open = mapping_on("app.test", "open", "/open/", service);
    open["spec"]["bypass_auth"] = json!(true);
    let objects = [
        listener("http", site.http().port(), "HTTP"),
        host("app", "app.test"),
        object("Filter", "token", filter),
        object("FilterPolicy", "app", json!({"rules": rules})),
        mapping_on("app.test", "all", "/", service),
        open,
    ];
    site.write("all.yaml", documents(&objects));
    Rig { issuer, upstream, site, gateway: Gateway::start(site).await }
}

impl Rig<'_> {
    fn token(&self) -> String {
        self.issuer.token(&json!({"sub": "ann"}))
    }

    fn client() -> Browser {
        Browser::api().with("host", "app.test")
    }

    fn browser(&self) -> Browser {
        Self::client().with("authorization", &format!("Bearer {}", self.token()))
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.site.http())
    }

    /// The status of a request that no library would send.
    async fn raw(&self, head: &str) -> u16 {
        let mut stream = TcpStream::connect(self.site.http()).await.unwrap();
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
    let site = Site::new();
    let rig = rig(&site).await;
    let evil = |browser: Browser| browser.with("x-user", "evil").with("x-email", "evil").with("x-user", "evil2");
    let page = evil(rig.browser()).get(&rig.url("/x")).await;
    assert_eq!((page.sent("x-user").as_deref(), page.sent("x-email")), (Some("ann"), None), "{page:#?}");
    for path in ["/public/x", "/open/x"] {
        let page = evil(Rig::client()).get(&rig.url(path)).await;
        assert_eq!((page.status, page.sent("x-user"), page.sent("x-email")), (StatusCode::OK, None, None), "{path}");
    }
    let page = rig.browser().with("x_user", "evil").get(&rig.url("/x")).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST, "underscores");
    let page = rig.browser().with("connection", "close, x-user").get(&rig.url("/x")).await;
    assert_eq!(page.sent("x-user").as_deref(), Some("ann"));
    rig.gateway.stop().await;
}

/// Cases 8 to 16, 18 and 19.
#[tokio::test]
async fn no_spelling_of_a_path_leads_around_its_rule() {
    let site = Site::new();
    let rig = rig(&site).await;
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
        "/admin\\x",
        "/public\\..\\admin",
        "/public/..;/admin",
        "/admin%3fx",
        "/admin%3f/public",
        "/admin%23/public",
        "/admin;jsession=1",
    ] {
        let status = rig.raw(&format!("GET {path} HTTP/1.1\r\n{host}")).await;
        assert!(matches!(status, 400 | 401), "{path}: {status}");
    }
    // Envoy sends who asks for these to the same path with slashes, which is asked for above.
    for path in ["/admin%2fx", "/admin%2Fx", "/admin%5cx", "/public%5c..%5cadmin", "/public/%2e%2e%2fadmin"] {
        let status = rig.raw(&format!("GET {path} HTTP/1.1\r\n{host}")).await;
        assert!(matches!(status, 307 | 400), "{path}: {status}");
    }
    for path in ["/public/%252e%252e/admin", "/admin/%c0%af", "/a%00", "/a%0d%0ab", "/admin#/public"] {
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
    for header in ["Origin: https://b.test", "Access-Control-Request-Method: PUT", "Access-Control-Request-Headers: a"]
    {
        let status = rig.raw(&format!("OPTIONS /admin HTTP/1.1\r\n{host}\r\n{header}")).await;
        assert_eq!(status, 401, "{header} alone is no preflight");
    }
    let preflight = "Origin: https://b.test\r\nAccess-Control-Request-Method: PUT";
    for more in ["Content-Length: 1", "Authorization: Bearer x", "Cookie: a=1"] {
        let status = rig.raw(&format!("OPTIONS /admin HTTP/1.1\r\n{host}\r\n{preflight}\r\n{more}")).await;
        assert_eq!(status, 401, "{more}: no browser's preflight");
    }
    assert_eq!(rig.upstream.requests(), 0);
    assert_eq!(rig.raw(&format!("OPTIONS /admin HTTP/1.1\r\n{host}\r\n{preflight}")).await, 200);
    rig.gateway.stop().await;
}

/// Case 17: the rule is found by the name that the table is for, and no other name has a table.
#[tokio::test]
async fn no_spelling_of_a_host_leads_around_its_rule() {
    let site = Site::new();
    let rig = rig(&site).await;
    for host in ["app.test", "APP.test:443", "app.test.", "APP.TEST.:8080"] {
        assert_eq!(rig.raw(&format!("GET /admin HTTP/1.1\r\nHost: {host}")).await, 401, "{host}");
        assert_eq!(rig.raw(&format!("GET http://{host}/admin HTTP/1.1\r\nHost: evil.test")).await, 401, "{host}");
    }
    for host in ["evil.test", "app.test.evil.test", "app.test@evil.test", "evil.test/app.test"] {
        let status = rig.raw(&format!("GET /admin HTTP/1.1\r\nHost: {host}")).await;
        assert!(matches!(status, 400 | 404), "{host}: {status}");
        let status = rig.raw(&format!("GET http://{host}/admin HTTP/1.1\r\nHost: app.test")).await;
        assert!(matches!(status, 400 | 404), "{host}: {status}");
    }
    let forwarded = "Host: app.test\r\nX-Forwarded-Host: evil.test\r\nForwarded: host=evil.test";
    assert_eq!(rig.raw(&format!("GET /admin HTTP/1.1\r\n{forwarded}")).await, 401);
    assert_eq!(rig.upstream.requests(), 0);
    rig.gateway.stop().await;
}

/// Cases 44 and 45.
#[tokio::test]
async fn one_token_in_its_place() {
    let site = Site::new();
    let rig = rig(&site).await;
    let token = rig.token();
    let two = Rig::client().with("authorization", &format!("Bearer {token}, Bearer {token}"));
    assert_eq!(two.clone().get(&rig.url("/x")).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        rig.browser().with("authorization", "Bearer a").get(&rig.url("/x")).await.status,
        StatusCode::UNAUTHORIZED
    );
    let in_query = Rig::client().get(&rig.url(&format!("/x?access_token={token}"))).await;
    assert_eq!(in_query.status, StatusCode::UNAUTHORIZED);
    assert_eq!(rig.upstream.requests(), 0);
    rig.gateway.stop().await;
}

/// Case 30.
#[tokio::test]
async fn many_and_large_cookies_are_a_bounded_work() {
    let site = Site::new();
    let provider =
        Provider::start(&["http://app.test/.ambassador/oauth2/redirection-endpoint".to_owned()], &json!({})).await;
    let login = json!({"OAuth2": {
        "authorizationURL": provider.issuer, "clientID": "edge", "secretName": "login",
        "protectedOrigins": [{"origin": "http://app.test"}],
    }});
    let rule = json!({"host": "app.test", "path": "/login/*", "precedence": 1, "filters": [{"name": "login"}]});
    let secret = text_secret("login", "oauth2-client-secret", "edge-secret");
    let objects = [object("Filter", "login", login), object("FilterPolicy", "login", json!({"rules": [rule]})), secret];
    site.write("login.yaml", documents(&objects));
    let rig = rig(&site).await;
    let session = format!("ambassador_session.login.default={}", "x".repeat(43));
    let many = vec![session; 180].join("; ");
    for path in ["/x", "/login/x"] {
        let page = Rig::client().with("cookie", &many).get(&rig.url(path)).await;
        assert_eq!(page.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    let counted = rig.gateway.admin.text("/metrics").await;
    let denied = r#"decisions_total{rule="login.default#0",decision="deny",reason="no_session"} 1"#;
    assert!(counted.contains(denied), "the login has looked: {counted}");
    let status = rig.raw(&format!("GET /x HTTP/1.1\r\nHost: app.test\r\nCookie: a={}", "x".repeat(61_440))).await;
    assert!(matches!(status, 401 | 431), "{status}");
    rig.gateway.stop().await;
}
