//! The webhooks as an API server sees them.
#![allow(clippy::needless_pass_by_value, reason = "literals read better without references")]

use std::time::{Duration, SystemTime};

use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::response::Response;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::*;

mod bounds;
mod tls;

fn reviewer(limits: Limits) -> Reviewer {
    Reviewer { ambassador_id: "default".to_owned(), defaults: Defaults::default(), limits }
}

async fn send(router: &Router, path: &str, body: Body) -> Response {
    let request = Request::post(path).header("content-type", "application/json").body(body).unwrap();
    router.clone().oneshot(request).await.unwrap()
}

async fn post(limits: Limits, path: &str, body: String) -> (StatusCode, String) {
    let response = send(&router(reviewer(limits)), path, Body::from(body)).await;
    let status = response.status();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(bytes.to_vec()).unwrap())
}

async fn review(path: &str, review: &Value) -> Value {
    let (status, text) = post(Limits::default(), path, review.to_string()).await;
    assert_eq!(status, StatusCode::OK, "{text}");
    serde_json::from_str(&text).unwrap()
}

/// As kube-apiserver 1.36 sends it.
fn conversion(to: &str, objects: Value) -> Value {
    json!({
        "kind": "ConversionReview",
        "apiVersion": "apiextensions.k8s.io/v1",
        "request": { "uid": "u1", "desiredAPIVersion": format!("getambassador.io/{to}"), "objects": objects },
    })
}

fn mapping(version: &str, spec: Value) -> Value {
    json!({
        "apiVersion": format!("getambassador.io/{version}"),
        "kind": "Mapping",
        "metadata": { "name": "m", "namespace": "n" },
        "spec": spec,
    })
}

#[tokio::test]
async fn objects_are_converted_in_their_order() {
    let objects = json!([
        mapping("v2", json!({ "prefix": "/", "service": "w", "tls": true })),
        mapping("v3alpha1", json!({ "prefix": "/", "service": "w", "hostname": "a" })),
    ]);
    let answer = review("/webhooks/crd-convert", &conversion("v3alpha1", objects)).await;
    let first = json!({
        "prefix": "/",
        "service": "https://w",
        "hostname": "*",
        "v2ExplicitTLS": { "tls": "bool:true", "serviceScheme": "" },
    });
    let expected = json!({
        "kind": "ConversionReview",
        "apiVersion": "apiextensions.k8s.io/v1",
        "response": {
            "uid": "u1",
            "convertedObjects": [
                mapping("v3alpha1", first),
                mapping("v3alpha1", json!({ "prefix": "/", "service": "w", "hostname": "a" })),
            ],
            "result": { "status": "Success" },
        },
    });
    assert_eq!(answer, expected);
}

#[tokio::test]
async fn one_object_that_cannot_be_converted_fails_the_review() {
    let nonsense = json!({ "apiVersion": "getambassador.io/v2", "kind": "Nonsense", "metadata": { "name": "x" } });
    let objects = json!([mapping("v2", json!({})), nonsense]);
    let answer = review("/webhooks/crd-convert", &conversion("v3alpha1", objects)).await;
    let result = json!({ "status": "Failed", "message": "Nonsense /x: there is no conversion for the kind Nonsense" });
    assert_eq!(answer["response"]["result"], result);
    let answer = review("/webhooks/crd-convert", &conversion("v9", json!([]))).await;
    assert_eq!(answer["response"]["result"]["status"], "Failed");
}

fn admission(operation: &str, object: Value, old: Value) -> Value {
    json!({
        "kind": "AdmissionReview",
        "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": "u2",
            "kind": { "group": "getambassador.io", "version": "v3alpha1", "kind": "Mapping" },
            "resource": { "group": "getambassador.io", "version": "v3alpha1", "resource": "mappings" },
            "name": "m",
            "namespace": "n",
            "operation": operation,
            "userInfo": { "username": "ann" },
            "object": object,
            "oldObject": old,
            "dryRun": false,
            "options": { "kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1" },
        },
    })
}

async fn admit(operation: &str, object: Value, old: Value) -> Value {
    let mut answer = review(VALIDATION_PATH, &admission(operation, object, old)).await;
    assert_eq!((&answer["kind"], &answer["apiVersion"]), (&json!("AdmissionReview"), &json!("admission.k8s.io/v1")));
    assert_eq!(answer["response"]["uid"], "u2");
    answer["response"].take()
}

