//! Manifests as guides to Edge Stack have people write them (`tests/e2e/guides`): nothing is wrong with them, and they behave.

use std::time::{SystemTime, UNIX_EPOCH};

use envoy_types::pb::envoy::service::auth::v3::check_response::HttpResponse;
use envoy_types::pb::envoy::service::auth::v3::{CheckRequest, CheckResponse, DeniedHttpResponse, OkHttpResponse};
use envoy_types::pb::envoy::r#type::v3::HttpStatus;
use envoy_types::pb::google::rpc::Status;
use http::StatusCode;
use nuncio_authz_tests::{Browser, Issuer, Provider, Upstream, keep_secret};
use nuncio_e2e::backend::{Authorizer, Backend};
use nuncio_e2e::yaml::{documents, mapping, plain};
use nuncio_e2e::{Gateway, Site};
use serde_json::json;

use crate::external::header;

const CALLBACK: &str = "/.ambassador/oauth2/redirection-endpoint";

fn origin(site: &Site) -> String {
    format!("http://{}", site.http())
}

fn url(site: &Site, path: &str) -> String {
    format!("{}{path}", origin(site))
}

/// Serves a guide's manifests before an upstream, with these words in the place of its own; nothing must be wrong with them.
async fn serve<'a>(site: &'a Site, guide: &str, upstream: &Upstream, words: &[(&str, &str)]) -> Gateway<'a> {
    let origin = origin(site);
    let words = words.iter().copied().chain([("ORIGIN", origin.as_str())]);
    let text = words.fold(guide.to_owned(), |text, (name, word)| text.replace(&format!("${{{name}}}"), word));
    let mapping = mapping("all", "/", upstream.address.parse().unwrap());
    site.write("all.yaml", plain(site) + &documents(&[mapping]));
    site.write("guide.yaml", text);
    let checked = site.nuncio(&["check", "manifests", "-o", "json"]).output().unwrap();
    let said = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(checked.status.success() && !said.contains("\"error\""), "{said}");
    Gateway::start(site).await
}

async fn provider(site: &Site) -> Provider {
    let client = json!({"client": {
        "scope": "openid email offline_access",
        "post_logout_redirect_uris": [format!("{}/.ambassador/oauth2/post-logout-redirect", origin(site))],
    }});
    Provider::start(&[url(site, CALLBACK)], &client).await
}

#[tokio::test]
async fn a_login_with_scopes() {
    let (site, upstream) = (Site::new(), Upstream::start().await);
    let provider = provider(&site).await;
    let guide = include_str!("../../guides/login-with-scopes.yaml");
    let gateway = serve(&site, guide, &upstream, &[("ISSUER", &provider.issuer)]).await;
    let mut browser = Browser::default();
    assert_eq!(browser.get(&url(&site, "/backend/public/")).await.status, StatusCode::OK, "open");
    let begun = browser.get(&url(&site, "/backend/x")).await;
    let asked = begun.location().unwrap().query().unwrap().to_owned();
    for part in ["kc_idp_hint=staff", "scope=openid+email+offline_access", "response_type=code", "code_challenge="] {
        assert!(asked.contains(part), "{part}: {asked}");
    }
    let page = browser.log_in(&url(&site, "/backend/x"), "ann").await;
    assert_eq!((page.status, page.url.path()), (StatusCode::OK, "/backend/x"), "{page:#?}");
    let script = Browser::default().with("x-requested-with", "XMLHttpRequest").get(&url(&site, "/backend/x")).await;
    assert_eq!((script.status.as_u16(), script.header("set-cookie")), (407, None), "{script:#?}");
    let back = browser.get(&url(&site, "/.ambassador/oauth2/post-logout-redirect")).await;
    assert_eq!(back.location().unwrap().path(), "/bye");
    gateway.stop().await;
}

