//! Against an API server that answers one question after the other as it is told.

use std::collections::VecDeque;
use std::sync::Mutex;

use http::{Request, Response};
use kube::client::Body;
use nuncio_api::Kind;
use tokio::task::JoinSet;

use super::*;
use crate::source::kubernetes::resources::api_kind;

/// What is answered to a question that holds this text: a status and a body.
type Script = VecDeque<(&'static str, u16, &'static str)>;

const STREAMED: &str = "sendInitialEvents=true";
const PAGED: &str = "limit=500";
const WATCHED: &str = "&resourceVersion=";

const PAGE_OF_IT: &str =
    r#"{"metadata":{"resourceVersion":"7"},"items":[{"metadata":{"name":"a","namespace":"shop"}}]}"#;
const STREAM_OF_IT: &str = r#"{"type":"ADDED","object":{"metadata":{"name":"a","namespace":"shop"}}}
{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"9","annotations":{"k8s.io/initial-events-end":"true"}}}}
"#;
const EXPIRED: &str = "{\"type\":\"ERROR\",\"object\":{\"code\":410,\"reason\":\"Expired\"}}\n";
const FAULT: &str = r#"{"code":500,"reason":"InternalError","message":"etcdserver: leader changed"}"#;

fn answer(script: &Mutex<Script>, request: &Request<Body>) -> Option<Response<Body>> {
    let (asked, status, body) = script.lock().unwrap().pop_front()?;
    let query = request.uri().query().unwrap_or_default();
    assert!(query.contains(asked), "{query} instead of {asked}");
    Some(Response::builder().status(status).body(Body::from(body.as_bytes().to_vec())).unwrap())
}

/// What a reflector of Mappings tells of such a server, until it asks beyond the end of the script.
async fn told(script: impl Into<Script>) -> Vec<String> {
    let script = Arc::new(Mutex::new(script.into()));
    let (over, mut is_over) = mpsc::channel(1);
    let server = tower::service_fn(move |request| {
        let (answer, over) = (answer(&script, &request), over.clone());
        async move {
            match answer {
                Some(answer) => Ok::<_, std::io::Error>(answer),
                None => {
                    let _ = over.send(()).await;
                    std::future::pending().await
                }
            }
        }
    });
    let (messages, mut received) = mpsc::channel(64);
    let client = Client::new(server, "default");
    let mut tasks = JoinSet::new();
    tasks.spawn(Reflector::of(api_kind(Kind::Mapping).unwrap(), client, Selection::default(), messages).run());
    is_over.recv().await;
    let told = std::iter::from_fn(|| received.try_recv().ok()).map(|message| match message.told {
        Told::Object(item) => item.file.to_string(),
        Told::Failed(failure) => failure.to_string(),
        other => format!("{other:?}"),
    });
    told.collect()
}

const LISTING: [&str; 3] = ["Begin", "getambassador.io/Mapping/shop/a", "Complete"];

#[tokio::test]
async fn a_fault_of_the_servers_own_is_no_news_once_and_pages_are_no_habit() {
    let told = told([
        (STREAMED, 500, FAULT),
        (PAGED, 200, PAGE_OF_IT),
        (WATCHED, 200, EXPIRED),
        (STREAMED, 200, STREAM_OF_IT),
    ])
    .await;
    let works: &[&str] = &["Begin", "getambassador.io/Mapping/shop/a", "Works", "Complete"];
    assert_eq!(told, [works, &LISTING].concat());
}

#[tokio::test]
async fn a_fault_that_lasts_is_told_of_until_it_passes() {
    let told =
        told([(STREAMED, 500, FAULT), (PAGED, 500, FAULT), (STREAMED, 500, FAULT), (PAGED, 200, PAGE_OF_IT)]).await;
    let fault = "etcdserver: leader changed (status 500)";
    assert_eq!(told, ["Begin", fault, fault, "Begin", "getambassador.io/Mapping/shop/a", "Works", "Complete"]);
}

#[tokio::test]
async fn a_server_that_does_not_stream_is_read_by_pages_from_then_on() {
    let told =
        told([(STREAMED, 422, "{}"), (PAGED, 200, PAGE_OF_IT), (WATCHED, 200, EXPIRED), (PAGED, 200, PAGE_OF_IT)])
            .await;
    assert_eq!(told, [LISTING, LISTING].concat());
}
