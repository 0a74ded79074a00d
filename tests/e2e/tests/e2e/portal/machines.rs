//! What programs get of the portal behind the gateway.

use std::path::Path;

use nuncio_e2e::{Site, eventually};
use serde_json::{Value, json};

use super::{HOST, api, ask, gateway, shop};

/// What the protocol's own client is told at this path: with the handshake of before 2026, or as it comes to terms.
async fn agent(site: &Site, url: &str, mode: &str, calls: &[(&str, Value)]) -> Value {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    let python = root.join(".tools/venv/bin/python");
    assert!(python.is_file(), "{} is missing: scripts/setup.sh foreign", python.display());
    let mut command = tokio::process::Command::new(python);
    command.arg(root.join("tests/e2e/services/agent.py")).args([url, mode]).env("ADDRESS", site.ip().to_string());
    for (tool, arguments) in calls {
        command.args([*tool, &arguments.to_string()]);
    }
    let said = command.kill_on_drop(true).output().await.unwrap();
    serde_json::from_slice(&said.stdout).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&said.stderr)))
}

/// What a tool said, in the order in which they were asked.
fn said(told: &Value, call: usize) -> &str {
    let call = &told["calls"][call];
    assert_eq!(call["failed"], false, "{told:#}");
    call["text"].as_str().unwrap()
}

#[tokio::test]
async fn an_agent_finds_an_operation_reads_it_and_follows_its_route() {
    let site = Site::new();
    let _shop = shop(&site).await;
    let gateway = gateway(&site).await;
    for name in ["cart", "catalog", "orders", "web"] {
        api(&site, name, "current").await;
    }
    let list = ask(&site, "/llms.txt").await.text();
    assert_eq!(list, ask(&site, "/docs/llms.txt").await.text());
    assert!(
        ask(&site, "/.well-known/api-catalog").await.text().contains("/openapi/services/default/cart/openapi.json")
    );
    assert!(list.contains("[Carts](/docs/doc/default/cart.md)"), "{list}");
    let twin = ask(&site, "/docs/doc/default/cart.md").await.text();
    assert!(twin.contains("# Carts") && twin.contains("(/docs/doc/default/cart/operations/show.md)"), "{twin}");

    let clients = format!("http://{HOST}:8080/docs/mcp");
    let search = [("search_apis", json!({ "query": "cart show" }))];
    eventually("the index", async || {
        let told = agent(&site, &clients, "auto", &search).await;
        let found = said(&told, 0);
        if found.contains("/docs/doc/default/cart/operations/show") { Ok(()) } else { Err(found.to_owned()) }
    })
    .await;
    for (mode, version) in [("legacy", "2025-11-25"), ("auto", "2026-07-28")] {
        let asked = ("get_operation", json!({ "api": "default/cart", "operation": "show" }));
        let unknown = ("get_operation", json!({ "api": "default/nothing", "operation": "show" }));
        let told = agent(&site, &clients, mode, &[asked, unknown]).await;
        assert_eq!((&told["server"], &told["version"]), (&json!("nuncio"), &json!(version)));
        assert_eq!(told["tools"], json!({ "search_apis": true, "get_operation": true }), "all of them only read");
        // Agents ask where they have found the page.
        assert!(said(&told, 0).contains(&format!("http://{HOST}:8080/api/carts/ann")), "{told:#}");
        assert_eq!(told["calls"][1]["failed"], true, "{told:#}");
    }

    let url = format!("http://{HOST}:8080/api/carts/ann");
    let calls = [
        ("list_routes", json!({ "text": "cart-events" })),
        ("explain_route", json!({ "url": url, "headers": ["x-cart-version: v2"] })),
    ];
    let told = agent(&site, "http://localhost:8088/console/mcp", "auto", &calls).await;
    let (routes, explained) = (said(&told, 0), said(&told, 1));
    // At the host of the shop and at that of its preview: to customers, and to services.
    assert!(routes.contains("\"total\": 4") && routes.contains("cart:80"), "{routes}");
    assert!(explained.contains("forwarded to cart-v2"), "{explained}");
    gateway.stop().await;
}
