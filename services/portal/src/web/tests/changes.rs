//! What has changed, on pages and in feeds.

use super::*;

/// The cart, of which an answer has lost a property and a request has a new one that is required.
pub(super) fn later_cart() -> Value {
    let mut cart = cart();
    cart["paths"]["/carts/{user}"]["get"]["parameters"]
        .as_array_mut()
        .unwrap()
        .push(json!({ "name": "currency", "in": "query", "required": true, "schema": { "type": "string" } }));
    cart["components"]["schemas"]["Cart"] = json!({ "type": "object" });
    cart
}

#[tokio::test]
async fn a_change_is_told_on_pages_and_to_programs() {
    let portal = portal_since(&later_cart(), &[cart()], None);
    let (_, page) = get(&portal, "/docs/doc/shop/cart").await;
    assert!(page.contains("href=\"/docs/doc/shop/cart/changes\"") && page.contains("badge breaking"), "{page}");
    let (_, page) = get(&portal, "/docs/doc/shop/cart/changes").await;
    for part in [
        "id=\"v2\"",
        "query parameter currency",
        "Cart in responses › user",
        "href=\"/docs/doc/shop/cart/operations/show\"",
        "2 breaking",
        "/openapi/services/shop/cart/versions/1",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let (_, page) = get(&portal, "/docs/changes").await;
    assert!(page.contains("href=\"/docs/doc/shop/cart/changes#v2\"") && !page.contains("#v1"), "{page}");
    let (_, before) = get(&portal, "/openapi/services/shop/cart/versions/1").await;
    assert_eq!(before, cart().to_string());
    assert_eq!(get(&portal, "/openapi/services/shop/cart/versions/3").await.0.status(), StatusCode::NOT_FOUND);

    let (_, json) = get(&portal, "/docs/api/v1/apis/shop/cart/changes").await;
    let versions: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&versions[0]["severity"], &versions[1]["severity"]), (&json!("breaking"), &Value::Null));
    assert_eq!(versions[0]["changes"][0]["operations"], json!(["GET /api/carts/{user}"]));
    let (_, json) = get(&portal, "/docs/api/v1/changes").await;
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), json!([versions[0]]));
    let (_, json) = get(&portal, "/docs/api/v1/openapi.json").await;
    let described: Value = serde_json::from_str(&json).unwrap();
    assert!(described["paths"]["/docs/api/v1/apis/{namespace}/{name}/changes"].is_object(), "{json}");
}

#[tokio::test]
async fn what_never_changed_says_so() {
    let portal = portal(&cart(), None);
    let (_, page) = get(&portal, "/docs/doc/shop/cart").await;
    assert!(page.contains("/docs/doc/shop/cart/changes") && !page.contains("badge breaking"), "{page}");
    let (_, page) = get(&portal, "/docs/doc/shop/cart/changes").await;
    assert!(page.contains("the first that was seen"), "{page}");
    assert!(get(&portal, "/docs/changes").await.1.contains("No API has changed"));
    assert_eq!(get(&portal, "/docs/doc/shop/nothing/changes").await.0.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn feeds_tell_of_changes_and_stay_well_formed() {
    let evil = "</title><script>alert(1)</script>&\u{8}]]>";
    let mut after = later_cart();
    after["info"]["title"] = json!(evil);
    after["paths"]["/carts/{user}"]["get"]["parameters"][1]["name"] = json!(evil);
    let portal = portal_since(&after, &[cart()], None);
    let mut names = std::collections::BTreeSet::new();
    for place in ["/docs/changes", "/docs/doc/shop/cart/changes"] {
        let (response, atom) = get(&portal, &format!("{place}/feed.atom")).await;
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/atom+xml; charset=utf-8");
        assert!(!atom.contains("<script") && !atom.contains('\u{8}'), "{atom}");
        assert_eq!((atom.matches("<entry>").count(), atom.matches("urn:uuid:").count()), (1, 2), "{atom}");
        names.insert(atom.split("</id>").next().unwrap().to_owned());
        let (_, text) = get(&portal, &format!("{place}/feed.json")).await;
        let feed: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&feed["items"][0]["tags"], feed["items"].as_array().unwrap().len()), (&json!(["breaking"]), 1));
        let content = feed["items"][0]["content_html"].as_str().unwrap();
        assert!(content.contains("breaking: ") && !content.contains("<script"), "{content}");
        assert_eq!(get(&portal, &format!("{place}/feed.rss")).await.0.status(), StatusCode::NOT_FOUND);
    }
    assert_eq!(names.len(), 2, "each feed has a name of its own");
    let (_, page) = get(&portal, "/docs/doc/shop/cart/changes").await;
    assert_eq!(page.matches("<script").count(), 1, "{page}");
}
