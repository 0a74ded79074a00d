//! What pages say of their own is said in the words of the operator.

use std::collections::BTreeSet;

use nuncio_auth::jwt::Signer;

use super::*;
use crate::access::tests::{access, signed};
use crate::texts::tests::{strange, words};

/// Names of languages, programs, formats, types and methods.
const NAMES: [&str; 18] = [
    "Atom",
    "JSON",
    "curl",
    "JavaScript",
    "Python",
    "Rust",
    "Java",
    "OpenAPI",
    "array",
    "object",
    "null",
    "GET",
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "HEAD",
    "OPTIONS",
];

/// A document with all that a page of an operation can tell.
fn told() -> Value {
    let text = json!({ "type": "string" });
    json!({ "openapi": "3.1.0", "info": { "title": "Cart", "version": "1.2" }, "security": [{ "key": [], "login": ["read"] }, {}],
        "paths": { "/carts/{user}": { "post": { "operationId": "show", "deprecated": true, "summary": "Zebra",
            "parameters": [
                { "name": "user", "in": "path", "required": true, "schema": text, "example": "ann" },
                { "name": "tag", "in": "query", "deprecated": true, "schema": { "type": "array", "items": text, "uniqueItems": true, "maxItems": 3 } },
                { "name": "x-a", "in": "header", "schema": { "enum": (0..60).collect::<Vec<_>>() } },
                { "name": "c", "in": "cookie", "schema": { "type": "integer", "minimum": 1, "exclusiveMaximum": 9, "multipleOf": 2, "default": 4 } },
            ],
            "requestBody": { "required": true, "content": {
                "application/json": { "schema": { "$ref": "#/components/schemas/Cart" } }, "text/xml": {} } },
            "responses": { "200": { "headers": { "x-b": { "schema": { "pattern": "^a", "minLength": 2, "maxLength": 4 } } },
                "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Cart" } } } }, "404": { "description": "Zebra" } } },
            "put": { "operationId": "send", "requestBody": { "content": { "image/png": {} } } } } },
        "components": { "schemas": { "Cart": { "type": "object", "required": ["user"], "additionalProperties": text, "properties": {
            "user": { "type": "string", "readOnly": true }, "next": { "$ref": "#/components/schemas/Cart" }, "old": { "deprecated": true },
            "pet": { "oneOf": [text, { "type": "null" }, { "const": 1 }], "discriminator": { "propertyName": "kind" } },
            "any": { "anyOf": [true, { "properties": { "x": {} } }] } } } } } })
}

/// The words of English that are no data's.
fn left(page: &str, data: &str) -> BTreeSet<String> {
    let known: BTreeSet<_> = data.split(|letter: char| !letter.is_alphanumeric()).chain(NAMES).collect();
    words(page).into_iter().filter(|word| !known.contains(word.as_str())).collect()
}

#[tokio::test]
async fn pages_of_apis_have_no_words_of_their_own() {
    let (signer, directory) = (Signer::ephemeral().unwrap(), tempfile::tempdir().unwrap());
    let keys = Keys::open(&crate::keys::Place::File(directory.path().join("keys.yaml")), None).await.unwrap();
    let mut api = of_service();
    api.served.asks_auth_service = true;
    api.served.method = Some("POST".to_owned());
    let known = Site { access: access(&signer), keys: Some(keys), ..site(api, &told(), &[], Some("Zebra")) };
    known.content.store(Arc::new(Content::in_words(strange())));
    let portal = router(known);
    let data = format!("{} {:?} Shop ann shop laptop", told(), of_service());
    for (method, path) in [
        ("GET", "/docs/"),
        ("GET", "/docs/?q=nothing"),
        ("GET", "/docs/doc/shop/cart"),
        ("GET", "/docs/doc/shop/cart/operations/show"),
        ("GET", "/docs/doc/shop/cart/operations/send"),
        ("GET", "/docs/doc/shop/cart/schemas/Cart"),
        ("GET", "/docs/doc/shop/cart/changes"),
        ("GET", "/docs/changes"),
        ("GET", "/docs/search?term=zebra"),
        ("GET", "/docs/search?term=giraffe"),
        ("GET", "/docs/pages/"),
        ("POST", "/docs/keys"),
        ("GET", "/docs/login"),
        ("GET", "/docs/logout"),
        ("GET", "/docs/doc/shop/giraffe"),
        ("GET", "/docs/giraffe"),
    ] {
        for headers in [HeaderMap::new(), signed(&signer, |_| {})] {
            let mut request = Request::builder().method(method).uri(path).body(Body::from("name=laptop")).unwrap();
            *request.headers_mut() = headers;
            request.headers_mut().insert(header::CONTENT_TYPE, "application/x-www-form-urlencoded".parse().unwrap());
            let response = portal.clone().oneshot(request).await.unwrap();
            let body = response.into_body().collect().await.unwrap().to_bytes();
            let page = String::from_utf8_lossy(&body);
            assert!(page.contains('ж') || page.is_empty(), "{path}: {page}");
            let left = left(&page, &format!("{data} {path}"));
            assert!(left.is_empty(), "{path}: {left:?}");
        }
    }
}

#[tokio::test]
async fn pages_of_the_console_have_no_words_of_their_own() {
    let (portal, _controller) = crate::console::tests::portal_in_words("cart", strange()).await;
    let data = format!(
        "{} AuthService TLS Shop URL YAML Authenticated Members Owner ShareLink",
        crate::console::tests::everything("cart")
    );
    for path in crate::console::tests::PAGES.into_iter().chain([
        "/docs/previews",
        "/docs/previews/new",
        "/docs/previews/shop/cart",
        "/docs/previews/shop/cart/changes",
    ]) {
        let request = Request::get(path).header("host", "localhost").body(Body::empty()).unwrap();
        let response = portal.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        let page = response.into_body().collect().await.unwrap().to_bytes();
        let left = left(&String::from_utf8_lossy(&page), &format!("{data} {path}"));
        assert!(left.is_empty(), "{path}: {left:?}");
    }
}
