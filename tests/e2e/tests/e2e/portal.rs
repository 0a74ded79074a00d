//! The developer portal, of the real shop, through the gateway that it tells of.

mod addresses;
pub(crate) mod browser;
mod demands;
mod edge;
mod machines;
pub(crate) mod release;
mod samples;
mod shared_history;
mod shown;
mod versions;

use std::fs;
use std::path::Path;
use std::process::Command;

use nuncio_e2e::yaml::{documents, text_secret, tls_secret};
use nuncio_e2e::{Authority, Client, Gateway, Process, Reply, Site, eventually, get, nuncio};
use serde_json::{Value, json};
use tempfile::TempDir;

use self::release::{STOCK, service, stock};

/// The shop's host.
pub(crate) const HOST: &str = "shop.localhost";
/// Where its manifests have it.
const SHOP_PORT: &str = "9101";

/// The shop, running at the site's address, with its manifests.
pub(crate) async fn shop(site: &Site) -> Process {
    let manifests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/shop/manifests");
    for file in fs::read_dir(manifests).unwrap() {
        let file = file.unwrap();
        let text = fs::read_to_string(file.path()).unwrap().replace("127.0.0.1", &site.ip().to_string());
        site.write(file.file_name().to_str().unwrap(), text);
    }
    let identity = Authority::new("shop").issue(&[HOST]);
    site.write("secret.yaml", documents(&[tls_secret("shop-tls", &identity)]));
    start_shop(site).await
}

/// The same, whose carts and their previews have the time that a busy machine takes.
pub(crate) async fn patient_shop(site: &Site) -> Process {
    let shop = shop(site).await;
    let carts = fs::read_to_string(site.manifests().join("cart.yaml")).unwrap();
    site.write("cart.yaml", carts.replace("timeout_ms: 2000", "timeout_ms: 20000"));
    shop
}

/// Where the shop's customers have accounts, for the gateway's login. Its settings are in a directory of its own.
pub(crate) async fn accounts(site: &Site) -> (Process, TempDir) {
    let endpoint = |name: &str| format!("http://{HOST}:8080/.ambassador/oauth2/{name}");
    provider(site, "shop", &endpoint("redirection-endpoint"), Some(&endpoint("post-logout-redirect"))).await
}

/// A real identity provider, which knows one client, whose Secret it writes.
pub(crate) async fn provider(
    site: &Site,
    name: &str,
    callback: &str,
    after_logout: Option<&str>,
) -> (Process, TempDir) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    let secret = format!("{name}-secret");
    let client = json!({ "client_id": name, "client_secret": secret, "grant_types": ["authorization_code", "client_credentials"],
        "redirect_uris": [callback], "post_logout_redirect_uris": after_logout.as_slice() });
    site.write("client.yaml", documents(&[text_secret(&format!("{name}-client"), "oauth2-client-secret", &secret)]));
    let directory = tempfile::tempdir().unwrap();
    let (address, settings) = (site.at(9200), directory.path().join("accounts.json"));
    fs::write(&settings, json!({ "address": address.to_string(), "clients": [client] }).to_string()).unwrap();
    let mut command = Command::new("node");
    command.arg("--no-warnings").arg(root.join("examples/shop/accounts/accounts.mjs"));
    command.arg(root.join(".tools/oidc-provider/node_modules/oidc-provider/lib/index.js")).arg(settings);
    let accounts = Process::spawn(&mut command);
    let client = Client::http(address);
    let described = get(&address.to_string(), "/.well-known/openid-configuration");
    eventually("the accounts", async || client.send(&described).await).await;
    (accounts, directory)
}

async fn start_shop(site: &Site) -> Process {
    let mut command = Command::new(nuncio().with_file_name("nuncio-shop"));
    command.args(["all", "--address", &site.ip().to_string(), "--base-port", SHOP_PORT]);
    let shop = Process::spawn(&mut command);
    let orders = Client::http(site.at(9104));
    eventually("the shop", async || orders.send(&get(HOST, "/healthz")).await).await;
    shop
}

/// A gateway with a portal that looks at documents every second.
pub(crate) async fn gateway(site: &Site) -> Gateway<'_> {
    Gateway::start_with(site, |command| {
        command.arg(format!("--portal={}", site.at(8088))).args(["--portal-poll", "1"]);
    })
    .await
}

