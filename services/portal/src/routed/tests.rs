//! Copies for clients, by what a controller says of the operations.

use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::api::Api;
use crate::api::tests::of_service;
use crate::document::{Document, Version};
use crate::gateway::{Path, Rewrite};
use crate::mount::Mount;

fn reference(document: &Value, change: impl FnOnce(&mut Api)) -> Reference {
    let mut api = of_service();
    change(&mut api);
    api.mount = Mount::of(&api.served, &[]);
    Reference::new(Arc::new(api), Arc::new(Document::read(document.to_string().into()).unwrap()))
}

/// A route of this Mapping that any of these lets through.
pub(crate) fn route(mapping: &str, security: &Value) -> Value {
    json!({ "origin": [{ "kind": "Mapping", "namespace": "shop", "name": mapping }], "conditions": [], "doubt": null,
        "action": "forward", "status": null, "credentials": [], "security": security, "limits": [],
        "is_limited_elsewhere": false, "timeout_ms": 0, "idle_timeout_ms": null, "retry": null, "clusters": [] })
}

/// What the controller says of each operation at one address.
pub(crate) fn told(operations: &[Vec<Value>]) -> ToldOperations {
    let each: Vec<_> = operations.iter().map(|routes| json!({ "routes": routes, "otherwise": null })).collect();
    serde_json::from_value(json!({ "operations": each, "upstreams": {} })).unwrap()
}

/// The copy, where the same is said at each of the two addresses.
fn copy(reference: &Reference, operations: &[Vec<Value>]) -> Value {
    let told = told(operations);
    copy_by(reference, &Routed::of(reference, &[told.clone(), told]))
}

fn copy_by(reference: &Reference, routed: &Routed) -> Value {
    let mut copy = reference.value().clone();
    routed.write(&mut copy, reference.document.version, reference);
    copy
}

fn login() -> Value {
    json!({ "kind": "login", "provider": "https://idp.example/", "scopes": ["orders"] })
}

fn token() -> Value {
    json!({ "kind": "token", "issuer": "https://idp.example", "scopes": ["read"] })
}

fn key(places: &[&str]) -> Value {
    json!({ "kind": "key", "places": places })
}

/// A document of one operation that says something of its own.
fn one(version: &str) -> Value {
    let own = json!({ "own": { "type": "apiKey", "in": "header", "name": "x-own" } });
    let security = json!([{ "own": [] }]);
    let paths = json!({ "/a": { "get": { "security": security } } });
    match version {
        "2.0" => json!({ "swagger": "2.0", "paths": paths, "security": security, "securityDefinitions": own }),
        _ => {
            json!({ "openapi": version, "paths": paths, "security": security, "components": { "securitySchemes": own } })
        }
    }
}

/// What one operation demands by the copy, and the schemes that it names.
fn secured(version: &str, security: &Value) -> (Value, Value) {
    let reference = reference(&one(version), |_| {});
    let copy = copy(&reference, &[vec![route("cart", security)]]);
    let operation = &copy["paths"]["/a"]["get"];
    assert_eq!(operation, &json!({}), "it stands at the top: {copy:#}");
    let schemes = if version == "2.0" { &copy["securityDefinitions"] } else { &copy["components"]["securitySchemes"] };
    assert!(schemes.get("own").is_none(), "{copy:#}");
    (copy["security"].clone(), schemes.clone())
}

#[test]
fn each_credential_is_a_scheme_of_its_kind() {
    let (security, schemes) = secured("3.1.0", &json!([[login()]]));
    assert_eq!(security, json!([{ "gateway-login": ["orders"] }]));
    let login = &schemes["gateway-login"];
    assert_eq!(
        (&login["type"], &login["openIdConnectUrl"]),
        (&json!("openIdConnect"), &json!("https://idp.example/.well-known/openid-configuration"))
    );
    let (security, schemes) = secured("3.1.0", &json!([[token()]]));
    assert_eq!(security, json!([{ "gateway-token": ["read"] }]));
    let token = &schemes["gateway-token"];
    assert_eq!((&token["type"], &token["scheme"]), (&json!("http"), &json!("bearer")));
    let (security, schemes) = secured("3.1.0", &json!([[key(&["header X-Key"])]]));
    assert_eq!(security, json!([{ "gateway-key": [] }]));
    assert_eq!(schemes["gateway-key"], json!({ "type": "apiKey", "in": "header", "name": "X-Key" }));
    let (_, schemes) = secured("3.1.0", &json!([[{ "kind": "password" }]]));
    assert_eq!(schemes["gateway-password"], json!({ "type": "http", "scheme": "basic" }));
    let names = json!([[{ "kind": "headers", "names": ["X-Id", "X-Secret"] }]]);
    let (security, schemes) = secured("3.1.0", &names);
    assert_eq!(security, json!([{ "gateway-header": [], "gateway-header-2": [] }]));
    assert_eq!(schemes["gateway-header-2"]["name"], "X-Secret");
}