#[tokio::test]
async fn a_login_in_the_older_words() {
    let (site, upstream) = (Site::new(), Upstream::start().await);
    let provider = provider(&site).await;
    let guide = include_str!("../../guides/login-in-the-older-words.yaml");
    let gateway = serve(&site, guide, &upstream, &[("ISSUER", &provider.issuer)]).await;
    let mut browser = Browser::default();
    let begun = browser.get(&url(&site, "/backend/x")).await;
    let asked = begun.location().unwrap().query().unwrap().to_owned();
    assert!(asked.contains("audience=https%3A%2F%2Fapi.example%2F") && asked.contains("scope=openid+email"), "{asked}");
    assert_eq!(browser.log_in(&url(&site, "/backend/x"), "ann").await.status, StatusCode::OK);
    assert_eq!(browser.get(&url(&site, "/elsewhere")).await.status, StatusCode::OK, "no rule is for it");
    gateway.admin.problem(&["\"tenant\"", "NoEffect", "stateTTL"]).await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_login_that_names_the_user() {
    let (site, upstream) = (Site::new(), Upstream::start().await);
    let client = json!({"client": {"token_endpoint_auth_method": "client_secret_post"}});
    let provider = Provider::start(&[url(&site, CALLBACK)], &client).await;
    let guide = include_str!("../../guides/login-that-names-the-user.yaml");
    let gateway = serve(&site, guide, &upstream, &[("ISSUER", &provider.issuer)]).await;
    let mut browser = Browser::default();
    let page = browser.log_in(&url(&site, "/backend/x"), "ann").await;
    assert_eq!(page.sent("x-email").as_deref(), Some("ann@corp.test"), "{page:#?}");
    assert_eq!(page.sent("x-token-type").as_deref(), Some("opaque"), "{page:#?}");
    gateway.stop().await;
}

#[tokio::test]
async fn a_login_in_the_newer_group_and_then_another_service() {
    let (site, upstream, asked) = (Site::new(), Upstream::start().await, Backend::start("asked").await);
    let provider = provider(&site).await;
    let guide = include_str!("../../guides/login-in-the-newer-group.yaml");
    let words = [("ISSUER", &*provider.issuer), ("AUTH", &asked.address().to_string())];
    let gateway = serve(&site, guide, &upstream, &words).await;
    let mut browser = Browser::default();
    let begun = browser.get(&url(&site, "/backend/x")).await;
    let query = begun.location().unwrap().query().unwrap().to_owned();
    assert!(
        query.contains("code_challenge_method=S256") && begun.header("set-cookie").unwrap().contains("SameSite=Lax")
    );
    assert_eq!(asked.requests(), 0, "who has not logged in is not asked about");
    assert_eq!(browser.log_in(&url(&site, "/backend/x"), "ann").await.status, StatusCode::OK);
    let page = browser.clone().with("x-echo-header", "x-role=clerk").get(&url(&site, "/backend/x")).await;
    let sent = ["x-email", "x-role"].map(|name| page.sent(name));
    assert_eq!(sent, ["ann@corp.test", "clerk"].map(|text| Some(text.to_owned())), "{page:#?}");
    let refused = browser.with("x-echo-status", "403").get(&url(&site, "/backend/x")).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(refused.body.contains("ann@corp.test"), "it sees what the login injects: {refused:#?}");
    gateway.stop().await;
}

#[tokio::test]
async fn tokens_with_an_answer_of_one_s_own() {
    let (site, upstream, issuer) = (Site::new(), Upstream::start().await, Issuer::start().await);
    let guide = include_str!("../../guides/tokens.yaml");
    let gateway = serve(&site, guide, &upstream, &[("JWKS", &issuer.jwks_uri)]).await;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let token = |audience: &str, expires: u64, scope: &str| {
        issuer.token(&json!({"sub": "ann", "aud": audience, "exp": expires, "scope": scope}))
    };
    let ask = async |token: &str| {
        let browser = Browser::api().with("authorization", &format!("Bearer {token}")).with("user-agent", "curl");
        browser.with("x-correlation-id", "c-1").get(&url(&site, "/backend/x")).await
    };
    let page = ask(&token("shop", now + 60, "read:quotes other")).await;
    let sent = ["x-token-sub", "x-fixed", "x-token-c-optional", "x-token-c-optional-empty", "x-ua"];
    let wanted = [Some("ann"), Some("Fixed String"), Some("none"), None, Some("curl")];
    assert_eq!(sent.map(|name| page.sent(name)), wanted.map(|text| text.map(str::to_owned)), "{page:#?}");

    let expired = ask(&token("shop", now - 60, "read:quotes")).await;
    assert_eq!((expired.status, expired.header("x-correlation-id")), (StatusCode::UNAUTHORIZED, Some("c-1")));
    assert_eq!((&expired.json()["expired"], &expired.json()["httpStatus"]), (&json!(true), &json!("401")));
    assert!(expired.header("www-authenticate").unwrap().contains("realm=\"jwt.default\""), "{expired:#?}");
    assert_eq!(ask(&token("other", now + 60, "read:quotes")).await.status, StatusCode::UNAUTHORIZED);
    let narrow = ask(&token("shop", now + 60, "other")).await;
    assert_eq!(narrow.status, StatusCode::FORBIDDEN);
    assert!(narrow.header("www-authenticate").unwrap().contains("insufficient_scope"), "{narrow:#?}");
    gateway.stop().await;
}

#[tokio::test]
async fn keys_and_another_service() {
    const KEY: &str = "key-of-a-shop-customer";
    keep_secret(KEY);
    let (site, upstream, asked) = (Site::new(), Upstream::start().await, Backend::start("asked").await);
    let guide = include_str!("../../guides/keys-and-another-service.yaml");
    let gateway = serve(&site, guide, &upstream, &[("AUTH", &asked.address().to_string())]).await;
    let ask = async |headers: &[(&'static str, &str)]| {
        let browser = headers.iter().fold(Browser::api(), |browser, (name, value)| browser.with(name, value));
        { browser }.get(&url(&site, "/backend/x")).await
    };
    let refused = ("x-echo-status", "403");
    assert_eq!(ask(&[("x-shop-key", KEY), refused]).await.status, StatusCode::OK);
    assert_eq!(asked.requests(), 0, "who has a key is let in by it");
    let page = ask(&[("x-echo-header", "x-ext-user=bob"), ("x-ext-user", "root")]).await;
    assert_eq!(page.sent("x-ext-user").as_deref(), Some("bob"), "{page:#?}");
    assert_eq!(ask(&[("x-shop-key", "other"), refused]).await.status, StatusCode::FORBIDDEN);
    assert_eq!(asked.requests(), 2);
    gateway.stop().await;
}

/// Two origins share a login; who brings a token is held to it, whatever else he brings.
#[tokio::test]
async fn browsers_and_programs() {
    let (site, upstream) = (Site::new(), Upstream::start().await);
    let provider = Provider::start(&[url(&site, CALLBACK)], &json!({"jwt": true})).await;
    let other = "http://other.example";
    let guide = include_str!("../../guides/browsers-and-programs.yaml");
    let gateway = serve(&site, guide, &upstream, &[("ISSUER", &provider.issuer), ("OTHER", other)]).await;
    let mut browser = Browser::default();
    let page = browser.log_in(&url(&site, "/backend/x"), "ann").await;
    assert_eq!((page.status, page.sent("x-customer").as_deref()), (StatusCode::OK, Some("ann")), "{page:#?}");
    let token = page.sent("authorization").unwrap();

    let program = Browser::api().with("authorization", &token);
    let page = program.clone().get(&url(&site, "/backend/x")).await;
    assert_eq!((page.status, page.sent("x-customer").as_deref()), (StatusCode::OK, Some("ann")), "{page:#?}");
    let forged = browser.clone().with("authorization", &format!("{token}x")).get(&url(&site, "/backend/x")).await;
    assert_eq!(forged.status, StatusCode::UNAUTHORIZED, "a session does not help: {forged:#?}");
    let refused = Browser::api().get(&url(&site, "/backend/x")).await;
    assert_eq!((refused.status, refused.header("set-cookie")), (StatusCode::UNAUTHORIZED, None), "{refused:#?}");
    assert!(refused.header("www-authenticate").unwrap().contains("realm=\"api-token.default\""), "{refused:#?}");

    let far = Browser::default().with("host", "other.example").get(&url(&site, "/backend/x")).await;
    let to = far.location().unwrap();
    assert!(to.as_str().starts_with(&url(&site, "/.ambassador/oauth2/start?")), "by way of the first origin: {to}");

    let machine =
        |secret: &str| Browser::api().with("x-ambassador-client-id", "edge").with("x-ambassador-client-secret", secret);
    let page = machine("edge-secret").get(&url(&site, "/backend/machine/x")).await;
    assert_eq!((page.status, page.sent("x-ambassador-client-secret")), (StatusCode::OK, None), "{page:#?}");
    assert_eq!(machine("wrong").get(&url(&site, "/backend/machine/x")).await.status, StatusCode::UNAUTHORIZED);
    gateway.stop().await;
}

#[tokio::test]
async fn partners_in_the_newer_group() {
    const KEY: &str = "key-of-a-stock-partner";
    keep_secret(KEY);
    let (site, upstream, issuer) = (Site::new(), Upstream::start().await, Issuer::start().await);
    let asked = Authorizer::start(contract).await;
    let guide = include_str!("../../guides/partners-in-the-newer-group.yaml");
    let words = [("JWKS", &*issuer.jwks_uri), ("AUTH", &asked.address().to_string())];
    let gateway = serve(&site, guide, &upstream, &words).await;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let token = |sub: &str, audience: &str, scope: &str| {
        issuer.token(&json!({"sub": sub, "aud": audience, "exp": now + 60, "scope": scope}))
    };
    let ask = async |headers: &[(&'static str, &str)]| {
        let browser = headers.iter().fold(Browser::api(), |browser, (name, value)| browser.with(name, value));
        { browser }.get(&url(&site, "/backend/x")).await
    };
    assert_eq!(Browser::api().get(&url(&site, "/backend/status")).await.status, StatusCode::OK, "open");
    let keyed = ask(&[("x-partner-key", KEY), ("x-partner", "evil")]).await;
    assert_eq!((keyed.status, keyed.sent("x-partner")), (StatusCode::OK, None), "{keyed:#?}");
    for audience in ["shop", "stock"] {
        let bearer = format!("Bearer {}", token("ann", audience, "read:stock"));
        let page = ask(&[("authorization", &bearer)]).await;
        assert_eq!((page.status, page.sent("x-partner").as_deref()), (StatusCode::OK, Some("ann")), "{page:#?}");
        assert_eq!(page.sent("x-contract").as_deref(), Some("of ann"), "who is asked sees what was injected before");
    }
    let wrong =
        [("ann", "other", "read:stock", 401), ("ann", "shop", "other", 403), ("eve", "shop", "read:stock", 402)];
    for (sub, audience, scope, status) in wrong {
        let bearer = format!("Bearer {}", token(sub, audience, scope));
        let page = ask(&[("authorization", &bearer)]).await;
        assert_eq!(page.status.as_u16(), status, "{sub} {audience} {scope}: {page:#?}");
        if status == 401 {
            assert!(page.header("www-authenticate").unwrap().contains("realm=\"partners\""), "{page:#?}");
            assert!(page.body.starts_with("401: "), "{page:#?}");
        }
    }
    drop((asked, gateway.stop().await));
}

/// Says whose contract it is, and that eve has none.
fn contract(request: CheckRequest) -> CheckResponse {
    let headers = request.attributes.unwrap().request.unwrap().http.unwrap().headers;
    let partner = headers.get("x-partner").cloned().unwrap_or_default();
    let answer = match &*partner {
        "eve" => HttpResponse::DeniedResponse(DeniedHttpResponse {
            status: Some(HttpStatus { code: 402 }),
            ..DeniedHttpResponse::default()
        }),
        _ => HttpResponse::OkResponse(OkHttpResponse {
            headers: vec![header("x-contract", &format!("of {partner}"), false)],
            ..OkHttpResponse::default()
        }),
    };
    let status = Status { code: if partner == "eve" { 7 } else { 0 }, ..Status::default() };
    CheckResponse { status: Some(status), http_response: Some(answer), dynamic_metadata: None }
}
