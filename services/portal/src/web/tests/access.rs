//! Who reads, and what he sees.

use nuncio_auth::jwt::Signer;
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

use super::changes::later_cart;
use super::*;
use crate::access::tests::{access, signed};
use crate::history::tests::said_to;

/// Every page, list, feed and document that tells of an API.
const TELLING: [&str; 14] = [
    "/docs/",
    "/docs/doc/shop/cart",
    "/docs/doc/shop/cart/operations/show",
    "/docs/doc/shop/cart/schemas/Cart",
    "/docs/doc/shop/cart/changes",
    "/docs/doc/shop/cart/changes/feed.atom",
    "/docs/changes",
    "/docs/changes/feed.atom",
    "/docs/changes/feed.json",
    "/docs/search?term=currency",
    "/docs/api/search?term=currency",
    "/docs/api/v1/apis",
    "/docs/api/v1/apis/shop/cart",
    "/openapi/services/shop/cart/openapi.json",
];

#[tokio::test]
async fn what_is_for_a_group_is_told_to_nobody_else() {
    let signer = Signer::ephemeral().unwrap();
    let mut api = of_service();
    api.served.docs.as_mut().unwrap().visible_to = Some(vec!["staff".to_owned()]);
    let mut document = later_cart();
    document["info"]["title"] = json!("Zebra");
    let portal = router(Site { access: access(&signer), ..site(api, &document, &[cart()], None) });
    let ask = async |path: &str, headers: HeaderMap| {
        let mut request = Request::get(path).body(Body::empty()).unwrap();
        *request.headers_mut() = headers;
        let response = portal.clone().oneshot(request).await.unwrap();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        String::from_utf8_lossy(&body).into_owned()
    };
    let guest = || signed(&signer, |claims| claims["groups"] = json!(["guests"]));
    for path in TELLING {
        let told = ask(path, signed(&signer, |_| {})).await;
        assert!(told.contains("Zebra"), "{path} for the staff: {told}");
        for headers in [HeaderMap::new(), guest()] {
            let told = ask(path, headers).await;
            assert!(!told.contains("Zebra"), "{path} for others: {told}");
        }
    }
    let changes = "/docs/api/v1/changes";
    assert!(ask(changes, signed(&signer, |_| {})).await.len() > 2);
    assert_eq!(ask(changes, guest()).await, "[]");
    for path in ["original", "versions/1"] {
        let told = ask(&format!("/openapi/services/shop/cart/{path}"), guest()).await;
        assert!(!told.contains("\"openapi\""), "{path}: {told}");
    }
}

/// A controller that says that every request gets the route of the cart, behind a Filter.
async fn controller() -> (String, AbortOnDropHandle<()>) {
    let explained = json!({ "outcome": "forwarded to zebra-cart-1 as /", "route": { "origin":
            [{ "kind": "Mapping", "namespace": "shop", "name": "cart" }] },
        "protection": [{ "by": "zebra.shop#0", "filters": ["zebra.shop (JWT)"], "applies": true, "outcome": "asked at zebra" }],
        "limits": [{ "labels": "generic_key=zebra, user=ann", "of_request": "user=ann", "limit": "5 per hour", "outcome": "answered 429 beyond that if zebra is asked" },
            { "labels": "destination_cluster=zebra", "limit": null, "outcome": "zebra is asked" }] });
    let previews = json!({ "items": [{ "namespace": "shop", "name": "pr-42", "access": "Public", "source": null,
        "urls": [{ "entrypoint": "web", "baseline": "shop.example", "url": "https://web--zebra.example/" }],
        "services": [{ "baseline": "cart", "backend": "zebra" }], "problems": [] }], "total": 1 });
    let route = |name: &str, kinds: &[&str]| {
        let origin: Vec<_> =
            kinds.iter().map(|kind| json!({ "kind": kind, "namespace": "shop", "name": name })).collect();
        json!({ "match": format!("prefix /{name}/"), "action": "forward", "origin": origin,
            "backends": [{ "cluster": "c-1", "invalid": null }] })
    };
    let routes = json!({ "items": [route("cart", &["Mapping"]), route("vault", &["Mapping"]), route("tax", &["Mapping", "Preview"])], "total": 3 });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let says = |said: Value| async move || axum::Json(said);
    let app = axum::Router::new()
        .route("/api/v1/explain", axum::routing::post(says(explained)))
        .route("/api/v1/preview-list", axum::routing::post(says(previews)))
        .route("/api/v1/routes", axum::routing::get(says(routes)));
    let serving = tokio::spawn(async { axum::serve(listener, app).await.unwrap() });
    (address, AbortOnDropHandle::new(serving))
}

