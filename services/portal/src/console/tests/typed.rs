//! Changes of which nothing comes.

use super::*;

#[tokio::test]
async fn nothing_that_somebody_typed_is_lost() {
    let (portal, controller) = portal("cart").await;
    let edit = "/console/objects/Mapping/shop/cart/edit";
    let post = async |form: &'static str| {
        let request = Request::post(edit).header("host", "localhost").header("origin", "http://localhost");
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(Body::from(form));
        let (parts, body) = portal.clone().oneshot(request.unwrap()).await.unwrap().into_parts();
        (parts.status, String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap())
    };
    let (status, page) = post("by=text&digest=old&text=mine+is+broken").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    for part in ["mine is broken</textarea>", "line 7: it is no YAML", "value=\"old\"", "Try this text"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let (status, page) = get(&portal, "localhost", &format!("{edit}?spec.timeout_ms=broken&digest=old")).await;
    assert!(status == StatusCode::BAD_REQUEST && page.contains("value=\"broken\""), "{page}");
    for by in ["by=text&text=stale+cart", "by=apply&text=stale+cart"] {
        let (status, page) = post(by).await;
        assert_eq!(status, StatusCode::CONFLICT);
        let ways = ["What you changed", "What somebody else changed", "Try mine again on theirs", "Take theirs"];
        for part in ways.into_iter().chain(["value=\"d\""]) {
            assert!(page.contains(part), "{part}: {page}");
        }
    }
    let (status, page) = post("by=apply&text=x").await;
    assert_eq!(status, StatusCode::PRECONDITION_REQUIRED);
    for part in ["would no longer ask for a login", "name=\"confirm\" value=\"cart\" required", "cart asked"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let (status, _) = post("by=apply&text=x&confirm=cart").await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    drop(controller);
    let (status, page) = post("by=text&text=mine").await;
    assert!(status == StatusCode::BAD_GATEWAY && page.contains("mine</textarea>"), "{page}");
}

#[tokio::test]
async fn what_is_wrong_is_told_by_the_name_that_the_form_has_for_it() {
    let (portal, _controller) = portal("cart").await;
    let edit = "/console/objects/Mapping/shop/cart/edit";
    let (status, page) = get(&portal, "localhost", &format!("{edit}?spec.rules%5B0%5D.path=misfit")).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    for part in [
        "<strong>Rule 1 · Path</strong>: it is no path",
        "<strong class=\"fault\">it is no path",
        "aria-invalid=\"true\">\nmisfit<",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert_eq!(page.matches("aria-invalid").count(), 1, "{page}");
    let (_, page) = get(&portal, "localhost", edit).await;
    let buttons = [
        "name=\"add\" value=\"spec.rules\"",
        "name=\"remove\" value=\"spec.rules[0]\"",
        "value=\"spec.rules[0].filters\"",
    ];
    for part in buttons.into_iter().chain(["<option selected>cart</option>", "1 more have no fields here"]) {
        assert!(page.contains(part), "{part}: {page}");
    }
}

#[tokio::test]
async fn a_link_of_others_costs_no_trial() {
    let (portal, _controller) = portal("cart").await;
    for path in ["edit?spec.timeout_ms=700", "new?text=a", "delete"] {
        let request = Request::get(format!("/console/objects/Mapping/shop/cart/{path}")).header("host", "localhost");
        let request = request.header("sec-fetch-site", "cross-site").header("sec-fetch-mode", "navigate");
        let request = request.header("sec-fetch-dest", "document").body(Body::empty()).unwrap();
        let body = portal.clone().oneshot(request).await.unwrap().into_body().collect().await.unwrap().to_bytes();
        let page = String::from_utf8_lossy(&body);
        assert!(page.contains("A link elsewhere led you here") && !page.contains("affects 14"), "{path}: {page}");
    }
}
