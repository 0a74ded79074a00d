//! TLS: towards Redis, with certificates of clients, and renewed certificates of our own.

use std::path::Path;
use std::time::{Duration, Instant};

use nuncio_ratelimit_tests::{Client, Redis, Service, Which, descriptor, request};
use nuncio_test_support::{Authority, Identity, eventually};
use tokio::io::AsyncWriteExt;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint};

const RULES: &str = "domain: d\ndescriptors: [{key: k, rate_limit: {unit: year, requests_per_unit: 100}}]";

/// Writes a certificate for `name` that is its own authority, and gives it.
fn certificate(directory: &Path, file: &str, name: &str) -> String {
    let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
    std::fs::write(directory.join(format!("{file}.crt")), made.cert.pem()).unwrap();
    std::fs::write(directory.join(format!("{file}.key")), made.signing_key.serialize_pem()).unwrap();
    made.cert.pem()
}

async fn remaining(client: &mut Client) -> Result<u32, tonic::Status> {
    let reply = client.should_rate_limit(request("d", vec![descriptor(&[("k", "v")])])).await?;
    Ok(reply.into_inner().statuses[0].limit_remaining)
}

async fn answered(client: &mut Client) -> u32 {
    eventually("an answer", async || remaining(client).await).await
}

#[tokio::test]
async fn redis_is_spoken_to_in_private() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    certificate(directory.path(), "redis", "localhost");
    certificate(directory.path(), "client", "client");
    certificate(directory.path(), "stranger", "localhost");
    let port = nuncio_ratelimit_tests::free_port().unwrap().to_string();
    let (crt, key, clients) = (path("redis.crt"), path("redis.key"), path("client.crt"));
    let arguments =
        ["--tls-port", &port, "--tls-cert-file", &crt, "--tls-key-file", &key, "--tls-ca-cert-file", &clients];
    let redis = Redis::start(&arguments).unwrap();
    let acl = ["ACL", "SETUSER", "counts", "on", ">secret", "~*", "+@all"];
    assert_eq!(redis.call(&acl).unwrap(), "OK");
    let url = format!("localhost:{port}");
    let with = |authority: &str, login: &str| {
        [
            ("REDIS_URL", url.clone()),
            ("REDIS_TLS", "true".to_owned()),
            ("REDIS_TLS_CACERT", path(authority)),
            ("REDIS_TLS_CLIENT_CERT", path("client.crt")),
            ("REDIS_TLS_CLIENT_KEY", path("client.key")),
            ("REDIS_AUTH", login.to_owned()),
            // However busy the machine is: who is turned away is told why.
            ("NUNCIO_REDIS_REPLY_TIMEOUT", "30s".to_owned()),
        ]
    };
    let start = async |variables: [(&'static str, String); 7]| {
        let variables = variables.iter().map(|(name, value)| (*name, value.as_str())).collect::<Vec<_>>();
        Service::start(Which::Ours, RULES, &variables).await.unwrap()
    };
    let service = start(with("redis.crt", "counts:secret")).await;
    assert_eq!(answered(&mut service.client().await.unwrap()).await, 99);
    assert_eq!(redis.dump().unwrap().len(), 1);

    for (authority, login, reason) in
        [("stranger.crt", "counts:secret", "certificate"), ("redis.crt", "counts:wrong", "WRONGPASS")]
    {
        let service = start(with(authority, login)).await;
        let status = remaining(&mut service.client().await.unwrap()).await.unwrap_err();
        assert!(status.message().contains(reason) || status.message().contains("invalid peer"), "{status}");
    }
}

#[tokio::test]
async fn a_renewed_certificate_is_served_without_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let old = certificate(directory.path(), "tls", "localhost");
    let (crt, key) = (path("tls.crt"), path("tls.key"));
    let variables = [
        ("BACKEND_TYPE", "memory"),
        ("GRPC_SERVER_USE_TLS", "true"),
        ("GRPC_SERVER_TLS_CERT", crt.as_str()),
        ("GRPC_SERVER_TLS_KEY", key.as_str()),
    ];
    let service = Service::start(Which::Ours, RULES, &variables).await.unwrap();
    let endpoint = Endpoint::from_shared(format!("https://127.0.0.1:{}", service.grpc_port())).unwrap();
    let connect = async |trusted: &str| {
        let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(trusted)).domain_name("localhost");
        endpoint.clone().tls_config(tls).unwrap().connect().await.map(Client::new)
    };
    let mut before = connect(&old).await.unwrap();
    assert_eq!(remaining(&mut before).await.unwrap(), 99);
    let new = certificate(directory.path(), "tls", "localhost");
    let mut after = eventually("the new one is served", async || connect(&new).await).await;
    assert_eq!(remaining(&mut after).await.unwrap(), 98);
    assert_eq!(remaining(&mut before).await.unwrap(), 97, "the old connection stays");
    // Half a file serves the last good one.
    std::fs::write(&crt, "-----BEGIN CERTIFICATE-----\n").unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(remaining(&mut connect(&new).await.unwrap()).await.unwrap(), 96);
}

