//! The way Envoy Gateway runs the original: its variables, rules over ADS with mutual TLS, calls over mutual TLS,
//! Prometheus, probes.

use std::pin::Pin;
use std::time::{Duration, Instant};

use envoy_types::pb::envoy::service::discovery::v3::aggregated_discovery_service_server::{
    AggregatedDiscoveryService, AggregatedDiscoveryServiceServer,
};
use envoy_types::pb::envoy::service::discovery::v3::{
    DeltaDiscoveryRequest, DeltaDiscoveryResponse, DiscoveryRequest, DiscoveryResponse,
};
use envoy_types::pb::google::protobuf::Any;
use envoy_types::pb::ratelimit::config::ratelimit::v3::{
    RateLimitConfig, RateLimitDescriptor, RateLimitPolicy, RateLimitUnit,
};
use nuncio_ratelimit_tests::{Client, Redis, Service, Which, descriptor, free_port, request};
use prost::{Message, Name};
use tokio::sync::{Mutex, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity, Server, ServerTlsConfig};
use tonic::{Request, Response, Status, Streaming};

/// A management server that sends what it is handed and hands on what it is sent.
struct Management {
    responses: Mutex<Option<mpsc::Receiver<Result<DiscoveryResponse, Status>>>>,
    requests: mpsc::Sender<DiscoveryRequest>,
}

type Responses<T> = Pin<Box<dyn tokio_stream::Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl AggregatedDiscoveryService for Management {
    type StreamAggregatedResourcesStream = Responses<DiscoveryResponse>;
    type DeltaAggregatedResourcesStream = Responses<DeltaDiscoveryResponse>;

    async fn stream_aggregated_resources(
        &self,
        request: Request<Streaming<DiscoveryRequest>>,
    ) -> Result<Response<Self::StreamAggregatedResourcesStream>, Status> {
        let (mut stream, requests) = (request.into_inner(), self.requests.clone());
        tokio::spawn(async move {
            while let Ok(Some(request)) = stream.message().await {
                _ = requests.send(request).await;
            }
        });
        let responses = self.responses.lock().await.take().ok_or_else(|| Status::unavailable("once only"))?;
        Ok(Response::new(Box::pin(ReceiverStream::new(responses))))
    }

    async fn delta_aggregated_resources(
        &self,
        _: Request<Streaming<DeltaDiscoveryRequest>>,
    ) -> Result<Response<Self::DeltaAggregatedResourcesStream>, Status> {
        Err(Status::unimplemented("state of the world only"))
    }
}

fn response(version: &str, unit: RateLimitUnit, count: u32) -> DiscoveryResponse {
    response_of(version, vec![config("r", "d", unit, count)])
}

fn response_of(version: &str, resources: Vec<Any>) -> DiscoveryResponse {
    DiscoveryResponse {
        version_info: version.to_owned(),
        nonce: format!("nonce-{version}"),
        type_url: RateLimitConfig::type_url(),
        resources,
        ..DiscoveryResponse::default()
    }
}

fn config(name: &str, domain: &str, unit: RateLimitUnit, count: u32) -> Any {
    let limit = RateLimitPolicy { unit: unit.into(), requests_per_unit: count, ..RateLimitPolicy::default() };
    let key = RateLimitDescriptor { key: "k".to_owned(), rate_limit: Some(limit), ..RateLimitDescriptor::default() };
    let config = RateLimitConfig { name: name.to_owned(), domain: domain.to_owned(), descriptors: vec![key] };
    Any { type_url: RateLimitConfig::type_url(), value: config.encode_to_vec() }
}

/// A certificate that is its own authority, for both ends.
struct Pair {
    certificate: String,
    key: String,
    files: tempfile::TempDir,
    certificate_file: String,
    key_file: String,
}

impl Pair {
    fn new() -> Self {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let files = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = files.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.to_string_lossy().into_owned()
        };
        let (certificate_file, key_file) = (write("tls.crt", &certificate), write("tls.key", &key));
        Self { certificate, key, certificate_file, key_file, files }
    }

    fn identity(&self) -> Identity {
        Identity::from_pem(&self.certificate, &self.key)
    }
}

/// As that of Envoy Gateway: two levels of descriptors, and what is not named is dropped.
const MAPPER: &str = r#"
mappings:
- match: "ratelimit.service.rate_limit.*.*.total_hits"
  name: "ratelimit_service_rate_limit_total_hits"
  timer_type: "histogram"
  labels: {domain: "$1", key1: "$2"}
- match: "ratelimit_server.*.response_time"
  name: "ratelimit_service_response_time_seconds"
  timer_type: histogram
  labels: {grpc_method: "$1"}
- match: "ratelimit.service.config_load_error"
  name: "ratelimit_service_config_load_error"
  match_metric_type: counter
- {match: ".", match_type: "regex", action: "drop", name: "dropped"}
"#;

