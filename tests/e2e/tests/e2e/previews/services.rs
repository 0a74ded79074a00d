//! Services that call each other: a preview of one that is three calls away from the visitor.

use std::process::Command;

use nuncio_e2e::yaml::{documents, host, listener, mapping_on};
use nuncio_e2e::{Client, Gateway, Process, Site, eventually, get, nuncio};
use serde_json::{Value, json};

use super::context::{INTERNAL, internal_listener};
use super::{SHOP, own, policy};

/// The shop's own program, each service in a process of its own. They find each other by the gateway.
pub(crate) async fn start(site: &Site, service: &str, version: &str, port: u16) -> Process {
    let peers = format!("http://{}", site.at(INTERNAL));
    let mut command = Command::new(nuncio().with_file_name("nuncio-shop"));
    command.args(["--service", service, "--version", version, "--listen", &site.at(port).to_string()]);
    let process = Process::spawn(command.args(["--catalog", &peers, "--cart", &peers]));
    let client = Client::http(site.at(port));
    eventually(service, async || client.send(&get(service, "/healthz")).await).await;
    process
}

/// What the front page tells: the price of a bell in the list of the catalog, and that in the cart.
async fn prices(client: &Client, host: &str) -> [u64; 2] {
    let reply = client.ask(&get(host, "/?user=ann")).await;
    let page: Value = serde_json::from_str(&reply.text()).unwrap_or_else(|_| panic!("{}", reply.text()));
    let price = |of: &Value| of["price_cents"].as_u64().unwrap_or_else(|| panic!("{page}"));
    [price(&page["products"][0]), price(&page["cart"]["lines"][0])]
}

#[tokio::test]
async fn a_preview_three_calls_deep_shows_in_the_shop_and_the_shop_stays_as_it_was() {
    let site = Site::new();
    let _services = (
        start(&site, "web", "v1", 9101).await,
        start(&site, "catalog", "v1", 9102).await,
        start(&site, "cart", "v1", 9103).await,
        start(&site, "catalog", "v2", 9105).await,
    );
    let inside = site.ip().to_string();
    let objects = [
        listener("http", site.http().port(), "HTTP"),
        internal_listener(&site),
        host("any", "*"),
        mapping_on(SHOP, "web", "/", site.at(9101)),
        mapping_on(&inside, "catalog", "/products", site.at(9102)),
        mapping_on(&inside, "cart", "/carts/", site.at(9103)),
        policy(),
    ];
    let objects = objects.map(|mut object| {
        if object["kind"] == "Mapping" {
            object["spec"]["rewrite"] = json!("");
        }
        object
    });
    site.write("shop.yaml", documents(&objects));
    let services = json!([{"baseline": site.at(9102).to_string(), "backend": site.at(9105).to_string()}]);
    let spec = json!({
        "services": services, "entrypoints": [{"name": "web", "host": SHOP}], "access": {"mode": "Public"},
    });
    site.write("preview.yaml", documents(&[own("Preview", "sale", &spec)]));
    let gateway = Gateway::start(&site).await;
    gateway.admin.state("Preview", "sale", "acked").await;
    let urls = gateway.admin.list("previews").await[0]["urls"].clone();
    let url = urls[0]["url"].as_str().unwrap().to_owned();
    let preview = url.trim_start_matches("http://").trim_end_matches('/');
    let client = Client::http(site.http());

    let line = get("cart", "/carts/ann/lines/bell").method("PUT").with("content-type", "application/json");
    let put = Client::http(site.at(9103)).ask(&line.body(r#"{"quantity": 1}"#)).await;
    assert_eq!(put.status, 200, "{}", put.text());
    // In the shop's own words: from the page to the catalog, and from the page to the cart to the catalog.
    assert_eq!(prices(&client, SHOP).await, [1_250, 1_250]);
    assert_eq!(prices(&client, preview).await, [1_125, 1_125]);
    assert_eq!(prices(&client, SHOP).await, [1_250, 1_250]);
    gateway.stop().await;
}
