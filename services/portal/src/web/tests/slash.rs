//! A slash too many at the end of an address.

use super::*;

/// The status, and where it leads.
async fn led(portal: &Router, method: &str, path: &str) -> (StatusCode, Option<String>) {
    let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
    let answer = portal.clone().oneshot(request).await.unwrap();
    let to = answer.headers().get(header::LOCATION).map(|to| to.to_str().unwrap().to_owned());
    (answer.status(), to)
}

#[tokio::test]
async fn a_page_is_found_with_a_slash_at_its_end_too() {
    let portal = portal(&cart(), None);
    for (path, page) in [
        ("/docs/changes/", "/docs/changes"),
        ("/docs/keys/", "/docs/keys"),
        ("/docs/previews/", "/docs/previews"),
        ("/docs/search/?term=a%20b&x=/", "/docs/search?term=a%20b&x=/"),
        ("/docs/doc/shop/cart/", "/docs/doc/shop/cart"),
        ("/docs/pages/welcome//", "/docs/pages/welcome"),
        ("/console/problems/", "/console/problems"),
    ] {
        for method in ["GET", "HEAD"] {
            let expected = (StatusCode::PERMANENT_REDIRECT, Some(page.to_owned()));
            assert_eq!(led(&portal, method, path).await, expected, "{method} {path}");
        }
    }
    // Whether there is such a page is found out where it would be.
    let nowhere = (StatusCode::PERMANENT_REDIRECT, Some("/docs/nope".to_owned()));
    assert_eq!(led(&portal, "GET", "/docs/nope/").await, nowhere);
    assert_eq!(led(&portal, "GET", "/docs/nope").await, (StatusCode::NOT_FOUND, None));
    assert_eq!(led(&portal, "GET", "/docs").await.1.as_deref(), Some("/docs/"));
    for path in ["/docs/", "/docs/pages/"] {
        assert_eq!(led(&portal, "GET", path).await.1, None, "{path} is a page itself");
    }
}

#[tokio::test]
async fn nobody_is_led_to_another_host_nor_a_request_that_changes_something_anywhere() {
    let portal = portal(&cart(), None);
    for path in ["//evil.example/", "//evil.example/docs/keys/", "/docs//", "/evil/"] {
        assert_eq!(led(&portal, "GET", path).await, (StatusCode::NOT_FOUND, None), "{path}");
    }
    for method in ["POST", "PUT", "DELETE"] {
        assert_eq!(led(&portal, method, "/docs/keys/").await.1, None, "{method}");
    }
}
