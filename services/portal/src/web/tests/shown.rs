//! What a DevPortal and an operator make of pages, and how they are sent.

use super::*;
use crate::gateway::{Naming, PortalSpec, Scope};

fn told_by(portal: PortalSpec) -> Router {
    let site = site(of_service(), &cart(), &[], None);
    let catalog = Catalog { portal, ..(**site.catalog.load()).clone() };
    site.search.store(Arc::new(Some(Search::new(&catalog, &Content::default()).unwrap())));
    site.catalog.store(Arc::new(catalog));
    router(site)
}

#[tokio::test]
async fn apis_are_at_the_addresses_that_edge_stack_gave_them() {
    let portal = told_by(PortalSpec { naming: Naming::Prefix, ..PortalSpec::default() });
    assert!(get(&portal, "/docs/").await.1.contains("cart.api"));
    for path in ["/docs/doc/cart/api", "/docs/doc/cart/%2Fapi%2F"] {
        assert!(get(&portal, path).await.1.contains("<h1>Cart"), "{path}");
    }
    let (answer, _) = get(&portal, "/docs/doc/Cart").await;
    assert_eq!(answer.headers()[header::LOCATION], "/docs/doc/shop/cart");
    let portal = told_by(PortalSpec::default());
    assert!(get(&portal, "/docs/").await.1.contains("shop.cart"));
    assert_eq!(get(&portal, "/docs/doc/cart/api").await.0.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn prefixes_of_several_segments_are_addresses_as_well() {
    let site = site(of_service(), &cart(), &[], None);
    let mut api = of_service();
    api.served.path = crate::gateway::Path::Prefix("/api/v2/my carts/".to_owned());
    let named = |naming| Catalog {
        entries: vec![Arc::new(Entry::new(Arc::new(api.clone()), None))],
        portal: PortalSpec { naming, ..PortalSpec::default() },
        ..Catalog::default()
    };
    site.catalog.store(Arc::new(named(Naming::Prefix)));
    let portal = router(site.clone());
    for path in [
        "/docs/doc/cart/api/v2/my%20carts",
        "/docs/doc/cart/api/v2/my%20carts/",
        "/docs/doc/cart/api%2Fv2%2Fmy%20carts",
    ] {
        let (answer, page) = get(&portal, path).await;
        match answer.headers().get(header::LOCATION) {
            Some(to) => assert_eq!(to, "/docs/doc/shop/cart", "{path}"),
            None => assert!(page.contains("<h1>cart"), "{path}: {page}"),
        }
    }
    for path in ["/docs/doc/cart/api/v3/my%20carts", "/docs/doc/other/api/v2/my%20carts", "/docs/doc/cart/api/v2"] {
        assert_eq!(get(&portal, path).await.0.status(), StatusCode::NOT_FOUND, "{path}");
    }
    site.catalog.store(Arc::new(named(Naming::Namespace)));
    assert_eq!(get(&portal, "/docs/doc/cart/api/v2/my%20carts").await.0.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_dev_portal_turns_the_search_off() {
    let portal = told_by(PortalSpec { search: Scope::Off, ..PortalSpec::default() });
    assert!(!get(&portal, "/docs/").await.1.contains("role=\"search\""));
    assert!(get(&portal, "/docs/search?term=cart").await.1.contains("There is no search here"));
    assert_eq!(get(&portal, "/docs/api/search?term=cart").await.1, "[]");
}

#[tokio::test]
async fn a_document_keeps_its_servers_where_a_dev_portal_says_so() {
    let mut document = cart();
    document["servers"] = json!([{ "url": "https://api.example/v1" }]);
    let api = Arc::new(Api { keeps_servers: true, ..of_service() });
    let read = crate::document::Document::read(document.to_string().into()).unwrap();
    let reference = crate::reference::Reference::new(api, Arc::new(read));
    assert_eq!(reference.value(), &document);
    assert_eq!(reference.operations[0].path, "/api/v1/carts/{user}", "pages tell how it is reached here");
}

/// A portal that shows what is in a directory.
async fn with_content(place: &std::path::Path) -> Router {
    let site = site(of_service(), &cart(), &[], None);
    let changed = Arc::new(Notify::new());
    let (catalog, content, wish) = (Arc::clone(&site.catalog), Arc::clone(&site.content), Arc::default());
    let root = Some(place.to_owned());
    let following = tokio::spawn(crate::content::follow(root, catalog, content, Arc::clone(&changed), wish));
    changed.notified().await;
    following.abort();
    site.search.store(Arc::new(Some(Search::new(&site.catalog.load(), &site.content.load()).unwrap())));
    router(site)
}

#[tokio::test]
async fn a_landing_page_for_some_is_kept_from_others() {
    let place = tempfile::tempdir().unwrap();
    for (head, is_shown) in [("", true), ("---\nvisible_to: [staff]\n---\n", false)] {
        std::fs::write(place.path().join("landing.md"), format!("{head}A giraffe.")).unwrap();
        let page = get(&with_content(place.path()).await, "/docs/").await.1;
        assert_eq!(page.contains("A giraffe."), is_shown, "{head}");
    }
}

#[tokio::test]
async fn pages_of_the_operator_are_shown_found_and_kept_from_others() {
    let place = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(place.path().join(name), text).unwrap();
    write("landing.md", "# Hello developers\n\nWelcome to *the shop*.");
    write("first.md", "# First call\n\nTake a zebra. ![](logo.svg)");
    write("second.md", "---\ntitle: Short\n---\n![](logo.svg)\n\n# The long heading\n\n### Sub");
    write("staff.md", "---\ntitle: Staff\nvisible_to: [staff]\n---\nA giraffe.");
    write("logo.svg", "<svg xmlns='http://www.w3.org/2000/svg'/>");
    write("portal.yaml", "title: The Shop\nlogo: logo.svg\ncolors: {accent: '#0b6e4f'}\n");
    write("texts.yaml", "language: de\nchanges: Änderungen\n");
    let portal = with_content(place.path()).await;

    let (_, page) = get(&portal, "/docs/").await;
    for part in [
        "<html lang=\"de\">",
        "The Shop",
        "<h1>Hello developers</h1>",
        "<h2>APIs</h2>",
        "<em>the shop</em>",
        "Änderungen",
        "/docs/files/logo.svg",
        "/docs/pages/first",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains("Staff"), "{page}");
    let theme = page.split('"').find(|part| part.starts_with("/docs/theme/")).unwrap();
    assert!(get(&portal, theme).await.1.contains("--accent: #0b6e4f;"));
    let (answer, page) = get(&portal, "/docs/pages/first").await;
    assert!(page.contains("<h1>First call</h1>") && page.contains("Take a zebra."), "{page}");
    assert!(answer.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().contains("img-src 'self'"));
    let (_, page) = get(&portal, "/docs/pages/second").await;
    assert!(page.contains("<h1>The long heading</h1>") && page.contains("<h2>Sub</h2>"), "{page}");
    assert!(page.contains(">Short</a>") && page.contains("<title>Short · The Shop"), "{page}");
    let (_, feed) = get(&portal, "/docs/changes/feed.atom").await;
    assert!(feed.contains("· The Shop</title>") && feed.contains("<name>The Shop</name>"), "{feed}");
    assert!(get(&portal, "/docs/pages/first.md").await.1.contains("# First call"));
    assert!(get(&portal, "/docs/llms.txt").await.1.contains("[First call](/docs/pages/first.md)"));
    assert!(get(&portal, "/docs/api/search?term=zebra").await.1.contains("\"kind\":\"page\""));
    assert_eq!(get(&portal, "/docs/api/search?term=giraffe").await.1, "[]");
    assert_eq!(get(&portal, "/docs/pages/staff").await.0.status(), StatusCode::NOT_FOUND);
    let (picture, _) = get(&portal, "/docs/files/logo.svg").await;
    assert_eq!(picture.headers()[header::CONTENT_TYPE], "image/svg+xml");
    assert!(picture.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().contains("sandbox"));
    assert_eq!(get(&portal, "/docs/files/portal.yaml").await.0.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn whose_an_api_is_is_told_and_chosen_by() {
    let mut document = cart();
    document["info"]["x-team"] = json!("carts");
    document["info"]["x-tags"] = json!(["public", "<b>"]);
    let mut api = of_service();
    api.served.annotations = [("nuncio.dev/owner".to_owned(), "Ada".to_owned())].into();
    let portal = router(site(api, &document, &[], None));
    let (_, page) = get(&portal, "/docs/").await;
    assert!(page.contains("Ada") && page.contains("tag=public") && page.contains("team=carts"), "{page}");
    assert!(!page.contains("<b>"), "{page}");
    for (query, is_there) in [("team=carts", true), ("tag=public", true), ("tag=x", false), ("team=x", false)] {
        let (_, page) = get(&portal, &format!("/docs/?{query}")).await;
        assert_eq!(page.contains("href=\"/docs/doc/shop/cart\""), is_there, "{query}");
    }
    assert!(get(&portal, "/docs/doc/shop/cart").await.1.contains("<dd>Ada</dd>"));
    let json: Value = serde_json::from_str(&get(&portal, "/docs/api/v1/apis/shop/cart").await.1).unwrap();
    assert_eq!((&json["owner"], &json["team"], &json["tags"][0]), (&json!("Ada"), &json!("carts"), &json!("public")));
    assert!(get(&portal, "/docs/api/search?term=ada").await.1.contains("Cart"));
}

async fn encoded(portal: &Router, path: &str, accepted: &str) -> (HeaderMap, Vec<u8>) {
    let request = Request::get(path).header(header::ACCEPT_ENCODING, accepted).body(Body::empty()).unwrap();
    let (parts, body) = portal.clone().oneshot(request).await.unwrap().into_parts();
    (parts.headers, body.collect().await.unwrap().to_bytes().to_vec())
}

fn unpacked(encoding: &str, bytes: &[u8]) -> String {
    let mut text = String::new();
    match encoding {
        "br" => std::io::Read::read_to_string(&mut brotli::Decompressor::new(bytes, 4096), &mut text).unwrap(),
        _ => std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(bytes), &mut text).unwrap(),
    };
    text
}

#[tokio::test]
async fn answers_are_compressed_as_the_client_takes_them() {
    let portal = portal(&cart(), None);
    let style = assets::STYLE.path().to_owned();
    for path in ["/docs/", &style, "/openapi/services/shop/cart/openapi.json"] {
        let plain = encoded(&portal, path, "identity").await;
        assert!(!plain.0.contains_key(header::CONTENT_ENCODING), "{path}");
        for encoding in ["br", "gzip"] {
            let (headers, body) = encoded(&portal, path, &format!("{encoding}, x;q=0.5")).await;
            assert_eq!(headers[header::CONTENT_ENCODING], encoding, "{path}");
            assert_eq!(unpacked(encoding, &body).as_bytes(), plain.1, "{path}");
            assert!(body.len() < plain.1.len(), "{path}: {encoding}");
            let vary: Vec<_> = headers.get_all(header::VARY).iter().map(|value| value.to_str().unwrap()).collect();
            assert!(vary.join(", ").contains("accept-encoding"), "{path}: {vary:?}");
        }
        assert!(!encoded(&portal, path, "br;q=0").await.0.contains_key(header::CONTENT_ENCODING), "{path}");
    }
    let (page, _) = encoded(&portal, "/docs/", "br").await;
    assert!(page.get_all(header::VARY).iter().any(|value| value == "accept"), "markdown may be had there, too");
}
