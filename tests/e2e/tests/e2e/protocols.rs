//! HTTP/1.1, HTTP/2, gRPC, WebSocket and PROXY, by real clients.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use nuncio_e2e::backend::{Backend, Grpc};
use nuncio_e2e::yaml::{self, documents, host, listener, mapping};
use nuncio_e2e::{Authority, Client, Gateway, Site, Tls, get};
use serde_json::json;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

#[tokio::test]
async fn http1_with_a_body_each_way_on_a_kept_connection() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    site.write("all.yaml", yaml::plain(&site) + &documents(&[mapping("x", "/x/", a.address())]));
    let gateway = Gateway::start(&site).await;
    let mut connection = Client::http(site.http()).connect().await.unwrap();
    for round in 0..3 {
        let body = "x".repeat(100_000 + round);
        let ask = get("a.example", "/x/y?z=1").method("PUT").body(body.clone()).with("x-echo-status", "201");
        let reply = connection.send(&ask).await.unwrap();
        let echo = reply.echo().unwrap();
        assert_eq!((reply.status, &*echo.method, &*echo.path), (201, "PUT", "/y?z=1"));
        assert_eq!((echo.body.len(), &*echo.version, &*echo.host), (body.len(), "HTTP/1.1", "a.example"));
        assert_eq!(echo.header("x-envoy-original-path"), Some("/x/y?z=1"));
    }
    gateway.stop().await;
}

#[tokio::test]
async fn methods_beside_the_usual_ones() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    site.write("all.yaml", yaml::plain(&site) + &documents(&[mapping("x", "/x/", a.address())]));
    let gateway = Gateway::start(&site).await;
    let (by_http1, by_http2) = (Client::http(site.http()), Client::http(site.http()).http2());
    let bare = |method: &str| get("a.example", "/x/").method(method).body("{}");
    let ask = |method: &str| bare(method).with("content-type", "application/json");
    for method in ["QUERY", "COPY"] {
        for client in [&by_http1, &by_http2] {
            let echo = client.ask(&ask(method)).await.echo().unwrap();
            assert_eq!((&*echo.method, echo.body.len()), (method, 2));
        }
    }
    for client in [&by_http1, &by_http2] {
        assert_eq!(client.ask(&bare("QUERY")).await.status, 400, "RFC 10008 has it say what its content is");
    }
    // Of those that nobody has registered Envoy takes none by HTTP/1.1.
    assert_eq!(by_http1.ask(&ask("ADOPT")).await.status, 400);
    assert_eq!(by_http2.ask(&ask("ADOPT")).await.echo().unwrap().method, "ADOPT");
    gateway.stop().await;
}

