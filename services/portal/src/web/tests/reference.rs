//! Pages of documents that say little, or more than requests of clients.

use super::*;

#[tokio::test]
async fn a_document_that_says_hardly_anything_has_pages_all_the_same() {
    let bare = [
        json!({ "openapi": "3.1.0" }),
        json!({ "openapi": "3.0.0", "info": null, "paths": { "/b": { "get": {} }, "/a": { "get": {} } } }),
    ];
    for document in bare {
        let portal = portal(&document, None);
        assert!(get(&portal, "/docs/").await.1.contains("shop.cart"));
        let (answer, page) = get(&portal, "/docs/doc/shop/cart").await;
        assert_eq!(answer.status(), StatusCode::OK);
        assert!(page.contains("<h1>cart</h1>") && !page.contains("<h3>"), "its name in the gateway: {page}");
        if document["paths"].is_object() {
            let (_, page) = get(&portal, "/docs/doc/shop/cart/operations/get-b").await;
            assert!(page.contains("<h1>GET /api/b</h1>") && page.contains("Operations"), "{page}");
        }
    }
}

#[tokio::test]
async fn operations_are_listed_in_the_order_of_the_document() {
    let text = r#"{"openapi": "3.1.0", "info": {"title": "T"}, "paths": {
        "/z": {"post": {"tags": ["b"]}, "get": {"tags": ["b"]}}, "/a": {"get": {"tags": ["a"]}}, "/m": {"get": {"tags": ["b"]}}}}"#;
    let api = Arc::new(of_service());
    let document = crate::document::Document::read(text.into()).unwrap();
    let site = site(of_service(), &cart(), &[], None);
    let reference = Some(Arc::new(Reference::new(Arc::clone(&api), Arc::new(document))));
    let catalog = Catalog { entries: vec![Arc::new(Entry::new(api, reference))], is_known: true, ..Catalog::default() };
    site.catalog.store(Arc::new(catalog));
    let portal = router(site);
    let (_, page) = get(&portal, "/docs/doc/shop/cart").await;
    let list = page.split("class=\"operations\"").map(str::to_owned).skip(1).collect::<String>();
    let places =
        ["post-z", "get-z", "get-m", "get-a"].map(|slug| list.find(&format!("operations/{slug}\"")).expect(slug));
    assert!(places.is_sorted(), "{places:?}: {list}");
    let json: Value = serde_json::from_str(&get(&portal, "/docs/api/v1/apis/shop/cart/operations").await.1).unwrap();
    let listed: Vec<_> = json["operations"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(listed, ["post-z", "get-z", "get-m", "get-a"]);
}

#[tokio::test]
async fn the_address_that_pages_here_may_ask_is_the_first() {
    let portal = portal(&cart(), None);
    let [secure, plain] = ["https://shop.example", "http://shop.example:8080"];
    for (host, scheme, first, second) in [
        ("shop.example:8080", "http", plain, secure),
        ("127.0.0.1:8088", "http", plain, secure),
        ("shop.example", "https", secure, plain),
        ("docs.example", "https", secure, plain),
    ] {
        let ask = async |path: &str| {
            let mut request = Request::get(path).body(Body::empty()).unwrap();
            request.headers_mut().insert(header::HOST, host.parse().unwrap());
            request.headers_mut().insert("x-forwarded-proto", scheme.parse().unwrap());
            let body = portal.clone().oneshot(request).await.unwrap().into_body().collect().await.unwrap().to_bytes();
            String::from_utf8_lossy(&body).into_owned()
        };
        let page = ask("/docs/doc/shop/cart/operations/show").await;
        assert!(page.contains(&format!("<option>{first}</option><option>{second}</option>")), "{host}: {page}");
        assert!(page.contains(&format!("curl &#39;{first}/api/carts/user&#39;")), "{host}: {page}");
        let catalog = ask("/docs/").await.replace("<wbr>", "");
        assert!(
            catalog.contains(&format!("{first}/api/")) && !catalog.contains(&format!("{second}/api/")),
            "{catalog}"
        );
    }
}

