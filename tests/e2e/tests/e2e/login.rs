//! Logins and tokens by Filters, with a real identity provider: from manifests alone.

use std::os::unix::fs::PermissionsExt;

use http::{Method, StatusCode};
use nuncio_authz_tests::{Browser, Issuer, Page, Provider, Redis, Upstream};
use nuncio_e2e::backend::Backend;
use nuncio_e2e::yaml::{documents, mapping, object, plain, text_secret};
use nuncio_e2e::{Gateway, Site, eventually};
use serde_json::json;

const CALLBACK: &str = "/.ambassador/oauth2/redirection-endpoint";

fn origin(site: &Site) -> String {
    format!("http://{}", site.http())
}

/// A login for the site's origin at `provider`, for what is below `/orders/`.
async fn with_login(site: &Site, upstream: &Upstream) -> Provider {
    let provider = Provider::start(&[format!("{}{CALLBACK}", origin(site))], &json!({})).await;
    let login = object(
        "Filter",
        "login",
        json!({"OAuth2": {
            "authorizationURL": provider.issuer, "clientID": "edge", "secretName": "login",
            "protectedOrigins": [{"origin": origin(site)}],
            "injectRequestHeaders": [{"name": "X-User", "value": "{{ .idToken.Claims.sub }}"}],
        }}),
    );
    let policy = object(
        "FilterPolicy",
        "orders",
        json!({"rules": [
            {"host": "*", "path": "/orders/*", "filters": [{"name": "login"}]},
        ]}),
    );
    let secret = text_secret("login", "oauth2-client-secret", "edge-secret");
    let all = documents(&[mapping("all", "/", upstream.address.parse().unwrap()), login, policy, secret]);
    site.write("all.yaml", plain(site) + &all);
    provider
}