#[tokio::test]
async fn a_good_object_is_let_in() {
    for version in ["v1", "v2", "v3alpha1"] {
        let good = mapping(version, json!({ "prefix": "/", "service": "w" }));
        assert_eq!(admit("CREATE", good, Value::Null).await, json!({ "uid": "u2", "allowed": true }));
    }
}

#[tokio::test]
async fn a_bad_object_is_refused_with_what_check_says_of_it() {
    let bad = mapping("v3alpha1", json!({ "prefix": "/", "service": "w:port", "retry_policy": { "retry_on": "5xy" } }));
    let answer = admit("CREATE", bad.clone(), Value::Null).await;
    assert_eq!((&answer["allowed"], &answer["status"]["code"]), (&json!(false), &json!(422)));
    let message = answer["status"]["message"].as_str().unwrap();
    assert!(message.starts_with("spec.service: \"port\" is no port"), "{message}");
    let answer = admit("UPDATE", bad, mapping("v3alpha1", json!({ "prefix": "/", "service": "w" }))).await;
    assert_eq!(answer["allowed"], false);
}

#[tokio::test]
async fn what_does_not_compile_is_refused_before_it_is_stored() {
    let header = json!({ "name": "x-user", "value": "{{ .token.Claims.sub" });
    let bad = json!({
        "apiVersion": "getambassador.io/v3alpha1",
        "kind": "Filter",
        "metadata": { "name": "f", "namespace": "n" },
        "spec": { "JWT": { "jwksURI": "https://idp.test/keys", "injectRequestHeaders": [header] } },
    });
    let answer = admit("UPDATE", bad, Value::Null).await;
    let expected =
        "spec.JWT.injectRequestHeaders[0].value: the template does not compile: line 1: an action is not closed";
    assert_eq!((&answer["allowed"], &answer["status"]["message"]), (&json!(false), &json!(expected)));
}

#[tokio::test]
async fn what_is_nested_too_deep_is_refused_in_words() {
    for deep in [100, 1000] {
        let nest = format!("{}1{}", "[".repeat(deep), "]".repeat(deep));
        let odd = mapping("v3alpha1", json!({ "prefix": "/", "service": "w", "odd": "NEST" }));
        let review = admission("CREATE", odd, Value::Null).to_string().replace("\"NEST\"", &nest);
        let (status, text) = post(Limits::default(), VALIDATION_PATH, review).await;
        let answer: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((status, &answer["response"]["allowed"]), (StatusCode::OK, &json!(false)), "{text}");
        assert_eq!(answer["response"]["status"]["message"], "nested more than 100 deep");
    }
}

#[tokio::test]
async fn what_the_gateway_reads_with_its_environment_is_let_in() {
    let environment = [("DOMAIN".to_owned(), "shop.example".to_owned())].into();
    let defaults = Defaults { env: Some(Arc::new(environment)), ..Defaults::default() };
    let host = json!({
        "apiVersion": "getambassador.io/v3alpha1", "kind": "Host",
        "metadata": { "name": "h", "namespace": "n" }, "spec": { "hostname": "${DOMAIN}" },
    });
    let review = admission("CREATE", host, Value::Null).to_string();
    for (defaults, allowed) in [(Defaults::default(), false), (defaults, true)] {
        let router = router(Reviewer { defaults, ..reviewer(Limits::default()) });
        let response = send(&router, VALIDATION_PATH, Body::from(review.clone())).await;
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let answer: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(answer["response"]["allowed"], allowed, "{answer}");
    }
}

#[tokio::test]
async fn what_has_no_effect_is_said_and_let_in() {
    let odd = mapping("v3alpha1", json!({ "prefix": "/", "service": "w", "timeout": 3 }));
    let answer = admit("CREATE", odd, Value::Null).await;
    assert_eq!(answer["allowed"], true);
    let warning = answer["warnings"][0].as_str().unwrap();
    assert!(warning.starts_with("spec.timeout: there is no such field"), "{warning}");
}

