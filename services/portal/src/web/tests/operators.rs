//! What is for those who run the gateway, and what others are told in its place.

use nuncio_auth::jwt::Signer;

use super::access::explained;
use super::*;
use crate::access::tests::{access, signed};
use crate::fetch::FetchError;
use crate::gateway::GatewayError;

/// A page or document as somebody with these headers gets it.
async fn read(portal: &Router, path: &str, headers: HeaderMap) -> String {
    let mut request = Request::get(path).body(Body::empty()).unwrap();
    *request.headers_mut() = headers;
    let response = portal.clone().oneshot(request).await.unwrap();
    String::from_utf8_lossy(&response.into_body().collect().await.unwrap().to_bytes()).into_owned()
}

#[tokio::test]
async fn what_went_wrong_behind_the_portal_is_told_in_full_to_operators_alone() {
    let signer = Signer::ephemeral().unwrap();
    let mut site = Site { access: access(&signer), ..site(of_service(), &cart(), &[], None) };
    site.console.groups = Arc::new(["staff".to_owned()]);
    let trouble = |why: Cause| Some(Outage { since: jiff::Timestamp::now(), why });
    let before = site.catalog.load_full();
    let refused = FetchError::Unreachable("cannot connect: 10.9.8.7:8080 refused".to_owned());
    let entry = Entry { trouble: trouble(Cause::from(&refused)), ..(*before.entries[0]).clone() };
    let away = GatewayError::NoAnswer { address: "10.9.8.7:8877".into(), reason: "cannot be reached".to_owned() };
    let gateway = trouble(Cause::from(&away));
    site.catalog.store(Arc::new(Catalog { entries: vec![Arc::new(entry)], gateway, ..(*before).clone() }));
    let portal = router(site);
    let twin = "/docs/doc/shop/cart.md";
    for path in ["/docs/", "/docs/doc/shop/cart", "/docs/api/v1/apis", "/docs/api/v1/apis/shop/cart", twin] {
        let guest = read(&portal, path, signed(&signer, |claims| claims["groups"] = json!(["guests"]))).await;
        for told in [read(&portal, path, HeaderMap::new()).await, guest] {
            assert!(!told.contains("10.9.8.7"), "{path} for a visitor: {told}");
            assert!(path == twin || told.contains("(those who run the gateway find more by"), "{path}: {told}");
        }
        let told = read(&portal, path, signed(&signer, |_| {})).await;
        assert!(path == twin || told.contains("10.9.8.7"), "{path} for an operator: {told}");
    }
    // The controller of this portal is nowhere.
    let url = "https://shop.example/api/carts/ann";
    let (status, told) = explained(&portal, "shop/cart", url, HeaderMap::new()).await;
    assert!(status == StatusCode::SERVICE_UNAVAILABLE && !told.contains("127.0.0.1"), "{told}");
    let (_, told) = explained(&portal, "shop/cart", url, signed(&signer, |_| {})).await;
    assert!(told.contains("127.0.0.1"), "{told}");
    let previews = read(&portal, "/api/v1/previews", signed(&signer, |_| {})).await;
    assert!(previews.contains("the gateway cannot be asked") && !previews.contains("127.0.0.1"), "{previews}");
}

#[tokio::test]
async fn whom_the_console_is_not_for_is_told_for_whom_it_is_and_how_to_become_one() {
    let signer = Signer::ephemeral().unwrap();
    let mut site = Site { access: access(&signer), ..site(of_service(), &cart(), &[], None) };
    site.console.groups = Arc::new(["operators".to_owned()]);
    let portal = router(site);
    let told = read(&portal, "/console/objects?kind=Host", HeaderMap::new()).await;
    for part in
        ["members of: operators", "does not know who you are", "/docs/login?to=%2Fconsole%2Fobjects%3Fkind%3DHost"]
    {
        assert!(told.contains(part), "{part}: {told}");
    }
    let told = read(&portal, "/console/", signed(&signer, |claims| claims["groups"] = json!(["guests"]))).await;
    for part in ["members of: operators", "a member of: guests", "href=\"/docs/logout\""] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let told = read(&portal, "/console/", signed(&signer, |claims| claims["groups"] = json!([]))).await;
    assert!(told.contains("a member of no group"), "{told}");
}
