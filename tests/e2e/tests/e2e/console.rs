//! The console of a gateway that serves the real shop.

use std::fs;
use std::process::Command;

use nuncio_e2e::{Client, Gateway, Reply, Site, eventually, get};
use serde_json::json;

use crate::portal::browser::told_at;
use crate::portal::{HOST, gateway, shop};

/// A page of the console, at the portal's own port.
async fn page(site: &Site, path: &str) -> Reply {
    Client::http(site.at(8088)).send(&get("localhost", path)).await.unwrap()
}

/// A page, once it says all that.
async fn told(site: &Site, path: &str, parts: &[&str]) -> String {
    eventually(&format!("{path} to say {parts:?}"), async || {
        let reply = page(site, path).await;
        let text = reply.text();
        let missing = parts.iter().find(|part| !text.contains(**part));
        if reply.status == 200 && missing.is_none() { Ok(text) } else { Err(format!("{missing:?} in {text}")) }
    })
    .await
}

#[tokio::test]
async fn a_route_is_followed_from_its_listener_to_its_endpoints() {
    let site = Site::new();
    let _shop = shop(&site).await;
    let gateway = gateway(&site).await;
    let endpoint = site.at(9103).to_string();
    let topology = told(&site, "/console/?text=cart", &["8080", HOST, "/api/carts/", "cart:80", "timeout 2 s"]).await;
    assert!(topology.contains("cart-v2:80 (10 %)") && !topology.contains("/api/orders"), "{topology}");
    assert!(topology.contains(&endpoint), "{endpoint}: {topology}");

    let object = "/console/objects/Mapping/default/cart";
    assert!(topology.contains(&format!("href=\"{object}\"")), "{topology}");
    let cart = told(&site, object, &["live in the one Envoy", "cart.yaml", "/api/carts/"]).await;
    assert!(!cart.contains("What is wrong"), "{cart}");
    assert_eq!(page(&site, "/console/objects/Mapping/default/nothing").await.status, 404);

    let asked = format!("/console/explain?url=http://{HOST}:8080/api/carts/ann&headers=x-cart-version:+v2");
    told(&site, &asked, &["forwarded to cart-v2", "Mapping default/cart-by-header"]).await;
    told(&site, "/console/envoys", &["1 connected", "envoy/1.40", "the newest"]).await;
    told(&site, "/console/certificates", &["default/shop-tls", "days left"]).await;
    gateway.stop().await;
}

#[tokio::test]
async fn traffic_is_told_by_service() {
    let site = Site::new();
    let _shop = shop(&site).await;
    let gateway = gateway(&site).await;
    let clients = Client::http(site.at(8080));
    for _ in 0..5 {
        assert_eq!(clients.send(&get(HOST, "/api/carts/ann")).await.unwrap().status, 200);
    }
    let counted = eventually("the cart's requests", async || {
        let traffic = gateway.admin.json("/api/v1/traffic").await;
        let all = traffic.as_array().unwrap().iter();
        let carts: u64 = all
            .filter(|one| one["services"].to_string().contains("cart"))
            .map(|one| one["requests"].as_u64().unwrap())
            .sum();
        if carts == 5 { Ok(traffic) } else { Err(traffic.to_string()) }
    })
    .await;
    assert!(counted.to_string().contains("\"server_errors\":0"), "{counted}");
    told(&site, "/console/traffic", &["cart:80", "Since the start", "0 %"]).await;
    gateway.stop().await;
}