#[tokio::test]
async fn what_the_service_sends_by_itself_is_listed_as_such() {
    let mut document = cart();
    let order = json!({ "summary": "An order", "requestBody": { "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Cart" } } } },
        "responses": { "204": { "description": "Noted" } } });
    document["paths"]["/carts/{user}"]["get"]["callbacks"] = json!({ "ordered": { "{$request.query.url}/<b>": { "post": order } }, "gone": { "$ref": "#/components/callbacks/gone" } });
    document["components"]["callbacks"] = json!({ "gone": { "{$request.body#/url}": { "delete": {} } } });
    document["components"]["pathItems"] = json!({ "shared": { "get": { "operationId": "by-reference" } } });
    document["paths"]["/shared"] = json!({ "$ref": "#/components/pathItems/shared" });
    document["webhooks"] = json!({ "new order": { "post": order, "put": { "deprecated": true } } });
    let portal = portal(&document, None);
    let (_, page) = get(&portal, "/docs/doc/shop/cart").await;
    for part in [
        "Webhooks",
        "/docs/doc/shop/cart/webhooks/new-order-post",
        "new order",
        "An order",
        "by-reference",
        "2 operations",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let (answer, page) = get(&portal, "/docs/doc/shop/cart/webhooks/new-order-post").await;
    assert_eq!(answer.status(), StatusCode::OK);
    for part in
        ["<h1>An order</h1>", "Nobody sends them through the gateway", "Noted", "<span class=\"kind\">Cart</span>"]
    {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains("id=\"try\""), "{page}");
    assert!(get(&portal, "/docs/doc/shop/cart/webhooks/new-order-post.md").await.1.contains("# An order"));
    assert_eq!(get(&portal, "/docs/doc/shop/cart/webhooks/none").await.0.status(), StatusCode::NOT_FOUND);
    let (_, page) = get(&portal, "/docs/doc/shop/cart/operations/show").await;
    for part in ["Callbacks", "{$request.query.url}/&#60;b&#62;", "{$request.body#/url}", "DELETE", "Noted"] {
        assert!(page.contains(part), "{part}: {page}");
    }
}

#[tokio::test]
async fn servers_that_nobody_asks_are_told() {
    let mut document = cart();
    document["servers"] = json!([{ "url": "https://cart.internal/" }, { "url": "https://{region}.example/v2" }]);
    document["paths"]["/carts/{user}"]["servers"] = json!([{ "url": "https://files.example" }]);
    let portal = portal(&document, None);
    let (_, page) = get(&portal, "/docs/doc/shop/cart").await;
    assert!(page.contains("names further servers") && page.contains("https://{region}.<wbr>example/<wbr>v2"), "{page}");
    let (_, page) = get(&portal, "/docs/doc/shop/cart/operations/show").await;
    assert!(page.contains("another server") && page.contains("https://files.<wbr>example"), "{page}");
    assert!(page.contains("curl &#39;https://shop.example/api/carts/user&#39;"), "{page}");
}

#[tokio::test]
async fn long_lists_have_pages() {
    let mut document = cart();
    let hooks: serde_json::Map<_, _> = (0..450).map(|n| (format!("hook{n:03}"), json!({ "post": {} }))).collect();
    let schemas: serde_json::Map<_, _> = (0..450).map(|n| (format!("Schema{n:03}"), json!({}))).collect();
    document["webhooks"] = Value::Object(hooks);
    document["components"]["schemas"] = Value::Object(schemas);
    let portal = portal(&document, None);
    for (query, hook, schema) in [("", 199, 199), ("?webhooks=2", 449, 199), ("?schemas=1", 0, 399)] {
        let (_, page) = get(&portal, &format!("/docs/doc/shop/cart{query}")).await;
        for link in [format!("webhooks/hook{hook:03}-post\""), format!("schemas/Schema{schema:03}\"")] {
            assert!(page.contains(&link), "{query}: {link}");
        }
        assert!(
            !page.contains("schemas/Schema449") && page.contains("cart?schemas=2") && page.contains("cart?webhooks=2")
        );
    }
}

