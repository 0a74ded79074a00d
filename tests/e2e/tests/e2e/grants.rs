//! What Filters have a real identity provider give or say, besides logins: tokens for machines and for passwords, what it
//! thinks of a token, and logins as strict as it can.

use http::{Method, StatusCode};
use nuncio_authz_tests::{Browser, Page, Provider, Upstream, signing_key};
use nuncio_e2e::yaml::{documents, mapping, object, plain, text_secret};
use nuncio_e2e::{Gateway, Site, eventually};
use serde_json::{Value, json};

const CALLBACK: &str = "/.ambassador/oauth2/redirection-endpoint";

fn origin(site: &Site) -> String {
    format!("http://{}", site.http())
}

async fn provider(site: &Site, more: &Value) -> Provider {
    Provider::start(&[format!("{}{CALLBACK}", origin(site))], more).await
}

/// A Mapping for everything, these Filters, and for each a rule for the paths below its name, with these arguments.
fn write(site: &Site, upstream: &Upstream, filters: &[(&str, Value, Value)], secret: &str) {
    let rules = filters.iter().map(|(name, _, arguments)| {
        let used = json!([{"name": name, "arguments": arguments}]);
        json!({"path": format!("/{name}/*"), "filters": used})
    });
    let policy = object("FilterPolicy", "all", json!({"rules": rules.collect::<Vec<_>>()}));
    let mut all: Vec<Value> = filters.iter().map(|(name, spec, _)| object("Filter", name, spec.clone())).collect();
    all.extend([policy, mapping("all", "/", upstream.address.parse().unwrap())]);
    all.push(text_secret("client", "oauth2-client-secret", secret));
    site.write("all.yaml", plain(site) + &documents(&all));
}

async fn get(site: &Site, browser: Browser, path: &str) -> Page {
    let mut browser = browser;
    browser.get(&format!("{}{path}", origin(site))).await
}

