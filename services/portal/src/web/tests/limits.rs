//! Pages of documents that say more than a page has room for.

use super::*;

/// A document with one operation, which is this.
fn with_operation(operation: &Value) -> Value {
    json!({ "openapi": "3.1.0", "info": { "title": "Cart", "version": "1" }, "paths": { "/a": { "post": operation } },
        "components": { "schemas": { "Wide": { "properties": (0..300).map(|n| (format!("f{n}"), json!({ "default": "<".repeat(300) })))
            .collect::<serde_json::Map<_, _>>() } } } })
}

#[tokio::test]
async fn a_page_has_an_end_whatever_its_document_says() {
    let wide = json!({ "$ref": "#/components/schemas/Wide" });
    let content = |media: usize| {
        let content = json!({ "schema": wide, "example": { "quotes": "\"".repeat(2_000) } });
        (0..media).map(|n| (format!("application/v{n}+json"), content.clone())).collect::<serde_json::Map<_, _>>()
    };
    let response = |media| json!({ "description": "*Much* & more. ".repeat(20), "content": content(media), "headers": { "x-a": { "schema": wide } } });
    let responses =
        |count: usize| (0..count).map(|n| (format!("{}", 200 + n), response(1))).collect::<serde_json::Map<_, _>>();
    let parameters: Vec<_> = (0..5_000)
        .map(|n| json!({ "name": format!("p{n}"), "in": "query", "required": true, "example": "&".repeat(900), "schema": { "enum": vec!["<>"; 20] } }))
        .collect();
    let hook = json!({ "post": { "requestBody": { "content": content(3) }, "responses": responses(20) } });
    let callbacks: serde_json::Map<_, _> = (0..1_000).map(|n| (format!("c{n}"), json!({ "{$url}": hook }))).collect();
    for (what, operation) in [
        ("responses", json!({ "responses": responses(5_000) })),
        ("contents", json!({ "requestBody": { "content": content(2_000) }, "responses": { "200": response(2_000) } })),
        ("parameters", json!({ "parameters": parameters, "responses": responses(5) })),
        ("callbacks", json!({ "callbacks": callbacks })),
        (
            "description",
            json!({ "description": "- *a*\n".repeat(100_000), "security": vec![json!({ "key": ["a"] }); 9_000] }),
        ),
    ] {
        let portal = portal(&with_operation(&operation), None);
        let (answer, page) = get(&portal, "/docs/doc/shop/cart/operations/post-a").await;
        assert_eq!(answer.status(), StatusCode::OK, "{what}");
        assert!(page.len() < 300_000, "{what}: {}", page.len());
        assert!(page.contains("more</p>") || what == "description", "{what}: what is left out is said");
        assert!(page.contains("id=\"try-it\"") && page.contains("curl"), "{what}: it can be tried all the same");
    }
}

#[tokio::test]
async fn an_example_that_a_page_has_no_room_for_is_none_and_one_that_it_has_is_whole() {
    let example = |length: usize| json!({ "requestBody": { "content": { "application/json": { "example": { "a": "x".repeat(length) } } } } });
    for (length, is_shown) in [(2_000, true), (200_000, false)] {
        let portal = portal(&with_operation(&example(length)), None);
        let (_, page) = get(&portal, "/docs/doc/shop/cart/operations/post-a").await;
        assert_eq!(page.contains(&"x".repeat(length)), is_shown, "{length}");
        assert!(page.len() < 300_000, "{}", page.len());
    }
}

#[tokio::test]
async fn the_page_of_a_schema_leads_to_the_operations_that_use_it_as_far_as_it_has_room() {
    let (_, page) = get(&portal(&cart(), None), "/docs/doc/shop/cart/schemas/Cart").await;
    let (_, users) = page.split_once("id=\"used-by\"").unwrap();
    let named = ["href=\"/docs/doc/shop/cart/operations/show\"", "A user&#39;s cart"];
    assert!(named.iter().all(|part| users.contains(part)) && !users.contains("more</p>"), "{page}");

    let schema = json!({ "$ref": "#/components/schemas/Wide" });
    let content = json!({ "application/json": { "schema": schema } });
    let mut document = with_operation(&json!({ "responses": {} }));
    let (_, page) = get(&portal(&document, None), "/docs/doc/shop/cart/schemas/Wide").await;
    assert!(!page.contains("used-by"), "nothing uses it: {page}");
    let paths = (0..60).map(|n| (format!("/a{n:02}"), json!({ "put": { "requestBody": { "content": content } } })));
    document["paths"] = paths.collect();
    let (_, page) = get(&portal(&document, None), "/docs/doc/shop/cart/schemas/Wide").await;
    let (_, users) = page.split_once("id=\"used-by\"").unwrap();
    assert_eq!((users.matches("/operations/put-a").count(), users.contains("10 more</p>")), (50, true), "{users}");
}

#[tokio::test]
async fn the_page_of_a_schema_tells_apart_what_names_it_and_what_comes_to_it_through_others() {
    let content =
        |name: &str| json!({ "application/json": { "schema": { "$ref": format!("#/components/schemas/{name}") } } });
    let mut document = with_operation(&json!({ "requestBody": { "content": content("Holder") } }));
    document["components"]["schemas"]["Holder"] = json!({ "items": { "$ref": "#/components/schemas/Wide" } });
    document["webhooks"]["grown"] = json!({ "post": { "requestBody": { "content": content("Wide") } } });
    let (_, page) = get(&portal(&document, None), "/docs/doc/shop/cart/schemas/Wide").await;
    let (_, users) = page.split_once("id=\"used-by\"").unwrap();
    let (direct, through) = users.split_once("Through other schemas").unwrap();
    assert!(direct.contains("/webhooks/grown-post\"") && direct.contains(">webhook<"), "{direct}");
    assert!(!direct.contains("/operations/post-a") && through.contains("/operations/post-a\""), "{users}");
    let (_, page) = get(&portal(&document, None), "/docs/doc/shop/cart/schemas/Holder").await;
    let (_, users) = page.split_once("id=\"used-by\"").unwrap();
    assert!(users.contains("/operations/post-a\"") && !users.contains("Through other schemas"), "{users}");
}
