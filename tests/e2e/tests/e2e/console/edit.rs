//! The editor of objects.

use std::fs;
use std::process::Command;

use nuncio_e2e::{Client, Gateway, Reply, Site, eventually, get};
use serde_json::json;

use super::{page, told};
use crate::portal::browser::told_at;
use crate::portal::{HOST, gateway, patient_shop, shop};

pub(super) const CART: &str = "/console/objects/Mapping/default/cart";

/// A gateway that lets its console write.
pub(super) async fn writable(site: &Site) -> Gateway<'_> {
    Gateway::start_with(site, |command| {
        command.arg(format!("--portal={}", site.at(8088))).arg("--allow-edits");
    })
    .await
}

/// What the editor's forms say.
pub(super) async fn post(site: &Site, pairs: &[(&str, &str)]) -> Reply {
    post_of(site, CART, pairs).await
}

/// The same of another object.
pub(super) async fn post_of(site: &Site, object: &str, pairs: &[(&str, &str)]) -> Reply {
    post_at(site, &format!("{object}/edit"), pairs).await
}

/// The same of another page.
pub(super) async fn post_at(site: &Site, path: &str, pairs: &[(&str, &str)]) -> Reply {
    let encode = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let form: Vec<_> = pairs.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    let ask = get("localhost", path).method("POST").with("origin", "http://localhost");
    let ask = ask.with("content-type", "application/x-www-form-urlencoded").body(form.join("&"));
    Client::http(site.at(8088)).send(&ask).await.unwrap()
}

pub(super) fn cart(site: &Site) -> String {
    fs::read_to_string(site.manifests().join("cart.yaml")).unwrap()
}

/// The text of the cart's Mapping, and the digest of its file.
pub(super) async fn manifest(gateway: &Gateway<'_>) -> (String, String) {
    manifest_of(gateway, "Mapping", "cart").await
}

