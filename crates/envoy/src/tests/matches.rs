//! Conditions of routes, and changes of paths.

use nuncio_ir::{
    HeaderMatch, PathMatch, PathRewrite, QueryMatch, Redirect, Route, RouteAction, RouteMatch, ValueMatch,
};
use serde_json::{Value, json};

use super::build::{arm, forward, host, prefix, respond, route};
use super::json;
use crate::table;

fn envoy_route(route: Route) -> Value {
    json(&table(&host("a.example", vec![route]))[0])["virtualHosts"][0]["routes"][0].clone()
}

#[test]
fn paths() {
    let text = |text: &str| text.to_owned();
    for (path, expected) in [
        (prefix("/a"), json!({"prefix": "/a"})),
        (
            PathMatch::Prefix { value: text("/a"), case_sensitive: false },
            json!({"prefix": "/a", "caseSensitive": false}),
        ),
        (PathMatch::Exact { value: text("/a"), case_sensitive: true }, json!({"path": "/a"})),
        (PathMatch::Exact { value: text("/a"), case_sensitive: false }, json!({"path": "/a", "caseSensitive": false})),
        (PathMatch::Segments(text("/a/b")), json!({"pathSeparatedPrefix": "/a/b"})),
        (PathMatch::Segments(text("")), json!({"prefix": "/"})),
        (PathMatch::Segments(text("/")), json!({"prefix": "/"})),
        (PathMatch::Regex(text("/a.*")), json!({"safeRegex": {"regex": "/a.*"}})),
    ] {
        assert_eq!(envoy_route(route("r", path, respond(200, "")))["match"], expected);
    }
}

#[test]
fn headers() {
    let text = |text: &str| text.to_owned();
    for (value, invert, expected) in [
        (ValueMatch::Exact(text("v")), false, json!({"name": "x", "stringMatch": {"exact": "v"}})),
        (
            ValueMatch::Exact(text("v")),
            true,
            json!({
                "name": "x", "stringMatch": {"exact": "v"},
                "invertMatch": true, "treatMissingHeaderAsEmpty": true,
            }),
        ),
        (
            ValueMatch::Prefix { value: text("v"), ignore_case: true },
            false,
            json!({"name": "x", "stringMatch": {"prefix": "v", "ignoreCase": true}}),
        ),
        (
            ValueMatch::Suffix { value: text("v"), ignore_case: false },
            false,
            json!({"name": "x", "stringMatch": {"suffix": "v"}}),
        ),
        (ValueMatch::Contains(text("v")), false, json!({"name": "x", "stringMatch": {"contains": "v"}})),
        (ValueMatch::Regex(text("v+")), false, json!({"name": "x", "stringMatch": {"safeRegex": {"regex": "v+"}}})),
        (ValueMatch::Present, false, json!({"name": "x", "presentMatch": true})),
        (ValueMatch::Present, true, json!({"name": "x", "presentMatch": true, "invertMatch": true})),
    ] {
        let matches = RouteMatch { headers: vec![HeaderMatch { name: text("x"), value, invert }], ..RouteMatch::any() };
        let route = Route { matches, ..route("r", prefix("/"), respond(200, "")) };
        assert_eq!(envoy_route(route)["match"]["headers"], json!([expected]));
    }
}

#[test]
fn query_parameters() {
    let query = |value| QueryMatch { name: "q".to_owned(), value };
    let matches = RouteMatch {
        query: vec![query(ValueMatch::Exact("v".to_owned())), query(ValueMatch::Present)],
        ..RouteMatch::any()
    };
    let route = Route { matches, ..route("r", prefix("/"), respond(200, "")) };
    assert_eq!(
        envoy_route(route)["match"]["queryParameters"],
        json!([{"name": "q", "stringMatch": {"exact": "v"}}, {"name": "q", "presentMatch": true}])
    );
}

/// A change of the path, and what it makes of a forwarding and of a redirecting route.
#[test]
fn rewrites() {
    let matched = |to: &str| PathRewrite::Matched(to.to_owned());
    let segments = || PathMatch::Segments("/a.b".to_owned());
    let regex = json!({"pattern": {"regex": r"^/a\.b/*"}, "substitution": "/"});
    for (path, rewrite, forwarded, redirected) in [
        (prefix("/a"), matched("/b"), json!({"prefixRewrite": "/b"}), json!({"prefixRewrite": "/b"})),
        (segments(), matched("/b"), json!({"prefixRewrite": "/b"}), json!({"prefixRewrite": "/b"})),
        (segments(), matched("/"), json!({"regexRewrite": regex}), json!({"regexRewrite": regex})),
        (segments(), matched(""), json!({"regexRewrite": regex}), json!({"regexRewrite": regex})),
        (
            prefix("/a"),
            PathRewrite::Full("/50%".to_owned()),
            json!({"pathRewrite": "/50%%"}),
            json!({"pathRewrite": "/50%%"}),
        ),
        (
            prefix("/a"),
            PathRewrite::Regex { pattern: "^/(.*)".to_owned(), substitution: r"/\1".to_owned() },
            json!({"regexRewrite": {"pattern": {"regex": "^/(.*)"}, "substitution": r"/\1"}}),
            json!({"regexRewrite": {"pattern": {"regex": "^/(.*)"}, "substitution": r"/\1"}}),
        ),
    ] {
        let mut arm = arm(1, "a");
        arm.rewrite = Some(rewrite.clone());
        let mut json = envoy_route(route("r", path.clone(), forward(vec![arm])))["route"].clone();
        let route_action = json.as_object_mut().unwrap();
        route_action.retain(|key, _| key.ends_with("ewrite"));
        assert_eq!(json, forwarded);

        let redirect = Redirect { scheme: None, host: None, port: None, path: Some(rewrite), status: 301 };
        assert_eq!(envoy_route(route("r", path, RouteAction::Redirect(Box::new(redirect))))["redirect"], redirected);
    }
}