#[tokio::test]
async fn http2_by_prior_knowledge_to_and_from_the_gateway() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    let mut by_http2 = mapping("grpc", "/grpc/", a.address());
    by_http2["spec"]["grpc"] = json!(true);
    site.write("all.yaml", yaml::plain(&site) + &documents(&[mapping("x", "/x/", a.address()), by_http2]));
    let gateway = Gateway::start(&site).await;
    let mut connection = Client::http(site.http()).http2().connect().await.unwrap();
    for (path, version) in [("/x/", "HTTP/1.1"), ("/grpc/", "HTTP/2.0"), ("/x/", "HTTP/1.1")] {
        let reply = connection.send(&get("a.example", path)).await.unwrap();
        assert_eq!(reply.echo().unwrap().version, version, "{path}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn http2_by_alpn_where_the_host_offers_it() {
    let (site, a, authority) = (Site::new(), Backend::start("a").await, Authority::new("ca"));
    let mut offering = yaml::tls_host("two", "two.example");
    offering["spec"]["tls"] = json!({"alpn_protocols": "h2,http/1.1"});
    let secrets = ["one", "two"].map(|name| yaml::tls_secret(name, &authority.issue(&[&format!("{name}.example")])));
    let objects = [yaml::tls_host("one", "one.example"), offering, mapping("x", "/x/", a.address())];
    site.write("all.yaml", yaml::listeners(&site) + &documents(&objects) + &documents(&secrets));
    let gateway = Gateway::start(&site).await;

    let tls = Tls::to("two.example", &authority).offering(&["h2", "http/1.1"]);
    let mut connection = Client::https(site.https(), tls).http2().connect().await.unwrap();
    assert_eq!(connection.alpn.as_deref(), Some("h2"));
    assert_eq!(connection.send(&get("two.example", "/x/")).await.unwrap().by(), "a");

    let tls = Tls::to("two.example", &authority).offering(&["http/1.1"]);
    let mut connection = Client::https(site.https(), tls).connect().await.unwrap();
    assert_eq!(connection.alpn.as_deref(), Some("http/1.1"));
    assert_eq!(connection.send(&get("two.example", "/x/")).await.unwrap().by(), "a");

    // Without ALPN it is HTTP/1.1.
    let mut connection = Client::https(site.https(), Tls::to("one.example", &authority)).connect().await.unwrap();
    assert_eq!(connection.alpn, None);
    assert_eq!(connection.send(&get("one.example", "/x/")).await.unwrap().by(), "a");
    gateway.stop().await;
}

#[tokio::test]
async fn grpc_calls_with_trailers() {
    let (site, grpc) = (Site::new(), Grpc::start("shop").await);
    let mut mapping = mapping("health", "/grpc.health.v1.Health/", grpc.address());
    mapping["spec"]["grpc"] = json!(true);
    mapping["spec"]["rewrite"] = json!("");
    site.write("all.yaml", yaml::plain(&site) + &documents(&[mapping]));
    let gateway = Gateway::start(&site).await;
    let channel = Endpoint::from_shared(format!("http://{}", site.http())).unwrap().connect().await.unwrap();
    let mut client = HealthClient::new(channel);
    let reply = client.check(HealthCheckRequest { service: "shop".into() }).await.unwrap();
    assert_eq!(reply.into_inner().status(), ServingStatus::Serving);
    let error = client.check(HealthCheckRequest { service: "nothing".into() }).await.unwrap_err();
    assert_eq!(error.code(), tonic::Code::NotFound, "the status comes in trailers: {error}");

    let mut watch = client.watch(HealthCheckRequest { service: "shop".into() }).await.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
    drop(watch);
    gateway.stop().await;
}

#[tokio::test]
async fn a_grpc_call_that_no_route_takes_has_a_grpc_status() {
    let site = Site::new();
    site.write("all.yaml", yaml::plain(&site));
    let gateway = Gateway::start(&site).await;
    let channel = Endpoint::from_shared(format!("http://{}", site.http())).unwrap().connect().await.unwrap();
    let error = HealthClient::new(channel).check(HealthCheckRequest::default()).await.unwrap_err();
    assert_eq!(error.code(), tonic::Code::Unimplemented, "{error}");
    gateway.stop().await;
}

#[tokio::test]
async fn websockets_where_the_mapping_allows_them() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    let mut allowing = mapping("ws", "/ws/", a.address());
    allowing["spec"]["allow_upgrade"] = json!(["websocket"]);
    site.write("all.yaml", yaml::plain(&site) + &documents(&[allowing, mapping("x", "/x/", a.address())]));
    let gateway = Gateway::start(&site).await;
    let connect = async |path: &str| {
        let request = format!("ws://a.example{path}").into_client_request().unwrap();
        let tcp = TcpStream::connect(site.http()).await.unwrap();
        tokio_tungstenite::client_async(request, tcp).await
    };
    let (mut socket, response) = connect("/ws/chat").await.unwrap();
    assert_eq!(response.status(), 101);
    for text in ["one", "two"] {
        socket.send(Message::text(text)).await.unwrap();
        let answer = socket.next().await.unwrap().unwrap();
        assert_eq!(answer.to_text().unwrap(), format!("a: {text}"));
    }
    // It outlives a change of the routes.
    site.write("more.yaml", documents(&[mapping("more", "/more/", a.address())]));
    gateway.admin.state("Mapping", "more", "acked").await;
    socket.send(Message::text("three")).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap().to_text().unwrap(), "a: three");
    socket.close(None).await.unwrap();

    match connect("/x/").await {
        Err(Error::Http(response)) => assert_eq!(response.status(), 403),
        other => panic!("{other:?}"),
    }
    gateway.stop().await;
}

/// On a name with a table of its own as on one that is found by a miss: Envoy must not end what was upgraded.
#[tokio::test]
async fn a_websocket_outlives_the_timeout_of_its_mapping() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    let mut allowing = mapping("ws", "/ws/", a.address());
    allowing["spec"]["allow_upgrade"] = json!(["websocket"]);
    // The answer to the handshake must come within it.
    allowing["spec"]["timeout_ms"] = json!(2_000);
    site.write("all.yaml", yaml::plain(&site) + &documents(&[host("named", "named.example"), allowing]));
    let gateway = Gateway::start(&site).await;
    let mut sockets = Vec::new();
    for name in ["named.example", "other.example"] {
        let request = format!("ws://{name}/ws/chat").into_client_request().unwrap();
        let tcp = TcpStream::connect(site.http()).await.unwrap();
        sockets.push((name, tokio_tungstenite::client_async(request, tcp).await.unwrap().0));
    }
    // Time itself is what is tried here.
    tokio::time::sleep(Duration::from_secs(5)).await;
    for (name, socket) in &mut sockets {
        socket.send(Message::text("still there")).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap().to_text().unwrap(), "a: still there", "{name}");
        // A gateway that is told to stop waits for those that are open.
        socket.close(None).await.unwrap();
    }
    gateway.stop().await;
}

