//! What the gateway does with operations, as far as its reader may know.

use nuncio_auth::jwt::Signer;
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

use super::*;
use crate::access::tests::{access, signed};
use crate::texts::tests::{strange, words};

/// A route of a Mapping of the same name to this service.
pub(super) fn route(name: &str, conditions: &[&str]) -> Value {
    json!({ "origin": [{ "kind": "Mapping", "namespace": "shop", "name": name }], "conditions": conditions, "doubt": null,
        "action": "forward", "status": null, "credentials": [{ "kind": "key", "places": ["header X-Key"] }],
        "limits": [{ "rate": 100, "unit": "minute", "every": 1, "at_once": null, "per": [{ "kind": "client", "value": null }],
            "only": [{ "kind": "gateway", "name": "destination_cluster", "value": "zebra-1" }],
            "by_each_envoy": false, "log_only": false, "in_force": true }],
        "is_limited_elsewhere": false, "timeout_ms": 2000, "idle_timeout_ms": 60_000,
        "retry": { "on": ["5xx"], "retries": 2, "per_try_timeout_ms": null }, "clusters": [format!("{name}-1")] })
}

/// What a controller says of every operation.
pub(super) fn told(routes: &[Value], otherwise: Option<&str>) -> Value {
    let upstream = |service: &str, healthy: u64| json!({ "service": service, "connect_timeout_ms": 3000, "checks": "active", "endpoints": 3, "members": 3, "healthy": healthy });
    json!({ "operations": [{ "routes": routes, "otherwise": otherwise }],
        "upstreams": { "cart-1": upstream("cart:80", 2), "vault-1": upstream("zebra:80", 3) } })
}

/// A portal whose controller says this of an operation of the cart.
async fn portal_of(told: Value, signer: &Signer) -> (Site, AbortOnDropHandle<()>) {
    let site = Site { access: access(signer), ..site(of_service(), &cart(), &[], None) };
    let answer = move |asked: &Value| {
        let origin = asked["origin"].as_str().unwrap();
        assert!(["https://shop.example", "http://shop.example:8080"].contains(&origin), "{origin}");
        assert_eq!(asked["operations"], json!([{ "method": "GET", "path": "/api/carts/user" }]));
        told.clone()
    };
    with_controller(site, answer).await
}

pub(super) async fn with_controller(
    mut site: Site,
    answer: impl Fn(&Value) -> Value + Clone + Send + Sync + 'static,
) -> (Site, AbortOnDropHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let answer = move |asked: axum::Json<Value>| async move { axum::Json(answer(&asked)) };
    let controller = Router::new().route("/api/v1/operations", post(answer));
    let controller = tokio::spawn(async { axum::serve(listener, controller).await.unwrap() });
    site.console.admin = Admin::new(&address.to_string()).unwrap();
    site.console.groups = Arc::new(["staff".to_owned()]);
    (site, AbortOnDropHandle::new(controller))
}

const OPERATION: &str = "/docs/doc/shop/cart/operations/show";

pub(super) async fn ask(site: &Site, path: &str, headers: HeaderMap) -> String {
    let mut request = Request::get(path).body(Body::empty()).unwrap();
    *request.headers_mut() = headers;
    let response = router(site.clone()).oneshot(request).await.unwrap();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8_lossy(&body).into_owned()
}

#[tokio::test]
async fn a_page_tells_what_requests_are_held_to_and_for_operators_by_whom() {
    let signer = Signer::ephemeral().unwrap();
    let (site, _controller) =
        portal_of(told(&[route("cart", &["x-version v2"]), route("cart", &[])], None), &signer).await;
    let everybody = ask(&site, OPERATION, HeaderMap::new()).await;
    for part in [
        "Mapping shop/cart",
        "only with x-version v2",
        "an API key in the header X-Key",
        "100 a minute per client address",
        "2 s for the whole answer; 60 s without a byte; 3 s to connect",
        "2 retries on 5xx",
        "2 of 3 endpoints healthy",
    ] {
        assert!(everybody.contains(part), "{part}: {everybody}");
    }
    for secret in ["/console/", "zebra", "cart:80"] {
        assert!(!everybody.contains(secret), "{secret}: {everybody}");
    }
    let operator = ask(&site, OPERATION, signed(&signer, |_| {})).await;
    for part in ["href=\"/console/objects/Mapping/shop/cart\"", "cart:80", "destination_cluster is zebra-1"] {
        assert!(operator.contains(part), "{part}: {operator}");
    }
    let list = ask(&site, "/docs/doc/shop/cart", HeaderMap::new()).await;
    let facts =
        "an API key in the header X-Key · 100 a minute per client address · 2 s · 2 retries · 2 of 3 endpoints healthy";
    assert!(list.contains(facts), "{list}");
    let twin = ask(&site, &format!("{OPERATION}.md"), HeaderMap::new()).await;
    assert!(twin.contains("100 a minute per client address") && twin.contains("2 retries on 5xx"), "{twin}");
}