/// What a browser gets of the portal behind the gateway.
async fn ask(site: &Site, path: &str) -> Reply {
    Client::http(site.at(8080)).send(&get(HOST, path)).await.unwrap()
}

async fn ask_json(site: &Site, path: &str) -> Value {
    let reply = ask(site, path).await;
    assert_eq!(reply.status, 200, "{path}: {}", reply.text());
    serde_json::from_str(&reply.text()).unwrap()
}

/// An API of the catalog, once its document is as `state` says.
async fn api(site: &Site, name: &str, state: &str) -> Value {
    eventually(&format!("{name} is {state}"), async || {
        let asked = get(HOST, &format!("/docs/api/v1/apis/default/{name}"));
        let reply = Client::http(site.at(8080)).send(&asked).await.map_err(|error| error.to_string())?;
        let api: Value = serde_json::from_str(&reply.text()).map_err(|_| format!("{}", reply.status))?;
        if api["state"] == state { Ok(api) } else { Err(api.to_string()) }
    })
    .await
}

#[tokio::test]
async fn every_service_is_found_read_and_can_be_called_as_it_says() {
    let site = Site::new();
    let _shop = patient_shop(&site).await;
    let gateway = gateway(&site).await;
    for (name, title) in [("cart", "Carts"), ("catalog", "Catalog"), ("orders", "Orders"), ("web", "Front page")] {
        assert_eq!(api(&site, name, "current").await["title"], title);
    }
    let catalog = ask(&site, "/docs/").await.text();
    assert!(catalog.contains("Front page") && !catalog.contains("cart-v2:80"), "{catalog}");
    let operators = Client::http(site.at(8088)).send(&get("localhost", "/docs/")).await.unwrap().text();
    assert!(operators.contains("Served without a document") && operators.contains("cart-v2:80"), "{operators}");
    assert!(!catalog.contains(&site.at(8088).to_string()), "the portal does not show itself");

    let document = ask_json(&site, "/openapi/services/default/cart/openapi.json").await;
    let servers = json!([{"url": format!("https://{HOST}:8443")}, {"url": format!("http://{HOST}:8080")}]);
    assert_eq!(document["servers"], servers);
    let original = ask_json(&site, "/openapi/services/default/cart/original").await;
    assert!(document["paths"]["/api/carts/{user}"].is_object() && original["paths"]["/carts/{user}"].is_object());

    eventually("the index", async || {
        let found = ask(&site, "/docs/api/search?term=price_cents").await.text();
        let is_found = ["Catalog", "Carts", "Orders"].iter().all(|api| found.contains(api));
        if is_found { Ok(()) } else { Err(found) }
    })
    .await;

    let page = ask(&site, "/docs/doc/default/cart/operations/show").await.text();
    assert!(page.contains("/api/carts/{user}") && page.contains("http://shop.localhost:8080/api/carts/ann"), "{page}");
    assert_eq!(ask(&site, "/api/carts/ann").await.status, 200, "the request of the sample");
    gateway.stop().await;
}

#[tokio::test]
async fn a_document_outlives_its_service_and_follows_its_mapping() {
    let site = Site::new();
    let shop = shop(&site).await;
    let gateway = gateway(&site).await;
    api(&site, "orders", "current").await;
    drop(shop);
    let stale = api(&site, "orders", "stale").await;
    assert!(stale["trouble"].as_str().unwrap().contains("cannot be reached"), "{stale}");
    let page = ask(&site, "/docs/doc/default/orders").await.text();
    assert!(page.contains("Stale since") && page.contains("/api/orders/{id}"), "{page}");

    let _shop = start_shop(&site).await;
    let orders = fs::read_to_string(site.manifests().join("orders.yaml")).unwrap();
    site.write(
        "orders.yaml",
        orders.replace("/api/orders", "/v2/orders").replace("display_name: Orders", "display_name: Purchases"),
    );
    eventually("the new prefix", async || {
        let document = ask(&site, "/openapi/services/default/orders/openapi.json").await.text();
        if document.contains("/v2/orders/{id}") { Ok(()) } else { Err(document) }
    })
    .await;
    assert_eq!(api(&site, "orders", "current").await["title"], "Purchases");

    site.remove("orders.yaml");
    eventually("the API to go", async || match ask(&site, "/docs/doc/default/orders").await.status {
        404 => Ok(()),
        status => Err(status),
    })
    .await;
    gateway.stop().await;
}
