//! Requests that are sent to previews.

use std::fs;

use nuncio_e2e::{Gateway, Site};
use serde_json::json;

use super::{text, told_with};
use crate::portal::{HOST, api, patient_shop, shop};

#[tokio::test]
async fn the_same_request_is_sent_to_a_preview() {
    let site = Site::new();
    let _shop = patient_shop(&site).await;
    // Its routes let pages of no other address ask them: it is asked at this one.
    let gateway = Gateway::start_with(&site, |command| {
        command.arg(format!("--portal={}", site.at(8088))).args(["--portal-poll", "1", "--portal-show-all"]);
    })
    .await;
    api(&site, "cart", "current").await;
    let more = json!({ "hosts": { HOST: site.ip(), "*.preview.localhost": site.ip() } });
    let seen = told_with(&site, "preview.mjs", &more).await;
    assert_eq!(seen["choices"], json!(["default/cart-v2: cart by cart-v2"]), "{seen:#}");
    let sample = text(&seen, "/sample");
    assert!(sample.contains(&format!("http://{HOST}:8080/api/carts/ann")), "{seen:#}");
    assert!(sample.contains("-H 'x-nuncio-preview: cart-v2-"), "{seen:#}");
    assert_eq!(text(&seen, "/preview/status"), "200 OK", "{seen:#}");
    assert!(text(&seen, "/preview/body").contains("total_cents"), "version 2 tells the sum: {seen:#}");
    gateway.stop().await;
}

/// A cart that runs on a developer's machine, which is not connected.
const MY_CART: &str = "apiVersion: nuncio.dev/v1alpha1
kind: Preview
metadata: {name: my-cart}
spec:
  services: [{baseline: cart, tunnel: true}]
  entrypoints: [{name: web, host: shop.localhost}]
  access: {mode: Public}
";

#[tokio::test]
async fn a_preview_that_nobody_serves_says_why_and_no_more_is_guessed() {
    let site = Site::new();
    let _shop = shop(&site).await;
    site.write("my-cart.yaml", MY_CART);
    let gateway = Gateway::start_with(&site, |command| {
        command.arg(format!("--portal={}", site.at(8088))).args(["--portal-poll", "1", "--portal-show-all"]);
    })
    .await;
    api(&site, "cart", "current").await;
    let more = json!({ "hosts": { HOST: site.ip(), "*.preview.localhost": site.ip() }, "name": "default/my-cart" });
    let seen = told_with(&site, "preview.mjs", &more).await;
    assert_eq!(text(&seen, "/preview/status"), "503 Service Unavailable", "{seen:#}");
    let answer = text(&seen, "/preview/answer");
    assert!(answer.contains("Why: The preview my-cart"), "{seen:#}");
    let (_, why) = answer.split_once("Why: ").unwrap();
    assert!(why.lines().next().unwrap().contains("nobody has served it"), "{seen:#}");
    for guess in ["perhaps", "counted so far", "answered by the gateway"] {
        assert!(!answer.contains(guess), "{guess}: {seen:#}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_preview_that_does_not_let_the_portal_ask_is_said_to_be_one() {
    let site = Site::new();
    let _shop = shop(&site).await;
    let policy = fs::read_to_string(site.manifests().join("preview-policy.yaml")).unwrap();
    site.write("preview-policy.yaml", policy.replace("selectors: [Header]", "selectors: []"));
    let gateway = Gateway::start_with(&site, |command| {
        command.arg(format!("--portal={}", site.at(8088))).args(["--portal-poll", "1", "--portal-show-all"]);
    })
    .await;
    api(&site, "cart", "current").await;
    let hosts = json!({ HOST: site.ip(), "*.preview.localhost": site.ip() });
    let seen = told_with(&site, "preview.mjs", &json!({ "hosts": hosts, "isRefused": true })).await;
    let here = format!("does not let pages of http://{HOST}:8080 ask it");
    for part in ["web--cart-v2-", "is there, and is another address", &here, "cors of the Mapping"] {
        assert!(text(&seen, "/preview/answer").contains(part), "{part}: {seen:#}");
    }
    let more = json!({ "hosts": { HOST: site.ip(), "*.preview.localhost": "127.0.0.1:1" }, "isRefused": true });
    let seen = told_with(&site, "preview.mjs", &more).await;
    assert!(text(&seen, "/preview/answer").contains("cannot be reached from here"), "{seen:#}");
    gateway.stop().await;
}
