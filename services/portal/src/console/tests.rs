//! Pages as a browser gets them, of a controller that says what it is told to.

mod folded;
mod typed;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;
use tower::ServiceExt;

use super::model::Topology;
use crate::texts::Texts;

const EVIL: &str = "<script>alert(1)</script>\"'><svg/onload=alert(2)>";

fn told(routes: usize, text: &str) -> Value {
    let object = json!({ "kind": "Mapping", "namespace": "shop", "name": text });
    let route = |order: usize| {
        json!({ "host": "shop.example", "order": order, "name": text, "match": format!("prefix /{order}/{text}"),
            "action": "forward", "status": null, "backends": [{ "cluster": "cart-1", "weight": 1, "invalid": null }],
            "asks_auth_service": order == 0, "rules": [], "origin": [object], "table": "t", "policies": ["timeout 3 s", text], "counted_as": text,
            "traffic": { "requests": 9, "client_errors": 1, "server_errors": 2, "all": null, "recent": { "p50": 1.0, "p95": 4.0, "p99": 8.0 } } })
    };
    json!({
        "listeners": [{ "name": "http", "address": "0.0.0.0:8080", "origin": [] }],
        "hosts": [{ "hostname": "shop.example", "listeners": ["http"], "certificate": text }],
        "routes": (0..routes).map(route).collect::<Vec<_>>(),
        "clusters": [{ "name": "cart-1", "service": format!("cart:80{text}"), "discovery": "eds", "tls": true,
            "endpoints": [{ "address": "10.0.0.1:80", "other": null, "zone": null, "rank": 0 }] }],
        "total": routes,
        "counts_routes": true,
    })
}

/// A topology of so many routes to one cluster.
pub(super) fn topology(routes: usize) -> Topology {
    serde_json::from_value(told(routes, "cart")).unwrap()
}

fn manifest(text: &str) -> Value {
    json!({ "file": text, "line": 3, "text": text, "digest": "d", "is_file": true, "has_secret": false, "may_apply": true, "is_read": text != "unread",
        "fields": [{ "path": "spec.timeout_ms", "name": "timeout", "value": text, "choices": [], "has_lines": false }],
        "sections": [{ "path": "spec.rules[0]", "name": "rule", "numbers": [1], "adds": [{ "path": "spec.rules[0].filters", "name": "filter" }],
            "fields": [{ "path": "spec.rules[0].host", "name": "rule_host", "value": text, "choices": [text], "has_lines": false },
                { "path": "spec.rules[0].path", "name": "rule_path", "value": text, "choices": [], "has_lines": true }] }],
        "adds": [{ "path": "spec.rules", "name": "rule" }], "sections_left_out": 1 })
}

