//! Cases 31 to 34, 37 to 39 and 42 of the attack suite: a provider that lies.

use http::StatusCode;
use nuncio_auth::jwt::Signer;
use nuncio_authz_tests::{Asked, Browser, Evil, EvilProvider, Gateway, Page, Service, Upstream};
use serde_json::{Value, json};

use crate::rig::CALLBACK;
use crate::rules_of;
use crate::tokens::now;

/// The service with a login at a provider that lies, for all paths but those below `/token/`, for which its tokens will do.
pub(crate) struct Liar {
    pub(crate) provider: EvilProvider,
    pub(crate) upstream: Upstream,
    _service: Service,
    pub(crate) gateway: Gateway,
}

impl Liar {
    pub(crate) async fn start(flags: &[&str]) -> Self {
        let (provider, upstream) = (EvilProvider::start().await, Upstream::start().await);
        let service = Service::start_with(&rules_of(&json!([]), &[]), flags).await;
        let gateway = Gateway::start(&service, &upstream).await;
        let token = json!({ "id": "token.default", "kind": { "jwt": { "jwks_uri": provider.jwks_uri() } } });
        let list = json!([
            { "origin": "t", "path": "/token/*", "filters": [{ "filter": "token.default" }] },
            { "origin": "r", "path": "*", "filters": [{ "filter": "login.default" }] },
        ]);
        service.write_rules(&rules_of(&list, &[login("login.default", &provider, &gateway), token])).await;
        Self { provider, upstream, _service: service, gateway }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.gateway.origin)
    }

    pub(crate) fn host(&self) -> &str {
        self.gateway.address.split(':').next().unwrap()
    }

    /// A new browser that asks for a page and goes wherever it is sent.
    pub(crate) async fn log_in(&self) -> (Browser, Page) {
        let mut browser = Browser::default();
        let page = browser.visit(&self.url("/x")).await;
        (browser, page)
    }
}

/// A login at a provider for a gateway.
fn login(id: &str, provider: &EvilProvider, gateway: &Gateway) -> Value {
    let code = json!({ "client_id": "edge", "client_secret": "s", "protected_origins": [gateway.protected_origin()] });
    json!({ "id": id, "kind": { "oauth2": {
        "issuer": provider.issuer, "grant": { "authorization_code": code },
        "inject_request_headers": [{ "name": "X-User", "value": "{{ .idToken.Claims.sub }}" }] } } })
}

fn lies(provider: &EvilProvider) -> Vec<Evil> {
    let claims = |claims: Value| Evil { claims, ..Evil::default() };
    let unsigned = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm4ifQ.".to_owned();
    let public = provider.public_key().to_string();
    vec![
        claims(json!({ "iss": format!("{}/", provider.issuer) })),
        claims(json!({ "aud": "other" })),
        claims(json!({ "aud": ["edge", "other"] })),
        claims(json!({ "azp": "other" })),
        claims(json!({ "exp": now() - 70 })),
        claims(json!({ "exp": null })),
        claims(json!({ "iat": now() + 90 })),
        claims(json!({ "nbf": now() + 90 })),
        claims(json!({ "nonce": "wrong" })),
        claims(json!({ "nonce": null })),
        claims(json!({ "nonce": provider.nonce() })),
        claims(json!({ "at_hash": "wrong" })),
        claims(json!({ "sub": null })),
        Evil { header: json!({ "typ": "at+jwt" }), ..Evil::default() },
        Evil { header: json!({ "crit": ["exp"] }), ..Evil::default() },
        Evil { header: json!({ "kid": "other" }), ..Evil::default() },
        Evil { signer: Some(Signer::ephemeral().unwrap()), ..Evil::default() },
        Evil { signer: Some(Signer::new("HS256", &public).unwrap()), ..Evil::default() },
        Evil { token: Some(unsigned), ..Evil::default() },
        Evil { token: Some("nonsense".to_owned()), ..Evil::default() },
        Evil { issuer: Some("https://other.test".to_owned()), ..Evil::default() },
    ]
}

