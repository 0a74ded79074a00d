//! What others send takes no more than its share, and holds up nobody.

use std::convert::Infallible;

use axum::http::header;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::*;

const CONVERT: &str = "/webhooks/crd-convert";

/// What is no hang, on however busy a machine.
const SOON: Duration = Duration::from_secs(10);

fn small() -> Body {
    Body::from(conversion("v3alpha1", json!([mapping("v2", json!({ "prefix": "/" }))])).to_string())
}

/// A body that is sent as the test says.
fn slow() -> (mpsc::UnboundedSender<Bytes>, Body) {
    let (sender, mut frames) = mpsc::unbounded_channel();
    let frames = stream::poll_fn(move |context| frames.poll_recv(context)).map(Ok::<_, Infallible>);
    (sender, Body::from_stream(frames))
}

/// Begins to send; ends when the frames that were sent are taken in.
async fn begin(router: &Router, text: &str) -> (mpsc::UnboundedSender<Bytes>, tokio::task::JoinHandle<Response>) {
    let (sender, body) = slow();
    sender.send(Bytes::copy_from_slice(text.as_bytes())).unwrap();
    let router = router.clone();
    let answer = tokio::spawn(async move { send(&router, CONVERT, body).await });
    // On this test's one thread it runs until it waits for more.
    tokio::task::yield_now().await;
    (sender, answer)
}

#[tokio::test]
async fn those_who_are_slow_to_send_hold_up_nobody() {
    let router = router(reviewer(Limits { concurrency: 1, ..Limits::default() }));
    let mut senders = Vec::new();
    for _ in 0..8 {
        senders.push(begin(&router, r#"{"apiVersion": "#).await);
    }
    let answer = timeout(SOON, send(&router, CONVERT, small())).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
}

#[tokio::test]
async fn those_who_are_slow_to_read_hold_up_nobody() {
    let router = router(reviewer(Limits { concurrency: 1, ..Limits::default() }));
    let many = vec![mapping("v2", json!({ "prefix": "/" })); 5000];
    let many = conversion("v3alpha1", json!(many)).to_string();
    let unread = timeout(SOON, send(&router, CONVERT, Body::from(many))).await.unwrap();
    let answer = timeout(SOON, send(&router, CONVERT, small())).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let whole: Value = serde_json::from_slice(&unread.into_body().collect().await.unwrap().to_bytes()).unwrap();
    assert_eq!(whole["response"]["convertedObjects"].as_array().unwrap().len(), 5000);
    assert_eq!(whole["response"]["result"]["status"], "Success");
}

#[tokio::test]
async fn all_bodies_together_take_no_more_than_the_pot() {
    let limits = Limits { conversion_bytes: 1000, held_bytes: 1000, ..Limits::default() };
    let router = router(reviewer(limits));
    let half = " ".repeat(600);
    let first = begin(&router, &half).await;
    let second = timeout(SOON, begin(&router, &half).await.1).await.unwrap().unwrap();
    assert_eq!(second.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(second.headers()[header::RETRY_AFTER], "1", "API servers come again");
    assert_eq!(send(&router, CONVERT, small()).await.status(), StatusCode::OK, "there is room for a small one");
    // The first is whole, and no review.
    drop(first.0);
    assert_eq!(first.1.await.unwrap().status(), StatusCode::BAD_REQUEST);
    let (third, answer) = begin(&router, &half).await;
    drop(third);
    assert_eq!(answer.await.unwrap().status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn an_object_that_no_api_server_stores_is_not_read() {
    let large = mapping("v2", json!({ "prefix": "/", "service": "s".repeat(4 << 20) }));
    let answer = review(CONVERT, &conversion("v3alpha1", json!([large]))).await;
    assert_eq!(answer["response"]["result"]["status"], "Failed");
    let message = answer["response"]["result"]["message"].as_str().unwrap();
    assert!(message.starts_with("an object of 4194"), "{message}");
}