/// Status and body of the answer to a request for an explanation.
pub(super) async fn explained(portal: &Router, api: &str, url: &str, headers: HeaderMap) -> (StatusCode, String) {
    let asked = json!({ "method": "GET", "url": url }).to_string();
    let mut request = Request::post(format!("/docs/api/v1/apis/{api}/explain")).body(Body::from(asked)).unwrap();
    *request.headers_mut() = headers;
    request.headers_mut().insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
    let (parts, body) = portal.clone().oneshot(request).await.unwrap().into_parts();
    (parts.status, String::from_utf8_lossy(&body.collect().await.unwrap().to_bytes()).into_owned())
}

#[tokio::test]
async fn a_request_is_explained_as_far_as_it_is_for_the_reader() {
    let signer = Signer::ephemeral().unwrap();
    let (address, _controller) = controller().await;
    let mut site = Site { access: access(&signer), ..site(of_service(), &cart(), &[], None) };
    site.console.admin = Admin::new(&address).unwrap();
    site.console.groups = Arc::new(["staff".to_owned()]);
    let url = "https://shop.example/api/carts/ann";
    let portal = router(site.clone());
    let (status, told) = explained(&portal, "shop/cart", url, HeaderMap::new()).await;
    assert_eq!(status, StatusCode::OK, "{told}");
    assert!(!told.contains("zebra"), "{told}");
    for part in ["forwarded to the service", "user=ann", "5 per hour", "answered 429 beyond that"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let (_, told) = explained(&portal, "shop/cart", url, signed(&signer, |_| {})).await;
    assert!(told.contains("zebra.shop#0") && told.contains("zebra.shop (JWT)"), "{told}");

    // Another API at the same address, of which only members of a group are told.
    let mut other = of_service();
    other.id.name = "other".to_owned();
    other.served.name = "other".to_owned();
    let mut entry = (**site.catalog.load().entries.first().unwrap()).clone();
    entry.api = Arc::new(other);
    let mut hidden = of_service();
    hidden.served.docs.as_mut().unwrap().visible_to = Some(vec!["staff".to_owned()]);
    let hidden = Entry { api: Arc::new(hidden), ..entry.clone() };
    let entries = vec![Arc::new(entry), Arc::new(hidden)];
    site.catalog.store(Arc::new(Catalog { entries, ..(**site.catalog.load()).clone() }));
    let guest = || signed(&signer, |claims| claims["groups"] = json!(["guests"]));
    for headers in [HeaderMap::new(), guest()] {
        for api in ["shop/other", "shop/cart"] {
            let (status, told) = explained(&portal, api, url, headers.clone()).await;
            assert_eq!((status, told.as_str()), (StatusCode::NOT_FOUND, ""), "{api}");
        }
    }
    assert_eq!(explained(&portal, "shop/other", url, signed(&signer, |_| {})).await.0, StatusCode::OK);
}

#[tokio::test]
async fn previews_and_their_routes_are_told_to_whom_they_are_for() {
    let signer = Signer::ephemeral().unwrap();
    let (address, _controller) = controller().await;
    let mut site = Site { access: access(&signer), ..site(of_service(), &cart(), &[], None) };
    site.console.admin = Admin::new(&address).unwrap();
    let portal = router(site);
    let ask = async |path: &str, headers: HeaderMap| {
        let mut request = Request::get(path).body(Body::empty()).unwrap();
        *request.headers_mut() = headers;
        let (parts, body) = portal.clone().oneshot(request).await.unwrap().into_parts();
        format!("{:?} {}", parts.headers, String::from_utf8_lossy(&body.collect().await.unwrap().to_bytes()))
    };
    let operation = "/docs/doc/shop/cart/operations/show";
    assert!(!ask(operation, HeaderMap::new()).await.contains("zebra"));
    assert!(ask(operation, signed(&signer, |_| {})).await.contains("https://web--zebra.example"));
    let there = "https://web--zebra.example/api/carts/ann";
    assert_eq!(explained(&portal, "shop/cart", there, HeaderMap::new()).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(explained(&portal, "shop/cart", there, signed(&signer, |_| {})).await.0, StatusCode::OK);

    let page = ask("/docs/previews/shop/pr-42", signed(&signer, |_| {})).await;
    assert!(page.contains("prefix /cart/") && page.contains("prefix /tax/"), "{page}");
    assert!(!page.contains("vault"), "the catalog has no such API: {page}");
}

#[tokio::test]
async fn requests_are_tried_in_five_hundred_previews_and_no_more() {
    let signer = Signer::ephemeral().unwrap();
    let preview = |number: usize| {
        json!({ "namespace": "shop", "name": format!("pr-{number}"), "access": "Public", "source": null,
        "urls": [{ "entrypoint": "web", "baseline": "shop.example", "url": format!("https://web--pr-{number:03}.example/") }],
        "services": [{ "baseline": "cart", "backend": "cart-pr" }], "problems": [] })
    };
    let previews = json!({ "items": (0..510).map(preview).collect::<Vec<_>>(), "total": 510 });
    let explained_as = json!({ "outcome": "404", "route": { "origin": [{ "kind": "Mapping", "namespace": "shop", "name": "cart" }] },
        "protection": [], "limits": [] });
    let says = |said: Value| axum::routing::post(async move || axum::Json(said));
    let app =
        axum::Router::new().route("/api/v1/preview-list", says(previews)).route("/api/v1/explain", says(explained_as));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let _controller = AbortOnDropHandle::new(tokio::spawn(async { axum::serve(listener, app).await.unwrap() }));
    let mut site = Site { access: access(&signer), ..site(of_service(), &cart(), &[], None) };
    site.console.admin = Admin::new(&address).unwrap();
    let portal = router(site);
    let mut request = Request::get("/docs/doc/shop/cart/operations/show").body(Body::empty()).unwrap();
    *request.headers_mut() = signed(&signer, |_| {});
    let (parts, body) = portal.clone().oneshot(request).await.unwrap().into_parts();
    let page = String::from_utf8_lossy(&body.collect().await.unwrap().to_bytes()).into_owned();
    let policy = parts.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert_eq!(page.matches("<option value=\"https://web--pr-").count(), 500);
    assert_eq!(policy.matches("https://web--pr-").count(), 500, "what is offered may be asked");
    for (number, expected) in [(499, StatusCode::OK), (500, StatusCode::BAD_REQUEST)] {
        let url = format!("https://web--pr-{number:03}.example/api/carts/ann");
        assert_eq!(explained(&portal, "shop/cart", &url, signed(&signer, |_| {})).await.0, expected, "{number}");
    }
}

#[tokio::test]
async fn a_reader_sees_who_he_is_and_the_way_in_and_out() {
    let signer = Signer::ephemeral().unwrap();
    let site = Site { access: access(&signer), ..site(of_service(), &cart(), &[], None) };
    let without = Catalog { has_login: false, ..(**site.catalog.load()).clone() };
    let without = router(Site { catalog: Arc::new(ArcSwap::from_pointee(without)), ..site.clone() });
    assert!(!get(&without, "/docs/").await.1.contains("/docs/login"), "there is none to be had");
    let portal = router(site);
    let (_, page) = get(&portal, "/docs/doc/shop/cart?page=0").await;
    assert!(page.contains("href=\"/docs/login?to=%2Fdocs%2Fdoc%2Fshop%2Fcart%3Fpage%3D0\""), "{page}");
    assert_eq!(get(&portal, "/docs/login?to=/docs/").await.0.status(), StatusCode::FORBIDDEN, "no Filter guards it");

    let mut request = Request::get("/docs/login?to=%2Fdocs%2Fchanges").body(Body::empty()).unwrap();
    *request.headers_mut() = signed(&signer, |_| {});
    let response = portal.clone().oneshot(request).await.unwrap();
    assert_eq!(response.headers()[header::LOCATION], "/docs/changes");

    let page = way_out(&portal, signed(&signer, |_| {}), "ambassador_xsrf.login.default=x\"y").await;
    assert!(
        page.contains(">ann</span>") && page.contains("logout?realm=login.default\"") && !page.contains("x\"y"),
        "{page}"
    );
}

/// The page that ends logins, of a browser with these cookies.
async fn way_out(portal: &Router, headers: HeaderMap, logins: &str) -> String {
    let mut request = Request::get("/docs/logout").body(Body::empty()).unwrap();
    *request.headers_mut() = headers;
    request.headers_mut().insert(header::COOKIE, format!("a=b; {logins}").parse().unwrap());
    let body = portal.clone().oneshot(request).await.unwrap().into_body().collect().await.unwrap().to_bytes();
    String::from_utf8_lossy(&body).into_owned()
}

#[tokio::test]
async fn a_login_is_called_by_what_people_know_of_it() {
    let signer = Signer::ephemeral().unwrap();
    let portal = router(Site { access: access(&signer), ..site(of_service(), &cart(), &[], None) });
    let one = "ambassador_xsrf.login.default=x";
    let two = "ambassador_xsrf.login.default=x; ambassador_xsrf.staff.shop=y";
    let of_login = |realm: &str| signed(&signer, |claims| claims["realm"] = json!(realm));
    let of_filter = || signed(&signer, |claims| claims["idp"] = json!("keys.default"));
    for (headers, logins, words) in [
        (of_login("login.default"), one, &["End the login of ann at idp.example<"][..]),
        (of_filter(), one, &["End the login at shop.example<"]),
        // By a token, or by a login that this browser has no cookie of: the one that would end is another.
        (signed(&signer, |_| {}), one, &["End the login at shop.example<"]),
        (of_login("staff.shop"), one, &["End the login at shop.example<"]),
        (of_login("login.default"), two, &["at shop.example: login.default<", "at shop.example: staff.shop<"]),
    ] {
        let page = way_out(&portal, headers, logins).await;
        assert!(words.iter().all(|words| page.contains(words)), "{words:?}: {page}");
    }
}

#[tokio::test]
async fn who_comes_by_another_name_logs_in_where_the_gateway_has_the_portal() {
    let signer = Signer::ephemeral().unwrap();
    let site = Site { access: access(&signer), ..site(of_service(), &cart(), &[], None) };
    let addresses = vec!["https://shop.example".to_owned(), "http://shop.example:8080".to_owned()];
    site.catalog.store(Arc::new(Catalog { addresses, ..(**site.catalog.load()).clone() }));
    let portal = router(site);
    for (host, scheme, expected) in [
        ("127.0.0.1:8088", "http", "href=\"http://shop.example:8080/docs/login?to=%2Fdocs%2F\""),
        ("127.0.0.1:8088", "https", "href=\"https://shop.example/docs/login?to=%2Fdocs%2F\""),
        ("shop.example:8080", "http", "href=\"/docs/login?to=%2Fdocs%2F\""),
    ] {
        let request = Request::get("/docs/").header("host", host).header("x-forwarded-proto", scheme);
        let response = portal.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let page = String::from_utf8_lossy(&body);
        assert!(page.contains(expected), "{host}: {page}");
    }
}

#[tokio::test]
async fn who_would_log_in_inside_a_preview_is_told_to_do_so_outside() {
    let signer = Signer::ephemeral().unwrap();
    let portal = router(Site { access: access(&signer), ..site(of_service(), &cart(), &[], None) });
    // The header is that of a preview's own address, and of the baseline's where it chooses a preview: there rules help.
    for (header, is_in_preview) in [("x-nuncio-preview", true), ("x-other", false)] {
        let request = Request::get("/docs/login").header("host", "shop.example").header(header, "key");
        let response = portal.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), 403);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let page = String::from_utf8_lossy(&body);
        let (inside, rules) = (page.find("own address: "), page.find("- {host: HOST, path: /docs/login,"));
        assert!(inside.is_some() == is_in_preview && rules.is_some(), "{header}: {page}");
        assert!(inside < rules, "{header}: {page}");
    }
}

