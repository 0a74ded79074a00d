//! What people do with the portal in a real Chromium: the stories are in `tests/e2e/browser`.

mod hostile;
mod pages;
mod palette;
mod refused;

use std::fs;
use std::path::Path;

use nuncio_e2e::{Gateway, Site, eventually};
use nuncio_test_support::story;
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::sync::watch;

use super::{HOST, STOCK, accounts, api, ask, gateway, service, shop, stock};

/// Has a story told at the shop's address; pictures of what was seen are kept with what was built.
pub(crate) async fn told(site: &Site, name: &str) -> Value {
    told_with(site, name, &json!({})).await
}

/// The same at this address.
pub(crate) async fn told_at(site: &Site, origin: &str, name: &str) -> Value {
    told_with(site, name, &json!({ "origin": origin })).await
}

/// The same with further settings.
pub(crate) async fn told_with(site: &Site, name: &str, more: &Value) -> Value {
    let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).join("portal");
    fs::create_dir_all(&pictures).unwrap();
    let mut settings = json!({
        "origin": format!("http://{HOST}:8080"),
        "portal": format!("http://{}", site.at(8088)),
        "hosts": { HOST: site.ip() },
        "pictures": pictures,
    });
    settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser").join(name);
    let seen = story(&script, &settings).await;
    assert_eq!((&seen["faults"], &seen["violations"]), (&json!([]), &json!([])), "{seen:#}");
    seen
}

fn text<'v>(seen: &'v Value, path: &str) -> &'v str {
    seen.pointer(path).and_then(Value::as_str).unwrap_or_else(|| panic!("{path}: {seen:#}"))
}

/// Waits until the catalog's operations are found by their fields.
async fn indexed(site: &Site) {
    eventually("the index", async || {
        let found = ask(site, "/docs/search?term=price_cents").await.text();
        if found.contains("catalog/operations/list") { Ok(()) } else { Err(found) }
    })
    .await;
}

#[tokio::test]
async fn a_request_is_sent_from_its_page_and_a_refusal_says_why() {
    let site = Site::new();
    let _shop = shop(&site).await;
    let gateway = Gateway::start_with(&site, |command| {
        command.arg(format!("--portal={}", site.at(8088))).args(["--portal-poll", "1"]);
        command.env("LIMIT_RESPONSE_HEADERS_ENABLED", "true");
    })
    .await;
    indexed(&site).await;
    let seen = told(&site, "try-it.mjs").await;
    assert_eq!(text(&seen, "/first/status"), "200 OK");
    assert!(!text(&seen, "/first/answer").contains("ratelimit-remaining"), "nobody counts it: {seen:#}");
    for (what, left) in [("/counted/answer", 4), ("/held/answer", 0)] {
        assert!(text(&seen, what).contains(&format!("ratelimit-remaining: {left}")), "{what}: {seen:#}");
    }
    assert!(
        text(&seen, "/first/body").contains("\"sku\"")
            && text(&seen, "/first/answer").contains("answered by the service")
    );
    assert_eq!(text(&seen, "/held/status"), "429 Too Many Requests");
    assert_eq!(text(&seen, "/field"), "price_cents", "the search leads to what was looked for: {seen:#}");
    let later = text(&seen, "/held/answer").split("Send it again in ").nth(1).and_then(|rest| rest.split('.').next());
    let units = later.unwrap_or_else(|| panic!("{seen:#}")).split(' ').skip(1).step_by(2);
    assert!(units.clone().count() > 0 && units.clone().all(|unit| ["h", "min", "s"].contains(&unit)), "{seen:#}");
    for part in ["5 per hour", "user=ann", "answered 429 beyond that"] {
        assert!(text(&seen, "/held/answer").contains(part), "{part}: {seen:#}");
    }
    assert_eq!(text(&seen, "/sample"), format!("curl 'http://{HOST}:8080/api/products' \\\n  -H 'X-User: ann'"));
    assert_eq!(seen["copied"], seen["sample"], "what is copied is what is shown");
    assert_eq!(text(&seen, "/other/status"), "200 OK", "others are not held up");
    assert!(text(&seen, "/wrong/answer").starts_with("This cannot be sent"), "{seen:#}");
    for part in ["“x-user bob”", "no colon", "the header Cookie"] {
        assert!(text(&seen, "/dropped/answer").contains(part), "{part}: {seen:#}");
    }
    assert!(text(&seen, "/dots/answer").contains("a path with . or .. in it is another path"), "{seen:#}");
    assert_eq!(text(&seen, "/elsewhere"), "refused");

    let seen = told(&site, "without-javascript.mjs").await;
    for part in ["Every product", "price_cents", "needs JavaScript", "curl 'https://shop.localhost:8443/api/products'"]
    {
        assert!(text(&seen, "/read").contains(part), "{part}: {seen:#}");
    }
    assert_eq!(seen["isStill"], true);
    gateway.stop().await;
}

