//! Connections over HTTP/2, frame by frame: what clients of the usual libraries do not do.

use std::time::{Duration, Instant};

use nuncio_ratelimit_tests::{Service, Which, descriptor, request};
use nuncio_test_support::usage;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const RULES: &str = "domain: d\ndescriptors: [{key: k, rate_limit: {unit: year, requests_per_unit: 100}}]";
/// What a client begins with: the preface, and settings that say nothing.
const BEGIN: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
/// What is awaited comes, unless it never does.
const PATIENCE: Duration = Duration::from_secs(60);
/// The error of a stream that its client does not want any more.
const CANCEL: u32 = 8;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// Calls that are begun and taken back at once.
fn taken_back(calls: u32) -> Vec<u8> {
    // POST, http; path, authority and content type as text, and from then on by their places in the table.
    let text = |name: u8, value: &str| [&[0x40 | name, u8::try_from(value.len()).unwrap()], value.as_bytes()].concat();
    let path = text(4, "/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit");
    let first = [vec![0x83, 0x86], path, text(1, "limits"), text(31, "application/grpc")].concat();
    let later = vec![0x83, 0x86, 0xc0, 0xbf, 0xbe];
    let call = |number: u32| {
        let stream = 2 * number + 1;
        let begun = frame(HEADERS, 4, stream, if number == 0 { &first } else { &later });
        [begun, frame(RST_STREAM, 0, stream, &CANCEL.to_be_bytes())].concat()
    };
    (0..calls).flat_map(call).collect()
}

/// The next frame's kind and payload; none at the end.
async fn next(stream: &mut TcpStream) -> Option<(u8, Vec<u8>)> {
    let mut head = [0; 9];
    stream.read_exact(&mut head).await.ok()?;
    let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
    stream.read_exact(&mut payload).await.ok()?;
    Some((head[3], payload))
}

/// The payload of the next frame of this kind; none if there is none.
async fn awaited(stream: &mut TcpStream, kind: u8) -> Option<Vec<u8>> {
    let found = async {
        loop {
            let (found, payload) = next(stream).await?;
            if found == kind {
                return Some(payload);
            }
        }
    };
    tokio::time::timeout(PATIENCE, found).await.expect("neither the frame nor the end")
}

async fn connect(service: &Service) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", service.grpc_port())).await.unwrap();
    stream.write_all(BEGIN).await.unwrap();
    stream
}

/// Clients are told that a connection is to end, so that they can begin another, and are then given time.
#[tokio::test]
async fn those_that_are_old_are_told_to_go_and_then_ended() {
    let variables =
        [("BACKEND_TYPE", "memory"), ("GRPC_MAX_CONNECTION_AGE", "100ms"), ("GRPC_MAX_CONNECTION_AGE_GRACE", "300ms")];
    let service = Service::start(Which::Ours, RULES, &variables).await.unwrap();
    let begun = Instant::now();
    let mut stream = connect(&service).await;
    awaited(&mut stream, GOAWAY).await.expect("told to go");
    while next(&mut stream).await.is_some() {}
    assert!(begun.elapsed() > Duration::from_millis(350), "no time was given: {:?}", begun.elapsed());
}

/// After a stall of the service an Envoy takes all calls back that it gave up meanwhile.
#[tokio::test]
async fn thousands_of_calls_taken_back_do_not_end_a_connection() {
    let service = Service::start(Which::Ours, RULES, &[("BACKEND_TYPE", "memory")]).await.unwrap();
    let mut stream = connect(&service).await;
    stream.write_all(&[taken_back(5_000), frame(PING, 0, 0, b"all well")].concat()).await.unwrap();
    assert_eq!(awaited(&mut stream, PING).await.as_deref(), Some(&b"all well"[..]), "the connection ended");
}

/// Whatever one connection does, others are answered, and nothing of it stays.
#[tokio::test]
async fn whoever_does_nothing_but_take_calls_back_holds_nobody_up() {
    let variables = [("BACKEND_TYPE", "memory"), ("NUNCIO_RATELIMIT_THREADS", "1")];
    let service = Service::start(Which::Ours, RULES, &variables).await.unwrap();
    let mut client = service.client().await.unwrap();
    let before = usage::resident(service.process().id());
    let mut most = 0;
    // A busy machine may have no time for this test while the service is at work, but not each time.
    for _ in 0..5 {
        let mut stream = connect(&service).await;
        let flood = tokio::spawn(async move {
            stream.write_all(&[taken_back(50_000), frame(PING, 0, 0, b"all well")].concat()).await?;
            Ok::<_, std::io::Error>(awaited(&mut stream, PING).await)
        });
        let mut calls = 0;
        while !flood.is_finished() {
            let call = client.should_rate_limit(request("d", vec![descriptor(&[("k", "v")])]));
            tokio::time::timeout(PATIENCE, call).await.expect("held up").unwrap();
            calls += 1;
        }
        let answer = flood.await.unwrap().unwrap();
        assert_eq!(answer.as_deref(), Some(&b"all well"[..]), "the connection ended");
        most = most.max(calls);
        if most >= 10 {
            break;
        }
    }
    assert!(most >= 10, "{most} calls of others meanwhile");
    let grown = usage::resident(service.process().id()) - before;
    assert!(grown < 32.0, "{grown} MB more");
}

#[tokio::test]
async fn nobody_waits_at_the_end_for_who_has_not_spoken() {
    let service = Service::start(Which::Ours, RULES, &[("BACKEND_TYPE", "memory")]).await.unwrap();
    // The second is accepted after the first, and answered.
    let _silent = TcpStream::connect(("127.0.0.1", service.grpc_port())).await.unwrap();
    let asked = service.client().await.unwrap().should_rate_limit(request("d", vec![descriptor(&[("k", "v")])])).await;
    asked.unwrap();
    let begun = Instant::now();
    assert!(service.stop().await.unwrap().success());
    // For who is being answered it waits ten.
    assert!(begun.elapsed() < Duration::from_secs(9), "{:?}", begun.elapsed());
}