#[tokio::test]
async fn what_is_wrong_is_told_with_its_place_until_it_is_mended() {
    let site = Site::new();
    let _shop = shop(&site).await;
    let gateway = gateway(&site).await;
    let mapping = |timeout: &str| {
        format!(
            "apiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata: {{name: more}}\nspec:\n  \
             hostname: {HOST}\n  prefix: /more/\n  service: cart\n  timeout_ms: {timeout}\n"
        )
    };
    site.write("more.yaml", mapping("soon"));
    told(&site, "/console/problems", &["spec.timeout_ms", "more.yaml:8", "Mapping default/more"]).await;
    told(&site, "/console/objects/Mapping/default/more", &["does not serve", "spec.timeout_ms"]).await;
    site.write("more.yaml", mapping("700"));
    eventually("the problem to go", async || {
        let text = page(&site, "/console/problems").await.text();
        if text.contains("default/more") { Err(text) } else { Ok(()) }
    })
    .await;
    told(&site, "/console/objects/Mapping/default/more", &["live in the one Envoy", "timeout 700 ms"]).await;
    gateway.stop().await;
}

#[tokio::test]
async fn it_is_not_shown_to_clients_of_the_gateway_unless_somebody_says_so() {
    let site = Site::new();
    let _shop = shop(&site).await;
    site.write(
        "console.yaml",
        format!(
            "apiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata: {{name: console}}\nspec:\n  \
             hostname: {HOST}\n  prefix: /console/\n  rewrite: ''\n  service: http://{}\n",
            site.at(8088)
        ),
    );
    let gateway = gateway(&site).await;
    let reply = Client::http(site.at(8080)).send(&get(HOST, "/console/")).await.unwrap();
    assert_eq!(reply.status, 421, "{}", reply.text());
    assert!(reply.text().contains("--console-host"), "{}", reply.text());
    gateway.stop().await;
}

const CART: &str = "/console/objects/Mapping/default/cart";

/// A gateway that lets its console write.
async fn writable(site: &Site) -> Gateway<'_> {
    Gateway::start_with(site, |command| {
        command.arg(format!("--portal={}", site.at(8088))).arg("--allow-edits");
    })
    .await
}

/// What the editor's forms say.
async fn post(site: &Site, pairs: &[(&str, &str)]) -> Reply {
    post_of(site, CART, pairs).await
}

/// The same of another object.
async fn post_of(site: &Site, object: &str, pairs: &[(&str, &str)]) -> Reply {
    let encode = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let form: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    let ask = get("localhost", &format!("{object}/edit")).method("POST").with("origin", "http://localhost");
    let ask = ask.with("content-type", "application/x-www-form-urlencoded").body(form.join("&"));
    Client::http(site.at(8088)).send(&ask).await.unwrap()
}

fn cart(site: &Site) -> String {
    fs::read_to_string(site.manifests().join("cart.yaml")).unwrap()
}

/// The text of the cart's Mapping, and the digest of its file.
async fn manifest(gateway: &Gateway<'_>) -> (String, String) {
    manifest_of(gateway, "Mapping", "cart").await
}

async fn manifest_of(gateway: &Gateway<'_>, kind: &str, name: &str) -> (String, String) {
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
    // The host of the shop and that of its preview.
    assert!(tried.contains("affects 2 routes on 2 hosts") && tried.contains("value=\"apply\""), "{tried}");
    assert_eq!(cart(&site), before, "trying changes nothing");

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
    let late = post(&site, &[("by", "apply"), ("text", &text), ("digest", &digest)]).await;
    assert!(late.status == 400 && late.text().contains("has changed since"), "{}", late.text());
    gateway.stop().await;
}

#[tokio::test]
async fn nothing_is_written_unless_the_gateway_was_told_to_allow_it() {
    let site = Site::new();
    let _shop = shop(&site).await;
    let gateway = gateway(&site).await;
    let (before, (text, digest)) = (cart(&site), manifest(&gateway).await);
    let tried = told(&site, &format!("{CART}/edit?spec.timeout_ms=700"), &["affects 2 routes"]).await;
    assert!(!tried.contains("value=\"apply\"") && tried.contains("value=\"patch\""), "{tried}");
    let new = text.replace("2000", "700");
    let refused = post(&site, &[("by", "apply"), ("text", &new), ("digest", &digest)]).await;
    assert!(refused.status == 400 && refused.text().contains("--allow-edits"), "{}", refused.text());
    let other = page(&site, "/console/objects/Secret/default/shop-tls/edit").await;
    assert!(other.status == 400 && other.text().contains("a Secret cannot be changed here"), "{}", other.text());
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
    assert_eq!(seen["radius"], json!("This affects 2 routes on 2 hosts."), "{seen:#}");
    assert_eq!(seen["diff"], json!(["-  timeout_ms: 2000", "+  timeout_ms: 900"]), "{seen:#}");
    assert_eq!(seen["live"], json!("live in the one Envoy"), "{seen:#}");
    assert!(seen["outcome"].as_str().unwrap().starts_with("forwarded 9/10 to cart:80"), "{seen:#}");
    gateway.stop().await;
}