#[tokio::test]
async fn a_reader_logs_in_and_sees_and_calls_what_is_for_him() {
    let site = Site::new();
    let (_shop, _accounts) = (shop(&site).await, accounts(&site).await);
    let web = fs::read_to_string(site.manifests().join("web.yaml")).unwrap();
    site.write("web.yaml", web.replace("display_name: Front page", "visible_to: [staff]"));
    let gateway = gateway(&site).await;
    api(&site, "orders", "current").await;
    let seen = told(&site, "login.mjs").await;
    assert_eq!(text(&seen, "/refused/status"), "401 Unauthorized");
    for part in ["a login is needed", "the gateway asks whether it may pass", "Log in"] {
        assert!(text(&seen, "/refused/answer").contains(part), "{part}: {seen:#}");
    }
    for part in ["customers.default", "login.default"] {
        assert!(!text(&seen, "/refused/answer").contains(part), "{part} is for operators: {seen:#}");
    }
    assert_eq!((text(&seen, "/answered/status"), text(&seen, "/answered/body")), ("200 OK", "[]"));
    assert_eq!(text(&seen, "/who"), "ann");
    assert_eq!(text(&seen, "/bought/status"), "201 Created", "the body that is filled in is an order: {seen:#}");
    assert!(text(&seen, "/sample").contains("-H \"Authorization: Bearer $TOKEN\""), "{seen:#}");
    assert!(text(&seen, "/page").contains(&format!("access token of http://{}", site.at(9200))), "{seen:#}");
    assert_eq!(seen["web"], json!({ "before": 404, "inside": 200, "after": 404 }));
    gateway.stop().await;
}

/// What asks for keys that the portal gives.
const KEYS: &str = "apiVersion: getambassador.io/v3alpha1
kind: Filter
metadata: {name: key}
spec:
  APIKey:
    keys: [{secretName: portal-keys}]