/// What a controller says of this path.
fn answer(path: &str, text: &str) -> Option<Value> {
    let object = json!({ "kind": "Mapping", "namespace": "shop", "name": text });
    let problem = json!({ "severity": "error", "reason": "Invalid", "field": text, "message": text,
        "location": { "file": text, "line": 3, "column": 1 }, "object": object });
    let list = |item: Value| json!({ "items": [item], "total": 1 });
    Some(match path {
        "/api/v1/topology" => told(2, text),
        "/api/v1/objects" => {
            list(json!({ "kind": "Mapping", "namespace": "shop", "name": text, "file": text, "line": 1,
            "column": 1, "state": "parsed", "acked_by": 0, "envoys": 1, "problems": [problem] }))
        }
        "/api/v1/problems" => list(problem),
        "/api/v1/envoys" => list(json!({ "node": text, "cluster": text, "version": text, "protocol": "delta",
            "connected_for_ms": 61_000, "synced_revision": 4, "newest_revision": 5, "responses": 9, "nacks": 0 })),
        "/api/v1/certificates" => list(json!({ "secret": text, "usage": "certificate", "shown_for": [text],
            "names": [text], "issuer": text, "not_before": 0, "not_after": 1 })),
        "/api/v1/traffic" => {
            let of = |name: &str, requests: u64, is_asked: bool| {
                json!({ "name": name, "services": [name], "is_asked": is_asked, "requests": requests, "client_errors": 1,
                "server_errors": 2, "all": { "p50": 1.0, "p95": 4.0, "p99": 8.0 }, "recent": null })
            };
            json!([of("authz:8500", 99, true), of(text, 9, false), of("orders:80", 17, false)])
        }
        "/api/v1/route-traffic" => json!({ "is_counted": true, "routes": told(2, text)["routes"], "total": 3 }),
        "/api/v1/manifest" => manifest(text),
        "/api/v1/dry-run" | "/api/v1/apply" => {
            json!({ "manifest": manifest(text), "is_valid": true, "problems": [problem],
            "patch": format!("--- a\n+++ b\n@@ -1,1 +1,1 @@\n-{text}\n+{text}\n"), "routes_total": 14, "hosts": [text], "listeners": [text],
            "whole_listeners": [text], "confirm": text, "is_bounded": true,
            "lost": [{ "what": "login", "host": text, "match": text, "path": text, "was": text },
                { "what": "limit", "host": text, "match": text, "path": text, "was": text }],
            "routes": [{ "host": text, "match": text, "effect": "changed" }] })
        }
        "/api/v1/compare" => json!({ "manifest": manifest(text), "text": text, "yours": format!("+{text}"),
            "others": format!("+{text}"), "merged": null }),
        "/api/v1/explain" => json!({ "request": text, "outcome": text, "listener": null, "host": { "hostname": text },
            "route": told(1, text)["routes"][0], "tcp": null, "elsewhere": [format!("http://shop.example:8080/{text}")],
            "protection": [{ "by": text, "path": text, "filters": [], "applies": true, "outcome": text }],
            "limits": [{ "labels": text, "limit": text, "rule": null, "origin": null, "outcome": text }],
            "failures": [{ "status": 503, "why": text, "service": text, "count": 2 }],
            "lost": [{ "route": told(1, text)["routes"][0], "reason": text }] }),
        "/api/v1/preview-details" => list(json!({ "upstreams": [], "events": [
            { "at": 1, "kind": "created", "detail": "" }, { "at": 2, "kind": "fell-back", "detail": text }] })),
        "/api/v1/preview-rights" => json!({
            "namespaces": [{ "namespace": text, "repository": text, "room": 1 }], "access": [text], "hosts": [text],
            "services_alone": true, "tunnels": false, "ttl": 1, "max_ttl": null, "why": "",
        }),
        "/api/v1/previews" | "/api/v1/preview-list" => {
            list(json!({ "namespace": "shop", "name": text, "access": "Public", "source": null,
            "urls": [{ "entrypoint": "web", "baseline": "shop.example", "url": "https://web--cart.example" }],
            "services": [{ "baseline": text, "backend": text }], "problems": [problem] }))
        }
        "/api/v1/routes" => json!({ "items": told(2, text)["routes"], "total": 2 }),
        _ => return None,
    })
}

/// What a controller refuses of a change, by its text.
fn refusal(path: &str, change: &str) -> Option<Response> {
    let is_tried = ["/api/v1/dry-run", "/api/v1/apply"].contains(&path);
    let refuse = |status: StatusCode, reason: &str, why: &str| {
        Some((status, [("x-nuncio-reason", reason)], format!("{why}\n")).into_response())
    };
    match () {
        () if is_tried && change.contains("stale") => refuse(StatusCode::CONFLICT, "conflict", "has changed since"),
        () if is_tried && change.contains("broken") => {
            refuse(StatusCode::BAD_REQUEST, "invalid", "line 7: it is no YAML")
        }
        () if is_tried && change.contains("misfit") => {
            let of_field = [("x-nuncio-reason", "invalid"), ("x-nuncio-field", "spec.rules[0].path")];
            Some((StatusCode::BAD_REQUEST, of_field, "it is no path\n").into_response())
        }
        () if path.ends_with("apply") && change.contains("\"confirm\":null") => {
            refuse(StatusCode::PRECONDITION_REQUIRED, "unconfirmed", "confirm that")
        }
        () => None,
    }
}

/// The same of the text that was asked about.
fn with_text(mut answer: Value, asked: &str) -> Value {
    let asked: Value = serde_json::from_str(asked).unwrap_or_default();
    if let (Some(text), Some(manifest)) = (asked["text"].as_str(), answer.get_mut("manifest")) {
        manifest["text"] = text.replace("\r\n", "\n").into();
    }
    answer
}

