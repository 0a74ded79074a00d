//! Tables: route configurations and scopes.

use nuncio_ir::{Cors, HeaderEdits, Redirect, ResourceType, Route, RouteAction};
use serde_json::{Value, json};

use super::build::{self, add, arm, forward, host, name, prefix, respond, route, virtual_host};
use super::json;
use crate::table;

#[test]
fn exact_host() {
    let [routes, scope] = table(&host(
        "shop.example",
        vec![
            route("cart", prefix("/cart"), forward(vec![arm(1, "cart")])),
            route("none", prefix("/"), respond(404, "")),
        ],
    ));
    assert_eq!((routes.kind, scope.kind), (ResourceType::Route, ResourceType::ScopedRoute));
    assert_eq!((&*routes.name, &*scope.name), ("shop.example|", "shop.example|"));
    assert_eq!(routes.needs, [(ResourceType::Cluster, name("cart").0)]);
    assert!(scope.needs.is_empty());
    insta::assert_json_snapshot!("exact_host_routes", json(&routes));
    insta::assert_json_snapshot!("exact_host_scope", json(&scope));
}

#[test]
fn wildcards_stand_together_and_go_on_where_nothing_is_found() {
    let [routes, scope] = table(&build::table(
        "*",
        "internal",
        vec![
            virtual_host("*.example", &["*.example"], vec![route("a", prefix("/a"), respond(200, "a"))]),
            virtual_host("*", &["*"], vec![route("b", prefix("/b"), respond(200, "b"))]),
        ],
    ));
    let routes = json(&routes);
    assert_eq!(routes["virtualHosts"].as_array().unwrap().len(), 2);
    assert_eq!(routes["virtualHosts"][0]["domains"], json!(["*.example"]));
    assert_eq!(routes["virtualHosts"][0]["typedPerFilterConfig"], Value::Null);
    assert_eq!(json(&scope)["key"], json!({"fragments": [{"stringKey": "*||internal"}]}));
}

#[test]
fn a_scope_does_not_change_with_its_routes() {
    let one = table(&host("a.example", vec![route("r", prefix("/"), respond(200, ""))]));
    let other = table(&host("a.example", vec![route("r", prefix("/x"), respond(200, ""))]));
    assert_ne!(one[0].version, other[0].version);
    assert_eq!(one[1].version, other[1].version);
    assert_eq!(one[1].body, other[1].body);
}

#[test]
fn cors_and_response_headers() {
    let cors = Cors {
        origins: vec!["https://a.example".to_owned(), "*".to_owned()],
        methods: "GET, POST".to_owned(),
        headers: "x-a".to_owned(),
        exposed_headers: "x-b".to_owned(),
        max_age: "60".to_owned(),
        credentials: true,
    };
    let route = Route {
        cors: Some(cors.into()),
        response_headers: HeaderEdits { remove: vec!["x-gone".to_owned()], add: vec![add("x-a", "1", true)] },
        ..route("r", prefix("/"), forward(vec![arm(1, "a"), build::invalid(1, "x")]))
    };
    insta::assert_json_snapshot!(json(&table(&host("a.example", vec![route]))[0])["virtualHosts"][0]["routes"]);
}

#[test]
fn redirects() {
    let statuses =
        [(301, Value::Null), (302, json!("FOUND")), (303, json!("SEE_OTHER")), (307, json!("TEMPORARY_REDIRECT"))];
    for (status, expected) in statuses.into_iter().chain([(308, json!("PERMANENT_REDIRECT"))]) {
        let redirect = Redirect {
            scheme: Some("https".to_owned()),
            host: Some("b.example".to_owned()),
            port: Some(8443),
            path: None,
            status,
        };
        let [routes, _] =
            table(&host("a.example", vec![route("r", prefix("/"), RouteAction::Redirect(Box::new(redirect)))]));
        let mut action = json(&routes)["virtualHosts"][0]["routes"][0]["redirect"].clone();
        assert_eq!(action["responseCode"].take(), expected);
        action.as_object_mut().unwrap().remove("responseCode");
        assert_eq!(action, json!({"schemeRedirect": "https", "hostRedirect": "b.example", "portRedirect": 8443}));
    }
}

#[test]
fn long_answers_raise_the_limit() {
    let limit = |body: &str| {
        json(&table(&host("a.example", vec![route("r", prefix("/"), respond(200, body))]))[0])
            ["maxDirectResponseBodySizeBytes"]
            .clone()
    };
    assert_eq!(limit("short"), Value::Null);
    assert_eq!(limit(&"x".repeat(5000)), json!(5000));
}