#[tokio::test]
async fn no_login_is_offered_that_does_not_lead_back_to_the_console() {
    let signer = Signer::ephemeral().unwrap();
    let mut site = Site { access: access(&signer), ..site(of_service(), &cart(), &[], None) };
    site.console.groups = Arc::new(["staff".to_owned()]);
    let addresses = vec!["http://shop.example:8080".to_owned()];
    for (host, console_addresses, expected) in [
        ("127.0.0.1:8088", vec![], None),
        ("127.0.0.1:8088", addresses.clone(), Some("href=\"http://shop.example:8080/docs/login?to=%2Fconsole%2F\"")),
        ("shop.example:8080", vec![], Some("href=\"/docs/login?to=%2Fconsole%2F\"")),
    ] {
        let before = site.catalog.load_full();
        site.catalog.store(Arc::new(Catalog { addresses: addresses.clone(), console_addresses, ..(*before).clone() }));
        let request = Request::get("/console/").header("host", host).body(Body::empty()).unwrap();
        let body = router(site.clone()).oneshot(request).await.unwrap().into_body().collect().await.unwrap().to_bytes();
        let page = String::from_utf8_lossy(&body);
        match expected {
            Some(expected) => assert!(page.contains(expected), "{host}: {page}"),
            None => assert!(!page.contains("/docs/login"), "{host}: {page}"),
        }
    }
}

