//! What templates are told of real tokens is what manifests are held against.

use std::collections::BTreeSet;

use http::StatusCode;
use nuncio_authz_tests::{Browser, Page};
use nuncio_expr::told;
use serde_json::{Value, json};

use crate::rig::{CALLBACK, Rig, rig};
use crate::rules;

/// Headers that tell which fields there are: of everything, and of what has fields of its own.
fn probes() -> Value {
    let fields = |header: &str, of: &str| {
        let value =
            format!("{{{{ with {of} }}}}{{{{ range $name, $value := . }}}}{{{{ $name }}}} {{{{ end }}}}{{{{ end }}}}");
        json!({ "name": header, "value": value })
    };
    json!([fields("X-All", "."), fields("X-Token", ".token"), fields("X-IdToken", ".idToken")])
}

/// The fields that a page's request told, with dots between.
fn fields(page: &Page) -> BTreeSet<String> {
    assert_eq!(page.status, StatusCode::OK, "{page:#?}");
    let names = |header: &str| page.sent(header).unwrap_or_default().split(' ').map(str::to_owned).collect::<Vec<_>>();
    let below = |name: String| match &*name {
        "token" | "idToken" => {
            names(&format!("x-{}", name.to_lowercase())).iter().map(|below| format!("{name}.{below}")).collect()
        }
        _ => vec![name],
    };
    names("x-all").into_iter().flat_map(below).collect()
}

fn expected(told: &[&str]) -> BTreeSet<String> {
    told.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn of_a_login_and_of_a_token_for_an_api() {
    let rig = rig(&json!({}), &json!({}), &json!({ "jwt": true }), &[]).await;
    let mut login = rig.rules.clone();
    login["filters"][0]["kind"]["oauth2"]["inject_request_headers"] = probes();
    rig.service.write_rules(&login).await;
    assert_eq!(fields(&Browser::default().log_in(&rig.url("/x"), "ann").await), expected(&told::LOGIN));

    let token = json!({ "id": "token.default", "kind": { "jwt": {
        "jwks_uri": format!("{}/jwks", rig.provider.issuer), "inject_request_headers": probes() } } });
    rig.service.write_rules(&rules(&[token])).await;
    let tokens = rig.provider.tokens_of("ann", &rig.url(CALLBACK)).await;
    assert_eq!(fields(&ask(&rig, &tokens).await), expected(&told::JWT));
}

#[tokio::test]
async fn of_a_token_that_its_issuer_is_asked_about() {
    let rig = Rig::simple().await;
    let asked = json!({ "id": "asked.default", "kind": { "introspection": {
        "endpoint": format!("{}/token/introspection", rig.provider.issuer), "client_id": "edge",
        "client_secret": "edge-secret", "cache": { "secs": 0, "nanos": 0 }, "inject_request_headers": probes() } } });
    rig.service.write_rules(&rules(&[asked])).await;
    let tokens = rig.provider.tokens_of("ann", &rig.url(CALLBACK)).await;
    assert_eq!(fields(&ask(&rig, &tokens).await), expected(&told::INTROSPECTION));
}

async fn ask(rig: &Rig, tokens: &Value) -> Page {
    let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
    Browser::api().with("authorization", &bearer).get(&rig.url("/x")).await
}
