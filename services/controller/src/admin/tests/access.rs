//! Every route of the router asks who it is, as the table says.

use std::collections::BTreeSet;

use axum::http::{HeaderMap, Method};

use super::super::access::{For, PATHS};
use super::*;

/// What is answered to another pod, and whether it is by who guards the router.
async fn as_pod(method: &Method, path: &str, token: Option<&str>) -> (StatusCode, bool, String) {
    let body = match path {
        "/api/v1/preview-put" => r#"{"namespace":"shop","name":"x","text":""}"#,
        "/api/v1/preview-rights" => "{}",
        _ => r#"{"namespace":"shop","name":"x"}"#,
    };
    let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    let request = request.header("connection", "upgrade").header("upgrade", "nuncio-tunnel");
    let request = token.into_iter().fold(request, |it, token| it.header("authorization", format!("Bearer {token}")));
    let request = request.body(Body::from(body)).unwrap();
    let (status, headers, text): (_, HeaderMap, _) = answer_to([10, 0, 0, 1], Fake::default(), request).await;
    (status, headers.contains_key("www-authenticate"), text)
}

/// Every operation that there is.
async fn operations() -> Vec<(Method, String)> {
    let (_, body) = get(Fake::default(), "/api/v1/openapi.json").await;
    let document: serde_json::Value = serde_json::from_str(&body).unwrap();
    let undescribed = ["/", "/api/v1/openapi.json"].map(|path| (Method::GET, path.to_owned()));
    let described = document["paths"].as_object().unwrap().iter().flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().keys().filter_map(|method| method.to_uppercase().parse().ok());
        methods.map(move |method| (method, path.clone()))
    });
    described.chain(undescribed).collect()
}

#[tokio::test]
async fn the_table_is_of_every_route_and_of_nothing_else() {
    let routes: BTreeSet<String> = operations().await.into_iter().map(|(_, path)| path).collect();
    let said: BTreeSet<String> = PATHS.iter().map(|(path, _)| (*path).to_owned()).collect();
    assert_eq!(routes, said, "say in admin/access.rs who may ask for it");
}

#[tokio::test]
async fn another_pod_is_let_in_where_the_table_says_so_and_by_the_token() {
    for (method, path) in operations().await {
        let who = PATHS.iter().find(|(known, _)| *known == path).unwrap().1;
        for token in [None, Some("guessed-0123456789abcdef")] {
            let (status, by_guard, text) = as_pod(&method, &path, token).await;
            if who == For::Everybody {
                assert_eq!((status, by_guard), (StatusCode::OK, false), "{method} {path}: {text}");
            } else {
                assert_eq!((status, by_guard), (StatusCode::UNAUTHORIZED, true), "{method} {path}: {text}");
                assert!(text.contains("--admin-token-file") && !text.contains("guessed"), "{text}");
            }
        }
        let (status, by_guard, text) = as_pod(&method, &path, Some(TOKEN)).await;
        assert!(!by_guard, "{method} {path}: {status} {text}");
        if who == For::Person {
            // The token says that it is the portal, not for whom.
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{method} {path}: {text}");
            assert!(text.contains("no word of the gateway's"), "{method} {path}: {text}");
        }
    }
    let (status, by_guard, _) = as_pod(&Method::GET, "/api/v1/nothing", None).await;
    assert_eq!((status, by_guard), (StatusCode::UNAUTHORIZED, true), "nor does it tell what there is not");
}

#[tokio::test]
async fn what_a_proxy_sends_on_from_this_machine_is_from_elsewhere() {
    let request = Request::get("/api/v1/objects").header("x-forwarded-for", "10.0.0.1").body(Body::empty()).unwrap();
    assert_eq!(send(Fake::default(), request).await.0, StatusCode::UNAUTHORIZED);
    let request = Request::get("/metrics").header("x-forwarded-for", "10.0.0.1").body(Body::empty()).unwrap();
    assert_eq!(send(Fake::default(), request).await.0, StatusCode::OK);
}
