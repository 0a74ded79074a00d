//! Cases 31 to 34, 37, 39 and 42 of the attack suite: a provider that lies.

use http::StatusCode;
use nuncio_auth::jwt::Signer;
use nuncio_authz_tests::{Browser, Evil, EvilProvider, Gateway, Page, Service, Upstream};
use serde_json::{Value, json};

use crate::rules_of;
use crate::tokens::now;

async fn log_in(url: &str) -> (Browser, Page) {
    let mut browser = Browser::default();
    let page = browser.visit(url).await;
    (browser, page)
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
    let (provider, upstream) = (EvilProvider::start().await, Upstream::start().await);
    let service = Service::start(&rules_of(&json!([]), &[])).await;
    let gateway = Gateway::start(&service, &upstream).await;
    let origin = format!("http://{}", gateway.address);
    let filter = json!({ "id": "login.default", "kind": { "oauth2": { "issuer": provider.issuer, "grant": {
        "authorization_code": { "client_id": "edge", "client_secret": "s", "protected_origins": [gateway.protected_origin()] } } } } });
    let list = json!([{ "origin": "r", "path": "*", "filters": [{ "filter": "login.default" }] }]);
    service.write_rules(&rules_of(&list, &[filter])).await;
    let url = format!("{origin}/x");
    let host = gateway.address.split(':').next().unwrap();

    let (_, good) = log_in(&url).await;
    assert_eq!(good.status, StatusCode::OK, "{good:#?}");
    // Clocks may differ by a minute.
    for claims in [json!({ "exp": now() - 50 }), json!({ "iat": now() + 50, "nbf": now() + 50 })] {
        provider.be(Evil { claims: claims.clone(), ..Evil::default() });
        let (_, page) = log_in(&url).await;
        assert_eq!(page.status, StatusCode::OK, "{claims}: {page:#?}");
    }
    for lie in lies(&provider) {
        provider.be(lie.clone());
        let (browser, page) = log_in(&url).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{lie:?}: {page:#?}");
        assert!(browser.cookies_like(host, "ambassador_session").is_empty(), "{lie:?}");
    }
    let before = provider.asked();
    provider.be(Evil { issuer: Some("https://other.test".to_owned()), ..Evil::default() });
    log_in(&url).await;
    assert_eq!(provider.asked(), before, "a code of another provider goes nowhere");
    for status in [500, 302, 429] {
        provider.be(Evil { status: Some(status), ..Evil::default() });
        let (_, page) = log_in(&url).await;
        assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{status}: {page:#?}");
    }
    assert_eq!(upstream.requests(), 3);
}