/// What the diagnostics say of this change.
async fn dry_run(site: &Site, kind: &str, name: &str, set: serde_json::Value, text: Option<&str>) -> serde_json::Value {
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
    assert!(policy["routes"].to_string().contains("held to other rules"), "{other}: {policy:#}");
    let page = told(&site, "/console/objects/FilterPolicy/default/customers/edit", &["The manifest in YAML"]).await;
    assert!(!page.contains("Try these fields"), "{page}");

    let host = dry_run(&site, "Host", "shop", json!({ "spec.requestPolicy.insecure.action": "Reject" }), None).await;
    assert!(host["routes_total"].as_u64().unwrap() > 0, "{host:#}");
    gateway.stop().await;
}

/// Carts for who has a key, and a Filter with a secret in clear text.
const FILTERS: &str = "apiVersion: v1
kind: Secret
metadata: {name: keys}
stringData: {ann: 1-2-3}
---
apiVersion: getambassador.io/v3alpha1
kind: Filter
metadata: {name: key}
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
    grantType: ClientCredentials
    clientSessionMaxIdle: 1h
    # Not for everybody.
    secret: 'h4rd to guess'
---
apiVersion: getambassador.io/v3alpha1
kind: FilterPolicy
metadata: {name: carts}
spec:
  rules:
  - {host: shop.localhost, path: /api/carts/*, filters: [{name: key}]}
";

#[tokio::test]
async fn a_filter_is_changed_like_any_other_and_its_secret_is_shown_to_nobody() {
    let site = Site::new();
    let _shop = shop(&site).await;
    site.write("filters.yaml", FILTERS);
    let gateway = writable(&site).await;
    let status = async |header: &str| {
        Client::http(site.at(8080)).send(&get(HOST, "/api/carts/ann").with(header, "1-2-3")).await.unwrap().status
    };
    assert_eq!((status("x-one").await, status("x-two").await), (200, 401));
    let key = "/console/objects/Filter/default/key";
    told(&site, key, &["Change it"]).await;
    let tried = told(&site, &format!("{key}/edit?spec.APIKey.httpHeader=X-Two"), &["+    httpHeader: X-Two"]).await;
    assert!(tried.contains("held to other rules") && tried.contains("/api/carts/"), "{tried}");
    assert!(!tried.contains("spec.JWT.issuer"), "only the fields of its kind: {tried}");
    let (text, digest) = manifest_of(&gateway, "Filter", "key").await;
    let new = text.replace("X-One", "X-Two");
    let applied = post_of(&site, key, &[("by", "apply"), ("text", &new), ("digest", &digest)]).await;
    assert_eq!(applied.status, 303, "{}", applied.text());
    eventually("the other header", async || {
        let now = (status("x-one").await, status("x-two").await);
        if now == (401, 200) { Ok(()) } else { Err(format!("{now:?}")) }
    })
    .await;

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
    let moved = new.replace("secret: (not shown)", "password: (not shown)");
    let refused = post_of(&site, machine, &[("by", "text"), ("text", &moved)]).await;
    assert!(
        refused.status == 400 && refused.text().contains("no secret at spec.OAuth2.password"),
        "{}",
        refused.text()
    );
    gateway.stop().await;
}