async fn remaining(client: &mut Client) -> u32 {
    limit(client, "d").await.1
}

/// The limit of a domain, 0 for none, and what is left of it.
async fn limit(client: &mut Client, domain: &str) -> (u32, u32) {
    let reply = client.should_rate_limit(request(domain, vec![descriptor(&[("k", "v")])])).await.unwrap();
    let status = &reply.get_ref().statuses[0];
    (status.current_limit.as_ref().map_or(0, |limit| limit.requests_per_unit), status.limit_remaining)
}

#[tokio::test]
async fn envoy_gateways_variables_are_all_it_takes() {
    let (redis, tls) = (Redis::start(&[]).unwrap(), Pair::new());
    let (xds_port, metrics_port) = (free_port().unwrap(), free_port().unwrap());
    let (responses, outgoing) = mpsc::channel(4);
    let (requests, mut received) = mpsc::channel(4);
    let management = Management { responses: Mutex::new(Some(outgoing)), requests };
    let server = Server::builder()
        .tls_config(
            ServerTlsConfig::new().identity(tls.identity()).client_ca_root(Certificate::from_pem(&tls.certificate)),
        )
        .unwrap()
        .add_service(AggregatedDiscoveryServiceServer::new(management));
    tokio::spawn(server.serve(([127, 0, 0, 1], xds_port).into()));
    responses.send(Ok(response("1", RateLimitUnit::Year, 10))).await.unwrap();

    let (url, xds, metrics) = (redis.address(), format!("localhost:{xds_port}"), format!("127.0.0.1:{metrics_port}"));
    let mapper = tls.files.path().join("mapper.yaml");
    std::fs::write(&mapper, MAPPER).unwrap();
    let service = Service::start(
        Which::Ours,
        "",
        &[
            ("RUNTIME_ROOT", "/data"),
            ("RUNTIME_SUBDIRECTORY", "ratelimit"),
            ("RUNTIME_IGNOREDOTFILES", "true"),
            ("RUNTIME_WATCH_ROOT", "false"),
            ("LOG_LEVEL", "info"),
            ("FORCE_START_WITHOUT_INITIAL_CONFIG", "true"),
            ("REDIS_SOCKET_TYPE", "tcp"),
            ("REDIS_URL", &url),
            ("CONFIG_TYPE", "GRPC_XDS_SOTW"),
            ("CONFIG_GRPC_XDS_SERVER_URL", &xds),
            ("CONFIG_GRPC_XDS_NODE_ID", "node-1"),
            ("CONFIG_GRPC_XDS_SERVER_USE_TLS", "true"),
            ("CONFIG_GRPC_XDS_CLIENT_TLS_CERT", &tls.certificate_file),
            ("CONFIG_GRPC_XDS_CLIENT_TLS_KEY", &tls.key_file),
            ("CONFIG_GRPC_XDS_SERVER_TLS_CACERT", &tls.certificate_file),
            ("GRPC_SERVER_USE_TLS", "true"),
            ("GRPC_SERVER_TLS_CERT", &tls.certificate_file),
            ("GRPC_SERVER_TLS_KEY", &tls.key_file),
            ("GRPC_SERVER_TLS_CA_CERT", &tls.certificate_file),
            ("USE_PROMETHEUS", "true"),
            ("PROMETHEUS_ADDR", &metrics),
            ("PROMETHEUS_MAPPER_YAML", mapper.to_str().unwrap()),
            // What the original reads where it is to ask clients for certificates; Envoy Gateway does not set it.
            ("GRPC_CLIENT_TLS_CACERT", &tls.certificate_file),
            ("GRPC_CLIENT_TLS_SAN", "localhost"),
            ("XDS_CLIENT_BACKOFF_INITIAL_INTERVAL", "100ms"),
        ],
    )
    .await
    .unwrap();
    let first = received.recv().await.unwrap();
    assert_eq!((first.node.unwrap().id.as_str(), first.type_url), ("node-1", RateLimitConfig::type_url()));
    let ack = received.recv().await.unwrap();
    assert_eq!((ack.version_info.as_str(), ack.response_nonce.as_str()), ("1", "nonce-1"));
    assert!(ack.error_detail.is_none());

    let trust = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(&tls.certificate)).domain_name("localhost");
    let endpoint = Endpoint::from_shared(format!("https://127.0.0.1:{}", service.grpc_port())).unwrap();
    let connect = async |tls: ClientTlsConfig| endpoint.clone().tls_config(tls).unwrap().connect().await;
    let mut client = Client::new(connect(trust.clone().identity(tls.identity())).await.unwrap());
    let begun = Instant::now();
    while !Service::get(service.http_port(), "/healthcheck").await.unwrap().ends_with("OK") {
        assert!(begun.elapsed() < Duration::from_secs(2), "not healthy");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(remaining(&mut client).await, 9);

    // A client without a certificate is turned away, at the handshake or with its first call.
    if let Ok(channel) = connect(trust).await {
        let asked = request("d", vec![descriptor(&[("k", "v")])]);
        Client::new(channel).should_rate_limit(asked).await.unwrap_err();
    }

    responses.send(Ok(response("2", RateLimitUnit::Unknown, 10))).await.unwrap();
    let nack = received.recv().await.unwrap();
    assert_eq!(nack.version_info, "1", "the last good version");
    assert!(nack.error_detail.unwrap().message.contains("r: invalid rate limit unit 'UNKNOWN'"));
    assert_eq!(remaining(&mut client).await, 8);

    responses.send(Ok(response("3", RateLimitUnit::Year, 100))).await.unwrap();
    assert_eq!(received.recv().await.unwrap().version_info, "3");
    assert_eq!(remaining(&mut client).await, 97);

    // Rules survive the management server.
    drop(responses);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(remaining(&mut client).await, 96);

    let metrics = Service::get(metrics_port, "/metrics").await.unwrap();
    assert!(metrics.contains("ratelimit_service_rate_limit_total_hits{domain=\"d\",key1=\"k\"} 4"), "{metrics}");
    assert!(metrics.contains("ratelimit_service_config_load_error 1"), "{metrics}");
    assert!(!metrics.contains("within_limit"), "{metrics}");

    let begun = Instant::now();
    service.process().signal(rustix::process::Signal::TERM).unwrap();
    while Service::get(service.http_port(), "/healthcheck").await.is_ok() {
        assert!(begun.elapsed() < Duration::from_secs(5), "does not end");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn what_cannot_be_used_of_a_response_takes_nothing_else_with_it() {
    let xds_port = free_port().unwrap();
    let (responses, outgoing) = mpsc::channel(4);
    let (requests, mut received) = mpsc::channel(4);
    let management = Management { responses: Mutex::new(Some(outgoing)), requests };
    let server = Server::builder().add_service(AggregatedDiscoveryServiceServer::new(management));
    tokio::spawn(server.serve(([127, 0, 0, 1], xds_port).into()));
    let (good, bad) = (RateLimitUnit::Year, RateLimitUnit::Unknown);
    responses.send(Ok(response_of("1", vec![config("a", "a", good, 1), config("b", "b", good, 2)]))).await.unwrap();
    let xds = format!("127.0.0.1:{xds_port}");
    let variables =
        [("BACKEND_TYPE", "memory"), ("CONFIG_TYPE", "GRPC_XDS_SOTW"), ("CONFIG_GRPC_XDS_SERVER_URL", xds.as_str())];
    let service = Service::start(Which::Ours, "", &variables).await.unwrap();
    received.recv().await.unwrap();
    assert!(received.recv().await.unwrap().error_detail.is_none());
    let mut client = service.client().await.unwrap();
    let mut found =
        async || [limit(&mut client, "a").await.0, limit(&mut client, "b").await.0, limit(&mut client, "c").await.0];
    assert_eq!(found().await, [1, 2, 0]);
    let garbage = Any { type_url: RateLimitConfig::type_url(), value: vec![0xff; 40] };
    let other = Any { type_url: "type.googleapis.com/envoy.config.cluster.v3.Cluster".to_owned(), value: Vec::new() };
    let no_domain = config("nameless", "", good, 1);
    for (version, resources, reasons, expected) in [
        // A domain that is refused keeps its rules; others change, come and go.
        (
            "2",
            vec![config("a", "a", bad, 9), config("c", "c", good, 3)],
            &["a: invalid rate limit unit"][..],
            [1, 0, 3],
        ),
        ("3", vec![config("a", "a", good, 4), config("b", "b", bad, 9)], &["b: invalid rate limit unit"], [4, 0, 0]),
        // What cannot be read may be any domain that is not named.
        ("4", vec![garbage.clone(), config("c", "c", good, 5)], &["cannot be read"], [4, 0, 5]),
        (
            "5",
            vec![other, no_domain],
            &["expected type.googleapis.com/ratelimit", "cannot have empty domain"],
            [4, 0, 5],
        ),
        ("6", vec![garbage], &["cannot be read"], [4, 0, 5]),
    ] {
        responses.send(Ok(response_of(version, resources))).await.unwrap();
        let nack = received.recv().await.unwrap();
        assert_eq!((nack.version_info.as_str(), nack.response_nonce), ("1", format!("nonce-{version}")));
        let message = nack.error_detail.unwrap().message;
        assert!(reasons.iter().all(|reason| message.contains(reason)), "{version}: {message}");
        assert_eq!(found().await, expected, "{version}");
    }
    responses.send(Ok(response_of("7", vec![config("b", "b", good, 6)]))).await.unwrap();
    assert_eq!(received.recv().await.unwrap().version_info, "7");
    assert_eq!(found().await, [0, 6, 0]);
}
