//! Operations of several APIs, by the routes that their requests get.

use super::*;
use crate::routed::tests::{route, told};

#[test]
fn each_operation_demands_what_its_route_does_and_stands_where_that_leads() {
    let own = json!({ "components": { "securitySchemes": { "own": { "type": "http", "scheme": "basic" } } }, "security": [{ "own": [] }] });
    let wide = document(&json!({ "/special/{id}": { "get": {} }, "/usual": { "get": {}, "post": {} } }), &own);
    let swagger = json!({ "swagger": "2.0", "info": {}, "basePath": "/", "securityDefinitions": { "own": { "type": "basic" } },
        "paths": { "/{id}": { "get": { "security": [{ "own": [] }] } } } });
    let entries = [entry("wide", "/api/", &wide), entry("special", "/api/special/", &swagger)];
    let key = json!([[{ "kind": "key", "places": ["header X-Key"] }]]);
    let (open, closed) = (route("wide", &json!([[]])), route("special", &key));
    let at_both = |entry: &Entry, operations: &[Vec<Value>]| {
        let told = told(operations);
        Routed::of(entry.reference.as_deref().unwrap(), &[told.clone(), told])
    };
    let routed =
        [at_both(&entries[0], &[vec![closed.clone()], vec![open], vec![]]), at_both(&entries[1], &[vec![closed]])];
    let all = merge("Shop", entries.iter().zip(routed.iter().map(Some)));
    let paths: Vec<_> = all["paths"].as_object().unwrap().keys().collect();
    assert_eq!(paths, ["/api/special/{id}", "/api/usual"]);
    let special = &all["paths"]["/api/special/{id}"];
    assert_eq!(special["get"]["x-nuncio-api"], "shop/special");
    assert!(special.get("x-conflicts").is_none(), "{special:#}");
    assert_eq!(special["get"]["security"], json!([{ "shop.special_gateway-key": [] }]));
    assert_eq!(all["paths"]["/api/usual"]["get"]["security"], json!([]));
    assert!(all["paths"]["/api/usual"].get("post").is_none());
    let schemes = json!({ "shop.special_gateway-key": { "type": "apiKey", "in": "header", "name": "X-Key" } });
    assert_eq!(all["components"]["securitySchemes"], schemes);
    let wide = all["x-nuncio-apis"].as_array().unwrap().iter().find(|api| api["api"] == "shop/wide").unwrap();
    assert_eq!(wide["x-nuncio-unrouted-paths"], json!(["/special/{id}"]));
    assert_eq!(wide["x-nuncio-unrouted-operations"], json!(["POST /usual"]));
}

#[test]
fn operations_of_a_document_that_keeps_its_servers_are_where_these_are() {
    let document = document(
        &json!({
            "/a": { "get": {}, "post": { "servers": [{ "url": "https://write.example/v2" }] } },
            "/b": { "servers": [{ "url": "https://b.example/b" }], "get": {} } }),
        &json!({ "servers": [{ "url": "https://own.example/v1" }] }),
    );
    let kept = changed(entry("kept", "/kept/", &document), |api| api.keeps_servers = true);
    let all = as_they_are(&[kept]);
    let paths: Vec<_> = all["paths"].as_object().unwrap().keys().collect();
    assert_eq!(paths, ["/b/b", "/v1/a", "/v2/a"]);
    assert_eq!(all["paths"]["/v2/a"]["post"]["servers"], json!([{ "url": "https://write.example" }]));
    assert_eq!(all["paths"]["/b/b"]["get"]["servers"], json!([{ "url": "https://b.example" }]));
}
