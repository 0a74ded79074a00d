//! What people do with the portal in a real Chromium: the stories are in `tests/e2e/browser`.

mod hostile;
mod keys;
mod login;
mod pages;
mod palette;
mod previews;
mod refused;
mod requests;

use std::fs;
use std::path::Path;

use nuncio_e2e::{Site, eventually};
use nuncio_test_support::story;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::{HOST, STOCK, api, ask, gateway, service, shop, stock};

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