#[tokio::test]
async fn what_is_none_of_its_business_is_let_in() {
    let bad = |more: Value| {
        let mut object = mapping("v3alpha1", json!({ "prefix": "/" }));
        for (pointer, value) in more.as_object().unwrap() {
            object[pointer.as_str()].as_object_mut().unwrap().extend(value.as_object().unwrap().clone());
        }
        object
    };
    let plain = bad(json!({}));
    let leaving = bad(json!({ "metadata": { "deletionTimestamp": "2026-01-01T00:00:00Z" } }));
    let other = bad(json!({ "spec": { "ambassador_id": ["blue"] } }));
    let labelled = bad(json!({ "metadata": { "labels": { "a": "b" } } }));
    let foreign = json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": "s" }, "spec": { "ports": 3 } });
    for (object, old) in [
        (Value::Null, plain.clone()),
        (leaving, Value::Null),
        (other, Value::Null),
        (labelled, plain.clone()),
        (foreign, Value::Null),
    ] {
        let answer = admit("UPDATE", object.clone(), old).await;
        assert_eq!(answer, json!({ "uid": "u2", "allowed": true }), "{object}");
    }
    assert_eq!(admit("CREATE", plain, Value::Null).await["allowed"], false);
}

#[tokio::test]
async fn what_is_no_review_is_refused() {
    for path in ["/webhooks/crd-convert", VALIDATION_PATH] {
        for (body, status) in [
            ("{", StatusCode::BAD_REQUEST),
            ("{}", StatusCode::BAD_REQUEST),
            (&"[".repeat(100_000), StatusCode::BAD_REQUEST),
            (&" ".repeat(2000), StatusCode::PAYLOAD_TOO_LARGE),
        ] {
            let small = Limits { admission_bytes: 1000, conversion_bytes: 1000, ..Limits::default() };
            let limits = if status == StatusCode::PAYLOAD_TOO_LARGE { small } else { Limits::default() };
            assert_eq!(post(limits, path, body.to_owned()).await.0, status, "{path}");
        }
    }
}

const DAY: Duration = Duration::from_secs(24 * 3600);

#[test]
fn certificates_are_renewed_at_two_thirds_of_their_life() {
    let now = SystemTime::now();
    let made = Credentials::make(&["nuncio-webhook.nuncio.svc".to_owned()], now).unwrap();
    assert_eq!(made.due(now + 59 * DAY), None);
    assert_eq!(made.renewed(now).unwrap(), made);
    assert_eq!(made.due(now + 61 * DAY), Some(Due::Serving));
    // A clock that went back.
    assert_eq!(made.due(now - 2 * DAY), Some(Due::Authority));
    let renewed = made.renewed(now + 61 * DAY).unwrap();
    assert_eq!((renewed.due(now + 61 * DAY), renewed.bundle()), (None, made.bundle()));
    assert_ne!(renewed.serving, made.serving);
}

#[test]
fn a_new_authority_is_trusted_before_it_is_shown_and_the_old_one_after() {
    let mut now = SystemTime::now();
    let mut credentials = Credentials::make(&["a.b.svc".to_owned()], now).unwrap();
    let first = credentials.authority.clone();
    let mut seen_both = 0;
    for _ in 0..80 {
        now += 50 * DAY;
        while credentials.due(now).is_some() {
            let before = credentials;
            credentials = before.renewed(now).unwrap();
            // What is shown before and after a step is trusted by the bundles before and after.
            let issuers = [&before, &credentials].map(|step| step.bundle());
            assert!(tls::trusts(&issuers[1], &before.serving, now) || before.serving.0.not_after <= now);
            assert!(tls::trusts(&issuers[0], &credentials.serving, now) || credentials.authority != before.authority);
            seen_both += usize::from(credentials.bundle().matches("BEGIN").count() == 2);
        }
        assert!(tls::trusts(&credentials.bundle(), &credentials.serving, now));
    }
    assert_ne!(credentials.authority, first);
    assert!(seen_both > 0 && credentials.previous.is_none());
}

#[test]
fn stored_certificates_are_read_again() {
    let made = Credentials::make(&["a.b.svc".to_owned()], SystemTime::now()).unwrap();
    let Certificate { chain, key, .. } = &made.serving.0;
    assert_eq!(Certificate::read(chain, key).unwrap(), made.serving.0);
    assert!(!format!("{made:?}").contains("PRIVATE"));
    assert!(Certificate::read("nonsense", key).is_err() && Certificate::read(chain, "nonsense").is_err());
    let other = Credentials::make(&["a.b.svc".to_owned()], SystemTime::now()).unwrap();
    let mixed = Certificate { key: other.serving.0.key, ..made.serving.0 };
    assert!(Certificates::new(&ServingCertificate(mixed)).is_err());
}
