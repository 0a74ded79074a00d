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