#[tokio::test]
async fn programs_are_told_the_same_in_numbers() {
    let signer = Signer::ephemeral().unwrap();
    let (site, _controller) = portal_of(told(&[route("cart", &[])], None), &signer).await;
    let all = ask(&site, "/docs/api/v1/apis/shop/cart/operations", HeaderMap::new()).await;
    let all: Value = serde_json::from_str(&all).unwrap();
    assert_eq!((&all["total"], &all["operations"][0]["id"]), (&json!(1), &json!("show")));
    let one = ask(&site, "/docs/api/v1/apis/shop/cart/operations/show", HeaderMap::new()).await;
    let one: Value = serde_json::from_str(&one).unwrap();
    assert_eq!(one, all["operations"][0]);
    let route = &one["edge"]["routes"][0];
    assert_eq!(
        (&one["is_routed"], &route["timeout_ms"], &route["retry"]["retries"]),
        (&json!(true), &json!(2000), &json!(2))
    );
    assert_eq!((&route["limits"][0]["rate"], &route["limits"][0]["only"]), (&json!(100), &json!([])));
    assert_eq!((&route["upstreams"][0]["healthy"], &route["upstreams"][0]["service"]), (&json!(2), &Value::Null));
    assert_eq!(ask(&site, "/docs/api/v1/apis/shop/cart/operations/none", HeaderMap::new()).await, "");
    let shorter = ask(&site, "/api/v1/apis/shop/cart/operations/show", HeaderMap::new()).await;
    assert_eq!(serde_json::from_str::<Value>(&shorter).unwrap(), one);
    let own = ask(&site, "/docs/api/v1/openapi.json", HeaderMap::new()).await;
    assert!(own.contains("/apis/{namespace}/{name}/operations/{id}") && own.contains("/openapi/openapi.json"), "{own}");
}

#[tokio::test]
async fn what_gets_no_route_or_another_says_so_and_routes_of_others_are_not_told() {
    let signer = Signer::ephemeral().unwrap();
    let (site, _controller) = portal_of(told(&[], Some("404: no route takes it")), &signer).await;
    let page = ask(&site, OPERATION, HeaderMap::new()).await;
    assert!(page.contains("Not routed: no route of the gateway takes it."), "{page}");
    let list = ask(&site, "/docs/doc/shop/cart", HeaderMap::new()).await;
    assert!(list.contains("<span class=\"badge warn\">not routed</span>"), "{list}");

    let (site, _controller) =
        portal_of(told(&[route("vault", &["x-zebra 1"]), route("vault", &[])], None), &signer).await;
    let list = ask(&site, "/docs/doc/shop/cart", HeaderMap::new()).await;
    assert!(list.contains("<span class=\"badge warn\">leads elsewhere</span>"), "{list}");
    for path in [OPERATION, "/docs/doc/shop/cart", "/docs/api/v1/apis/shop/cart/operations"] {
        let told = ask(&site, path, HeaderMap::new()).await;
        for secret in ["vault", "zebra", "X-Key"] {
            assert!(!told.contains(secret), "{path}: {secret}: {told}");
        }
    }
    let page = ask(&site, OPERATION, HeaderMap::new()).await;
    assert!(page.contains("another route, which is not shown to you"), "{page}");
    let operator = ask(&site, OPERATION, signed(&signer, |_| {})).await;
    assert!(operator.contains("Mapping shop/vault") && operator.contains("only with x-zebra 1"), "{operator}");
}

#[tokio::test]
async fn what_not_every_address_has_is_told_with_the_addresses_that_do() {
    let answer = |asked: &Value| match asked["origin"].as_str().unwrap() {
        "https://shop.example" => told(&[route("cart", &[])], None),
        _ => told(&[], Some("404: no route takes it")),
    };
    let (site, _controller) = with_controller(site(of_service(), &cart(), &[], None), answer).await;
    let page = ask(&site, OPERATION, HeaderMap::new()).await;
    assert!(page.contains("only at https://shop.example") && !page.contains("Not routed"), "{page}");
    let list = ask(&site, "/docs/doc/shop/cart", HeaderMap::new()).await;
    assert!(list.contains("only at https://shop.example"), "{list}");
}

#[tokio::test]
async fn a_way_that_no_operation_goes_is_marked() {
    let mut api = of_service();
    let mut internal = api.served.clone();
    (internal.name, internal.docs) = ("internal".to_owned(), None);
    internal.path = crate::gateway::Path::Prefix("/internal/".to_owned());
    internal.rewrite = None;
    api.beside.push(internal);
    let more = (0..120).map(|number| crate::gateway::ServedApi {
        name: format!("more{number}"),
        docs: None,
        ..api.served.clone()
    });
    let more: Vec<_> = more.collect();
    api.beside.extend(more);
    let site = site(api, &cart(), &[], None);
    let page = ask(&site, "/docs/doc/shop/cart", HeaderMap::new()).await;
    let row = page.split("<tr>").find(|row| row.contains("Mapping shop/<wbr>internal")).unwrap();
    assert!(row.contains(">not documented</span>"), "{row}");
    assert_eq!(page.matches(">not documented</span>").count(), 1);
    assert!(page.contains("and 22 more") && !page.contains("more99<"), "{page}");
    let told: Value = serde_json::from_str(&ask(&site, "/docs/api/v1/apis/shop/cart", HeaderMap::new()).await).unwrap();
    assert_eq!(told["undocumented_routes"], json!(["shop/internal"]));
}

