//! Services with several endpoints.

use super::*;

fn service_at(addresses: &[SocketAddr]) -> Target {
    let endpoints: Vec<_> = addresses.iter().map(|address| json!({ "address": address.to_string() })).collect();
    let upstream = json!({ "service": "cart:80", "endpoints": endpoints, "names": [], "tls": null, "host": null });
    Target::Service(Service::new(&serde_json::from_value(upstream).unwrap(), None, "/"))
}

/// An address at which nobody is: the system does not give its port to others.
fn nobody(last: u8) -> SocketAddr {
    ([127, 9, 9, last], 9).into()
}

/// How often it was asked, and its address.
async fn counting(reply_to: impl Fn() -> Vec<u8> + Send + Sync + 'static) -> (Arc<AtomicUsize>, SocketAddr) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let address = server(move |_, _| {
        count.fetch_add(1, Ordering::Relaxed);
        reply_to()
    });
    (asked, address.await)
}

#[tokio::test]
async fn another_endpoint_has_the_document_where_the_first_is_dead() {
    let (dead, (starting, ill), (_, well)) = (
        nobody(1),
        counting(|| reply("503 Service Unavailable", "")).await,
        counting(|| reply("200 OK", "a document")).await,
    );
    let target = service_at(&[dead, ill, well]);
    let fetched = fetcher(&[]).fetch(&target, &Validators::default(), None).await;
    assert_eq!(text(fetched.unwrap()).0, "a document");
    let failed: Vec<_> = target.failed().iter().map(ToString::to_string).collect();
    assert_eq!(failed.len(), 2, "{failed:?}");
    assert!(failed[0].starts_with(&dead.to_string()) && failed[0].contains("refused"), "{failed:?}");
    assert!(failed[1].starts_with(&ill.to_string()) && failed[1].contains("503"), "{failed:?}");

    // The next time the one that answered is asked first.
    assert_eq!(text(fetch(&target).await.unwrap()).0, "a document");
    assert_eq!(starting.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn an_endpoint_that_hangs_leaves_time_for_others() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (_, well) = counting(|| reply("200 OK", "a document")).await;
    let target = service_at(&[listener.local_addr().unwrap(), well]);
    let fetched = fetcher(&[]).fetch(&target, &Validators::default(), Some(Duration::from_secs(20))).await;
    assert_eq!(text(fetched.unwrap()).0, "a document");
    let failed: Vec<_> = target.failed().iter().map(ToString::to_string).collect();
    assert_eq!(failed.len(), 1, "{failed:?}");
    let (_, told) = failed[0].split_once("there was no whole answer within ").expect("it hangs");
    // The other was asked after two seconds, and has answered long before the end.
    let seconds: f32 = told.trim_end_matches(" s").parse().unwrap();
    assert!((2.0..10.0).contains(&seconds), "{failed:?}");
}

/// An endpoint that takes this long to answer.
async fn slow(pause: Duration) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut asked = Vec::new();
        while !asked.ends_with(b"\r\n\r\n") {
            asked.push(stream.read_u8().await.unwrap());
        }
        tokio::time::sleep(pause).await;
        _ = stream.write_all(&reply("200 OK", "a document")).await;
    });
    address
}

/// Endpoints that take what they are asked, and say nothing.
async fn hanging(count: usize) -> Vec<TcpListener> {
    let mut all = Vec::new();
    for _ in 0..count {
        all.push(TcpListener::bind("127.0.0.1:0").await.unwrap());
    }
    all
}

fn addresses(listeners: &[TcpListener]) -> Vec<SocketAddr> {
    listeners.iter().map(|listener| listener.local_addr().unwrap()).collect()
}

#[tokio::test]
async fn a_slow_endpoint_among_several_is_waited_for() {
    let slow = slow(Duration::from_millis(2500)).await;
    let listeners = hanging(4).await;
    let target = service_at(&[&[slow][..], &addresses(&listeners)[..]].concat());
    let fetched = fetcher(&[]).fetch(&target, &Validators::default(), Some(Duration::from_secs(6))).await;
    assert_eq!(text(fetched.unwrap()).0, "a document");
    assert!(target.failed().is_empty(), "those that were asked after it may be as good: {:?}", target.failed());
}

#[tokio::test]
async fn the_most_endpoints_that_are_asked_are_asked_in_time() {
    let listeners = hanging(8).await;
    let addresses = addresses(&listeners);
    let why = fetcher(&[]).fetch(&service_at(&addresses), &Validators::default(), Some(Duration::from_secs(2))).await;
    let why = why.unwrap_err().to_string();
    assert!(why.contains("none of 8 endpoints answers"), "{why}");
    for address in addresses {
        assert!(why.contains(&format!("{address}: there was no whole answer within")), "{why}");
    }
}

#[tokio::test]
async fn endpoints_are_of_either_family() {
    if TcpListener::bind("[::1]:0").await.is_err() {
        return;
    }
    let dead = "[::1]:9".parse().unwrap();
    let (_, well) = counting(|| reply("200 OK", "a document")).await;
    let target = service_at(&[dead, well]);
    assert_eq!(text(fetch(&target).await.unwrap()).0, "a document");
    assert!(target.failed()[0].to_string().starts_with("[::1]:"), "{:?}", target.failed());
}

#[tokio::test]
async fn where_none_answers_each_is_told() {
    let (first, second) = (nobody(1), nobody(2));
    let target = service_at(&[first, second]);
    let why = fetch(&target).await.unwrap_err();
    assert!(!why.is_answer(), "nobody knows what they have");
    let why = why.to_string();
    assert!(why.contains("none of 2 endpoints") && why.contains(&first.to_string()), "{why}");
    assert!(why.contains(&second.to_string()) && target.failed().is_empty(), "{why}");

    // Those that answer have none: that is an answer, too.
    let ill = async || counting(|| reply("500 Internal Server Error", "")).await.1;
    let why = fetch(&service_at(&[ill().await, ill().await])).await.unwrap_err();
    assert_eq!(why, FetchError::Status(StatusCode::INTERNAL_SERVER_ERROR));
    let metadata = service_at(&["169.254.169.254:80".parse().unwrap()]);
    assert!(matches!(fetch(&metadata).await.unwrap_err(), FetchError::NotAllowed(_)));
}