#[test]
fn what_is_together_is_one_requirement_and_what_is_not_are_several() {
    let (security, _) = secured("3.1.0", &json!([[login(), key(&["header X-Key"])]]));
    assert_eq!(security, json!([{ "gateway-key": [], "gateway-login": ["orders"] }]));
    let (security, _) = secured("3.1.0", &json!([[login()], [key(&["header X-Key"])]]));
    assert_eq!(security, json!([{ "gateway-login": ["orders"] }, { "gateway-key": [] }]));
    let places = ["header X-Key", "query parameter key", "cookie key", "header Authorization: Key"];
    let (security, schemes) = secured("3.1.0", &json!([[key(&places)]]));
    assert_eq!(security.as_array().unwrap().len(), 4);
    assert_eq!(schemes["gateway-key-2"], json!({ "type": "apiKey", "in": "query", "name": "key" }));
    assert_eq!(schemes["gateway-key-3"], json!({ "type": "apiKey", "in": "cookie", "name": "key" }));
    assert_eq!(schemes["gateway-key-4"], json!({ "type": "http", "scheme": "key" }));
}

#[test]
fn nothing_something_unknown_and_nobody_are_told_apart() {
    assert_eq!(secured("3.1.0", &json!([[]])).0, json!([]));
    let (security, _) = secured("3.1.0", &json!([[], [login()]]));
    assert_eq!(security, json!([{ "gateway-login": ["orders"] }, {}]), "who likes may log in");
    let (security, schemes) = secured("3.1.0", &json!([[{ "kind": "other" }]]));
    assert_eq!(security, json!([{ "gateway-unknown": [] }]));
    assert_eq!(schemes["gateway-unknown"]["x-nuncio-unknown"], true);
    let (security, schemes) = secured("3.1.0", &json!([]));
    assert_eq!(security, json!([{ "gateway-refused": [] }]), "no list at all would be an open door");
    assert_eq!(schemes["gateway-refused"]["x-nuncio-refused"], true);
}

#[test]
fn older_versions_say_it_as_far_as_they_can() {
    let (security, schemes) = secured("3.0.3", &json!([[token()]]));
    assert_eq!(security, json!([{ "gateway-token": [] }]), "only OAuth2 has scopes there");
    assert_eq!(schemes["gateway-token"]["x-nuncio-scopes"], json!(["read"]));
    assert_eq!(secured("3.0.3", &json!([[login()]])).0, json!([{ "gateway-login": ["orders"] }]));
    let all = json!([[login()], [token()], [key(&["cookie k"])], [{ "kind": "password" }]]);
    let (security, schemes) = secured("2.0", &all);
    assert_eq!(security.as_array().unwrap().len(), 4);
    for (name, header) in [("login", "Cookie"), ("token", "Authorization"), ("key", "Cookie")] {
        let scheme = &schemes[format!("gateway-{name}")];
        assert_eq!(
            (&scheme["type"], &scheme["in"], &scheme["name"]),
            (&json!("apiKey"), &json!("header"), &json!(header))
        );
    }
    assert_eq!(schemes["gateway-password"], json!({ "type": "basic" }));
    let discovery = &schemes["gateway-login"]["x-nuncio-openIdConnectUrl"];
    assert_eq!(discovery, "https://idp.example/.well-known/openid-configuration");
}

