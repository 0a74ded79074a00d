//! What programs get.

use axum::Router;
use axum::body::Body;
use axum::http::request::Builder;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::web::tests::{cart, get, portal};

async fn send(portal: &Router, request: Request<String>) -> (StatusCode, String) {
    let response = portal.clone().oneshot(request.map(Body::from)).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

/// A message, as the protocol wants it sent.
fn question(path: &str, host: &str) -> Builder {
    let accepts = "application/json, text/event-stream";
    Request::post(path).header("host", host).header("accept", accepts).header("content-type", "application/json")
}

/// What is answered to a message.
async fn told(portal: &Router, path: &str, method: &str, params: Value) -> Value {
    let message = json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params }).to_string();
    let (status, answer) = send(portal, question(path, "localhost").body(message).unwrap()).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    serde_json::from_str(&answer).unwrap()
}

async fn called(portal: &Router, tool: &str, arguments: Value) -> Value {
    told(portal, "/docs/mcp", "tools/call", json!({ "name": tool, "arguments": arguments })).await
}

#[tokio::test]
async fn every_page_has_a_twin() {
    let portal = portal(&cart(), None);
    let pages =
        ["/docs/index", "/docs/doc/shop/cart", "/docs/doc/shop/cart/operations/show", "/docs/doc/shop/cart/changes"];
    for page in pages {
        let (response, text) = get(&portal, &format!("{page}.md")).await;
        assert_eq!(
            (response.status(), &response.headers()["content-type"]),
            (StatusCode::OK, &"text/markdown; charset=utf-8".parse().unwrap())
        );
        assert!(text.starts_with("# ") || text.contains("\n# "), "{page}: {text}");
        assert!(!text.contains("<p") && !text.contains("class=") && !text.contains("Skip to"), "{page}: {text}");
    }
    let (_, operation) = get(&portal, "/docs/doc/shop/cart/operations/show.md").await;
    assert!(operation.contains("/api/carts/{user}") && operation.contains("curl 'https://shop.example"), "{operation}");
    let accepts = Request::get("/docs/").header("accept", "text/markdown").body(String::new()).unwrap();
    assert!(send(&portal, accepts).await.1.contains("[Cart](/docs/doc/shop/cart.md)"));
    assert_eq!(get(&portal, "/docs/doc/shop/nothing.md").await.0.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn apis_are_listed_for_programs() {
    let portal = portal(&cart(), None);
    let (_, list) = get(&portal, "/llms.txt").await;
    let line =
        "- [Cart](/docs/doc/shop/cart.md): What users want. ([OpenAPI](/openapi/services/shop/cart/openapi.json))";
    assert!(list.contains(line), "{list}");
    let (response, catalog) = get(&portal, "/.well-known/api-catalog").await;
    let media = response.headers()["content-type"].to_str().unwrap();
    assert!(media.starts_with("application/linkset+json; profile="), "{media}");
    let catalog: Value = serde_json::from_str(&catalog).unwrap();
    let links = &catalog["linkset"][0];
    assert_eq!(links["anchor"], "https://shop.example/api/");
    assert_eq!(links["service-desc"][0]["href"], "/openapi/services/shop/cart/openapi.json");
}

#[tokio::test]
async fn an_agent_finds_and_reads_an_operation() {
    let portal = portal(&cart(), None);
    for (asked, spoken) in [("2025-06-18", "2025-06-18"), ("2099-01-01", "2025-11-25")] {
        let client = json!({ "name": "test", "version": "1" });
        let asked = json!({ "protocolVersion": asked, "capabilities": {}, "clientInfo": client });
        let begun = told(&portal, "/docs/mcp", "initialize", asked).await;
        assert_eq!((&begun["id"], &begun["result"]["protocolVersion"]), (&json!(7), &json!(spoken)));
        assert_eq!(begun["result"]["serverInfo"]["name"], "nuncio");
    }
    let tools = told(&portal, "/docs/mcp", "tools/list", json!({})).await;
    let tools = tools["result"]["tools"].as_array().unwrap();
    assert_eq!(tools.len(), 2, "{tools:?}");
    for tool in tools {
        assert_eq!(tool["annotations"]["readOnlyHint"], true, "{tool}");
        assert_eq!(tool["inputSchema"]["additionalProperties"], false, "{tool}");
    }
    let found = called(&portal, "search_apis", json!({ "query": "user cart" })).await;
    assert!(
        found["result"]["content"][0]["text"].as_str().unwrap().contains("/docs/doc/shop/cart/operations/show"),
        "{found}"
    );
    let read = called(&portal, "get_operation", json!({ "api": "shop/cart", "operation": "show" })).await;
    assert!(read["result"]["content"][0]["text"].as_str().unwrap().contains("/api/carts/{user}"), "{read}");
    for (api, operation) in [("cart", "show"), ("shop/nothing", "show"), ("shop/cart", "nothing")] {
        let wrong = called(&portal, "get_operation", json!({ "api": api, "operation": operation })).await;
        assert_eq!(wrong["result"]["isError"], true, "{api} {operation}: {wrong}");
    }
}

#[tokio::test]
async fn what_is_no_question_is_refused() {
    let portal = portal(&cart(), None);
    assert_eq!(called(&portal, "list_routes", json!({})).await["error"]["code"], -32602, "it is the console's");
    assert_eq!(
        told(&portal, "/console/mcp", "tools/list", json!({})).await["result"]["tools"].as_array().unwrap().len(),
        4
    );
    assert_eq!(told(&portal, "/docs/mcp", "resources/list", json!({})).await["error"]["code"], -32601);
    let post = |body: &str, origin: &str| {
        let request = question("/docs/mcp", "localhost");
        let request = if origin.is_empty() { request } else { request.header("origin", origin) };
        send(&portal, request.body(body.to_owned()).unwrap())
    };
    assert_eq!(post("[]", "").await.0, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(post(&"x".repeat(65 << 10), "").await.0, StatusCode::PAYLOAD_TOO_LARGE);
    let notice = "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}";
    assert_eq!(post(notice, "").await.0, StatusCode::ACCEPTED);
    assert_eq!(post(notice, "http://evil.example").await.0, StatusCode::FORBIDDEN);
    let elsewhere = question("/console/mcp", "shop.example").body(notice.to_owned()).unwrap();
    assert_eq!(send(&portal, elsewhere).await.0, StatusCode::MISDIRECTED_REQUEST);
}
