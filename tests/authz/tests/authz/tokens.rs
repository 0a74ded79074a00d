//! Bearer tokens.

use std::time::Instant;

use http::StatusCode;
use nuncio_authz_tests::{Browser, Gateway, Issuer, Service, Upstream};
use nuncio_test_support::eventually;
use serde_json::{Value, json};

use crate::rig::{CALLBACK, Rig};
use crate::{rules, rules_of};

fn jwt(issuer: &Issuer, more: &Value) -> Value {
    let mut spec = json!({ "jwks_uri": issuer.jwks_uri });
    for (name, value) in more.as_object().unwrap() {
        spec[name] = value.clone();
    }
    json!({ "id": "jwt.default", "kind": { "jwt": spec } })
}

pub(crate) fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

fn bearer(token: &str) -> Browser {
    Browser::api().with("authorization", &format!("Bearer {token}"))
}

#[tokio::test]
async fn a_token_lets_in_and_its_claims_are_passed_on() {
    let (issuer, upstream) = (Issuer::start().await, Upstream::start().await);
    let inject = json!({ "inject_request_headers": [
        { "name": "X-User", "value": "{{ .token.Claims.sub }}" },
        { "name": "X-Email", "value": "{{ .token.Claims.email }}" },
    ] });
    let service = Service::start(&rules(&[jwt(&issuer, &inject)])).await;
    let gateway = Gateway::start(&service, &upstream).await;
    let url = format!("http://{}/x?y=1", gateway.address);

    let none = Browser::api().get(&url).await;
    assert_eq!(none.status, StatusCode::UNAUTHORIZED, "{none:#?}");
    assert_eq!(none.header("www-authenticate"), Some("Bearer realm=\"jwt.default\""));
    assert_eq!(none.json()["status_code"], 401);

    let page = bearer(&issuer.token(&json!({ "sub": "ann", "exp": now() + 60 }))).get(&url).await;
    assert_eq!((page.status, page.json()["path"].as_str()), (StatusCode::OK, Some("/x?y=1")), "{page:#?}");
    assert_eq!((page.sent("x-user").as_deref(), page.sent("x-email")), (Some("ann"), None));

    let expired = bearer(&issuer.token(&json!({ "sub": "ann", "exp": now() - 60 }))).get(&url).await;
    assert_eq!(expired.status, StatusCode::UNAUTHORIZED);
    assert!(expired.header("www-authenticate").unwrap().contains("error=\"invalid_token\""), "{expired:#?}");
    assert_eq!(upstream.requests(), 1);
    let written = service.written();
    assert!(written.contains("\"decision\":\"deny\"") && written.contains("\"subject\":\"ann\""), "{written}");
}