#[tokio::test]
async fn an_operation_may_be_called_like_the_twin_of_another() {
    let mut document = cart();
    document["paths"]["/other"] = json!({ "get": { "operationId": "show.md", "summary": "Another" } });
    let portal = portal(&document, None);
    let path = "/docs/doc/shop/cart/operations/show.md";
    let (answer, page) = get(&portal, path).await;
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
    assert!(page.contains("<h1>Another</h1>"), "{page}");
    assert!(get(&portal, &format!("{path}.md")).await.1.contains("# Another"));
    assert!(get(&portal, "/docs/doc/shop/cart.md").await.1.contains("# Cart"));
}

#[tokio::test]
async fn forms_of_swagger_are_filled_in_and_sent_as_their_operations_take_them() {
    let field = |name: &str, more: &Value| {
        let mut field = json!({ "name": name, "in": "formData", "type": "array", "items": { "type": "string" } });
        field.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        field
    };
    let name = json!({ "name": "name", "in": "formData", "required": true, "type": "string", "default": "Rex & co" });
    let tags = field("tags", &json!({ "default": ["a b", "c"] }));
    let notes = field("notes", &json!({ "default": ["x", "y"], "collectionFormat": "multi" }));
    let photo = json!({ "name": "photo", "in": "formData", "required": true, "type": "file" });
    let document = json!({ "swagger": "2.0", "info": { "title": "Pets", "version": "1" }, "paths": {
        "/pets": { "post": { "operationId": "adopt", "parameters": [name, tags, notes] } },
        "/plain": { "post": { "operationId": "plain", "consumes": ["multipart/form-data"], "parameters": [name] } },
        "/photos": { "post": { "operationId": "photograph", "parameters": [photo, name] } },
        "/xml": { "put": { "operationId": "replace", "consumes": ["application/xml", "application/json"],
            "parameters": [{ "name": "pet", "in": "body", "schema": { "type": "object" } }] } } } });
    let portal = portal(&document, None);
    let page = async |slug: &str| get(&portal, &format!("/docs/doc/shop/cart/operations/{slug}")).await.1;
    let adopt = page("adopt").await;
    let body = "name=Rex%20%26%20co&#38;tags=a%20b,c&#38;notes=x&#38;notes=y";
    assert_eq!(adopt.matches(body).count(), 7, "in each language and in the form: {adopt}");
    assert!(adopt.contains("data-media=\"application/x-www-form-urlencoded\""), "{adopt}");
    let plain = page("plain").await;
    assert!(plain.contains("id=\"try-upload\" data-media=\"multipart/form-data\""), "{plain}");
    assert!(plain.contains("--form-string &#39;name=TEXT&#39;"), "{plain}");
    let photograph = page("photograph").await;
    assert!(photograph.contains("data-part=\"photo\" type=\"file\" required"), "{photograph}");
    assert!(photograph.contains("-F &#39;photo=@FILE&#39;"), "{photograph}");
    let replace = page("replace").await;
    let choices = ["<option data-example=\"{}\">application/json", "<option data-example=\"\">application/xml"];
    let places = choices.map(|choice| replace.find(choice).unwrap_or_else(|| panic!("{choice}: {replace}")));
    assert!(places.is_sorted(), "what programs speak goes first");
}

#[tokio::test]
async fn answers_may_say_what_they_are_in_short() {
    let mut document = cart();
    document["openapi"] = json!("3.2.0");
    let responses =
        json!({ "200": { "summary": "The cart, in short" }, "404": { "summary": "s", "description": "No such cart" } });
    document["paths"]["/carts/{user}"]["get"]["responses"] = responses;
    let (_, page) = get(&portal(&document, None), "/docs/doc/shop/cart/operations/show").await;
    assert!(page.contains("The cart, in short") && page.contains("No such cart"), "{page}");
}