#[tokio::test]
async fn what_is_told_is_in_the_operators_words() {
    let signer = Signer::ephemeral().unwrap();
    let mut redirected = route("cart", &["x-version v2"]);
    redirected["status"] = json!(301);
    redirected["doubt"] = json!("zebra");
    let mut limited = route("cart", &[]);
    limited["is_limited_elsewhere"] = json!(true);
    let told = told(&[redirected, route("vault", &["x-zebra 1"]), limited], Some("zebra"));
    let (site, _controller) = portal_of(told.clone(), &signer).await;
    site.content.store(Arc::new(Content::in_words(strange())));
    let data =
        format!("{told} {} GET ann Shop https http example curl JavaScript Python Rust Java OpenAPI object", cart());
    let known: Vec<_> = data.split(|letter: char| !letter.is_alphanumeric()).collect();
    for headers in [HeaderMap::new(), signed(&signer, |_| {})] {
        let page = ask(&site, OPERATION, headers).await;
        let own: Vec<_> = words(&page).into_iter().filter(|word| !known.contains(&word.as_str())).collect();
        assert!(own.is_empty(), "{own:?}: {page}");
    }
}

#[tokio::test]
async fn the_first_page_of_a_large_document_is_small() {
    let operation = |number: usize| {
        let operation = json!({ "operationId": format!("show_cart_of_user_{number}"), "summary": "What a user wants to buy, with prices",
            "tags": [format!("tag {}", number % 40)],
            "parameters": [{ "name": "user", "in": "path", "required": true, "schema": { "type": "string" } }] });
        (format!("/carts/{number}/{{user}}/lines"), json!({ "get": operation }))
    };
    let paths: serde_json::Map<_, _> = (0..5000).map(operation).collect();
    let document = json!({ "openapi": "3.1.0", "info": { "title": "Large", "version": "1" }, "paths": paths });
    let answer = |asked: &Value| {
        let count = asked["operations"].as_array().unwrap().len();
        let mut told = told(&[route("cart", &["x-version v2"]), route("cart", &[])], None);
        told["operations"] = vec![told["operations"][0].clone(); count].into();
        told
    };
    let (site, _controller) = with_controller(site(of_service(), &document, &[], None), answer).await;
    let page = ask(&site, "/docs/doc/shop/cart", HeaderMap::new()).await;
    assert_eq!(page.matches("2 of 3 endpoints healthy").count(), 200);
    assert!(page.len() < 300_000, "{}", page.len());
}

#[tokio::test]
async fn the_catalog_says_of_an_api_what_its_operations_ask_for() {
    let key = json!({ "kind": "key", "places": ["header X-Key"] });
    let mut document = cart();
    document["paths"]["/account"] = json!({ "get": { "operationId": "account", "responses": {} } });
    let words = "an API key in the header X-Key";
    for (of_cart, of_account, expected) in [
        (json!([[]]), json!([[]]), "<span class=\"quiet\">open</span>".to_owned()),
        (json!([[]]), json!([[key]]), format!("<li>some operations: {words}</li>")),
        (json!([[key]]), json!([[key]]), format!("<li>{words}</li>")),
    ] {
        let mut api = of_service();
        api.served.credentials = vec![serde_json::from_value(key.clone()).unwrap()];
        api.served.always_asked = false;
        let answer = move |asked: &Value| {
            let operation = |asked: &Value| {
                let security =
                    if asked["path"].as_str().unwrap().ends_with("account") { &of_account } else { &of_cart };
                let mut route = route("cart", &[]);
                route["security"] = security.clone();
                json!({ "routes": [route], "otherwise": null })
            };
            let operations: Vec<_> = asked["operations"].as_array().unwrap().iter().map(operation).collect();
            json!({ "operations": operations, "upstreams": {} })
        };
        let (known, _controller) = with_controller(site(api, &document, &[], None), answer).await;
        let page = ask(&known, "/docs/", HeaderMap::new()).await;
        assert!(page.contains(&expected), "{expected}: {page}");
    }
}

#[tokio::test]
async fn the_catalog_names_all_that_may_be_shown() {
    let mut api = of_service();
    api.served.credentials = serde_json::from_value(json!([
        { "kind": "login", "provider": "https://idp.example", "scopes": [] },
        { "kind": "token", "issuer": "https://idp.example", "scopes": [] },
        { "kind": "key", "places": ["header X-Key"] },
    ]))
    .unwrap();
    api.served.always_asked = true;
    let (_, page) = get(&router(site(api, &cart(), &[], None)), "/docs/").await;
    let page = page.replace("<wbr>", "").replace("&#47;", "/");
    let all =
        ["a login at https://idp.example", "a bearer token of https://idp.example", "an API key in the header X-Key"];
    for words in all {
        assert!(page.contains(&format!("<li>{words}</li>")), "{words}: {page}");
    }
}