#[tokio::test]
async fn machines_and_passwords_get_tokens_for_what_their_headers_hold() {
    let (site, upstream) = (Site::new(), Upstream::start().await);
    let provider = provider(&site, &json!({"jwt": true})).await;
    let machine = json!({"OAuth2": {
        "authorizationURL": provider.issuer, "grantType": "ClientCredentials",
        "injectRequestHeaders": [{"name": "X-User", "value": "{{ .token.Claims.sub }}"}],
    }});
    let password = json!({"OAuth2": {
        "authorizationURL": provider.issuer, "grantType": "Password", "clientID": "edge", "secretName": "client",
    }});
    let filters =
        [("machine", machine, json!({"scope": ["orders"]})), ("password", password, json!({"scope": ["openid"]}))];
    write(&site, &upstream, &filters, "edge-secret");
    let gateway = Gateway::start(&site).await;

    let with = |secret: &str| {
        let browser = Browser::api().with("x-ambassador-client-id", "edge");
        browser.with("x-ambassador-client-secret", secret)
    };
    for _ in 0..3 {
        let page = get(&site, with("edge-secret"), "/machine/x").await;
        assert_eq!((page.status, page.sent("x-user").as_deref()), (StatusCode::OK, Some("edge")), "{page:#?}");
        assert!(page.sent("authorization").unwrap().starts_with("Bearer ey"), "{page:#?}");
        assert_eq!(page.sent("x-ambassador-client-secret"), None);
    }
    assert_eq!(provider.event("grant client_credentials").await, 1, "a token is used as long as it lives");
    assert_eq!(get(&site, with("wrong"), "/machine/x").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(get(&site, Browser::api(), "/machine/x").await.status, StatusCode::UNAUTHORIZED);

    let with = |password: &str| {
        let browser = Browser::api().with("x-ambassador-username", "ann");
        browser.with("x-ambassador-password", password)
    };
    for _ in 0..2 {
        let page = get(&site, with("pw"), "/password/x").await;
        assert_eq!((page.status, page.sent("x-ambassador-password")), (StatusCode::OK, None), "{page:#?}");
        assert!(page.sent("authorization").unwrap().starts_with("Bearer "), "{page:#?}");
    }
    assert_eq!(provider.event("grant password").await, 1);
    assert_eq!(get(&site, with("wrong"), "/password/x").await.status, StatusCode::UNAUTHORIZED);
    gateway.stop().await;
}

/// `private_key_jwt`, RFC 9126 and RFC 9449, each of which the provider insists on.
#[tokio::test]
async fn a_login_may_be_as_strict_as_the_provider() {
    let (site, upstream) = (Site::new(), Upstream::start().await);
    let (key, public) = signing_key();
    let strict = json!({
        "jwt": true,
        "client": {
            "token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_signing_alg": "ES256",
            "jwks": {"keys": [public]},
            "require_pushed_authorization_requests": true, "dpop_bound_access_tokens": true,
        },
        "features": {"pushedAuthorizationRequests": {"enabled": true}, "dPoP": {"enabled": true}},
    });
    let provider = provider(&site, &strict).await;
    let login = json!({"OAuth2": {
        "authorizationURL": provider.issuer, "clientID": "edge", "secretName": "client",
        "protectedOrigins": [{"origin": origin(&site)}],
        "clientAuthentication": {"method": "JWTAssertion", "jwtAssertion": {"signingMethod": "ES256", "setIAT": true}},
        "pushedAuthorizationRequests": true, "dpop": true,
        "injectRequestHeaders": [{"name": "X-User", "value": "{{ .idToken.Claims.sub }}"}],
    }});
    write(&site, &upstream, &[("login", login, json!({}))], &key);
    let gateway = Gateway::start(&site).await;
    let page = Browser::default().log_in(&format!("{}/login/x", origin(&site)), "ann").await;
    assert_eq!((page.status, page.sent("x-user").as_deref()), (StatusCode::OK, Some("ann")), "{page:#?}");
    assert_eq!((provider.events("pushed"), provider.event("grant authorization_code").await), (1, 1));
    gateway.stop().await;
}

/// RFC 9470: what is asked for goes to the provider, and a login that is not so is none, however often it is tried.
#[tokio::test]
async fn a_rule_may_want_a_stronger_or_newer_login() {
    let (site, upstream) = (Site::new(), Upstream::start().await);
    let provider = provider(&site, &json!({})).await;
    let spec = || {
        json!({"OAuth2": {
            "authorizationURL": provider.issuer, "clientID": "edge", "secretName": "client",
            "protectedOrigins": [{"origin": origin(&site)}],
        }})
    };
    let filters = [("newer", spec(), json!({"maxAge": "600s"})), ("stronger", spec(), json!({"acrValues": ["gold"]}))];
    write(&site, &upstream, &filters, "edge-secret");
    let gateway = Gateway::start(&site).await;
    let url = |path: &str| format!("{}{path}", origin(&site));
    let asked = |page: &Page| page.location().unwrap().query().unwrap().to_owned();
    let mut browser = Browser::default();
    assert!(asked(&browser.get(&url("/newer/x")).await).contains("max_age=600"));
    assert_eq!(browser.log_in(&url("/newer/x"), "ann").await.status, StatusCode::OK);
    assert!(asked(&browser.get(&url("/stronger/x")).await).contains("acr_values=gold"));
    let weak = browser.visit(&url("/stronger/x")).await;
    assert_eq!(weak.status, StatusCode::FORBIDDEN, "the provider knows no such login: {weak:#?}");
    gateway.stop().await;
}

/// RFC 7662, and what is remembered of it.
#[tokio::test]
async fn an_issuer_is_asked_what_it_thinks_of_a_token() {
    let (site, upstream) = (Site::new(), Upstream::start().await);
    let mut provider = provider(&site, &json!({})).await;
    let spec = json!({"Introspection": {
        "endpoint": format!("{}/token/introspection", provider.issuer), "clientID": "edge", "secretName": "client",
        "cache": "8s", "injectRequestHeaders": [{"name": "X-User", "value": "{{ .token.Claims.client_id }}"}],
    }});
    write(&site, &upstream, &[("opaque", spec, json!({}))], "edge-secret");
    let gateway = Gateway::start(&site).await;
    // edge:edge-secret
    let mut edge = Browser::api().with("authorization", "Basic ZWRnZTplZGdlLXNlY3JldA==");
    let token = edge
        .send(Method::POST, &format!("{}/token", provider.issuer), Some(&[("grant_type", "client_credentials")]))
        .await
        .json()["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    let with = |token: &str| Browser::api().with("authorization", &format!("Bearer {token}"));
    for _ in 0..3 {
        let page = get(&site, with(&token), "/opaque/x").await;
        assert_eq!((page.status, page.sent("x-user").as_deref()), (StatusCode::OK, Some("edge")), "{page:#?}");
    }
    let counted = gateway.admin.text("/metrics").await;
    let calls = counted.lines().find(|line| line.starts_with("nuncio_authz_provider_calls_total{")).unwrap();
    assert!(calls.ends_with("status=\"2xx\"} 1"), "{calls}");
    assert_eq!(get(&site, with("nonsense"), "/opaque/x").await.status, StatusCode::UNAUTHORIZED);

    edge.send(Method::POST, &format!("{}/token/revocation", provider.issuer), Some(&[("token", &token)])).await;
    eventually("a token that was revoked is none", async || match get(&site, with(&token), "/opaque/x").await.status {
        StatusCode::UNAUTHORIZED => Ok(()),
        status => Err(status),
    })
    .await;
    provider.stop();
    let down = get(&site, with("never-seen"), "/opaque/x").await;
    assert_eq!((down.status.as_u16(), down.header("retry-after")), (503, Some("5")), "{down:#?}");
    gateway.stop().await;
}