/// The same where previews are left out: three have such routes, and one host of a preview's has no others.
fn without_previews(mut answer: Value, uri: &Uri) -> Value {
    let asked = uri.query().unwrap_or_default();
    if asked.contains("previews=false") {
        if asked.contains("host=web--") {
            answer = told(0, "cart");
        }
        answer["previews"] = 3.into();
    }
    answer
}

/// A portal whose controller says this everywhere, and the controller.
async fn portal(text: &'static str) -> (Router, AbortOnDropHandle<()>) {
    portal_in_words(text, Texts::default()).await
}

/// All that a controller says.
pub(crate) fn everything(text: &str) -> String {
    let paths = [
        "topology",
        "objects",
        "problems",
        "envoys",
        "certificates",
        "traffic",
        "route-traffic",
        "manifest",
        "dry-run",
        "explain",
        "previews",
    ];
    paths.iter().filter_map(|path| answer(&format!("/api/v1/{path}"), text)).map(|answer| answer.to_string()).collect()
}

/// The same portal in other words.
pub(crate) async fn portal_in_words(text: &'static str, texts: Texts) -> (Router, AbortOnDropHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let controller = Router::new().fallback(move |uri: Uri, body: String| async move {
        if let Some(refusal) = refusal(uri.path(), &body) {
            return refusal;
        }
        match answer(uri.path(), text) {
            _ if uri.query().is_some_and(|query| query.contains("nonsense")) => {
                (StatusCode::BAD_REQUEST, "\"nonsense\" is not a URL\n").into_response()
            }
            _ if uri.query().is_some_and(|query| query.contains("name=absent")) => {
                if uri.path().ends_with("/manifest") {
                    let missing = [("x-nuncio-reason", "missing")];
                    return (StatusCode::NOT_FOUND, missing, "there is no such object\n").into_response();
                }
                axum::Json(json!({ "items": [], "total": 0 })).into_response()
            }
            _ if uri.path().ends_with("/manifest") && text == "unreadable" => {
                let of_file = [("x-nuncio-reason", "not_editable")];
                (StatusCode::UNPROCESSABLE_ENTITY, of_file, "its file cannot be read\n").into_response()
            }
            Some(answer) => axum::Json(without_previews(with_text(answer, &body), &uri)).into_response(),
            None => StatusCode::NOT_FOUND.into_response(),
        }
    });
    let controller = tokio::spawn(async { axum::serve(listener, controller).await.unwrap() });
    (crate::web::tests::portal_in_words(&address.to_string(), texts), AbortOnDropHandle::new(controller))
}