/// RFC 9470; and case 42, by what a token says of itself.
#[tokio::test]
async fn a_token_of_a_login_that_is_too_weak_is_told_what_would_do() {
    let (issuer, upstream) = (Issuer::start().await, Upstream::start().await);
    let list = json!([{ "origin": "r", "path": "*", "filters": [
        { "filter": "jwt.default", "arguments": { "acr_values": ["gold", "silver"], "max_age": 600 } }] }]);
    let service = Service::start(&rules_of(&list, &[jwt(&issuer, &json!({}))])).await;
    let gateway = Gateway::start(&service, &upstream).await;
    let url = format!("http://{}/", gateway.address);
    for claims in
        [json!({}), json!({ "acr": "iron", "auth_time": now() }), json!({ "acr": "gold", "auth_time": now() - 660 })]
    {
        let page = bearer(&issuer.token(&claims)).get(&url).await;
        assert_eq!(page.status, StatusCode::UNAUTHORIZED, "{claims}");
        let said = page.header("www-authenticate").unwrap();
        for part in ["error=\"insufficient_user_authentication\"", "acr_values=\"gold silver\"", "max_age=\"600\""] {
            assert!(said.contains(part), "{claims}: {said}");
        }
    }
    let good = |typ: &str| issuer.token(&json!({ "acr": "silver", "auth_time": now(), "typ": typ }));
    assert_eq!(bearer(&good("ID")).get(&url).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(upstream.requests(), 0);
    assert_eq!(bearer(&good("Bearer")).get(&url).await.status, StatusCode::OK);
    let weak = bearer(&issuer.token(&json!({ "sub": "bob" }))).get(&url).await;
    assert_eq!(weak.status, StatusCode::UNAUTHORIZED);
    eventually("the audit log says who it was", async || {
        let is_line = |line: &str| line.contains("\"reason\":\"weak_login\"") && line.contains("\"subject\":\"bob\"");
        service.written().lines().any(is_line).then_some(()).ok_or("not yet")
    })
    .await;
}

/// Case 42 where the provider is asked: it has its own word for what it gives nobody to ask an API with.
#[tokio::test]
async fn an_id_token_is_none_where_the_provider_is_asked() {
    let rig = Rig::simple().await;
    let asked = json!({ "id": "asked.default", "kind": { "introspection": {
        "endpoint": format!("{}/token/introspection", rig.provider.issuer), "client_id": "edge",
        "client_secret": "edge-secret", "cache": { "secs": 0, "nanos": 0 },
        "inject_request_headers": [{ "name": "X-User", "value": "{{ .token.Claims.sub }}" }] } } });
    rig.service.write_rules(&rules(&[asked])).await;
    let tokens = rig.provider.tokens_of("ann", &rig.url(CALLBACK)).await;
    let with = async |kind: &str| bearer(tokens[kind].as_str().unwrap()).get(&rig.url("/x")).await;
    let good = with("access_token").await;
    assert_eq!((good.status, good.sent("x-user").as_deref()), (StatusCode::OK, Some("ann")), "{good:#?}");
    let refused = with("id_token").await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{refused:#?}");
    assert!(refused.header("www-authenticate").unwrap().contains("error=\"invalid_token\""), "{refused:#?}");
}

/// Case 36, and a rotation in between.
#[tokio::test]
async fn unknown_keys_are_looked_for_and_not_more_often_than_now_and_then() {
    let (issuer, upstream) = (Issuer::start().await, Upstream::start().await);
    let service = Service::start(&rules(&[jwt(&issuer, &json!({}))])).await;
    let gateway = Gateway::start(&service, &upstream).await;
    let url = format!("http://{}/", gateway.address);
    let claims = json!({ "sub": "ann", "exp": now() + 600 });
    let begun = Instant::now();
    let askers = (0..20).map(|asker| {
        let tokens = (0..50).map(|index| issuer.token_of_key(&format!("random-{asker}-{index}"), &claims));
        let (tokens, url) = (tokens.collect::<Vec<_>>(), url.clone());
        tokio::spawn(async move {
            let client = reqwest::Client::new();
            for token in tokens {
                let answer = client.get(&url).bearer_auth(token).send().await.unwrap();
                assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
            }
        })
    });
    for asker in askers.collect::<Vec<_>>() {
        asker.await.unwrap();
    }
    // At the start, and then each 15 seconds.
    let most = 2 + begun.elapsed().as_secs() / 15;
    assert!(issuer.fetches() as u64 <= most, "{} in {:?}", issuer.fetches(), begun.elapsed());
    let good = bearer(&issuer.token(&claims)).get(&url).await;
    assert_eq!(good.status, StatusCode::OK, "who has a good token is none of the worse");
}

#[tokio::test]
async fn a_rotated_key_is_found() {
    let (issuer, upstream) = (Issuer::start().await, Upstream::start().await);
    issuer.rotate();
    let service = Service::start(&rules(&[jwt(&issuer, &json!({}))])).await;
    let gateway = Gateway::start(&service, &upstream).await;
    let url = format!("http://{}/", gateway.address);
    let claims = json!({ "sub": "ann", "exp": now() + 600 });
    let old = issuer.token(&claims);
    assert_eq!(bearer(&old).get(&url).await.status, StatusCode::OK);
    let sees_new = async || bearer(&issuer.token(&claims)).get(&url).await.status;
    issuer.rotate();
    // A set that was fetched only just now is not fetched again at once.
    nuncio_test_support::within(std::time::Duration::from_secs(40), "the new key is found", async || {
        let status = sees_new().await;
        if status == StatusCode::OK { Ok(()) } else { Err(status) }
    })
    .await;
    assert_eq!(bearer(&old).get(&url).await.status, StatusCode::UNAUTHORIZED, "the old key is gone");
}

/// Case 37: what was last good is used, whatever the issuer answers.
#[tokio::test]
async fn an_issuer_that_is_down_keeps_nobody_out_whose_key_is_known() {
    let (issuer, upstream) = (Issuer::start().await, Upstream::start().await);
    let other = Issuer::start().await;
    issuer.answer(500, "");
    let service = Service::start_with(&rules(&[jwt(&issuer, &json!({}))]), &["--idp-timeout", "500ms"]).await;
    let gateway = Gateway::start(&service, &upstream).await;
    let url = format!("http://{}/", gateway.address);
    let claims = json!({ "sub": "ann", "exp": now() + 60 });
    let good = async || bearer(&issuer.token(&claims)).get(&url).await;
    // Nothing but a small answer in time, from where it was looked for, has the keys; as soon as there is one, they are used.
    let down = good().await;
    assert_eq!((down.status, down.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, Some("5")), "{down:#?}");
    other.answer(200, &issuer.key_set());
    let wrong: [&dyn Fn(); 5] = [
        &|| issuer.answer(200, "<html>"),
        &|| issuer.answer(200, "{\"keys\":[]}"),
        &|| issuer.answer(200, &(" ".repeat(50 << 20) + &issuer.key_set())),
        &|| issuer.redirect(&other.jwks_uri),
        &|| issuer.hang(),
    ];
    for go_wrong in wrong {
        let before = issuer.fetches();
        go_wrong();
        eventually("it is asked again", async || {
            assert_eq!(good().await.status, StatusCode::SERVICE_UNAVAILABLE);
            if issuer.fetches() > before { Ok(()) } else { Err("not yet") }
        })
        .await;
    }
    assert_eq!((upstream.requests(), other.fetches()), (0, 0));
    issuer.recover();
    eventually("the keys are there", async || {
        let status = good().await.status;
        if status == StatusCode::OK { Ok(()) } else { Err(status) }
    })
    .await;
    issuer.answer(500, "");
    assert_eq!(good().await.status, StatusCode::OK, "a key that is known is known");
    let ready = service.admin("/readyz").await;
    assert_eq!(ready, "OK\n", "an issuer that is down is no reason to take the service out");
}

#[tokio::test]
async fn scopes_claims_and_templates() {
    let (issuer, upstream) = (Issuer::start().await, Upstream::start().await);
    let more = json!({ "error_response": {
        "realm": "orders", "headers": [["X-Reason", "{{ .error.ValidationError.Errors }}"]],
        "body_template": "{{ .status_code }} {{ .message }}",
    } });
    let rule = |path: &str, arguments: &Value| json!({ "origin": path, "path": path, "filters": [{ "filter": "jwt.default", "arguments": arguments }] });
    let list = json!([
        rule("/scoped", &json!({ "scope": ["orders"] })),
        rule("/admins", &json!({ "require": "'admins' in claims.groups" })),
        rule("*", &json!({})),
    ]);
    let service = Service::start(&rules_of(&list, &[jwt(&issuer, &more)])).await;
    let gateway = Gateway::start(&service, &upstream).await;
    let get = async |token: &str, path: &str| bearer(token).get(&format!("http://{}{path}", gateway.address)).await;
    let poor = issuer.token(&json!({ "sub": "ann", "scope": "other", "groups": [] }));
    let rich = issuer.token(&json!({ "sub": "ann", "scope": "other orders", "groups": ["admins"] }));
    for path in ["/scoped", "/admins"] {
        let page = get(&poor, path).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{page:#?}");
        assert!(page.header("www-authenticate").unwrap().contains("error=\"insufficient_scope\""));
        assert_eq!(get(&rich, path).await.status, StatusCode::OK);
    }
    let expired = get(&issuer.token(&json!({ "exp": 1 })), "/").await;
    assert_eq!((expired.header("x-reason"), &*expired.body), (Some("16"), "401 Token is expired"), "{expired:#?}");
    assert!(expired.header("www-authenticate").unwrap().starts_with("Bearer realm=\"orders\""));

    let question =
        json!({ "rules": "s", "url": "http://a/admins", "headers": [["authorization", format!("Bearer {poor}")]] });
    let explained =
        reqwest::Client::new().post(format!("http://{}/explain", service.admin)).json(&question).send().await;
    let explained: Value = explained.unwrap().json().await.unwrap();
    assert_eq!((&explained["decision"], &explained["rule"]), (&json!("deny"), &json!("/admins")), "{explained}");
    assert_eq!(explained["steps"][0]["detail"], "'admins' in claims.groups is false");
    let metrics = service.admin("/metrics").await;
    assert!(
        metrics.contains("nuncio_authz_decisions_total{rule=\"/admins\",decision=\"deny\",reason=\"claims\"} 2"),
        "{metrics}"
    );
}
