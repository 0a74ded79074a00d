//! Fetching from real servers, most of which are up to no good.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

mod endpoints;
mod tls;

use super::*;
use crate::gateway::Upstream;

/// A server that writes what `answer` gives for each request's head, and then closes.
async fn server(answer: impl Fn(&str, usize) -> Vec<u8> + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let count = AtomicUsize::new(0);
    let answer = Arc::new(answer);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (answer, number) = (Arc::clone(&answer), count.fetch_add(1, Ordering::Relaxed));
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    match stream.read_u8().await {
                        Ok(byte) => head.push(byte),
                        Err(_) => return,
                    }
                }
                _ = stream.write_all(&answer(&String::from_utf8_lossy(&head), number)).await;
            });
        }
    });
    address
}

fn reply(head: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len()).into_bytes()
}

fn service(address: SocketAddr, path: &str) -> Target {
    let upstream: Upstream = serde_json::from_value(json!({
        "service": "cart:80", "endpoints": [{ "address": address.to_string() }], "names": [], "tls": null, "host": null
    }))
    .unwrap();
    Target::Service(Service::new(&upstream, Some("shop.example"), path))
}

fn fetcher(allowed: &[&str]) -> Fetcher {
    fetcher_by(allowed, address::by_system())
}

fn fetcher_by(allowed: &[&str], lookup: address::Lookup) -> Fetcher {
    _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let mut settings = crate::settings::tests::settings(&["--portal-max-document", "1"]);
    settings.allowed_hosts = allowed.iter().map(|host| (*host).to_owned()).collect();
    let admin = crate::gateway::Admin::new("127.0.0.1:1").unwrap();
    Fetcher::looking_up(&settings, Certificates::Elsewhere { admin, directory: None }, lookup).unwrap()
}

async fn fetch(target: &Target) -> Result<Fetched, FetchError> {
    fetch_within(Duration::from_secs(20), target).await
}

async fn fetch_within(longest: Duration, target: &Target) -> Result<Fetched, FetchError> {
    fetcher(&[]).fetch(target, &Validators::default(), Some(longest)).await
}

fn text(fetched: Fetched) -> (String, Validators) {
    match fetched {
        Fetched::Text { body, validators } => (String::from_utf8(body.to_vec()).unwrap(), validators),
        Fetched::NotModified => panic!("it is new"),
    }
}

#[tokio::test]
async fn a_service_is_asked_at_its_endpoint_under_its_public_name_and_without_credentials() {
    let address = server(|head, _| reply("200 OK", head)).await;
    let (head, _) = text(fetch(&service(address, "/openapi.json?v=1")).await.unwrap());
    let head = head.to_lowercase();
    assert!(head.starts_with("get /openapi.json?v=1 http/1.1") && head.contains("host: shop.example\r\n"), "{head}");
    assert!(head.contains("user-agent: nuncio-portal") && !head.contains("cookie") && !head.contains("authorization"));
}

#[tokio::test]
async fn what_did_not_change_is_not_sent_again() {
    let address = server(|head, _| match head.to_lowercase().contains("if-none-match: \"1\"") {
        true => reply("304 Not Modified", ""),
        false => reply("200 OK\r\netag: \"1\"", "{}"),
    })
    .await;
    let target = service(address, "/");
    let (_, validators) = text(fetch(&target).await.unwrap());
    let again = fetcher(&[]).fetch(&target, &validators, None).await.unwrap();
    assert!(matches!(again, Fetched::NotModified));
}

#[tokio::test]
async fn endless_and_slow_answers_end() {
    let huge = server(|_, _| reply("200 OK", &"x".repeat(2 << 20))).await;
    assert_eq!(fetch(&service(huge, "/")).await.unwrap_err(), FetchError::TooLarge(1 << 20));

    let stream = server(|_, _| {
        let chunk = format!("{:x}\r\n{}\r\n", 1 << 16, "x".repeat(1 << 16));
        format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{}", chunk.repeat(40)).into_bytes()
    })
    .await;
    assert_eq!(fetch(&service(stream, "/")).await.unwrap_err(), FetchError::TooLarge(1 << 20));

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = listener.local_addr().unwrap();
    let second = Duration::from_secs(1);
    let why = fetch_within(second, &service(silent, "/")).await.unwrap_err();
    assert_eq!(why, FetchError::TimedOut(second));

    let cut = server(|_, _| b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"openapi\"".to_vec()).await;
    assert!(matches!(fetch(&service(cut, "/")).await.unwrap_err(), FetchError::Unreachable(_)));
}