#[tokio::test]
async fn clients_show_certificates_of_the_name_that_is_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let authority = Authority::new("authority");
    let server = authority.issue(&["localhost"]);
    std::fs::write(path("tls.crt"), &server.cert).unwrap();
    std::fs::write(path("tls.key"), &server.key).unwrap();
    std::fs::write(path("ca.crt"), authority.pem()).unwrap();
    let variables = [
        ("BACKEND_TYPE", "memory"),
        ("GRPC_SERVER_USE_TLS", "true"),
        ("GRPC_SERVER_TLS_CERT", &path("tls.crt")),
        ("GRPC_SERVER_TLS_KEY", &path("tls.key")),
        ("GRPC_CLIENT_TLS_CACERT", &path("ca.crt")),
        ("GRPC_CLIENT_TLS_SAN", "envoy.mesh"),
    ];
    let service = Service::start(Which::Ours, RULES, &variables).await.unwrap();
    let endpoint = Endpoint::from_shared(format!("https://127.0.0.1:{}", service.grpc_port())).unwrap();
    // Whoever is turned away learns of it at the handshake or with the first call.
    let call = async |shown: Option<Identity>| {
        let trust = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(authority.pem()));
        let tls = trust.domain_name("localhost");
        let tls = match shown {
            Some(shown) => tls.identity(tonic::transport::Identity::from_pem(shown.cert, shown.key)),
            None => tls,
        };
        let channel = endpoint.clone().tls_config(tls).unwrap().connect().await.ok()?;
        remaining(&mut Client::new(channel)).await.ok()
    };
    assert_eq!(call(Some(authority.issue(&["envoy.mesh"]))).await, Some(99));
    assert_eq!(call(Some(authority.issue(&["*.mesh"]))).await, Some(98));
    assert_eq!(call(Some(authority.issue(&["stranger.mesh"]))).await, None);
    assert_eq!(call(Some(Authority::new("other").issue(&["envoy.mesh"]))).await, None);
    assert_eq!(call(None).await, None);
}

/// A handshake that was begun is no call: the end of the service does not wait for it.
#[tokio::test]
async fn a_handshake_that_does_not_go_on_does_not_hold_up_the_end() {
    let directory = tempfile::tempdir().unwrap();
    certificate(directory.path(), "tls", "localhost");
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let variables = [
        ("BACKEND_TYPE", "memory"),
        ("GRPC_SERVER_USE_TLS", "true"),
        ("GRPC_SERVER_TLS_CERT", &path("tls.crt")),
        ("GRPC_SERVER_TLS_KEY", &path("tls.key")),
    ];
    let service = Service::start(Which::Ours, RULES, &variables).await.unwrap();
    let mut silent = tokio::net::TcpStream::connect(("127.0.0.1", service.grpc_port())).await.unwrap();
    // The head of a record that says it is longer than this.
    silent.write_all(&[22, 3, 1, 1, 0, 1]).await.unwrap();
    let begun = Instant::now();
    assert!(service.stop().await.unwrap().success());
    // A handshake may take ten, and so may calls at the end.
    assert!(begun.elapsed() < Duration::from_secs(9), "ended after {:?}", begun.elapsed());
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_to_redis_without_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    certificate(directory.path(), "redis", "localhost");
    certificate(directory.path(), "client", "client");
    let port = nuncio_ratelimit_tests::free_port().unwrap().to_string();
    let (crt, key, clients) = (path("redis.crt"), path("redis.key"), path("client.crt"));
    let arguments =
        ["--tls-port", &port, "--tls-cert-file", &crt, "--tls-key-file", &key, "--tls-ca-cert-file", &clients];
    let redis = Redis::start(&arguments).unwrap();
    let url = format!("localhost:{port}");
    let (shown, shown_key) = (path("shown.crt"), path("shown.key"));
    let show = || {
        std::fs::copy(&clients, &shown).unwrap();
        std::fs::copy(path("client.key"), &shown_key).unwrap();
    };
    show();
    let variables = [
        ("REDIS_URL", url.as_str()),
        ("REDIS_TLS", "true"),
        ("REDIS_TLS_CACERT", &crt),
        ("REDIS_TLS_CLIENT_CERT", &shown),
        ("REDIS_TLS_CLIENT_KEY", &shown_key),
        ("NUNCIO_REDIS_REPLY_TIMEOUT", "30s"),
    ];
    let service = Service::start(Which::Ours, RULES, &variables).await.unwrap();
    let mut client = service.client().await.unwrap();
    assert_eq!(answered(&mut client).await, 99);

    // Redis trusts another from now on, and forgets all connections.
    certificate(directory.path(), "client", "client");
    assert_eq!(redis.call(&["CONFIG", "SET", "tls-ca-cert-file", &clients]).unwrap(), "OK");
    redis.call(&["CLIENT", "KILL", "TYPE", "normal"]).unwrap();
    eventually("the old certificate does no more", async || match remaining(&mut client).await {
        Ok(remaining) => Err(remaining),
        Err(_) => Ok(()),
    })
    .await;
    show();
    assert!(answered(&mut client).await < 99);
}