async fn get(portal: &Router, host: &str, path: &str) -> (StatusCode, String) {
    let request = Request::get(path).header("host", host).body(Body::empty()).unwrap();
    let response = portal.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

pub(crate) const PAGES: [&str; 12] = [
    "/console/",
    "/console/objects",
    "/console/objects/Mapping/shop/cart",
    "/console/objects/Mapping/shop/cart/edit",
    "/console/objects/Mapping/shop/cart/edit?spec.timeout_ms=700",
    "/console/objects/Mapping/shop/cart/new?file=a.yaml",
    "/console/objects/Mapping/shop/cart/delete",
    "/console/problems",
    "/console/explain?url=shop.example",
    "/console/certificates",
    "/console/envoys",
    "/console/traffic",
];

#[tokio::test]
async fn text_of_strangers_stays_text() {
    let (portal, _controller) = portal(EVIL).await;
    for path in PAGES {
        let (status, page) = get(&portal, "localhost", path).await;
        assert_eq!(status, StatusCode::OK, "{path}: {page}");
        assert!(page.contains("&#60;script") || page.contains("&lt;script"), "{path} says what it was told: {page}");
        assert!(page.matches("<script").count() == 1 && !page.contains("<svg/"), "{path}: {page}");
    }
}

#[tokio::test]
async fn a_route_is_followed_from_the_listener_to_its_endpoints() {
    let (portal, _controller) = portal("cart").await;
    let (_, page) = get(&portal, "localhost", "/console/?host=shop&text=cart").await;
    for part in ["0.0.0.0:8080", "shop.example", "AuthService", "timeout 3 s", "cart:80cart", "10.0.0.1:80", "all 2"] {
        assert!(page.matches(part).count() >= 1, "{part}: {page}");
    }
    assert!(page.contains("href=\"/console/objects/Mapping/shop/cart\"") && page.contains("value=\"shop\""), "{page}");
    let counts = ["9 since the start", "counted above", "by all listeners"].map(|part| page.matches(part).count());
    assert_eq!(counts, [1, 1, 0], "both are counted as one, by one listener: {page}");
    let (_, page) = get(&portal, "localhost", "/console/objects/Mapping/shop/cart").await;
    assert!(page.contains("does not serve") && page.contains("What is wrong") && page.contains("/0/cart"), "{page}");
}

#[tokio::test]
async fn a_proposal_is_an_address_and_strangers_send_no_forms() {
    let (portal, _controller) = portal("cart").await;
    let edit = "/console/objects/Mapping/shop/cart/edit";
    let (_, page) = get(&portal, "localhost", &format!("{edit}?spec.timeout_ms=700")).await;
    for part in
        ["affects 14 routes on 1 host", "class=\"removed\"", "class=\"added\"", "and 13 more", "value=\"apply\""]
    {
        assert!(page.contains(part), "{part}: {page}");
    }
    let post = async |from: &'static str, form: &'static str| {
        let request = Request::post(edit).header("host", "localhost").header("origin", from);
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(Body::from(form));
        portal.clone().oneshot(request.unwrap()).await.unwrap()
    };
    assert_eq!(post("http://evil.example", "by=apply&text=x").await.status(), StatusCode::FORBIDDEN);
    let tried = post("http://localhost", "by=text&text=a%3A+1%0D%0A").await;
    assert_eq!(tried.headers()["location"], format!("{edit}?text=a%3A%201%0A"));
    let (_, page) = get(&portal, "localhost", &format!("{edit}?text=a%3A%201%0A")).await;
    assert!(page.contains("affects 14 routes"), "{page}");
    let long: &'static str = format!("by=text&text={}", "x".repeat(7000)).leak();
    assert_eq!(post("http://localhost", long).await.status(), StatusCode::OK, "too long for an address");
    let patch = post("http://localhost", "by=patch&text=x").await;
    assert_eq!(patch.headers()["content-disposition"], "attachment; filename=\"cart.patch\"");
}

#[tokio::test]
async fn an_object_that_was_made_is_waited_for_but_not_for_ever() {
    let (portal, _controller) = portal("cart").await;
    let absent = "/console/objects/Mapping/shop/absent";
    let now = jiff::Timestamp::now().as_second();
    let (status, page) = get(&portal, "localhost", &format!("{absent}?applied={now}")).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    assert!(page.contains("is on its way") && page.contains(&format!("href=\"{absent}?applied={now}\"")), "{page}");
    for applied in [(now - 120).to_string(), (now + 3600).to_string(), "true".to_owned()] {
        let (status, page) = get(&portal, "localhost", &format!("{absent}?applied={applied}")).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{applied}: {page}");
        assert!(page.contains("There is no Mapping shop/absent.") && page.contains("does not watch"), "{page}");
    }
    let (status, page) = get(&portal, "localhost", absent).await;
    assert!(status == StatusCode::NOT_FOUND && !page.contains("does not watch"), "{page}");
}

#[tokio::test]
async fn a_change_is_followed_but_not_for_ever_and_not_where_its_file_cannot_be_read() {
    let (unread, _first) = portal("unread").await;
    let now = jiff::Timestamp::now().as_second();
    for (applied, is_followed) in
        [(now.to_string(), true), ((now - 120).to_string(), false), ("true".to_owned(), false)]
    {
        let address = format!("/console/objects/Mapping/shop/unread?applied={applied}");
        let (status, page) = get(&unread, "localhost", &address).await;
        assert_eq!(status, StatusCode::OK, "{applied}: {page}");
        assert_eq!(page.contains(&format!("href=\"{address}\"")), is_followed, "{applied}: {page}");
    }
    let (unreadable, _second) = portal("unreadable").await;
    let address = format!("/console/objects/Mapping/shop/unreadable?applied={now}");
    let (status, page) = get(&unreadable, "localhost", &address).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    assert!(page.contains("What is wrong") && !page.contains(&format!("href=\"{address}\"")), "{page}");
}

#[tokio::test]
async fn objects_and_routes_are_found_by_their_words() {
    let (portal, controller) = portal("cart").await;
    let (_, found) = get(&portal, "localhost", "/console/search?term=cart").await;
    let found: Value = serde_json::from_str(&found).unwrap();
    let object =
        json!({ "kind": "Mapping", "title": "cart", "detail": "shop", "link": "/console/objects/Mapping/shop/cart" });
    let route = json!({ "kind": "Route", "title": "prefix /1/cart", "detail": "shop.example",
        "link": "/console/?host=shop.example&text=prefix%20%2F1%2Fcart" });
    assert_eq!((&found[0], &found[2]), (&object, &route), "{found:#}");
    assert_eq!(get(&portal, "localhost", "/console/search?term=+").await.1, "[]");
    assert_eq!(get(&portal, "shop.example", "/console/search?term=cart").await.0, StatusCode::MISDIRECTED_REQUEST);
    drop(controller);
    assert_eq!(get(&portal, "localhost", "/console/search?term=cart").await.0, StatusCode::BAD_GATEWAY);
}

#[tokio::test]
async fn a_wrong_question_is_told_where_it_was_asked() {
    let (portal, _controller) = portal("cart").await;
    let (status, page) = get(&portal, "localhost", "/console/explain?url=nonsense&headers=x%3A+1").await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("is not a URL") && page.contains("value=\"nonsense\"") && page.contains("x: 1"), "{page}");
}

