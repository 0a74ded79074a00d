//! The way Envoy Gateway runs the original: its variables, paths, ports and probes, rules over ADS with mutual TLS, calls
//! over TLS, Prometheus. And what else comes over ADS.

mod management;
mod pod;

use std::time::Duration;

use envoy_types::pb::google::protobuf::Any;
use envoy_types::pb::ratelimit::config::ratelimit::v3::{RateLimitConfig, RateLimitUnit};
use nuncio_ratelimit_tests::{Client, Process, Redis, Service, Which, descriptor, free_port, request};
use nuncio_test_support::{Authority, DEADLINE, Identity, eventually};
use prost::Name;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Server, ServerTlsConfig};

pub(crate) use management::Conversation;
use management::config;
use pod::Pod;

/// What `expectedRateLimitContainerEnv` of Envoy Gateway sets, with Prometheus on, but for the URL of Redis, which users say.
const ENVIRONMENT: [(&str, &str); 22] = [
    ("RUNTIME_ROOT", "/data"),
    ("RUNTIME_SUBDIRECTORY", "ratelimit"),
    ("RUNTIME_IGNOREDOTFILES", "true"),
    ("RUNTIME_WATCH_ROOT", "false"),
    ("LOG_LEVEL", "info"),
    ("USE_STATSD", "false"),
    ("CONFIG_TYPE", "GRPC_XDS_SOTW"),
    ("CONFIG_GRPC_XDS_SERVER_URL", "envoy-gateway:18001"),
    ("CONFIG_GRPC_XDS_NODE_ID", "envoy-ratelimit"),
    ("GRPC_SERVER_USE_TLS", "true"),
    ("GRPC_SERVER_TLS_CERT", "/certs/tls.crt"),
    ("GRPC_SERVER_TLS_KEY", "/certs/tls.key"),
    ("GRPC_SERVER_TLS_CA_CERT", "/certs/ca.crt"),
    ("CONFIG_GRPC_XDS_SERVER_USE_TLS", "true"),
    ("CONFIG_GRPC_XDS_CLIENT_TLS_CERT", "/certs/tls.crt"),
    ("CONFIG_GRPC_XDS_CLIENT_TLS_KEY", "/certs/tls.key"),
    ("CONFIG_GRPC_XDS_SERVER_TLS_CACERT", "/certs/ca.crt"),
    ("FORCE_START_WITHOUT_INITIAL_CONFIG", "true"),
    ("REDIS_SOCKET_TYPE", "tcp"),
    ("USE_PROMETHEUS", "true"),
    ("PROMETHEUS_ADDR", ":19001"),
    ("PROMETHEUS_MAPPER_YAML", "/etc/statsd-exporter/conf.yaml"),
];
/// The ports of its probes, Service and scrapes.
const HEALTH: u16 = 8080;
const GRPC: u16 = 8081;
const DEBUG: u16 = 6070;
const METRICS: u16 = 19001;

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

#[test]
fn envoy_gateways_deployment_runs_with_nothing_changed_but_the_program() {
    Pod::run("gateway::in_the_pod");
}

