//! What is refused, for who meets it in a browser and for programs.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use tower::ServiceExt;

use super::*;

/// The answer to a request of somebody who wants to have it so.
async fn refused(portal: &Router, method: Method, path: &str, accept: &str) -> (StatusCode, String, String) {
    let request = Request::builder().method(method).uri(path).header(header::ACCEPT, accept);
    let request = request.header(header::HOST, "shop.example").header("x-forwarded-proto", "https");
    let answer = portal.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let media = answer.headers().get(header::CONTENT_TYPE).map(|media| media.to_str().unwrap().to_owned());
    let (status, body) = (answer.status(), answer.into_body().collect().await.unwrap().to_bytes());
    (status, media.unwrap_or_default(), String::from_utf8_lossy(&body).into_owned())
}

#[tokio::test]
async fn a_refusal_is_a_page_for_people_and_short_for_programs() {
    let portal = portal(&cart(), None);
    for (method, path, status, part) in [
        (Method::GET, "/docs/assets/none.css", StatusCode::NOT_FOUND, "Not found"),
        (Method::GET, "/docs/files/none.png", StatusCode::NOT_FOUND, "Not found"),
        (Method::PATCH, "/docs/", StatusCode::METHOD_NOT_ALLOWED, "Nothing here takes such a request"),
        (Method::GET, "/docs/?q=x&q=y", StatusCode::BAD_REQUEST, "This request cannot be read"),
        (Method::GET, "/console/", StatusCode::MISDIRECTED_REQUEST, "The console is not shown as shop.example"),
    ] {
        let (found, media, page) = refused(&portal, method.clone(), path, "text/html,*/*;q=0.8").await;
        assert_eq!((found, media.as_str()), (status, "text/html; charset=utf-8"), "{path}: {page}");
        assert!(page.contains(part) && page.contains("<h1>") && page.contains("href=\"/docs/\""), "{path}: {page}");
        let (found, media, told) = refused(&portal, method.clone(), path, "*/*").await;
        assert!(found == status && !media.starts_with("text/html") && !told.contains('<'), "{path}: {media}: {told}");
        let (found, media, told) = refused(&portal, method, path, "application/json").await;
        assert_eq!((found, media.as_str()), (status, "application/problem+json"), "{path}");
        let told: Value = serde_json::from_str(&told).unwrap();
        assert_eq!(told["status"], status.as_u16(), "{path}");
    }
}

#[tokio::test]
async fn a_form_that_is_too_large_is_said_to_be() {
    let request = Request::post("/docs/keys").header(header::ACCEPT, "text/html");
    let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let form = format!("name={}", "a".repeat(3 << 20));
    let answer = portal(&cart(), None).oneshot(request.body(Body::from(form)).unwrap()).await.unwrap();
    assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let page = answer.into_body().collect().await.unwrap().to_bytes();
    let page = String::from_utf8_lossy(&page);
    assert!(page.contains("This is too large") && page.contains("More than 2 MB are not taken"), "{page}");
}

#[tokio::test]
async fn what_programs_are_told_in_json_stays_so() {
    let portal = portal(&cart(), None);
    let (status, media, told) = refused(&portal, Method::GET, "/api/v1/previews", "text/html").await;
    assert!(!status.is_success() && media == "application/problem+json", "{status} {media} {told}");
}