#[test]
fn where_operations_differ_it_stands_at_each() {
    let document = json!({ "openapi": "3.1.0", "paths": { "/a": { "get": {}, "post": { "security": [] } }, "/b": { "get": {} } } });
    let reference = reference(&document, |_| {});
    let (open, closed) = (route("cart", &json!([[]])), route("cart", &json!([[login()]])));
    let copy = copy(&reference, &[vec![open], vec![closed.clone()], vec![closed]]);
    assert!(copy.get("security").is_none());
    assert_eq!(copy["paths"]["/a"]["get"]["security"], json!([]));
    let demanded = json!([{ "gateway-login": ["orders"] }]);
    assert_eq!(copy["paths"]["/a"]["post"]["security"], demanded);
    assert_eq!(copy["paths"]["/b"]["get"]["security"], demanded);
}

#[test]
fn what_another_route_takes_or_none_is_not_listed() {
    let document = json!({ "openapi": "3.1.0", "paths": {
        "/own": { "get": {}, "delete": {}, "parameters": [] },
        "/taken": { "get": {} },
        "/nowhere": { "get": {} },
        "/redirected": { "get": {} },
        "x-own": 1 } });
    let reference = reference(&document, |_| {});
    let mut redirected = route("cart", &json!([[]]));
    redirected["action"] = json!("redirect");
    let own = || vec![route("cart", &json!([[]]))];
    let operations =
        [own(), vec![route("vault", &json!([[]]))], vec![], vec![route("vault", &json!([[]]))], vec![redirected]];
    // In the order of the document's paths: /nowhere, /own (get, delete), /redirected, /taken.
    let [own, delete, nowhere, taken, redirected] = operations;
    let copy = copy(&reference, &[nowhere, own, delete, redirected, taken]);
    assert_eq!(copy["paths"], json!({ "/own": { "get": {}, "parameters": [] }, "x-own": 1 }));
    assert_eq!(copy["x-nuncio-unrouted-paths"], json!(["/nowhere", "/redirected", "/taken"]));
    assert_eq!(copy["x-nuncio-unrouted-operations"], json!(["DELETE /own"]));
}

#[test]
fn a_route_of_the_same_service_counts_where_it_leads_to_the_operation() {
    let document = json!({ "openapi": "3.1.0", "paths": { "/carts": { "get": {}, "post": {} } } });
    let with = |rewrite: &str| {
        reference(&document, |api| {
            let other = ServedApi {
                name: "other".to_owned(),
                docs: None,
                path: Path::Prefix("/api/carts".to_owned()),
                rewrite: Some(Rewrite::Matched(rewrite.to_owned())),
                ..api.served.clone()
            };
            api.beside = vec![other];
        })
    };
    let by_other = || vec![route("other", &json!([[]]))];
    let listed = |reference: &Reference| copy(reference, &[by_other(), by_other()])["paths"].as_object().unwrap().len();
    assert_eq!(listed(&with("/carts")), 1);
    assert_eq!(listed(&with("/v2")), 0, "the service sees another path");
}

#[test]
fn conditions_stand_at_the_operations_that_need_them() {
    let document = json!({ "openapi": "3.1.0", "paths": { "/a": { "get": {}, "post": {}, "put": {} } } });
    let reference = reference(&document, |_| {});
    let only = |condition: &str| {
        let mut route = route("cart", &json!([[key(&[&format!("header {condition}")])]]));
        route["conditions"] = json!([condition]);
        route
    };
    let usual = || route("vault", &json!([[]]));
    let copy = copy(
        &reference,
        &[
            vec![only("x-a"), usual()],
            vec![only("x-a"), only("x-b"), usual()],
            vec![only("x-a"), route("cart", &json!([[]]))],
        ],
    );
    let item = &copy["paths"]["/a"];
    assert_eq!(item["get"]["x-nuncio-only-if"], json!(["x-a"]));
    assert_eq!(item["post"]["x-nuncio-only-if"], json!(["x-a, or x-b"]));
    assert!(item["put"].get("x-nuncio-only-if").is_none());
    assert_eq!(item["post"]["security"].as_array().unwrap().len(), 2, "that of another service's route is not its");
    assert_eq!(item["put"]["security"], json!([{ "gateway-key": [] }, {}]));
}

#[test]
fn that_a_condition_opens_a_route_opens_no_usual_request() {
    let reference = reference(&one("3.1.0"), |_| {});
    let mut inner = route("cart", &json!([[]]));
    inner["conditions"] = json!(["x-internal"]);
    let copy = copy(&reference, &[vec![inner, route("cart", &json!([[login()]]))]]);
    assert_eq!(copy["security"], json!([{ "gateway-login": ["orders"] }]));
}