#[tokio::test]
async fn the_proxy_protocol_tells_the_clients_address() {
    let (site, a, authority) = (Site::new(), Backend::start("a").await, Authority::new("ca"));
    let secret = yaml::tls_secret("a", &authority.issue(&["a.example"]));
    let listeners =
        [listener("http", site.http().port(), "HTTPPROXY"), listener("https", site.https().port(), "HTTPSPROXY")];
    let objects = [secret, yaml::tls_host("a", "a.example"), host("any", "*"), mapping("x", "/x/", a.address())];
    site.write("all.yaml", documents(&listeners) + &documents(&objects));
    let gateway = Gateway::start(&site).await;
    let version1 = b"PROXY TCP4 203.0.113.7 198.51.100.1 1234 443\r\n".to_vec();
    // Version 2: signature, "proxy, version 2", TCP over IPv4, 12 bytes of addresses and ports.
    let version2 =
        [b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".as_slice(), &[203, 0, 113, 7, 198, 51, 100, 1, 4, 210, 1, 187]].concat();
    for preface in [version1, version2] {
        let plain = Client::http(site.http()).preface(preface.clone());
        let tls = Client::https(site.https(), Tls::to("a.example", &authority)).preface(preface);
        for client in [plain, tls] {
            let reply = client.ask(&get("a.example", "/x/")).await;
            let echo = reply.echo().unwrap_or_else(|| panic!("{reply:?}"));
            assert_eq!(echo.header("x-forwarded-for"), Some("203.0.113.7"));
        }
    }
    assert!(
        Client::http(site.http()).send(&get("a.example", "/x/")).await.is_err(),
        "without it the connection is closed"
    );
    gateway.stop().await;
}

#[tokio::test]
async fn tls_to_services_with_a_client_certificate() {
    let (site, authority) = (Site::new(), Authority::new("ca"));
    let ours = authority.issue(&["gateway.example"]);
    let a = Backend::tls("a", &authority.issue(&["service.example"]), Some(&authority)).await;
    let context = |name: &str, spec: serde_json::Value| yaml::object("TLSContext", name, spec);
    let to = |name: &str| {
        let mut mapping = mapping(name, &format!("/{name}/"), a.address());
        mapping["spec"]["tls"] = json!(name);
        mapping["spec"]["service"] = json!(format!("https://{}", a.address()));
        mapping
    };
    let objects = [
        yaml::tls_secret("ours", &ours),
        yaml::text_secret("ca", "ca.crt", &authority.pem()),
        yaml::text_secret("other", "ca.crt", &Authority::new("other").pem()),
        context("mutual", json!({"secret": "ours", "ca_secret": "ca", "sni": "service.example"})),
        context("nobody", json!({"ca_secret": "ca", "sni": "service.example"})),
        context("distrust", json!({"secret": "ours", "ca_secret": "other", "sni": "service.example"})),
        to("mutual"),
        to("nobody"),
        to("distrust"),
        to("unknown"),
    ];
    site.write("all.yaml", yaml::plain(&site) + &documents(&objects));
    let gateway = Gateway::start(&site).await;
    let client = Client::http(site.http());
    let echo = client.ask(&get("a.example", "/mutual/")).await.echo().unwrap();
    assert_eq!((echo.client.as_deref(), echo.sni.as_deref()), (Some("gateway.example"), Some("service.example")));
    assert_eq!(client.ask(&get("a.example", "/nobody/")).await.status, 503, "the service wants a certificate");
    assert_eq!(
        client.ask(&get("a.example", "/distrust/")).await.status,
        503,
        "the service's certificate is of another CA"
    );
    let refused = client.ask(&get("a.example", "/unknown/")).await;
    assert!(refused.status >= 500, "an unknown TLSContext is never clear text: {refused:?}");
    gateway.admin.problem(&["TLSContextNotFound", "unknown"]).await;
    assert_eq!(a.requests(), 1);
    gateway.stop().await;
}
