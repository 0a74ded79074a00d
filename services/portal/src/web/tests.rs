//! Pages as a browser gets them.

mod access;
mod changes;
mod documents;
mod edge;
mod keys;
mod limits;
mod operators;
mod previews;
mod reference;
mod refusals;
mod shown;
mod slash;
mod words;

use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use axum::response::Response;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::*;
use crate::api::Api;
use crate::api::tests::of_service;
use crate::catalog::{Catalog, Entry, Outage};
use crate::cause::Cause;
use crate::console::Window;
use crate::content::Content;
use crate::fetch::Certificates;
use crate::gateway::Admin;
use crate::history::tests::said;
use crate::reference::Reference;
use crate::search::Search;
use crate::texts::Texts;

/// A portal of one API with this document.
pub(crate) fn portal(document: &Value, trouble: Option<&str>) -> Router {
    portal_since(document, &[], trouble)
}

/// The same where the document was these before.
fn portal_since(document: &Value, before: &[Value], trouble: Option<&str>) -> Router {
    router(site(of_service(), document, before, trouble))
}

fn site(api: Api, document: &Value, before: &[Value], trouble: Option<&str>) -> Site {
    let history = Arc::new(History::default());
    before.iter().chain([document]).for_each(|document| history.record(&said(document)));
    let api = Arc::new(api);
    let reference = Some(Arc::new(Reference::new(Arc::clone(&api), said(document).document)));
    let trouble = trouble.map(|why| Outage { since: jiff::Timestamp::now(), why: Cause::public(why) });
    let entry = Entry { trouble, ..Entry::new(api, reference) };
    entry.checked.note();
    let catalog = Catalog { entries: vec![Arc::new(entry)], has_login: true, is_known: true, ..Catalog::default() };
    let search = Arc::new(ArcSwap::from_pointee(Some(Search::new(&catalog, &Content::default()).unwrap())));
    let catalog = Arc::new(ArcSwap::from_pointee(catalog));
    Site { catalog, history, search, ..site_without_apis("127.0.0.1:1") }
}

/// A site of the gateway with this admin address.
fn site_without_apis(admin: &str) -> Site {
    Site {
        title: "Shop".into(),
        catalog: Arc::default(),
        content: Arc::default(),
        content_wish: Arc::default(),
        history: Arc::default(),
        search: Arc::default(),
        exports: Exports::default(),
        refresh: Arc::default(),
        fetcher: fetcher(),
        console: console_of(admin),
        access: Access::new(None, Vec::new(), false).unwrap(),
        keys: None,
    }
}

fn fetcher() -> Fetcher {
    _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let certificates = Certificates::Elsewhere { admin: Admin::new("127.0.0.1:1").unwrap(), directory: None };
    Fetcher::new(&crate::settings::tests::settings(&[]), certificates).unwrap()
}

fn console_of(admin: &str) -> Console {
    Console {
        admin: Admin::new(admin).unwrap(),
        hosts: Arc::new(["console.example".to_owned()]),
        groups: Arc::default(),
        window: Window::default(),
    }
}

/// A portal without APIs in these words, of the gateway with this admin address. Everything is shown to everybody.
pub(crate) fn portal_in_words(admin: &str, texts: Texts) -> Router {
    let content = Arc::new(ArcSwap::from_pointee(Content::in_words(texts)));
    let access = Access::new(None, Vec::new(), true).unwrap();
    router(Site { content, access, ..site_without_apis(admin) })
}

pub(crate) async fn get(portal: &Router, path: &str) -> (Response, String) {
    let response = portal.clone().oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (Response::from_parts(parts, Body::empty()), String::from_utf8_lossy(&body).into_owned())
}

pub(crate) fn cart() -> Value {
    json!({ "openapi": "3.1.0", "info": { "title": "Cart", "version": "1.2", "description": "What *users* want." },
        "paths": { "/carts/{user}": { "get": { "operationId": "show", "summary": "A user's cart", "tags": ["carts"],
            "parameters": [{ "name": "user", "in": "path", "required": true, "schema": { "type": "string" } }],
            "responses": { "200": { "description": "The cart", "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Cart" } } } } } } } },
        "components": { "schemas": { "Cart": { "type": "object", "required": ["user"], "properties": { "user": { "type": "string" } } } } } })
}

