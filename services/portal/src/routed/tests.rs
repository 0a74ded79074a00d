//! Copies for clients, by what a controller says of the operations.

mod credentials;

use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::api::Api;
use crate::api::tests::of_service;
use crate::document::{Document, Version};
use crate::gateway::{Path, Rewrite, ServedApi};
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
    assert_eq!(item["put"]["security"], json!([]), "usual requests show nothing");
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
fn what_addresses_demand_apart_is_told_of_each() {
    let demanded = json!([{ "gateway-login": ["orders"] }]);
    let of = reference(&one("3.1.0"), |_| {});
    let at = |security: Value| told(&[vec![route("cart", &security)]]);
    let copy = copy_by(&of, &Routed::of(&of, &[at(json!([[]])), at(json!([[login()]]))]));
    assert_eq!(copy["security"], demanded, "that one of them is open opens nothing at the other: {copy:#}");
    let operation = &copy["paths"]["/a"]["get"];
    assert_eq!(
        operation["x-nuncio-security-at"],
        json!({ "https://shop.example": [], "http://shop.example:8080": demanded })
    );
    assert!(operation.get("servers").is_none());

    let either = json!([[login()], [token()]]);
    let copy = copy_by(&of, &Routed::of(&of, &[at(either), at(json!([[token()]]))]));
    assert_eq!(copy["security"], json!([{ "gateway-token": ["read"] }]), "what is enough at both");

    let refused = copy_by(&of, &Routed::of(&of, &[at(json!([])), at(json!([[login()]]))]));
    let operation = &refused["paths"]["/a"]["get"];
    assert_eq!(operation["servers"], json!([{ "url": "http://shop.example:8080/api" }]), "nobody gets in at the other");
    assert!(operation.get("x-nuncio-security-at").is_none());

    let of = reference(&one("2.0"), |_| {});
    let copy = copy_by(&of, &Routed::of(&of, &[at(json!([[]])), at(json!([[login()]]))]));
    assert_eq!((&copy["host"], &copy["security"]), (&json!("shop.example"), &json!([])), "it is of its one host");
}

#[test]
fn a_path_item_that_is_too_large_to_copy_demands_what_is_enough_at_each_path() {
    let large: Vec<_> = (0..1000).collect();
    let item = json!({ "get": { "x-large": large, "security": [{ "own": [] }] }, "put": {} });
    let paths: serde_json::Map<_, _> =
        (0..600).map(|number| (format!("/{number:03}"), json!({ "$ref": "#/components/pathItems/large" }))).collect();
    let scheme = json!({ "type": "apiKey", "in": "header", "name": "x-own" });
    let document = json!({ "openapi": "3.1.0", "paths": paths,
        "components": { "pathItems": { "large": item }, "securitySchemes": { "own": scheme } } });
    let of = reference(&document, |_| {});
    let with = |number: usize| match number {
        599 => vec![route("cart", &json!([[login()]]))],
        598 => vec![],
        _ => vec![route("cart", &json!([[]]))],
    };
    let copy = copy(&of, &(0..600).flat_map(|number| [with(number), vec![]]).collect::<Vec<_>>());
    let shared = &copy["components"]["pathItems"]["large"];
    assert_eq!(shared["get"]["security"], json!([{ "gateway-login": ["orders"] }]), "it is not the document's");
    assert!(shared["get"]["x-nuncio-security"].as_str().unwrap().contains("Several paths"));
    assert!(shared.get("put").is_none(), "nothing leads there");
    assert_eq!(copy["paths"]["/599"], json!({ "$ref": "#/components/pathItems/large" }));
    assert!(copy["paths"].get("/598").is_none() && copy["paths"]["/000"]["get"].is_object());
    assert!(copy["components"]["securitySchemes"].get("own").is_none());
}

#[test]
fn links_to_what_is_left_out_go() {
    let link = |path: &str| json!({ "operationRef": format!("#/paths/~1{path}/get") });
    let answer = json!({ "200": { "links": { "own": link("a"), "taken": link("taken") } } });
    let document =
        json!({ "openapi": "3.1.0", "paths": { "/a": { "get": { "responses": answer } }, "/taken": { "get": {} } } });
    let reference = reference(&document, |_| {});
    let copy = copy(&reference, &[vec![route("cart", &json!([[]]))], vec![route("vault", &json!([[]]))]]);
    assert_eq!(copy["paths"]["/a"]["get"]["responses"]["200"]["links"], json!({ "own": link("a") }));
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
    assert_eq!(copy["security"], json!([{ "gateway-login": ["orders"] }]), "nothing opens what may be closed");
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