#[tokio::test]
async fn a_login_is_needed_where_a_policy_says_so_and_ends_with_a_logout() {
    let (site, upstream) = (Site::new(), Upstream::start().await);
    let provider = with_login(&site, &upstream).await;
    let gateway = Gateway::start(&site).await;
    let url = |path: &str| format!("{}{path}", origin(&site));
    let mut browser = Browser::default();
    assert_eq!(browser.get(&url("/public")).await.status, StatusCode::OK, "no login is needed here");
    let page = browser.log_in(&url("/orders/1?page=2"), "ann").await;
    assert_eq!((page.status, page.url.as_str()), (StatusCode::OK, url("/orders/1?page=2").as_str()), "{page:#?}");
    assert_eq!(page.sent("x-user").as_deref(), Some("ann"));
    assert_eq!(provider.event("grant authorization_code").await, 1);
    let page = browser.get(&url("/public")).await;
    let cookies = page.sent("cookie").unwrap();
    assert!(cookies.contains("ambassador_xsrf.") && !cookies.contains("ambassador_session."), "{cookies}");
    assert_eq!(Browser::api().get(&url("/orders/1")).await.status, StatusCode::UNAUTHORIZED);

    let counted = gateway.admin.text("/metrics").await;
    for (series, count) in [
        (r#"decisions_total{rule="orders.default#0",decision="allow",reason=""}"#, 1),
        (r#"decisions_total{rule="orders.default#0",decision="deny",reason="no_session"}"#, 1),
        (r#"decisions_total{rule="orders.default#0",decision="answer",reason=""}"#, 1),
    ] {
        assert!(counted.contains(&format!("nuncio_authz_{series} {count}\n")), "{series}: {counted}");
    }
    assert!(
        counted.contains("nuncio_authz_provider_calls_total{") && counted.contains("nuncio_authz_signatures_total{")
    );

    let host = site.ip().to_string();
    let (_, xsrf) = browser.cookies_like(&host, "ambassador_xsrf.login.default").remove(0);
    let form = [("realm", "login.default"), ("_xsrf", xsrf.as_str())];
    let out = browser.send(Method::POST, &url("/.ambassador/oauth2/logout"), Some(&form)).await;
    assert!(out.status.is_redirection(), "{out:#?}");
    assert!(browser.get(&url("/orders/1")).await.status.is_redirection(), "to the login again");
    gateway.stop().await;
}

#[tokio::test]
async fn sessions_outlive_a_gateway_where_it_is_told_so() {
    let (site, upstream, redis) = (Site::new(), Upstream::start().await, Redis::start().await);
    let _provider = with_login(&site, &upstream).await;
    let keys = site.root().join("keys");
    std::fs::write(&keys, "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n").unwrap();
    let start = async || {
        Gateway::start_with(&site, |command| {
            command.args(["--redis", &redis.url()]).env("NUNCIO_AUTHZ_KEYS", &keys);
        })
        .await
    };
    let gateway = start().await;
    let url = format!("{}/orders/1", origin(&site));
    let mut browser = Browser::default();
    assert_eq!(browser.log_in(&url, "ann").await.status, StatusCode::OK);
    gateway.stop().await;
    let gateway = start().await;
    let page = browser.get(&url).await;
    assert_eq!((page.status, page.sent("x-user").as_deref()), (StatusCode::OK, Some("ann")), "{page:#?}");
    gateway.stop().await;
}

/// By a socket, which other users of the machine cannot open.
#[tokio::test]
async fn operators_are_told_why_and_end_the_sessions_of_a_user() {
    let (site, upstream) = (Site::new(), Upstream::start().await);
    let provider = with_login(&site, &upstream).await;
    let mut open = mapping("open", "/open/", upstream.address.parse().unwrap());
    open["spec"]["bypass_auth"] = json!(true);
    site.write("open.yaml", documents(&[open]));
    let admin = site.root().join("authz-admin.sock");
    let gateway = Gateway::start_with(&site, |command| _ = command.env("NUNCIO_AUTHZ_ADMIN", &admin)).await;
    let mode = std::fs::metadata(&admin).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let authz = |arguments: &[&str]| {
        let arguments = [&["authz"][..], arguments].concat();
        let output = site.nuncio(&arguments).env("NUNCIO_AUTHZ_ADMIN", &admin).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let url = format!("{}/orders/1", origin(&site));
    let mut browser = Browser::default();
    assert_eq!(browser.log_in(&url, "ann").await.status, StatusCode::OK);
    let explained = authz(&["explain", &url, "--rules", "orders.default#0", "-H", "accept: application/json"]);
    assert!(explained.starts_with("deny (status 401)\n") && explained.contains("login.default: deny"), "{explained}");
    // The gateway says by which rules, where it is asked.
    let diagnostics = site.admin().to_string();
    let asked = ["--gateway", diagnostics.as_str(), "-H", "accept: application/json"];
    assert_eq!(authz(&[&["explain", url.as_str()][..], &asked].concat()), explained);
    let (public, open) = (format!("{}/public", origin(&site)), format!("{}/open/", origin(&site)));
    assert_eq!(authz(&[&["explain", public.as_str()][..], &asked].concat()), "no rule: let through\n");
    let unasked = authz(&[&["explain", open.as_str()][..], &asked].concat());
    assert!(unasked.starts_with("no rule: not asked\n  forwarded to "), "{unasked}");
    let mut wrong =
        site.nuncio(&["authz", "explain", &public, "--rules", "orders.default#0", "--admin", admin.to_str().unwrap()]);
    let wrong = wrong.output().unwrap();
    assert!(!wrong.status.success() && String::from_utf8_lossy(&wrong.stderr).contains("no rule: "), "{wrong:?}");
    assert!(!gateway.stderr().iter().any(|line| line.contains("no rules from")), "{:#?}", gateway.stderr());
    assert_eq!(authz(&["end-sessions", &provider.issuer, "bob"]), "sessions ended: 0\n");
    assert_eq!(browser.get(&url).await.status, StatusCode::OK);
    assert_eq!(authz(&["end-sessions", &provider.issuer, "ann"]), "sessions ended: 1\n");
    assert!(browser.get(&url).await.status.is_redirection(), "to the login again");
    gateway.stop().await;
}

/// Said before anybody is turned away, and until it can be had.
#[tokio::test]
async fn what_a_filter_cannot_have_is_its_problem() {
    let (site, upstream, issuer) = (Site::new(), Upstream::start().await, Issuer::start().await);
    issuer.answer(404, "");
    let login = json!({"OAuth2": {
        "authorizationURL": "http://127.0.0.1:9", "clientID": "edge", "secret": "of-no-use",
        "protectedOrigins": [{"origin": origin(&site)}],
    }});
    let filters =
        [object("Filter", "token", json!({"JWT": {"jwksURI": issuer.jwks_uri}})), object("Filter", "login", login)];
    let rule = |path: &str, filter: &str| json!({"host": "*", "path": path, "filters": [{"name": filter}]});
    let policy = object("FilterPolicy", "api", json!({"rules": [rule("/api/*", "token"), rule("/pages/*", "login")]}));
    let served = documents(&[mapping("all", "/", upstream.address.parse().unwrap()), policy]);
    site.write("all.yaml", plain(&site) + &served);
    site.write("filters.yaml", documents(&filters));
    let gateway = Gateway::start(&site).await;
    let problem = gateway.admin.problem(&["ProviderUnavailable", "\"token\"", "404", "since 20"]).await;
    assert_eq!(
        (&problem["severity"], &problem["field"]),
        (&json!("warning"), &json!("spec.JWT.jwksURI")),
        "{problem:#}"
    );
    assert_eq!(problem["location"]["file"], "filters.yaml", "{problem:#}");
    gateway.admin.problem(&["ProviderUnavailable", "\"login\"", "spec.OAuth2.authorizationURL", "127.0.0.1:9/"]).await;
    gateway.line(&["warning: filters.yaml:", "jwksURI", "404"]).await;
    gateway.admin.text("/ambassador/v0/check_ready").await;
    // Who is to send requests is told what to show, not how operators call it.
    let apis = gateway.admin.list("apis").await;
    let login = json!({"kind": "login", "provider": "http://127.0.0.1:9", "scopes": []});
    assert_eq!(apis[0]["credentials"], json!([login, {"kind": "token", "issuer": null, "scopes": []}]), "{apis:#?}");
    assert!(apis[0]["removed_headers"].as_array().unwrap().contains(&json!("x-nuncio-assertion")), "{apis:#?}");
    let token = issuer.token(&json!({"sub": "ann"}));
    let asked =
        async || Browser::api().with("authorization", &format!("Bearer {token}")).get(&(origin(&site) + "/api/")).await;
    assert_eq!(asked().await.status, StatusCode::SERVICE_UNAVAILABLE);
    let doctor = site.nuncio(&["doctor", "manifests", "--admin", &site.admin().to_string()]).output().unwrap();
    let told = String::from_utf8_lossy(&doctor.stdout);
    assert!(
        told.contains("Filter default/token: spec.JWT.jwksURI: ") && told.contains("(ProviderUnavailable)"),
        "{told}"
    );
    issuer.recover();
    gateway.admin.no_problem(&["ProviderUnavailable", "\"token\""]).await;
    assert_eq!(asked().await.status, StatusCode::OK);
    gateway.stop().await;
}

#[tokio::test]
async fn a_token_a_password_or_another_service_lets_in() {
    let (site, upstream) = (Site::new(), Upstream::start().await);
    let (other, issuer) = (Backend::start("other").await, Issuer::start().await);
    let filters = [
        object(
            "Filter",
            "token",
            json!({"JWT": {
                "jwksURI": issuer.jwks_uri,
                "injectRequestHeaders": [{"name": "X-User", "value": "{{ .token.Claims.sub }}"}],
            }}),
        ),
        object("Filter", "password", json!({"Basic": {"secretName": "users", "identityHeader": "X-User"}})),
        object(
            "Filter",
            "other",
            json!({"External": {
                "auth_service": other.address().to_string(), "allowed_request_headers": ["x-echo-status"],
            }}),
        ),
    ];
    let rule = |name: &str| json!({"path": format!("/{name}/*"), "filters": [{"name": name}]});
    let policy = object("FilterPolicy", "all", json!({"rules": [rule("token"), rule("password"), rule("other")]}));
    // ann:pw
    let users = text_secret("users", "htpasswd", "ann:{SHA}GpHWL3ymc5liWkNopqtdSjuqYHM=\n");
    let objects = [&filters[..], &[policy, users, mapping("all", "/", upstream.address.parse().unwrap())]].concat();
    site.write("all.yaml", plain(&site) + &documents(&objects));
    let gateway = Gateway::start(&site).await;
    let url = |path: &str| format!("{}{path}", origin(&site));
    let token = issuer.token(&json!({"sub": "ann"}));
    let cases: [(&str, &'static str, String, u16, Option<&str>); 6] = [
        ("/token/x", "authorization", format!("Bearer {token}"), 200, Some("ann")),
        ("/token/x", "authorization", format!("Bearer {token}x"), 401, None),
        ("/password/x", "authorization", "Basic YW5uOnB3".to_owned(), 200, Some("ann")),
        ("/password/x", "authorization", "Basic YW5uOm5v".to_owned(), 401, None),
        ("/other/x", "x-echo-status", "200".to_owned(), 200, None),
        ("/other/x", "x-echo-status", "403".to_owned(), 403, None),
    ];
    for (path, name, value, status, user) in cases {
        let page = Browser::api().with(name, &value).get(&url(path)).await;
        assert_eq!(page.status.as_u16(), status, "{path} {page:#?}");
        if status == 200 {
            assert_eq!(page.sent("x-user").as_deref(), user, "{path}");
        }
    }
    gateway.stop().await;
}

/// Of cookies as large as that Envoy is told by the Module whether it takes them; a login is none the worse for them.
#[tokio::test]
async fn cookies_of_60_kb_are_refused_by_envoy_or_are_no_matter() {
    let (site, upstream) = (Site::new(), Upstream::start().await);
    let _provider = with_login(&site, &upstream).await;
    let gateway = Gateway::start(&site).await;
    let url = |path: &str| format!("{}{path}", origin(&site));
    let mut known = Browser::default();
    assert_eq!(known.log_in(&url("/orders/1"), "ann").await.status, StatusCode::OK);
    let large = |mut browser: Browser| {
        let jar = browser.cookies.entry(site.ip().to_string()).or_default();
        jar.extend((0..15).map(|index| (format!("large-{index}"), "x".repeat(4_096))));
        browser
    };
    let ask = async |path: &str| {
        let clients = [large(known.clone()), large(Browser::default()), large(Browser::api())];
        let mut pages = Vec::new();
        for mut client in clients {
            pages.push(client.get(&url(path)).await);
        }
        pages
    };
    let statuses = |pages: &[Page]| pages.iter().map(|page| page.status.as_u16()).collect::<Vec<_>>();
    assert_eq!(statuses(&ask("/orders/1").await), [431, 431, 431]);
    let module = object("Module", "ambassador", json!({"config": {"max_request_headers_kb": 96}}));
    site.write("module.yaml", documents(&[module]));
    let pages = eventually("they are taken", async || {
        let pages = ask("/orders/1").await;
        if statuses(&pages)[0] == 431 { Err("not yet") } else { Ok(pages) }
    })
    .await;
    assert_eq!(statuses(&pages), [200, 302, 401]);
    for page in [&pages[0], &ask("/public").await[0]] {
        let sent = page.sent("cookie").unwrap();
        assert!(sent.len() > 60_000 && !sent.contains("ambassador_session."), "{}", sent.len());
    }
    gateway.stop().await;
}