#[tokio::test]
async fn who_is_asked_about_requests_stands_below_the_services_that_they_are_for() {
    let (portal, _controller) = portal("cart").await;
    let (_, page) = get(&portal, "localhost", "/console/traffic").await;
    let (_, by_service) = page.split_once("<h2>By service</h2>").unwrap();
    let (served, asked) = by_service.split_once("<h2>Asked about requests</h2>").unwrap();
    let at =
        |service: &str| served.find(&format!("counted as {service}<")).unwrap_or_else(|| panic!("{service}: {served}"));
    assert!(at("orders:80") < at("cart"), "the busiest first: {served}");
    assert!(!served.contains("authz:8500") && asked.contains("counted as authz:8500<"), "{page}");
}

#[tokio::test]
async fn a_request_that_no_listener_takes_is_explained_by_a_click_where_one_does() {
    let (portal, _controller) = portal("cart").await;
    let asked = "/console/explain?url=shop.example%2Fcart&method=PUT&headers=x%3A+1&client_certificate=true";
    let (_, page) = get(&portal, "localhost", asked).await;
    let link = "/console/explain?url=http%3A%2F%2Fshop.example%3A8080%2Fcart&method=PUT&headers=x%3A%201&client_certificate=true";
    assert!(page.replace("&#38;", "&").contains(&format!("href=\"{link}\"")), "{page}");
    let (_, page) = get(&portal, "localhost", link).await;
    assert!(
        page.contains("value=\"http://shop.example:8080/cart\"") && page.contains("<option selected>PUT"),
        "{page}"
    );
}

#[tokio::test]
async fn the_console_says_when_the_controller_cannot_be_asked() {
    let (portal, controller) = portal("cart").await;
    drop(controller);
    for path in PAGES {
        let (status, page) = get(&portal, "localhost", path).await;
        assert_eq!(status, StatusCode::BAD_GATEWAY, "{path}");
        assert!(page.contains("cannot be reached"), "{path}: {page}");
    }
}

#[tokio::test]
async fn it_is_shown_under_no_name_that_nobody_said() {
    let (portal, _controller) = portal("cart").await;
    for path in PAGES {
        let (status, page) = get(&portal, "shop.example", path).await;
        assert_eq!(status, StatusCode::MISDIRECTED_REQUEST, "{path}");
        assert!(page.contains("--console-host shop.example"), "{page}");
    }
    assert_eq!(get(&portal, "shop.example", "/docs/").await.0, StatusCode::OK);
    assert_eq!(get(&portal, "console.example", "/console/").await.0, StatusCode::OK);
}