#[tokio::test]
async fn a_provider_that_lies_lets_nobody_in() {
    let rig = Liar::start(&[]).await;
    let provider = &rig.provider;
    let (_, good) = rig.log_in().await;
    assert_eq!(good.status, StatusCode::OK, "{good:#?}");
    // Clocks may differ by a minute.
    for claims in [json!({ "exp": now() - 50 }), json!({ "iat": now() + 50, "nbf": now() + 50 })] {
        provider.be(Evil { claims: claims.clone(), ..Evil::default() });
        let (_, page) = rig.log_in().await;
        assert_eq!(page.status, StatusCode::OK, "{claims}: {page:#?}");
    }
    for lie in lies(provider) {
        provider.be(lie.clone());
        let (browser, page) = rig.log_in().await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{lie:?}: {page:#?}");
        assert!(browser.cookies_like(rig.host(), "ambassador_session").is_empty(), "{lie:?}");
    }
    let before = provider.asked();
    provider.be(Evil { issuer: Some("https://other.test".to_owned()), ..Evil::default() });
    rig.log_in().await;
    assert_eq!(provider.asked(), before, "a code of another provider goes nowhere");
    for status in [500, 302, 429] {
        provider.be(Evil { status: Some(status), ..Evil::default() });
        let (_, page) = rig.log_in().await;
        assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{status}: {page:#?}");
    }
    assert_eq!(rig.upstream.requests(), 3);
}

/// Case 38: nobody is sent there.
#[tokio::test]
async fn a_provider_that_says_that_it_is_another_is_none() {
    for description in [
        json!({ "issuer": "https://other.test" }),
        json!({ "token_endpoint": "ftp://other.test" }),
        json!({ "jwks_uri": 7 }),
    ] {
        let rig = Liar::start(&[]).await;
        rig.provider.be(Evil { description: description.clone(), ..Evil::default() });
        let (browser, page) = rig.log_in().await;
        assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{description}: {page:#?}");
        assert!(browser.cookies_like(rig.host(), "").is_empty(), "{description}");
        assert_eq!(rig.provider.asked(), Asked::default(), "{description}");
    }
}

/// Case 39: a login that was begun at one provider is not completed by what another one says.
#[tokio::test]
async fn an_answer_of_another_provider_completes_no_login() {
    let (one, two, upstream) = (EvilProvider::start().await, EvilProvider::start().await, Upstream::start().await);
    let service = Service::start(&rules_of(&json!([]), &[])).await;
    let gateway = Gateway::start(&service, &upstream).await;
    let list = json!([
        { "origin": "1", "path": "/one/*", "filters": [{ "filter": "one.default" }] },
        { "origin": "2", "path": "*", "filters": [{ "filter": "two.default" }] },
    ]);
    let filters = [login("one.default", &one, &gateway), login("two.default", &two, &gateway)];
    service.write_rules(&rules_of(&list, &filters)).await;
    let mut browser = Browser::default();
    let begun = browser.get(&format!("{}/one/x", gateway.origin)).await;
    let sent = begun.location().unwrap();
    assert!(sent.as_str().starts_with(&one.issuer), "{sent}");
    let asked = |name: &str| sent.query_pairs().find(|(asked, _)| asked == name).unwrap().1.into_owned();
    let callback = format!("{}{CALLBACK}?code={}&state={}", gateway.origin, asked("nonce"), asked("state"));
    for issuer in [format!("&iss={}", two.issuer), String::new()] {
        let page = browser.get(&format!("{callback}{issuer}")).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{issuer}: {page:#?}");
    }
    assert_eq!([one.asked(), two.asked()], [Asked::default(); 2], "the code is shown to neither");
    let page = browser.get(&format!("{callback}&iss={}", one.issuer)).await;
    assert_eq!(page.status, StatusCode::FOUND, "its own answer is good: {page:#?}");
    assert_eq!(browser.visit(&format!("{}/one/x", gateway.origin)).await.sent("x-user").as_deref(), Some("ann"));
    let refused = Browser::api().with_cookies(&browser).get(&format!("{}/x", gateway.origin)).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "a session at one is none at the other");
}