#[tokio::test]
#[ignore = "runs in the pod that the test before it makes"]
async fn in_the_pod() {
    let (pod, redis, authority) = (Pod::here(), Redis::start(&[]).unwrap(), Authority::new("envoy-gateway"));
    pod.write("/etc/hosts", "127.0.0.1 localhost envoy-gateway redis.redis.svc\n");
    pod.write("/etc/statsd-exporter/conf.yaml", MAPPER);
    pod.write_tls("/certs", &authority, &authority.issue(&["envoy-ratelimit"]));
    let mut management = Conversation::serve(with_mutual_tls(&authority), 18001);
    management.send("1", vec![config("r", "d", RateLimitUnit::Year, 10)]).await;
    let url = format!("redis.redis.svc:{}", redis.port);
    let service = Process::start(pod.command("/bin/ratelimit").envs(ENVIRONMENT).env("REDIS_URL", url)).unwrap();

    let first = management.next().await;
    assert_eq!((first.node.unwrap().id.as_str(), first.type_url), ("envoy-ratelimit", RateLimitConfig::type_url()));
    let ack = management.next().await;
    assert_eq!((ack.version_info.as_str(), ack.response_nonce.as_str()), ("1", "nonce-1"));
    assert!(ack.error_detail.is_none());
    // All three probes.
    eventually("healthy", async || match Service::get(HEALTH, "/healthcheck").await {
        Ok(page) if page.starts_with("HTTP/1.1 200") && page.ends_with("OK") => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
    let mut client = envoy(&authority).await;
    assert_eq!(remaining(&mut client).await, 9);
    let rules = Service::get(DEBUG, "/rlconfig").await.unwrap();
    assert!(rules.contains("d.k: unit=YEAR requests_per_unit=10"), "{rules}");

    management.send("2", vec![config("r", "d", RateLimitUnit::Unknown, 10)]).await;
    let nack = management.next().await;
    assert_eq!(nack.version_info, "1", "the last good version");
    assert!(nack.error_detail.unwrap().message.contains("r: invalid rate limit unit 'UNKNOWN'"));
    assert_eq!(remaining(&mut client).await, 8);

    management.send("3", vec![config("r", "d", RateLimitUnit::Year, 100)]).await;
    assert_eq!(management.next().await.version_info, "3");
    assert_eq!(remaining(&mut client).await, 97);

    // Rules survive the management server.
    management.hang_up().await;
    assert_eq!(remaining(&mut client).await, 96);

    let metrics = Service::get(METRICS, "/metrics").await.unwrap();
    assert!(metrics.contains("ratelimit_service_rate_limit_total_hits{domain=\"d\",key1=\"k\"} 4"), "{metrics}");
    assert!(metrics.contains("ratelimit_service_config_load_error 1"), "{metrics}");
    assert!(!metrics.contains("within_limit"), "{metrics}");

    service.signal(rustix::process::Signal::TERM).unwrap();
    let gone = async || Service::get(HEALTH, "/healthcheck").await.err().ok_or("it answers");
    eventually("the service ends", gone).await;
}

/// Envoy Gateway's server, which wants a certificate of its own authority.
fn with_mutual_tls(authority: &Authority) -> Server {
    let Identity { cert, key, .. } = authority.issue(&["envoy-gateway"]);
    let tls = ServerTlsConfig::new()
        .identity(tonic::transport::Identity::from_pem(cert, key))
        .client_ca_root(Certificate::from_pem(authority.pem()));
    Server::builder().tls_config(tls).unwrap()
}

/// As an Envoy of Envoy Gateway calls.
async fn envoy(authority: &Authority) -> Client {
    let Identity { cert, key, .. } = authority.issue(&["envoy"]);
    let tls = ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(authority.pem()))
        .identity(tonic::transport::Identity::from_pem(cert, key))
        .domain_name("envoy-ratelimit");
    let endpoint = Endpoint::from_shared(format!("https://127.0.0.1:{GRPC}")).unwrap();
    Client::new(endpoint.tls_config(tls).unwrap().connect().await.unwrap())
}

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
async fn what_cannot_be_used_of_a_response_takes_nothing_else_with_it() {
    let xds_port = free_port().unwrap();
    let mut management = Conversation::serve(Server::builder(), xds_port);
    let (good, bad) = (RateLimitUnit::Year, RateLimitUnit::Unknown);
    management.send("1", vec![config("a", "a", good, 1), config("b", "b", good, 2)]).await;
    let xds = format!("127.0.0.1:{xds_port}");
    let variables =
        [("BACKEND_TYPE", "memory"), ("CONFIG_TYPE", "GRPC_XDS_SOTW"), ("CONFIG_GRPC_XDS_SERVER_URL", xds.as_str())];
    let service = Service::start(Which::Ours, "", &variables).await.unwrap();
    management.next().await;
    assert!(management.next().await.error_detail.is_none());
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
        management.send(version, resources).await;
        let nack = management.next().await;
        assert_eq!((nack.version_info.as_str(), nack.response_nonce), ("1", format!("nonce-{version}")));
        let message = nack.error_detail.unwrap().message;
        assert!(reasons.iter().all(|reason| message.contains(reason)), "{version}: {message}");
        assert_eq!(found().await, expected, "{version}");
    }
    management.send("7", vec![config("b", "b", good, 6)]).await;
    assert_eq!(management.next().await.version_info, "7");
    assert_eq!(found().await, [0, 6, 0]);
}

#[tokio::test]
async fn a_management_server_that_comes_later_or_has_nothing_yet_is_waited_for() {
    let xds_port = free_port().unwrap();
    let xds = format!("127.0.0.1:{xds_port}");
    let variables = [
        ("BACKEND_TYPE", "memory"),
        ("CONFIG_TYPE", "GRPC_XDS_SOTW"),
        ("CONFIG_GRPC_XDS_SERVER_URL", xds.as_str()),
        ("FORCE_START_WITHOUT_INITIAL_CONFIG", "true"),
        ("LOG_LEVEL", "WARN"),
    ];
    let service = Service::start(Which::Ours, "", &variables).await.unwrap();
    eventually("the first attempt fails", async || match service.log().unwrap() {
        log if log.contains("No configuration from xDS Management Server") => Ok(()),
        log => Err(log),
    })
    .await;
    let mut management = Conversation::serve(Server::builder(), xds_port);
    // The next is made after a second.
    tokio::time::timeout(DEADLINE, management.next()).await.expect("it is asked for rules");
    let more = tokio::time::timeout(Duration::from_secs(6), management.next()).await;
    assert!(more.is_err(), "the stream is kept: {more:?}");
    management.send("1", vec![config("a", "a", RateLimitUnit::Year, 1)]).await;
    assert_eq!(management.next().await.version_info, "1");
    assert_eq!(limit(&mut service.client().await.unwrap(), "a").await, (1, 0));
    let log = service.log().unwrap();
    assert_eq!(log.matches(&format!("xDS Management Server {xds} is back")).count(), 1, "{log}");
}
