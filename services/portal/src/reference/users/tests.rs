use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;

use super::*;
use crate::api::tests::of_service;

fn read(document: &Value) -> Reference {
    let document = Document::read(document.to_string().into()).unwrap();
    Reference::new(Arc::new(of_service()), Arc::new(document))
}

/// What uses a schema by itself, and what does so through other schemas.
fn users(reference: &Reference, schema: &str) -> [Vec<String>; 2] {
    reference.users(schema).map(|users| {
        let operations = users.operations.iter().map(|one| format!("{} {}", one.method, one.inner));
        let webhooks = users.webhooks.iter().map(|one| format!("webhook {}", one.name));
        operations.chain(webhooks).collect()
    })
}

fn of(reference: &str) -> Value {
    json!({ "$ref": format!("#/components/{reference}") })
}

fn content(schema: &Value) -> Value {
    json!({ "content": { "application/json": { "schema": schema } } })
}

/// What takes a schema.
fn taking(schema: &str) -> Value {
    json!({ "requestBody": content(&of(&format!("schemas/{schema}"))) })
}

fn assert_users(document: &Value, expected: &[(&str, &[&str], &[&str])]) {
    let reference = read(document);
    for (schema, direct, through) in expected {
        assert_eq!(users(&reference, schema), [direct.to_vec(), through.to_vec()], "{schema}");
    }
}

#[test]
fn a_schema_is_used_by_what_leads_to_it() {
    let document = json!({ "openapi": "3.1.0",
        "paths": {
            "/catalog": { "get": { "responses": { "200": of("responses/Catalog") } } },
            "/orders": { "post": taking("Order~1New/$defs/Line"), "delete": {} },
            "/search": { "parameters": [of("parameters/filter")], "get": {} },
            "/find": of("pathItems/Find"), "/seek": of("pathItems/Find"),
        },
        "components": {
            "pathItems": { "Find": { "post": taking("Found"), "put": {} } },
            "responses": { "Catalog": content(&of("schemas/Catalog")) },
            "parameters": { "filter": { "name": "filter", "in": "query", "schema": of("schemas/Filter") } },
            "schemas": {
                "Catalog": { "properties": { "products": { "items": of("schemas/Product") } } },
                "Product": { "properties": { "like": { "items": of("schemas/Product") }, "in": of("schemas/Catalog") } },
                "Order/New": { "$defs": { "Line": {} } }, "Filter": {}, "Found": {}, "Unused": of("schemas/Product"),
            },
        },
    });
    assert_users(
        &document,
        &[
            ("Product", &[], &["GET /catalog"]),
            ("Catalog", &["GET /catalog"], &[]),
            ("Order/New", &["POST /orders"], &[]),
            ("Filter", &["GET /search"], &[]),
            ("Found", &["POST /find", "POST /seek"], &[]),
            ("Unused", &[], &[]),
        ],
    );
}

#[test]
fn so_it_is_in_swagger() {
    let document = json!({ "swagger": "2.0",
        "paths": { "/pets": { "get": { "responses": { "200": { "$ref": "#/responses/Pets" } } }, "post": {} } },
        "responses": { "Pets": { "schema": { "items": { "$ref": "#/definitions/Pet" } } } },
        "definitions": { "Pet": { "discriminator": "kind" }, "Cat": { "allOf": [{ "$ref": "#/definitions/Pet" }] } },
    });
    assert_users(&document, &[("Pet", &["GET /pets"], &[]), ("Cat", &[], &["GET /pets"])]);
}

#[test]
fn what_names_a_schema_and_comes_to_it_by_another_too_is_named_once() {
    let document = json!({ "openapi": "3.0.3",
        "paths": { "/b": { "put": taking("Order"), "post": { "requestBody": content(&json!({ "anyOf": [of("schemas/Order"), of("schemas/Line")] })) } } },
        "components": { "schemas": { "Order": { "items": of("schemas/Line") }, "Line": {} } },
    });
    assert_users(&document, &[("Line", &["POST /b"], &["PUT /b"])]);
}

