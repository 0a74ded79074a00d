//! What a service can do that is started while its provider is down, and so remembers nothing of it.

use http::StatusCode;
use nuncio_authz_tests::{Browser, Gateway, Issuer, Page, Provider, Service, Upstream, keep_secret};
use nuncio_test_support::eventually;
use serde_json::{Value, json};

use crate::rig::CALLBACK;
use crate::rules_of;

const KEY: &str = "a-key-of-some-length";

/// A filter of each kind, for what is below its name.
fn all_kinds(provider: &Provider, issuer: &Issuer, gateway: &Gateway) -> Value {
    let (client, secret) = ("edge", "edge-secret");
    let code =
        json!({ "client_id": client, "client_secret": secret, "protected_origins": [gateway.protected_origin()] });
    let endpoint = format!("{}/token/introspection", provider.issuer);
    let kinds = [
        ("login", json!({ "oauth2": { "issuer": provider.issuer, "grant": { "authorization_code": code } } })),
        ("token", json!({ "jwt": { "jwks_uri": issuer.jwks_uri } })),
        (
            "asked",
            json!({ "introspection": {
            "endpoint": endpoint, "client_id": client, "client_secret": secret, "cache": { "secs": 9, "nanos": 0 } } }),
        ),
        (
            "key",
            json!({ "api_key": {
            "sources": [{ "header": "X-API-Key" }], "keys": [{ "owner": "ann", "secret": KEY }] } }),
        ),
        // ann:pw
        ("password", json!({ "basic": { "realm": "shop", "users": "ann:{SHA}GpHWL3ymc5liWkNopqtdSjuqYHM=\n" } })),
    ];
    let rule = |name: &str| json!({ "origin": name, "path": format!("/{name}/*"), "filters": [{ "filter": name }] });
    let rules: Vec<Value> = kinds.iter().map(|(name, _)| rule(name)).collect();
    let filters = kinds.map(|(name, kind)| json!({ "id": name, "kind": kind }));
    rules_of(&json!(rules), &filters)
}

#[tokio::test]
async fn started_while_the_provider_is_down_it_lets_in_who_needs_none() {
    keep_secret(KEY);
    let (issuer, upstream) = (Issuer::start().await, Upstream::start().await);
    let mut service = Service::start(&rules_of(&json!([]), &[])).await;
    let gateway = Gateway::start(&service, &upstream).await;
    let url = |name: &str| format!("{}/{name}/x", gateway.origin);
    let mut provider = Provider::start(&[format!("{}{CALLBACK}", gateway.origin)], &json!({})).await;
    service.write_rules(&all_kinds(&provider, &issuer, &gateway)).await;
    provider.stop();
    issuer.answer(500, "");
    service.process().end();
    service.start_again().await;

    let bearer = format!("Bearer {}", issuer.token(&json!({ "sub": "ann" })));
    let clients: [(&str, Browser); 5] = [
        ("login", Browser::default()),
        ("token", Browser::api().with("authorization", &bearer)),
        ("asked", Browser::api().with("authorization", "Bearer opaque")),
        ("key", Browser::api().with("x-api-key", KEY)),
        ("password", Browser::api().with("authorization", "Basic YW5uOnB3")),
    ];
    let ask = async |index: usize| -> Page {
        let (name, client) = &clients[index];
        client.clone().get(&url(name)).await
    };
    eventually("Envoy has found the service again", async || match ask(3).await.status {
        StatusCode::OK => Ok(()),
        status => Err(status),
    })
    .await;
    for (index, (name, _)) in clients.iter().enumerate() {
        let page = ask(index).await;
        let needs_one = index < 3;
        let status = if needs_one { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
        assert_eq!((page.status, page.header("set-cookie")), (status, None), "{name}: {page:#?}");
        assert_eq!(page.header("retry-after").is_some(), needs_one, "{name}: {page:#?}");
    }
    assert!(ask(0).await.body.contains("<main>"), "a page for a browser");

    provider.restart().await;
    issuer.recover();
    for (index, status) in [(0, StatusCode::FOUND), (1, StatusCode::OK), (2, StatusCode::UNAUTHORIZED)] {
        eventually("it is asked again", async || {
            let page = ask(index).await;
            if page.status == status { Ok(()) } else { Err(page.status) }
        })
        .await;
    }
}
