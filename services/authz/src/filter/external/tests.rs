use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;

use super::*;

#[tokio::test]
async fn one_that_fails_open_passes_no_word_of_the_client_on() {
    let services = Services::alone();
    for protocol in [
        json!("grpc"),
        json!({ "http": { "path_prefix": "", "allowed_request_headers": [], "allowed_authorization_headers": ["x-user"] } }),
    ] {
        let spec = json!({
            "url": "http://127.0.0.1:1", "protocol": protocol, "timeout": { "secs": 1, "nanos": 0 }, "status_on_error": 403,
            "failure_mode_allow": true, "identity_headers": ["x-user"],
        });
        let filter = ExternalFilter::new(serde_json::from_value(spec).unwrap()).unwrap();
        let mut request = Request::new("GET", "https", "a", "/");
        for name in ["x-user", "x_user"] {
            request.add_header(name, b"root");
        }
        let verdict = filter.check(&mut request, &services).await;
        assert!(matches!(verdict, Verdict::Allow(None)), "{verdict:?}");
        let edits = request.into_edits().headers;
        assert_eq!((&edits["x-user"], &edits["x_user"]), (&None, &None), "{protocol}");
    }
}

/// Filters that let in whoever a service does not decide on.
fn open(url: &str, protocol: &Json) -> ExternalFilter {
    open_at(url, None, protocol)
}

/// The same of one whose endpoints are known.
fn open_at(url: &str, addresses: Option<&[SocketAddr]>, protocol: &Json) -> ExternalFilter {
    open_within(5, url, addresses, protocol)
}

/// The same of one that is given so many seconds.
fn open_within(secs: u64, url: &str, addresses: Option<&[SocketAddr]>, protocol: &Json) -> ExternalFilter {
    let spec = json!({
        "url": url, "addresses": addresses.map(|alike| [alike]), "protocol": protocol, "timeout": { "secs": secs, "nanos": 0 }, "status_on_error": 403, "failure_mode_allow": true,
        "identity_headers": [], "include_body": { "max_bytes": 1 << 20, "allow_partial": true },
    });
    ExternalFilter::new(serde_json::from_value(spec).unwrap()).unwrap()
}

fn by_http() -> Json {
    json!({ "http": { "path_prefix": "", "allowed_request_headers": [], "allowed_authorization_headers": [] } })
}

/// What becomes of a request with so long a body.
async fn verdict(filter: &ExternalFilter, method: &str, length: usize) -> Verdict {
    let mut request = Request::new(method, "https", "a", "/");
    request.body = vec![b'a'; length];
    filter.check(&mut request, &Services::alone()).await
}

/// Whether it is let in.
async fn lets_in(filter: &ExternalFilter, length: usize) -> bool {
    matches!(verdict(filter, "POST", length).await, Verdict::Allow(None))
}

/// A server that says this when it has read the head of a request, and breaks off.
async fn breaks_off(says: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut read = Vec::new();
            while !read.ends_with(b"\r\n\r\n") {
                read.push(stream.read_u8().await.unwrap());
            }
            stream.write_all(says).await.unwrap();
        }
    });
    url
}

#[tokio::test]
async fn a_body_that_one_breaks_off_for_lets_nobody_in() {
    for says in [
        &b""[..],
        b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n",
        b"HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 502 Of A Proxy\r\ncontent-length: 0\r\n\r\n",
    ] {
        let filter = open(&breaks_off(says).await, &by_http());
        assert!(!lets_in(&filter, 1 << 20).await, "{says:?}");
    }
    assert!(lets_in(&open(&breaks_off(b"").await, &by_http()), 0).await, "as one that is gone");
    for protocol in [by_http(), json!("grpc")] {
        let filter = open("http://127.0.0.1:1", &protocol);
        assert!(lets_in(&filter, 1 << 20).await, "{protocol}: nobody is there");
    }
}

#[tokio::test]
async fn trouble_is_told_whatever_clients_send() {
    let filter = open(&breaks_off(b"").await, &by_http());
    let failed = |after: u64| filter.calls.failed(Instant::now() + Duration::from_secs(after)).is_some();
    let of_length = |length| verdict(&filter, "POST", length);
    assert!(matches!(of_length(1 << 20).await, Verdict::Deny(denial) if denial.is_failure));
    assert!(failed(0), "a long message may be for nothing");
    let not_taken = verdict(&filter, "no method", 0).await;
    assert!(matches!(&not_taken, Verdict::Deny(denial) if !denial.is_failure), "{not_taken:?}");
    assert!(failed(30), "what was not taken is no sign of life");
}

#[tokio::test]
async fn a_message_that_a_proxy_before_a_service_does_not_take_lets_nobody_in() {
    for (status, opens) in [(413, false), (414, false), (431, false), (404, false), (502, true), (503, true)] {
        let status = StatusCode::from_u16(status).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let filter = open(&format!("http://{}", listener.local_addr().unwrap()), &json!("grpc"));
        let proxy = axum::Router::new().fallback(move || async move { (status, "of a proxy") });
        let server = tonic::transport::Server::builder().add_routes(proxy.into());
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        assert!(!lets_in(&filter, 1 << 20).await, "{status}");
        assert_eq!(lets_in(&filter, 0).await, opens, "{status}, which no message is why");
    }
}

/// A service by gRPC that is there and takes nothing; and how often it was asked.
async fn refuses() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, asked) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&asked);
    let service = axum::Router::new().fallback(move || {
        count.fetch_add(1, Ordering::Relaxed);
        async { [("content-type", "application/grpc"), ("grpc-status", "7")] }
    });
    let server = tonic::transport::Server::builder().add_routes(service.into());
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    (address, asked)
}

#[tokio::test]
async fn all_endpoints_are_asked_by_grpc() {
    let services = [refuses().await, refuses().await, refuses().await];
    let addresses = [services[0].0, services[1].0, services[2].0];
    let filter = open_at("http://asked.shop:80", Some(&addresses), &json!("grpc"));
    for _ in 0..6 {
        assert!(!lets_in(&filter, 0).await);
    }
    assert_eq!(services.map(|(_, asked)| asked.load(Ordering::Relaxed)), [2, 2, 2]);
}

#[tokio::test]
async fn by_grpc_another_endpoint_is_asked_where_one_is_silent() {
    let ((silent, _queue), (there, asked)) = (crate::idp::silent().await, refuses().await);
    let filter = open_at("http://asked.shop:80", Some(&[silent, there]), &json!("grpc"));
    for _ in 0..2 {
        assert!(!lets_in(&filter, 0).await, "somebody is there");
    }
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn no_time_at_all_is_the_usual_time() {
    let (silent, _queue) = crate::idp::silent().await;
    for protocol in [by_http(), json!("grpc")] {
        let filter = open_within(0, "http://asked.shop:80", Some(&[silent]), &protocol);
        let asked = tokio::time::timeout(Duration::from_millis(500), lets_in(&filter, 0)).await;
        assert!(asked.is_err(), "{protocol}: nobody is waited for");
    }
}
