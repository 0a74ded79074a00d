//! Documents for clients, by what the controller says of operations.

use std::sync::atomic::{AtomicUsize, Ordering};

use nuncio_auth::jwt::Signer;
use tokio_util::task::AbortOnDropHandle;

use super::edge::{ask, route, told, with_controller};
use super::*;
use crate::access::tests::{access, signed};

/// A portal whose controller says this of the cart's operation at each address, and how often it was asked.
async fn counted(
    api: crate::api::Api,
    answer: impl Fn() -> Value + Clone + Send + Sync + 'static,
) -> (Site, Arc<AtomicUsize>, AbortOnDropHandle<()>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let answer = move |_: &Value| {
        count.fetch_add(1, Ordering::Relaxed);
        answer()
    };
    let (site, controller) = with_controller(site(api, &cart(), &[], None), answer).await;
    (site, asked, controller)
}

async fn status_and_tag(site: &Site, path: &str, known: &str) -> (StatusCode, String) {
    let request = Request::get(path).header(header::IF_NONE_MATCH, known).body(Body::empty()).unwrap();
    let response = router(site.clone()).oneshot(request).await.unwrap();
    (response.status(), response.headers()[header::ETAG].to_str().unwrap().to_owned())
}

#[tokio::test]
async fn documents_say_what_routes_demand_and_are_made_once() {
    let mut secured = route("cart", &[]);
    secured["security"] = json!([[{ "kind": "key", "places": ["header X-Key"] }]]);
    let secured = told(&[secured], None);
    let now = Arc::new(ArcSwap::from_pointee(secured));
    let answer = Arc::clone(&now);
    let (site, asked, _controller) = counted(of_service(), move || Value::clone(&answer.load())).await;
    let own = "/openapi/services/shop/cart/openapi.json";
    let document: Value = serde_json::from_str(&ask(&site, own, HeaderMap::new()).await).unwrap();
    assert_eq!(document["security"], json!([{ "gateway-key": [] }]), "{document:#}");
    assert_eq!(asked.load(Ordering::Relaxed), 2, "once for each address");
    for (path, name) in [(own, "gateway-key"), ("/openapi/openapi.json", "shop.cart_gateway-key")] {
        let text = ask(&site, path, HeaderMap::new()).await;
        assert!(text.contains(name), "{text}");
        let (_, tag) = status_and_tag(&site, path, "\"other\"").await;
        assert_eq!(status_and_tag(&site, path, &format!("\"x\", {tag}")).await.0, StatusCode::NOT_MODIFIED);
    }
    assert_eq!(asked.load(Ordering::Relaxed), 2, "nothing has changed");

    // Something has, but nothing of this.
    let edition = |edition| {
        let catalog = Catalog { edition, ..(**site.catalog.load()).clone() };
        site.catalog.store(Arc::new(catalog));
    };
    let (_, tag) = status_and_tag(&site, own, "\"other\"").await;
    edition(1);
    assert_eq!(status_and_tag(&site, own, &tag).await, (StatusCode::NOT_MODIFIED, tag.clone()));
    assert_eq!(asked.load(Ordering::Relaxed), 4);
    now.store(Arc::new(told(&[route("vault", &[])], None)));
    edition(2);
    let gone: Value = serde_json::from_str(&ask(&site, own, HeaderMap::new()).await).unwrap();
    assert_eq!((&gone["paths"], &gone["x-nuncio-unrouted-paths"]), (&json!({}), &json!(["/carts/{user}"])));
    assert_eq!(status_and_tag(&site, own, &tag).await.0, StatusCode::OK);
}

#[tokio::test]
async fn where_the_controller_falls_silent_documents_stay_as_they_were() {
    let mut secured = route("cart", &[]);
    secured["security"] = json!([[{ "kind": "password" }]]);
    let told = told(&[secured], None);
    let (mut site, _asked, controller) = counted(of_service(), move || told.clone()).await;
    let path = "/openapi/services/shop/cart/openapi.json";
    let before = ask(&site, path, HeaderMap::new()).await;
    assert!(before.contains("gateway-password"), "{before}");
    drop(controller);
    site.console.admin = Admin::new("127.0.0.1:1").unwrap();
    let catalog = Catalog { edition: 1, ..(**site.catalog.load()).clone() };
    site.catalog.store(Arc::new(catalog));
    assert_eq!(ask(&site, path, HeaderMap::new()).await, before);
}

#[tokio::test]
async fn all_apis_are_one_document_for_those_who_may_see_them() {
    let signer = Signer::ephemeral().unwrap();
    let mut api = of_service();
    api.served.docs.as_mut().unwrap().visible_to = Some(vec!["staff".to_owned()]);
    let site = Site { access: access(&signer), ..site(api, &cart(), &[], None) };
    let path = "/openapi/openapi.json";
    let staff: Value = serde_json::from_str(&ask(&site, path, signed(&signer, |_| {})).await).unwrap();
    assert_eq!(staff["paths"]["/api/carts/{user}"]["get"]["operationId"], "shop.cart_show");
    assert_eq!(staff["info"]["title"], "Shop");
    let others: Value = serde_json::from_str(&ask(&site, path, HeaderMap::new()).await).unwrap();
    assert_eq!((&others["paths"], &others["x-nuncio-apis"]), (&json!({}), &json!([])));
    let catalog = ask(&site, "/docs/", signed(&signer, |_| {})).await;
    assert!(catalog.contains("href=\"/openapi/openapi.json\""), "{catalog}");
}