#[tokio::test]
async fn an_api_is_found_and_read_without_javascript() {
    let portal = portal(&cart(), None);
    let (_, page) = get(&portal, "/docs/").await;
    assert!(
        page.contains("href=\"/docs/doc/shop/cart\"") && page.contains("https://shop.<wbr>example/<wbr>api/"),
        "{page}"
    );
    let (_, page) = get(&portal, "/docs/doc/shop/cart").await;
    assert!(page.contains("<em>users</em>") && page.contains("/docs/doc/shop/cart/operations/show"), "{page}");
    let (_, page) = get(&portal, "/docs/doc/shop/cart/operations/show").await;
    for part in ["/api/carts/{user}", "required", "curl &#39;https://shop.example/api/carts/user&#39;", "Cart"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let (_, page) = get(&portal, "/docs/doc/shop/cart/schemas/Cart").await;
    assert!(page.contains("<code>user</code>"), "{page}");
    for page in ["/docs/", "/docs/doc/shop/cart", "/docs/doc/shop/cart/schemas/Cart"] {
        assert_eq!(get(&portal, page).await.1.matches("<script").count(), 1, "{page}: what finds anything");
    }
}

#[tokio::test]
async fn an_operation_is_tried_by_its_own_script_at_addresses_of_the_gateway_alone() {
    let mut document = cart();
    document["servers"] = json!([{ "url": "https://evil.example/" }]);
    let portal = portal(&document, None);
    let (response, page) = get(&portal, "/docs/doc/shop/cart/operations/show").await;
    let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.ends_with("connect-src 'self' https://shop.example http://shop.example:8080"), "{policy}");
    let named = page.split("integrity=\"").skip(1).map(|rest| format!("'{}'", rest.split('"').next().unwrap()));
    let named = named.collect::<Vec<_>>().join(" ").replace("&#43;", "+").replace("&#x2F;", "/");
    assert!(policy.contains(&format!("script-src {named};")) && !policy.contains("unsafe"), "{policy}");
    assert!(page.contains("data-path=\"/api/carts/{user}\"") && page.contains("data-name=\"user\""), "{page}");
    assert_eq!(page.matches("<script").count(), 2);
    let script = page.split("src=\"").find(|part| part.contains(".js")).unwrap().split('"').next().unwrap();
    assert_eq!(get(&portal, script).await.0.headers()[header::CONTENT_TYPE], "text/javascript; charset=utf-8");
}

#[tokio::test]
async fn only_requests_for_an_api_are_explained() {
    let portal = portal(&cart(), None);
    let explain = async |api: &str, body: &str| {
        let request = Request::post(format!("/docs/api/v1/apis/{api}/explain"))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_owned()));
        portal.clone().oneshot(request.unwrap()).await.unwrap().status()
    };
    let at = |origin: &str| json!({ "method": "GET", "url": format!("{origin}/api/carts/ann") }).to_string();
    for origin in [
        "https://evil.example",
        "https://shop.example@evil.example",
        "https://shop.example.evil",
        "http://shop.example",
        "",
    ] {
        assert_eq!(explain("shop/cart", &at(origin)).await, StatusCode::BAD_REQUEST, "{origin}");
    }
    assert_eq!(explain("shop/other", &at("https://shop.example")).await, StatusCode::NOT_FOUND);
    assert_eq!(
        explain("shop/cart", &at("https://shop.example")).await,
        StatusCode::SERVICE_UNAVAILABLE,
        "nobody to ask"
    );
}

#[tokio::test]
async fn what_is_in_documents_is_found() {
    let portal = portal(&cart(), None);
    let (_, page) = get(&portal, "/docs/search?term=user+cart").await;
    assert!(page.contains("href=\"/docs/doc/shop/cart/operations/show\""), "{page}");
    let (_, json) = get(&portal, "/docs/api/search?term=carts%2F%7Buser").await;
    let found: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(found[0]["operation"], "GET /api/carts/{user}");
    assert_eq!(get(&portal, "/docs/api/search").await.1, "[]");
}

#[tokio::test]
async fn documents_are_given_as_they_were_and_as_clients_meet_the_api() {
    let portal = portal(&cart(), None);
    let path = "/openapi/services/shop/cart/openapi.json";
    let (response, text) = get(&portal, path).await;
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["servers"][0]["url"], "https://shop.example/api");
    let known = response.headers()[header::ETAG].clone();
    let again = Request::get(path).header(header::IF_NONE_MATCH, known).body(Body::empty()).unwrap();
    assert_eq!(portal.clone().oneshot(again).await.unwrap().status(), StatusCode::NOT_MODIFIED);
    let (_, text) = get(&portal, "/openapi/services/shop/cart/original").await;
    assert_eq!(text, cart().to_string());
}

#[tokio::test]
async fn a_stale_document_says_since_when_and_why() {
    let portal = portal(&cart(), Some("the answer was 503"));
    for path in ["/docs/", "/docs/doc/shop/cart", "/docs/doc/shop/cart/operations/show"] {
        assert!(get(&portal, path).await.1.to_lowercase().contains("stale since"), "{path}");
    }
    assert!(get(&portal, "/docs/doc/shop/cart").await.1.contains("the answer was 503"));
    let (_, json) = get(&portal, "/docs/api/v1/apis").await;
    let api = &serde_json::from_str::<Value>(&json).unwrap()["apis"][0];
    assert_eq!((&api["state"], &api["trouble"]), (&json!("stale"), &json!("the answer was 503")));
}