---
apiVersion: getambassador.io/v3alpha1
kind: FilterPolicy
metadata: {name: stock}
spec:
  rules:
  - {host: shop.localhost, path: /stock/*, filters: [{name: key}]}
";

/// A gateway with the stock, which takes keys of its portal, and a console that may write.
async fn with_keys(site: &Site) -> Gateway<'_> {
    site.write("stock.yaml", STOCK.replace("ADDRESS", &site.at(9300).to_string()) + "---\n" + KEYS);
    Gateway::start_with(site, |command| {
        command.arg(format!("--portal={}", site.at(8088))).args([
            "--portal-poll",
            "1",
            "--allow-edits",
            "--route-stats",
        ]);
        command.arg("--portal-keys").arg(site.manifests().join("portal-keys.yaml"));
    })
    .await
}

#[tokio::test]
async fn a_key_is_made_and_used_by_the_keyboard_alone() {
    let site = Site::new();
    let (_shop, _accounts) = (shop(&site).await, accounts(&site).await);
    let release = watch::Sender::new(stock("1", &["name"]));
    let _stock = service(site.at(9300), &release).await;
    let gateway = with_keys(&site).await;
    api(&site, "stock", "current").await;
    let seen = told(&site, "keys.mjs").await;
    for (path, status) in [("/refused/status", "401"), ("/called/status", "200"), ("/ended/status", "401")] {
        assert!(text(&seen, path).starts_with(status), "{path}: {seen:#}");
    }
    let sample = format!("curl 'http://{HOST}:8080/stock/items' \\\n  -H \"X-API-Key: $API_KEY\"");
    assert_eq!(text(&seen, "/sample"), sample, "no key is in it");
    assert_eq!(text(&seen, "/asSomebody"), sample, "and what a program shows stands in it for a login");
    assert!(text(&seen, "/refused/answer").contains("Make an API key of your own"), "{seen:#}");
    assert!(text(&seen, "/takers").contains("These APIs take them: Orders, Stock"), "{seen:#}");
    assert!(text(&seen, "/listed").contains("laptop") && text(&seen, "/listed").contains("1 request"), "{seen:#}");
    assert_eq!((&seen["isShownOnce"], &seen["again"]), (&json!(true), &json!({ "secret": 0, "keys": 1 })), "{seen:#}");
    assert!(text(&seen, "/asked").contains("Revoke the key laptop?"), "{seen:#}");
    gateway.stop().await;
}

/// Lets pages of a portal at this address ask Mappings that say nothing else.
const CORS: &str = "apiVersion: getambassador.io/v3alpha1
kind: Module
metadata: {name: ambassador}
spec:
  config:
    cors:
      origins: [PORTAL]
      methods: [GET, HEAD, POST, PUT, PATCH, DELETE]
      headers: [authorization, content-type, x-api-key]
      exposed_headers: [x-envoy-upstream-service-time, retry-after]
      credentials: true
";

#[tokio::test]
async fn a_portal_at_an_address_of_its_own_sends_requests_where_it_may() {
    let site = Site::new();
    let _shop = shop(&site).await;
    site.write("cors.yaml", CORS.replace("PORTAL", &format!("http://{}", site.at(8088))));
    let gateway = gateway(&site).await;
    api(&site, "cart", "current").await;
    let seen = told(&site, "another-origin.mjs").await;
    assert_eq!(text(&seen, "/told/status"), "200 OK");
    assert!(text(&seen, "/told/answer").contains("answered by the service"), "{seen:#}");
    gateway.stop().await;
}

/// What `make demo` shows: a real page of the provider, then the page first asked for, and a logout for both tabs.
#[tokio::test]
async fn orders_need_a_login_that_ends_in_both_tabs() {
    let site = Site::new();
    let (_shop, _accounts) = (shop(&site).await, accounts(&site).await);
    let gateway = gateway(&site).await;
    let seen = told(&site, "orders.mjs").await;
    let provider = site.at(9200).to_string();
    assert_eq!(seen["asked"], json!({ "at": provider, "form": true, "title": "Log in to the shop" }), "{seen:#}");
    assert_eq!(text(&seen, "/wrong"), "There is no such name with this password.");
    assert_eq!((&seen["landed"], text(&seen, "/who")), (&json!([]), "ann"), "{seen:#}");
    let session = json!({ "name": "ambassador_session.login.default", "httpOnly": true });
    assert!(seen["own"].as_array().unwrap().contains(&session), "{seen:#}");
    assert!(!seen["left"].to_string().contains("ambassador_"), "{seen:#}");
    assert_eq!((&seen["script"], &seen["tabs"]), (&json!(401), &json!([true, true])), "{seen:#}");
    gateway.stop().await;
}

#[tokio::test]
async fn an_api_is_found_read_and_called_by_the_keyboard_alone() {
    let site = Site::new();
    let _shop = shop(&site).await;
    let gateway = gateway(&site).await;
    indexed(&site).await;
    let seen = told(&site, "keyboard.mjs").await;
    assert_eq!((text(&seen, "/first"), text(&seen, "/skipped")), ("Skip to content", "#content"));
    assert_eq!(seen["seen"], json!([true, true, true]), "the focus is seen wherever it is: {seen:#}");
    assert!(text(&seen, "/read").contains("price_cents"), "{seen:#}");
    assert_eq!(text(&seen, "/told/status"), "200 OK");
    assert!(text(&seen, "/headers").contains("x-envoy-upstream-service-time"), "{seen:#}");
    gateway.stop().await;
}

#[tokio::test]
async fn a_release_that_breaks_clients_is_seen_where_they_read() {
    let site = Site::new();
    let _shop = shop(&site).await;
    let release = watch::Sender::new(stock("1", &["name", "price"]));
    let _stock = service(site.at(9300), &release).await;
    site.write("stock.yaml", STOCK.replace("ADDRESS", &site.at(9300).to_string()));
    let gateway = gateway(&site).await;
    api(&site, "stock", "current").await;
    let more = json!({ "service": format!("http://{}/", site.at(9300)), "release": stock("2", &["name", "weight"]) });
    let seen = told_with(&site, "release.mjs", &more).await;
    assert!(!text(&seen, "/before").contains("breaking"), "{seen:#}");
    for part in ["1 breaking, 2 compatible", "response 200 › price", "GET /stock/items"] {
        assert!(text(&seen, "/told").contains(part), "{part}: {seen:#}");
    }
    assert!(text(&seen, "/read").contains("weight") && !text(&seen, "/read").contains("price"), "{seen:#}");
    assert!(text(&seen, "/all").contains("Stock") && text(&seen, "/all").contains("breaking"), "{seen:#}");
    gateway.stop().await;
}

#[tokio::test]
async fn the_same_request_is_sent_to_a_preview() {
    let site = Site::new();
    let _shop = shop(&site).await;
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

#[tokio::test]
async fn a_tab_whose_login_has_ended_says_so_and_leads_back() {
    let site = Site::new();
    let (_shop, _accounts) = (shop(&site).await, accounts(&site).await);
    let gateway = gateway(&site).await;
    api(&site, "orders", "current").await;
    let seen = told(&site, "stale.mjs").await;
    for path in ["/refused/answer", "/looked"] {
        assert!(text(&seen, path).contains("You are logged out. Log in again"), "{path}: {seen:#}");
    }
    assert_eq!((text(&seen, "/refused/status"), text(&seen, "/again/status")), ("401 Unauthorized", "200 OK"));
    assert_eq!(seen["isQuiet"], true, "who is logged in is told nothing: {seen:#}");
    gateway.stop().await;
}

#[tokio::test]
async fn files_are_sent_by_themselves_and_with_a_form() {
    let site = Site::new();
    let _shop = shop(&site).await;
    let mut document = stock("1", &["name"]);
    let operation = |id: &str, media: &str, schema: Value| {
        json!({ "post": { "operationId": id, "requestBody": { "content": { media: { "schema": schema } } },
            "responses": { "200": { "description": "The same" } } } })
    };
    let form = json!({ "type": "object", "required": ["picture"],
        "properties": { "album": { "type": "string" }, "picture": { "type": "string", "format": "binary" } } });
    document["paths"]["/pictures"] = operation("picture", "multipart/form-data", form);
    document["paths"]["/raw"] = operation("raw", "image/png", json!({}));
    let release = watch::Sender::new(document);
    let _stock = service(site.at(9300), &release).await;
    site.write("stock.yaml", STOCK.replace("ADDRESS", &site.at(9300).to_string()));
    let gateway = gateway(&site).await;
    api(&site, "stock", "current").await;
    let seen = told(&site, "upload.mjs").await;
    for part in ["name=\"album\"", "bells", "filename=\"bell.png\"", "not much of a picture"] {
        assert!(text(&seen, "/form/body").contains(part), "{part}: {seen:#}");
    }
    assert!(text(&seen, "/sample").ends_with("--form-string 'album=bells' \\\n  -F 'picture=@bell.png'"), "{seen:#}");
    assert_eq!(text(&seen, "/raw/body"), "not much of a picture");
    gateway.stop().await;
}

#[tokio::test]
async fn what_is_secret_of_a_request_is_a_variable_of_its_sample() {
    let site = Site::new();
    let _shop = shop(&site).await;
    let mut document = stock("1", &["name"]);
    let parameter = |name: &str, place: &str| json!({ "name": name, "in": place, "required": true, "schema": { "type": "string" } });
    document["paths"]["/echo/{id}"]["get"] = json!({ "operationId": "echo", "responses": {}, "parameters": [parameter("id", "path"),
        parameter("api_token", "query"), parameter("sort", "query"), parameter("x-secret", "header")] });
    let release = watch::Sender::new(document);
    let _stock = service(site.at(9300), &release).await;
    site.write("stock.yaml", STOCK.replace("ADDRESS", &site.at(9300).to_string()));
    let gateway = gateway(&site).await;
    api(&site, "stock", "current").await;
    let seen = told(&site, "secrets.mjs").await;
    assert!(text(&seen, "/empty").contains("/stock/echo/{id}"), "nothing is made up: {seen:#}");
    let (sample, told) = (text(&seen, "/sample"), text(&seen, "/told/body"));
    assert!(told.contains("api_token=a%20token%20of%20mine") && told.ends_with("a secret of mine"), "{seen:#}");
    assert!(!sample.contains("of mine") && sample.contains("$VALUE") && sample.contains("$TOKEN"), "{seen:#}");

    // Whoever has the values sends the same from a shell.
    let resolved = format!("curl() {{ command curl -s --resolve {HOST}:8080:{} \"$@\"; }}; {sample}", site.ip());
    let mut shell = Command::new("sh");
    let said = shell.args(["-c", &resolved]).env("VALUE", "mine").env("TOKEN", "t").output().await.unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    assert_eq!(said, "/echo/it%27s%207?api_token=mine&sort=up%20%26%20down mine", "{sample}");
    gateway.stop().await;
}

#[tokio::test]
async fn colours_and_motion_are_the_readers() {
    let site = Site::new();
    let _shop = shop(&site).await;
    let gateway = gateway(&site).await;
    api(&site, "catalog", "current").await;
    let seen = told(&site, "dark.mjs").await;
    for (scheme, (page, letters)) in [("light", (200..=255, 0..=80)), ("dark", (0..=40, 200..=255))] {
        let of = |what: &str| seen["seen"][scheme][what].as_i64().unwrap();
        assert!(page.contains(&of("page")) && letters.contains(&of("text")), "{scheme}: {seen:#}");
        assert_eq!(seen["seen"][scheme]["status"], "200 OK");
    }
    assert_eq!(text(&seen, "/borders"), "solid", "what colours tell apart has borders without them");
    assert_eq!((text(&seen, "/moves"), text(&seen, "/still")), ("smooth", "auto"));
    gateway.stop().await;
}