/// A server that goes on and on with this, with a pause in between.
async fn forever(part: Vec<u8>, pause: Duration) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut asked = Vec::new();
        while !asked.ends_with(b"\r\n\r\n") {
            asked.push(stream.read_u8().await.unwrap());
        }
        let head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{\"openapi\": \"3.1.0\", \"x\": \"";
        stream.write_all(head).await.unwrap();
        // Until whoever asked goes away.
        while stream.write_all(&part).await.is_ok() {
            tokio::time::sleep(pause).await;
        }
    });
    address
}

#[tokio::test]
async fn what_never_ends_ends_here() {
    let endless = forever(vec![b'x'; 1 << 16], Duration::ZERO).await;
    assert_eq!(fetch(&service(endless, "/")).await.unwrap_err(), FetchError::TooLarge(1 << 20));
    let drip = forever(b"x".to_vec(), Duration::from_millis(20)).await;
    let second = Duration::from_secs(1);
    assert_eq!(fetch_within(second, &service(drip, "/")).await.unwrap_err(), FetchError::TimedOut(second));
}

#[tokio::test]
async fn a_name_that_means_something_else_a_moment_later_gains_nothing() {
    // First it means a server that may be asked, whenever it is asked again the metadata service.
    let address = server(|head, _| match head.split(' ').nth(1) {
        Some("/again") => reply("302 Found\r\nlocation: /", ""),
        _ => reply("200 OK", "here"),
    })
    .await;
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let rebinds: address::Lookup = Arc::new(move |_| {
        let first = counted.fetch_add(1, Ordering::Relaxed) == 0;
        let found = SocketAddr::new(if first { address.ip() } else { "169.254.169.254".parse().unwrap() }, 0);
        Box::pin(async move { Ok(vec![found]) })
    });
    let url = |path: &str| {
        let text = format!("http://rebind.example:{}{path}", address.port());
        Target::Url(DocumentUrl::parse(&text).unwrap())
    };
    let fetcher = fetcher_by(&["rebind.example"], rebinds);
    let ask = async |path: &str| fetcher.fetch(&url(path), &Validators::default(), None).await;
    assert_eq!(text(ask("/").await.unwrap()).0, "here");
    assert_eq!(count.load(Ordering::Relaxed), 1, "what was checked is what was connected to");
    let error = ask("/").await.unwrap_err().to_string();
    assert!(error.contains("rebind.example is at a private address that is never asked"), "{error}");
    count.store(0, Ordering::Relaxed);
    let error = ask("/again").await.unwrap_err().to_string();
    assert!(error.contains("never asked"), "a redirect is looked up and checked anew: {error}");
}

#[tokio::test]
async fn of_the_addresses_of_a_name_only_those_are_asked_that_may_be() {
    let address = server(|_, _| reply("200 OK", "here")).await;
    let both: address::Lookup = Arc::new(move |_| {
        let never = ["169.254.169.254", "100.100.100.200", "fd00:ec2::254"];
        let never = never.map(|never| SocketAddr::new(never.parse().unwrap(), 0));
        Box::pin(async move { Ok([&never[..], &[SocketAddr::new(address.ip(), 0)]].concat()) })
    });
    let target = Target::Url(DocumentUrl::parse(&format!("http://docs.example:{}/", address.port())).unwrap());
    let ask = async |allowed: &[&str]| {
        fetcher_by(allowed, Arc::clone(&both)).fetch(&target, &Validators::default(), None).await
    };
    assert_eq!(text(ask(&["docs.example"]).await.unwrap()).0, "here");
    assert!(ask(&[]).await.is_err(), "nobody let it in");
}

