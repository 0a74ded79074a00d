//! What programs get of the portal behind the gateway.

use nuncio_e2e::{Client, Site, eventually, get};
use serde_json::{Value, json};

use super::{HOST, api, ask, gateway, shop};

/// What a tool says.
async fn called(client: &Client, host: &str, path: &str, tool: &str, arguments: Value) -> String {
    let params = json!({ "name": tool, "arguments": arguments });
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    let ask = get(host, path).method("POST").with("content-type", "application/json").body(message.to_string());
    let reply = client.send(&ask).await.unwrap();
    let answer: Value = serde_json::from_str(&reply.text()).unwrap_or_else(|error| panic!("{error}: {}", reply.text()));
    assert_eq!(answer["result"]["isError"], false, "{answer:#}");
    answer["result"]["content"][0]["text"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_agent_finds_an_operation_reads_it_and_follows_its_route() {
    let site = Site::new();
    let _shop = shop(&site).await;
    let gateway = gateway(&site).await;
    api(&site, "cart", "current").await;
    let list = ask(&site, "/llms.txt").await.text();
    assert_eq!(list, ask(&site, "/docs/llms.txt").await.text());
    assert!(
        ask(&site, "/.well-known/api-catalog").await.text().contains("/openapi/services/default/cart/openapi.json")
    );
    assert!(list.contains("[Carts](/docs/doc/default/cart.md)"), "{list}");
    let twin = ask(&site, "/docs/doc/default/cart.md").await.text();
    assert!(twin.contains("# Carts") && twin.contains("(/docs/doc/default/cart/operations/show.md)"), "{twin}");

    let clients = Client::http(site.at(8080));
    eventually("the index", async || {
        let found = called(&clients, HOST, "/docs/mcp", "search_apis", json!({ "query": "cart show" })).await;
        if found.contains("/docs/doc/default/cart/operations/show") { Ok(()) } else { Err(found) }
    })
    .await;
    let asked = json!({ "api": "default/cart", "operation": "show" });
    let read = called(&clients, HOST, "/docs/mcp", "get_operation", asked).await;
    assert!(read.contains("https://shop.localhost:8443/api/carts/ann"), "{read}");

    let operators = Client::http(site.at(8088));
    let routes = called(&operators, "localhost", "/console/mcp", "list_routes", json!({ "text": "cart-events" })).await;
    // At the host of the shop and at that of its preview: to customers, and to services.
    assert!(routes.contains("\"total\": 4") && routes.contains("cart:80"), "{routes}");
    let asked = json!({ "url": format!("http://{HOST}:8080/api/carts/ann"), "headers": ["x-cart-version: v2"] });
    let explained = called(&operators, "localhost", "/console/mcp", "explain_route", asked).await;
    assert!(explained.contains("forwarded to cart-v2"), "{explained}");
    gateway.stop().await;
}