#[tokio::test]
async fn text_of_strangers_stays_text() {
    let evil = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'><svg/onload=alert(3)>";
    let document = json!({ "openapi": "3.1.0", "info": { "title": evil, "version": evil, "description": evil, "license": { "name": evil } },
        "tags": [{ "name": evil, "description": evil }],
        "paths": { format!("/{evil}"): { "get": { "operationId": evil, "summary": evil, "description": evil, "tags": [evil],
            "externalDocs": { "url": "javascript:alert(1)", "description": evil },
            "security": [{ evil: [evil] }],
            "parameters": [{ "name": evil, "in": "query", "required": true, "description": evil, "example": evil, "schema": { "type": evil, "format": evil, "pattern": evil, "enum": [evil] } }],
            "requestBody": { "description": evil, "content": { evil: { "schema": { "$ref": format!("#/components/schemas/{evil}") }, "example": evil } } },
            "responses": { evil: { "description": evil, "headers": { evil: { "description": evil } }, "content": { evil: { "example": evil } } } } } } },
        "components": { "schemas": { evil: { "type": "object", "title": evil, "description": evil, "properties": { evil: { "default": evil } } } } } });
    let portal = portal(&document, Some(evil));
    let reference = "/docs/doc/shop/cart";
    let mut paths =
        vec!["/docs/".to_owned(), reference.to_owned(), format!("{reference}/schemas/{}", escape_path(evil))];
    let (_, page) = get(&portal, reference).await;
    let operation = page.split("/operations/").nth(1).unwrap().split('"').next().unwrap();
    paths.push(format!("{reference}/operations/{operation}"));
    for path in paths {
        let (response, page) = get(&portal, &path).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        let lower = page.to_lowercase();
        for bad in ["<script>", "<img src=x", "<svg", "javascript:"] {
            assert!(!lower.contains(bad), "{path}: {bad}: {page}");
        }
        assert!(lower.matches("<script").count() <= 2, "{path}: its own alone");
    }
}

#[tokio::test]
async fn every_answer_is_hardened() {
    let portal = portal(&cart(), None);
    for path in
        ["/docs/", "/docs/nothing", "/docs/doc/no/api", "/docs/api/v1/apis", "/openapi/services/shop/cart/original"]
    {
        let (response, _) = get(&portal, path).await;
        let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
        let is_page = response.headers()[header::CONTENT_TYPE].to_str().unwrap().starts_with("text/html");
        assert_eq!(
            policy.contains("script-src 'sha256-") && policy.contains("require-trusted-types-for"),
            is_page,
            "{path}: {policy}"
        );
        assert_eq!(response.headers()[header::X_CONTENT_TYPE_OPTIONS], "nosniff", "{path}");
    }
    assert_eq!(get(&portal, "/docs/doc/no/api").await.0.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn assets_never_change_under_their_name() {
    let portal = portal(&cart(), None);
    let (_, page) = get(&portal, "/docs/").await;
    let style = page.split("href=\"").find(|part| part.contains(".css")).unwrap().split('"').next().unwrap();
    let (response, text) = get(&portal, style).await;
    assert!(
        text.contains(":root") && response.headers()[header::CACHE_CONTROL].to_str().unwrap().contains("immutable")
    );
    assert_eq!(get(&portal, "/docs/assets/portal.css").await.0.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn others_cannot_ask_for_a_refresh() {
    let portal = portal(&cart(), None);
    let post = |from: &'static str| {
        let request = Request::post("/docs/api/refreshContent").header("sec-fetch-site", from);
        portal.clone().oneshot(request.body(Body::empty()).unwrap())
    };
    assert_eq!(post("cross-site").await.unwrap().status(), StatusCode::FORBIDDEN);
    assert_eq!(post("same-origin").await.unwrap().status(), StatusCode::ACCEPTED);
}

#[tokio::test]
async fn pages_of_others_fetch_nothing_of_the_console() {
    let portal = portal_in_words("127.0.0.1:1", Texts::default());
    let asked = |path: &'static str, from: &'static str, mode: &'static str, dest: &'static str| {
        let request = Request::get(path).header("host", "localhost").header("sec-fetch-site", from);
        let request = request.header("sec-fetch-mode", mode).header("sec-fetch-dest", dest);
        portal.clone().oneshot(request.body(Body::empty()).unwrap())
    };
    let edit = "/console/objects/Mapping/shop/cart/edit?spec.timeout_ms=1";
    for path in ["/console/", edit, "/console/api/v1/topology"] {
        for (mode, dest) in [("no-cors", "image"), ("navigate", "iframe"), ("cors", "empty"), ("no-cors", "document")] {
            for from in ["cross-site", "same-site"] {
                assert_eq!(
                    asked(path, from, mode, dest).await.unwrap().status(),
                    StatusCode::FORBIDDEN,
                    "{path} {mode} {dest}"
                );
            }
            assert_ne!(asked(path, "same-origin", mode, dest).await.unwrap().status(), StatusCode::FORBIDDEN, "{path}");
        }
        assert_ne!(asked(path, "cross-site", "navigate", "document").await.unwrap().status(), StatusCode::FORBIDDEN);
    }
    let docs = asked("/docs/", "cross-site", "no-cors", "image").await.unwrap();
    assert_eq!(docs.status(), StatusCode::OK, "what everybody may read costs nobody more than that");
}