pub(super) async fn manifest_of(gateway: &Gateway<'_>, kind: &str, name: &str) -> (String, String) {
    let told = gateway.admin.json(&format!("/api/v1/manifest?kind={kind}&namespace=default&name={name}")).await;
    (told["text"].as_str().unwrap().to_owned(), told["digest"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_change_is_tried_without_effect_then_applied_and_live() {
    let site = Site::new();
    let _shop = shop(&site).await;
    let gateway = writable(&site).await;
    let before = cart(&site);
    let proposal = format!("{CART}/edit?spec.timeout_ms=700&spec.retry_policy.retry_on=5xx");
    let tried = told(&site, &proposal, &["-  timeout_ms: 2000", "+  timeout_ms: 700", "+    retry_on: 5xx"]).await;
    assert!(
        tried.contains("affects 1 route on 1 host. And 1 route in previews.") && tried.contains("value=\"apply\""),
        "{tried}"
    );
    assert_eq!(cart(&site), before, "trying changes nothing");
    let place =
        before.lines().position(|line| line.starts_with("apiVersion")).map(|at| format!("cart.yaml:{}<", at + 1));
    told(&site, CART, &[place.as_deref().unwrap()]).await;
    assert!(tried.contains(place.as_deref().unwrap()), "the page of the object and its editor agree: {tried}");

    let (text, digest) = manifest(&gateway).await;
    let new = text.replace("timeout_ms: 2000", "timeout_ms: 700");
    let patch = post(&site, &[("by", "patch"), ("text", &new)]).await.text();
    let file = site.root().join("cart.patch");
    fs::write(&file, &patch).unwrap();
    let applies = Command::new("git").args(["apply", "--check"]).arg(&file).current_dir(site.manifests()).status();
    assert!(applies.unwrap().success(), "{patch}");

    let wrong = post(&site, &[("by", "apply"), ("text", &new.replace("700", "soon")), ("digest", &digest)]).await;
    assert!(wrong.status == 400 && wrong.text().contains("spec.timeout_ms"), "{}", wrong.text());
    let other =
        post(&site, &[("by", "apply"), ("text", &new.replace("name: cart", "name: c")), ("digest", &digest)]).await;
    assert!(other.status == 400 && other.text().contains("default/c"), "{}", other.text());
    assert_eq!(cart(&site), before, "what is wrong is not written");

    let applied = post(&site, &[("by", "apply"), ("text", &new), ("digest", &digest)]).await;
    assert_eq!(applied.status, 303, "{}", applied.text());
    assert_eq!(cart(&site), before.replacen("timeout_ms: 2000", "timeout_ms: 700", 1), "all else is as it was");
    told(&site, CART, &["live in the one Envoy", "timeout 700 ms"]).await;
    let again = post(&site, &[("by", "apply"), ("text", &new), ("digest", &digest)]).await;
    assert_eq!(again.status, 303, "who goes back and applies it again finds it done: {}", again.text());
    let late = post(&site, &[("by", "apply"), ("text", &text), ("digest", &digest)]).await;
    assert!(late.status == 409 && late.text().contains("Somebody has changed it since"), "{}", late.text());
    gateway.stop().await;
}

#[tokio::test]
async fn nothing_is_written_unless_the_gateway_was_told_to_allow_it() {
    let site = Site::new();
    let _shop = shop(&site).await;
    let gateway = gateway(&site).await;
    let (before, (text, digest)) = (cart(&site), manifest(&gateway).await);
    let tried = told(&site, &format!("{CART}/edit?spec.timeout_ms=700"), &["affects 1 route on 1 host"]).await;
    assert!(!tried.contains("value=\"apply\"") && tried.contains("value=\"patch\""), "{tried}");
    let new = text.replace("2000", "700");
    let refused = post(&site, &[("by", "apply"), ("text", &new), ("digest", &digest)]).await;
    assert!(refused.status == 403 && refused.text().contains("--allow-edits"), "{}", refused.text());
    let other = page(&site, "/console/objects/Secret/default/shop-tls/edit").await;
    assert!(other.status == 422 && other.text().contains("a Secret cannot be changed here"), "{}", other.text());
    assert_eq!(cart(&site), before);
    gateway.stop().await;
}

#[tokio::test]
async fn somebody_follows_a_route_changes_its_timeout_and_sees_it_go_live() {
    let site = Site::new();
    let _shop = shop(&site).await;
    let gateway = writable(&site).await;
    told(&site, "/console/?text=cart", &["/api/carts/"]).await;
    let seen = told_at(&site, &format!("http://{}", site.at(8088)), "console.mjs").await;
    assert_eq!(seen["narrow"], json!({ "inOrder": true, "leadsTo": "As a table", "drawing": true }), "{seen:#}");
    assert_eq!(seen["radius"], json!("This affects 1 route on 1 host. And 1 route in previews."), "{seen:#}");
    let line = "1 preview · Show their routes here, too";
    assert_eq!(seen["folded"], json!([line, 0, "?text=cart&previews=true", 1, "?text=cart", 0]), "{seen:#}");
    assert_eq!(seen["inPreviews"], json!("1 route in previews"), "{seen:#}");
    assert_eq!(seen["diff"], json!(["-  timeout_ms: 2000", "+  timeout_ms: 900"]), "{seen:#}");
    assert_eq!(seen["live"], json!("live in the one Envoy"), "{seen:#}");
    assert!(seen["outcome"].as_str().unwrap().starts_with("forwarded 9/10 to cart:80"), "{seen:#}");
    gateway.stop().await;
}

/// What the diagnostics say of this change.
pub(super) async fn dry_run(
    site: &Site,
    kind: &str,
    name: &str,
    set: serde_json::Value,
    text: Option<&str>,
) -> serde_json::Value {
    let asked = json!({ "kind": kind, "namespace": "default", "name": name, "set": set, "text": text });
    let ask = get("localhost", "/api/v1/dry-run").method("POST").with("content-type", "application/json");
    let reply = Client::http(site.admin()).send(&ask.body(asked.to_string())).await.unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text());
    serde_json::from_str(&reply.text()).unwrap()
}

#[tokio::test]
async fn other_kinds_are_changed_as_well_and_tell_whom_that_affects() {
    let site = Site::new();
    let _shop = shop(&site).await;
    let gateway = writable(&site).await;
    let listener = dry_run(&site, "Listener", "http", json!({ "spec.port": "8081" }), None).await;
    assert_eq!(listener["is_valid"], true, "{listener:#}");
    assert!(!listener["listeners"].as_array().unwrap().is_empty(), "{listener:#}");

    let policy = gateway.admin.json("/api/v1/manifest?kind=FilterPolicy&namespace=default&name=customers").await;
    let text = policy["text"].as_str().unwrap();
    let other = text.replace("onAllow: break", "onAllow: continue");
    let policy = dry_run(&site, "FilterPolicy", "customers", json!({}), Some(&other)).await;
    assert!(policy["routes"].to_string().contains("\"effect\":\"rules\""), "{other}: {policy:#}");
    let page = told(&site, "/console/objects/FilterPolicy/default/customers/edit", &["The manifest in YAML"]).await;
    assert!(page.contains("Rule 1"), "{page}");

    let host = dry_run(&site, "Host", "shop", json!({ "spec.requestPolicy.insecure.action": "Reject" }), None).await;
    assert!(host["routes_total"].as_u64().unwrap() > 0, "{host:#}");
    gateway.stop().await;
}

/// Carts for who has a key, and a Filter with a secret in clear text.
pub(super) const FILTERS: &str = "apiVersion: v1
kind: Secret
metadata: {name: keys}
stringData: {ann: 1-2-3}
---
apiVersion: getambassador.io/v3alpha1
kind: Filter
metadata: {name: cart-key}
spec:
  APIKey:
    httpHeader: X-One
    keys: [{secretName: keys}]
---
apiVersion: getambassador.io/v3alpha1
kind: Filter
metadata: {name: machine}
spec:
  OAuth2:
    authorizationURL: http://127.0.0.1:9200
    clientID: machine
    protectedOrigins: [{origin: http://machines.localhost:8080}]
    clientSessionMaxIdle: 1h
    # Not for everybody.
    secret: 'h4rd to guess'
---
apiVersion: getambassador.io/v3alpha1
kind: FilterPolicy
metadata: {name: carts}
spec:
  rules:
  - {host: shop.localhost, path: /api/carts/machines/*, filters: [{name: machine}]}
  - {host: shop.localhost, path: /api/carts/*, filters: [{name: cart-key}]}
";

#[tokio::test]
async fn a_filter_is_changed_like_any_other_and_its_secret_is_shown_to_nobody() {
    let site = Site::new();
    let _shop = patient_shop(&site).await;
    site.write("filters.yaml", FILTERS);
    let gateway = writable(&site).await;
    let status = async |header: &str| {
        Client::http(site.at(8080)).send(&get(HOST, "/api/carts/ann").with(header, "1-2-3")).await.unwrap().status
    };
    assert_eq!((status("x-one").await, status("x-two").await), (200, 401));
    let key = "/console/objects/Filter/default/cart-key";
    told(&site, key, &["Change it"]).await;
    let tried = told(&site, &format!("{key}/edit?spec.APIKey.httpHeader=X-Two"), &["+    httpHeader: X-Two"]).await;
    assert!(tried.contains("held to other rules") && tried.contains("/api/<wbr>carts/"), "{tried}");
    assert!(!tried.contains("spec.JWT.issuer"), "only the fields of its kind: {tried}");
    let (text, digest) = manifest_of(&gateway, "Filter", "cart-key").await;
    let new = text.replace("X-One", "X-Two");
    let applied = post_of(&site, key, &[("by", "apply"), ("text", &new), ("digest", &digest)]).await;
    assert_eq!(applied.status, 303, "{}", applied.text());
    eventually("the other header", async || {
        let now = (status("x-one").await, status("x-two").await);
        if now == (401, 200) { Ok(()) } else { Err(format!("{now:?}")) }
    })
    .await;

    let uses = gateway.admin.json("/api/v1/key-uses?ids=ann,bob").await;
    assert!(uses["ann"]["count"].as_u64() >= Some(2) && uses["bob"].is_null(), "a portal elsewhere asks so: {uses}");

    let machine = "/console/objects/Filter/default/machine";
    let page = told(&site, &format!("{machine}/edit"), &["secret: (not shown)", "A secret is left out"]).await;
    assert!(!page.contains("h4rd"), "{page}");
    let (text, digest) = manifest_of(&gateway, "Filter", "machine").await;
    let new = text.replace("1h", "2h");
    let tried = post_of(&site, machine, &[("by", "text"), ("text", &new)]).await;
    assert!(
        tried.status == 200 && tried.text().contains("clientSessionMaxIdle: 2h"),
        "in no address: {}",
        tried.text()
    );
    assert!(!tried.text().contains("h4rd"), "{}", tried.text());
    let patch = post_of(&site, machine, &[("by", "patch"), ("text", &new)]).await.text();
    assert!(patch.contains("+    clientSessionMaxIdle: 2h") && !patch.contains("secret"), "{patch}");
    let file = site.root().join("machine.patch");
    fs::write(&file, &patch).unwrap();
    let applies = Command::new("git").args(["apply", "--check"]).arg(&file).current_dir(site.manifests()).status();
    assert!(applies.unwrap().success(), "{patch}");
    let applied = post_of(&site, machine, &[("by", "apply"), ("text", &new), ("digest", &digest)]).await;
    assert_eq!(applied.status, 303, "{}", applied.text());
    let written = fs::read_to_string(site.manifests().join("filters.yaml")).unwrap();
    assert_eq!(written, FILTERS.replace("X-One", "X-Two").replace("1h", "2h"), "all else is as it was");
    let tried = async |guess: &str| {
        let told = dry_run(&site, "Filter", "machine", json!({}), Some(&new.replace("(not shown)", guess))).await;
        assert!(!told["routes"].as_array().unwrap().is_empty(), "{told:#}");
        told.to_string().replace(guess, "GUESS")
    };
    assert_eq!(tried("'h4rd to guess'").await, tried("'easy to guess'").await, "the right one looks like any other");
    let elsewhere = new.replace("http://127.0.0.1:9200", "http://127.0.0.1:9201");
    let refused = post_of(&site, machine, &[("by", "text"), ("text", &elsewhere)]).await;
    assert!(refused.status == 400 && refused.text().contains("decides where"), "{}", refused.text());
    let moved = new.replace("secret: (not shown)", "password: (not shown)");
    let refused = post_of(&site, machine, &[("by", "text"), ("text", &moved)]).await;
    assert!(
        refused.status == 400 && refused.text().contains("no secret at spec.OAuth2.password"),
        "{}",
        refused.text()
    );
    gateway.stop().await;
}