#[test]
fn webhooks_use_schemas_as_operations_do() {
    let document = json!({ "openapi": "3.1.0", "paths": { "/orders": { "post": taking("Order") } },
        "webhooks": {
            "paid": { "post": taking("Payment") }, "x-internal": { "post": taking("Order") },
            "shipped": { "parameters": [{ "name": "to", "in": "query", "schema": of("schemas/Address") }], "post": {} },
        },
        "components": { "schemas": { "Order": {}, "Payment": { "properties": { "of": of("schemas/Order") } }, "Address": {} } },
    });
    assert_users(
        &document,
        &[
            ("Payment", &["webhook paid"], &[]),
            ("Order", &["POST /orders"], &["webhook paid"]),
            ("Address", &["webhook shipped"], &[]),
        ],
    );
}

#[test]
fn heirs_are_used_where_a_discriminator_tells_them_apart_and_nowhere_else() {
    let heir = |of_what: &str| json!({ "allOf": [of(&format!("schemas/{of_what}")), { "properties": { "age": of("schemas/Age") } }] });
    let document = json!({ "openapi": "3.1.0",
        "paths": {
            "/pets": { "post": taking("Pet") }, "/cats": { "put": taking("Cat") }, "/events": { "post": taking("Event") },
            "/base": { "post": taking("Base") },
        },
        "components": { "schemas": {
            // It names none of them.
            "Pet": { "discriminator": { "propertyName": "kind" }, "properties": { "name": of("schemas/Name") } },
            "Cat": heir("Pet"), "Kitten": heir("Cat"), "Name": {}, "Age": {},
            // By a name, and by a reference; what is told apart has what tells it apart.
            "Event": { "oneOf": [of("schemas/Made")], "discriminator": { "propertyName": "kind",
                "mapping": { "gone": "Gone", "moved": "#/components/schemas/Moved" } } },
            "Made": heir("Event"), "Gone": {}, "Moved": {},
            // Nothing says that one may come as another.
            "Base": {}, "Derived": heir("Base"),
        } },
    });
    assert_users(
        &document,
        &[
            ("Pet", &["POST /pets"], &["PUT /cats"]),
            ("Cat", &["PUT /cats"], &["POST /pets"]),
            ("Kitten", &[], &["PUT /cats", "POST /pets"]),
            ("Name", &[], &["PUT /cats", "POST /pets"]),
            ("Age", &[], &["PUT /cats", "POST /events", "POST /pets"]),
            ("Made", &[], &["POST /events"]),
            ("Gone", &[], &["POST /events"]),
            ("Moved", &[], &["POST /events"]),
            ("Base", &["POST /base"], &[]),
            ("Derived", &[], &[]),
        ],
    );
}

#[test]
fn all_schemas_of_a_large_document_are_looked_up_in_little_time() {
    let number = 5_000;
    let paths: serde_json::Map<_, _> =
        (0..number).map(|n| (format!("/{n:04}"), json!({ "post": taking(&format!("S{n}")) }))).collect();
    // Each refers to the one before, so that all lead to the first.
    let schema = |n: usize| json!({ "properties": { "last": of(&format!("schemas/S{}", n.saturating_sub(1))) } });
    let schemas: serde_json::Map<_, _> = (0..number).map(|n| (format!("S{n}"), schema(n))).collect();
    let reference = read(&json!({ "openapi": "3.1.0", "paths": paths, "components": { "schemas": schemas } }));
    let [direct, through] = users(&reference, "S0");
    assert_eq!((direct, through.len()), (vec!["POST /0000".to_owned()], number - 1));
    let graph = std::ptr::from_ref(reference.uses.get().unwrap());
    let began = Instant::now();
    for n in (0..number).step_by(50) {
        assert_eq!(users(&reference, &format!("S{n}")).map(|all| all.len()), [1, number - 1 - n]);
    }
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert_eq!(graph, std::ptr::from_ref(reference.uses.get().unwrap()), "it is made once");
}