#[tokio::test]
async fn with_a_group_the_console_is_for_its_members_alone() {
    let signer = Signer::ephemeral().unwrap();
    let mut site = Site { access: access(&signer), ..site(of_service(), &cart(), &[], None) };
    site.console.groups = Arc::new(["staff".to_owned()]);
    let portal = router(site);
    let status = async |headers: HeaderMap| {
        let mut request = Request::get("/console/").body(Body::empty()).unwrap();
        *request.headers_mut() = headers;
        portal.clone().oneshot(request).await.unwrap().status()
    };
    let guest = signed(&signer, |claims| claims["groups"] = json!(["guests"]));
    let local = HeaderMap::from_iter([(header::HOST, "localhost".parse().unwrap())]);
    assert_eq!((status(guest).await, status(local).await), (StatusCode::FORBIDDEN, StatusCode::FORBIDDEN));
    assert_eq!(status(signed(&signer, |_| {})).await, StatusCode::BAD_GATEWAY, "there is no controller to ask");
}

#[tokio::test]
async fn what_an_api_of_the_same_name_was_for_fewer_is_told_to_them_alone() {
    let signer = Signer::ephemeral().unwrap();
    let mut secret = cart();
    secret["info"]["title"] = json!("Zebra");
    let site = Site { access: access(&signer), ..site(of_service(), &later_cart(), &[], None) };
    let history = History::default();
    history.record(&said_to(Some(&["staff"]), &secret));
    history.record(&said_to(None, &later_cart()));
    let site = Site { history: Arc::new(history), ..site };
    let changes = "/docs/api/v1/apis/shop/cart/changes";
    for (path, is_for_staff) in
        [("/openapi/services/shop/cart/versions/1", true), (changes, false), ("/docs/doc/shop/cart/changes", false)]
    {
        let staff = super::edge::ask(&site, path, signed(&signer, |_| {})).await;
        assert_eq!(staff.contains("Zebra"), is_for_staff, "{path}: {staff}");
        let guest = super::edge::ask(&site, path, signed(&signer, |claims| claims["groups"] = json!(["guests"]))).await;
        assert!(!guest.contains("Zebra"), "{path}: {guest}");
    }
    let numbers = async |headers: HeaderMap| {
        let told: Value = serde_json::from_str(&super::edge::ask(&site, changes, headers).await).unwrap();
        told.as_array().unwrap().iter().map(|version| version["number"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(numbers(signed(&signer, |_| {})).await, [2, 1]);
    assert_eq!(numbers(HeaderMap::new()).await, [2]);
}
