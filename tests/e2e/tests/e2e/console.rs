//! The console of a gateway that serves the real shop.

mod careful;
mod edit;
mod operator;
mod policies;
mod secrets;
mod traffic;

use nuncio_e2e::{Client, Reply, Site, eventually, get};

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

    // The host is for customers and for services.
    let ways = format!("/console/?host={HOST}&text=catalog");
    told(&site, &ways, &["Listener http<", "Listener https<", "Listener internal<"]).await;

    let preview = "cart-v2-";
    let brief = told(&site, "/console/", &["/api/orders", "are left out here", "/console/?all=true"]).await;
    assert!(!brief.contains("made by the gateway") && !brief.contains(preview), "{brief}");
    let all = told(&site, "/console/?all=true", &["made by the gateway"]).await;
    assert!(!all.contains("are left out here") && !all.contains(preview), "{all}");
    told(&site, "/console/", &["1 preview</a>", "href=\"/console/?previews=true\""]).await;
    told(&site, "/console/?text=cart&previews=true", &[preview]).await;

    let object = "/console/objects/Mapping/default/cart";
    assert!(topology.contains(&format!("href=\"{object}\"")), "{topology}");
    let cart = told(&site, object, &["live in the one Envoy", "cart.yaml", "/api/carts/"]).await;
    assert!(!cart.contains("What is wrong"), "{cart}");
    assert_eq!(page(&site, "/console/objects/Mapping/default/nothing").await.status, 404);

    // What makes no route tells of those that it reaches.
    let host = told(&site, "/console/objects/Host/default/shop", &["/api/carts/", "/api/orders"]).await;
    assert!(!host.contains("cart.internal") && !host.contains("No route is made"), "{host}");
    let policy = told(&site, "/console/objects/FilterPolicy/default/customers", &["/api/orders"]).await;
    assert!(!policy.contains("catalog.internal"), "{policy}");
    told(&site, "/console/?kind=Host&namespace=default&name=shop", &["Those that Host default/shop makes or reaches"])
        .await;

    let asked = format!("/console/explain?url=http://{HOST}:8080/api/carts/ann&headers=x-cart-version:+v2");
    told(&site, &asked, &["forwarded to cart-v2", "Mapping default/cart-by-header"]).await;
    let refused = format!("/console/explain?url={HOST}/api/carts/ann");
    told(&site, &refused, &["no Listener is on port 80", "?url=http%3A%2F%2F", "%3A8080%2Fapi%2Fcarts%2Fann"]).await;
    told(&site, "/console/envoys", &["1 connected", "envoy/1.40", "the newest"]).await;
    told(&site, "/console/certificates", &["default/shop-tls", "days left"]).await;
    gateway.stop().await;
}

#[tokio::test]
async fn what_makes_no_route_says_what_it_is_for() {
    let site = Site::new();
    let _shop = shop(&site).await;
    let (port, cart) = (site.at(5432).port(), site.at(9103));
    site.write(
        "db.yaml",
        format!(
            "apiVersion: getambassador.io/v3alpha1\nkind: TCPMapping\nmetadata: {{name: db}}\n\
             spec: {{port: {port}, address: {ip}, service: '{cart}'}}\n",
            ip = site.ip()
        ),
    );
    let gateway = gateway(&site).await;
    let db = told(&site, "/console/objects/TCPMapping/default/db", &["Connections to port", &cart.to_string()]).await;
    assert!(db.contains(&format!("port {port} ")) && !db.contains("No route is made"), "{db}");
    let policy = "/console/objects/PreviewPolicy/default/previews";
    let policy = told(&site, policy, &["preview.localhost", HOST, "href=\"/docs/previews\"", " now."]).await;
    assert!(!policy.contains("No route is made"), "{policy}");
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