#[test]
fn an_operation_that_is_not_at_all_addresses_says_at_which() {
    let mut document = json!({ "openapi": "3.1.0", "paths": { "/a": { "get": {} }, "/b": { "get": {} } } });
    let there = || vec![route("cart", &json!([[]]))];
    let (both, first) = (told(&[there(), there()]), told(&[there(), vec![]]));
    let of = reference(&document, |_| {});
    let copy = copy_by(&of, &Routed::of(&of, &[first.clone(), both.clone()]));
    assert!(copy["paths"]["/a"]["get"].get("servers").is_none());
    assert_eq!(copy["paths"]["/b"]["get"]["servers"], json!([{ "url": "http://shop.example:8080/api" }]));

    // It names one host.
    document["openapi"].take();
    document["swagger"] = json!("2.0");
    let of = reference(&document, |_| {});
    assert_eq!(of.document.version, Version::V2);
    let copy = copy_by(&of, &Routed::of(&of, &[first, both]));
    assert_eq!((&copy["host"], copy["paths"].as_object().unwrap().len()), (&json!("shop.example"), 1));
    assert_eq!(copy["x-nuncio-unrouted-paths"], json!(["/b"]));
}

#[test]
fn what_does_not_come_through_the_gateway_keeps_its_own_security() {
    let hook = json!({ "post": {} });
    let signed = json!({ "post": { "security": [{ "signature": [] }] } });
    let scheme = |name: &str| json!({ "type": "apiKey", "in": "header", "name": name });
    let document = json!({ "openapi": "3.1.0", "security": [{ "own": [] }],
        "paths": { "/a": { "post": { "callbacks": { "done": { "{$url}": hook } } } } },
        "webhooks": { "sold": signed },
        "components": { "securitySchemes": { "own": scheme("x-own"), "signature": scheme("x-signature"), "spare": scheme("x-spare") } } });
    let reference = reference(&document, |_| {});
    let copy = copy(&reference, &[vec![route("cart", &json!([[login()]]))]]);
    assert_eq!(copy["webhooks"]["sold"], signed);
    let callback = &copy["paths"]["/a"]["post"]["callbacks"]["done"]["{$url}"]["post"];
    assert_eq!(callback["security"], json!([{ "own": [] }]), "what the document said of all of them");
    let names: Vec<_> = copy["components"]["securitySchemes"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["gateway-login", "own", "signature"]);
    assert_eq!(copy["security"], json!([{ "gateway-login": ["orders"] }]));
}

#[test]
fn without_a_controller_any_of_what_may_be_demanded_is_told() {
    let document = one("3.1.0");
    let open = reference(&document, |_| {});
    let copy = copy_by(&open, &Routed::guess(&open));
    assert_eq!((&copy["security"], copy.get("x-nuncio-security")), (&json!([]), None), "no rule is for it");
    let closed = reference(&document, |api| {
        api.served.rules = vec!["policy.shop#0".to_owned()];
        api.served.credentials = vec![serde_json::from_value(login()).unwrap()];
        api.served.conditions = vec!["x-version v2".to_owned()];
    });
    let copy = copy_by(&closed, &Routed::guess(&closed));
    assert_eq!(copy["security"], json!([{ "gateway-login": ["orders"] }, {}]));
    assert!(copy["x-nuncio-security"].as_str().unwrap().contains("controller"), "{copy:#}");
    assert_eq!(copy["paths"]["/a"]["get"]["x-nuncio-only-if"], json!(["x-version v2"]));
    let only = reference(&document, |api| api.served.method = Some("POST".to_owned()));
    let copy = copy_by(&only, &Routed::guess(&only));
    assert_eq!((&copy["paths"], &copy["x-nuncio-unrouted-paths"]), (&json!({}), &json!(["/a"])));
}

#[test]
fn an_older_controller_tells_what_is_asked_for_at_all() {
    let reference = reference(&one("3.1.0"), |_| {});
    let mut route = route("cart", &Value::Null);
    route["credentials"] = json!([key(&["header X-Key"])]);
    let copy = copy(&reference, &[vec![route]]);
    assert_eq!(copy["security"], json!([{ "gateway-key": [] }]));
}