#[tokio::test]
async fn what_is_decompressed_counts() {
    // 2 MiB of zeros, as gzip has them: 2 KiB.
    let bomb = include_bytes!("bomb.gz");
    let address = server(move |_, _| {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n", bomb.len());
        [head.as_bytes(), bomb].concat()
    })
    .await;
    assert_eq!(fetch(&service(address, "/")).await.unwrap_err(), FetchError::TooLarge(1 << 20));
}

#[tokio::test]
async fn redirects_stay_within_the_service_and_are_few() {
    let address = server(|head, _| match head.split(' ').nth(1) {
        Some("/docs") => reply("302 Found\r\nlocation: /docs/v1", ""),
        Some("/docs/v1") => reply("302 Found\r\nlocation: http://shop.example/openapi.json", ""),
        Some("/openapi.json") => reply("200 OK", "here"),
        Some("/metadata") => reply("302 Found\r\nlocation: http://169.254.169.254/latest/", ""),
        Some("/other-cloud") => reply("302 Found\r\nlocation: http://100.100.100.200/latest/", ""),
        Some("/file") => reply("302 Found\r\nlocation: file:///etc/passwd", ""),
        _ => reply("302 Found\r\nlocation: /loop", ""),
    })
    .await;
    assert_eq!(text(fetch(&service(address, "/docs")).await.unwrap()).0, "here");
    for elsewhere in ["/metadata", "/other-cloud", "/file"] {
        assert!(matches!(fetch(&service(address, elsewhere)).await, Err(FetchError::NotAllowed(_))), "{elsewhere}");
    }
    assert_eq!(fetch(&service(address, "/loop")).await.unwrap_err(), FetchError::Redirects);
}

#[tokio::test]
async fn other_answers_are_told_by_their_status() {
    let address = server(|_, _| reply("404 Not Found", "secret")).await;
    assert_eq!(fetch(&service(address, "/")).await.unwrap_err(), FetchError::Status(StatusCode::NOT_FOUND));
}

#[tokio::test]
async fn not_even_a_service_may_be_a_metadata_service() {
    for never in ["169.254.169.254:80", "100.100.100.200:80", "[fd00:ec2::254]:80", "192.0.0.192:80"] {
        let target = service(never.parse().unwrap(), "/");
        assert!(matches!(fetch(&target).await, Err(FetchError::NotAllowed(_))), "{never}");
    }
}

#[tokio::test]
async fn a_url_leads_to_private_addresses_only_where_an_operator_says_so() {
    let address = server(|_, _| reply("200 OK", "private")).await;
    let other =
        server(move |_, _| reply(&format!("302 Found\r\nlocation: http://127.0.0.1:{}/", address.port()), "")).await;
    let url = |text: String| Target::Url(DocumentUrl::parse(&text).unwrap());
    let by_address = url(format!("http://127.0.0.1:{}/", address.port()));
    assert!(matches!(fetch(&by_address).await, Err(FetchError::NotAllowed(_))));
    // A name that means a private address is found out when it is looked up: DNS cannot rebind it later.
    let by_name = url(format!("https://localhost:{}/", address.port()));
    let error = fetch(&by_name).await.unwrap_err().to_string();
    assert!(error.contains("localhost is at a private address"), "{error}");

    let allowed = fetcher(&["localhost"]);
    let ask = async |target: &Target| allowed.fetch(target, &Validators::default(), None).await;
    let by_name = url(format!("http://localhost:{}/", address.port()));
    assert_eq!(text(ask(&by_name).await.unwrap()).0, "private");
    let by_redirect = url(format!("http://localhost:{}/", other.port()));
    assert!(matches!(ask(&by_redirect).await, Err(FetchError::NotAllowed(_))), "127.0.0.1 was not let in");
    let metadata = server(|head, _| {
        let to = if head.starts_with("GET /4 ") { "100.100.100.200" } else { "[fd00:ec2::254]" };
        reply(&format!("302 Found\r\nlocation: https://{to}/latest/"), "")
    })
    .await;
    for path in ["4", "6"] {
        let error = ask(&url(format!("http://localhost:{}/{path}", metadata.port()))).await.unwrap_err().to_string();
        assert!(error.contains("never asked"), "{error}");
    }
}
