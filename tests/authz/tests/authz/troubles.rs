//! What a service says of what its filters need of others.

use nuncio_authz_tests::{Issuer, Service, free_address};
use nuncio_test_support::eventually;
use serde_json::{Value, json};

use crate::rules;

fn jwt(name: &str, url: &str) -> Value {
    json!({ "id": format!("{name}.default"), "kind": { "jwt": { "jwks_uri": url } } })
}

/// Waits until this is in the log.
async fn is_said(service: &Service, what: &str) {
    let look = async || service.written().contains(what).then_some(()).ok_or("not yet");
    eventually(what, look).await;
}

#[tokio::test]
async fn what_a_changed_filter_needed_before_is_not_said_to_be_there_again() {
    let (issuer, gone) = (Issuer::start().await, format!("http://{}/jwks", free_address()));
    let service = Service::start(&rules(&[jwt("token", &gone)])).await;
    is_said(&service, &format!("Filter default/token: spec.JWT.jwksURI: {gone}: ")).await;
    service.write_rules(&rules(&[jwt("token", &issuer.jwks_uri)])).await;
    eventually("its keys are fetched", async || Some(issuer.fetches()).filter(|count| *count > 0).ok_or("not yet"))
        .await;
    // What is found of both is told together.
    service.write_rules(&rules(&[jwt("token", &issuer.jwks_uri), jwt("other", &gone)])).await;
    is_said(&service, &format!("Filter default/other: spec.JWT.jwksURI: {gone}: ")).await;
    assert!(!service.written().contains("can be had again"));

    issuer.answer(500, "");
    service.write_rules(&rules(&[jwt("token", &format!("{}?x", issuer.jwks_uri))])).await;
    is_said(&service, &format!("Filter default/token: spec.JWT.jwksURI: {}: ", issuer.jwks_uri)).await;
    issuer.recover();
    is_said(&service, &format!("Filter default/token: {} can be had again", issuer.jwks_uri)).await;
}
